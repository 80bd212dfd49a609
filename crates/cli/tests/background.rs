//! What runs beside an ability: it starts and stops with it, and what happens to it
//! is no harm to the ability.

use end_to_end::command::{Ability, Ended, end, end_with_input};
use end_to_end::guests::{self, tiny};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Far less than a guest that never ends, more than a busy machine needs.
const SOON: Duration = Duration::from_secs(30);

const ENDLESS: &str = "(loop $again (br $again)) (i32.const 0)";
const FAILING: &str = "(i32.const 1)";
const CRASHING: &str = "unreachable";

fn ability() -> Ability {
    Ability::new(env!("CARGO_BIN_EXE_ability"), env!("CARGO_TARGET_TMPDIR"))
}

/// `probe` as `main.wasm` and, beside it, a guest that does this.
fn probe_beside(ability: &Ability, background: &str) -> PathBuf {
    let main = ability.directory().join("main.wasm");
    fs::copy(guests::path("probe"), &main).expect("copied");
    let background = tiny("", background);
    fs::write(main.with_extension("background.wasm"), background).expect("written");
    main
}

/// Writes and reads a file, with time for the background to do what it does.
fn run(ability: &Ability, background: &str, options: &[&str]) -> Ended {
    let main = probe_beside(ability, background);
    let command = ability.component(&main, options, &["script"]);
    end_with_input(command, "write\ta\tb\nread\ta\n")
}

#[test]
fn one_that_never_ends_ends_with_its_ability() {
    let ability = ability();
    let started = Instant::now();
    let ended = run(&ability, ENDLESS, &[]);
    assert!(started.elapsed() < SOON);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, "ok\nok b\n");
    assert_eq!(ended.stderr, "");
    assert_eq!(ability.sessions("main"), Vec::<String>::new());
}

#[test]
fn one_that_fails_or_crashes_is_told_of_and_ends_nothing() {
    for (background, what) in [(FAILING, "ended with 1"), (CRASHING, "crashed: ")] {
        let ability = ability();
        let main = probe_beside(&ability, background);
        // An ability that is there until the other has ended.
        let waiting = ability.component(&main, &[], &["sleep", "2000"]);
        let ended = end(waiting);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let told = format!("ability: the background of main {what}");
        assert!(ended.stderr.starts_with(&told), "{ended:?}");
    }
}

#[test]
fn it_can_be_left_out_or_named() {
    let ability = ability();
    let ended = run(&ability, CRASHING, &["--no-background"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));

    let other = ability.directory().join("other.wasm");
    fs::write(&other, b"no component").expect("written");
    let other = other.to_str().expect("text");
    let ended = run(&ability, ENDLESS, &["--background", other]);
    assert_eq!(ended.code, Some(125));
    assert!(
        ended.stderr.contains("other.wasm is not a component"),
        "{ended:?}"
    );
    let ended = run(&ability, ENDLESS, &["--background", "missing.wasm"]);
    assert_eq!(ended.code, Some(125));
    assert_eq!(ended.stderr, "ability: there is no file missing.wasm\n");
}

#[test]
fn time_is_over_for_both() {
    let ability = ability();
    let main = probe_beside(&ability, ENDLESS);
    let started = Instant::now();
    let ended = end(ability.component(&main, &["--timeout", "0.5"], &["sleep", "600000"]));
    assert!(started.elapsed() < SOON);
    assert_eq!(ended.code, Some(124), "{ended:?}");
}
