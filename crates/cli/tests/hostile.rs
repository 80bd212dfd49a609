//! Files that are made to bring the command down, or to run for ever in it: each is
//! refused, crashes by itself or is stopped, with the exit code that the help
//! promises and a line that says why.

use end_to_end::command::{Ability, Ended, end};
use end_to_end::guests;
use std::fs;

fn ability() -> Ability {
    Ability::new(env!("CARGO_BIN_EXE_ability"), env!("CARGO_TARGET_TMPDIR")).with_own_cache()
}

fn run(ability: &Ability, options: &[&str], bytes: &[u8]) -> Ended {
    let path = ability.directory().join("tiny.wasm");
    fs::write(&path, bytes).expect("written");
    let ended = end(ability.component(&path, options, &[]));
    assert!(!ended.stderr.contains("panicked"), "{ended:?}");
    assert_eq!(ability.sessions("tiny"), Vec::<String>::new(), "{ended:?}");
    ended
}

#[test]
fn one_that_is_harmless() {
    let ended = run(&ability(), &[], &guests::tiny("", "(i32.const 0)"));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stderr, "");
}

#[test]
fn recursion_without_end() {
    let guest = guests::tiny("(func $down (call $down))", "(call $down) (i32.const 0)");
    let ended = run(&ability(), &[], &guest);
    assert_eq!(ended.code, Some(134), "{ended:?}");
    assert_eq!(
        ended.stderr,
        "ability: tiny crashed: call stack exhausted\n"
    );
}

#[test]
fn a_loop_before_it_has_begun() {
    let start = "(func $forever (loop (br 0))) (start $forever)";
    let guest = guests::tiny(start, "(i32.const 0)");
    let ended = run(&ability(), &["--timeout", "0.5"], &guest);
    assert_eq!(ended.code, Some(124), "{ended:?}");
}

#[test]
fn more_memory_than_allowed_in_any_form() {
    let ability = ability();
    let options = ["--max-memory", "1M"];
    // What it has from the start keeps it from starting.
    for parts in [
        "(memory 17)",
        "(memory 8) (memory 9)",
        "(table 200000 funcref)",
        "(memory 8) (table 100000 funcref)",
    ] {
        let ended = run(&ability, &options, &guests::tiny(parts, "(i32.const 0)"));
        assert_eq!(ended.code, Some(125), "{parts} {ended:?}");
        assert!(ended.stderr.contains("--max-memory"), "{parts} {ended:?}");
    }
    // More later, it does not get: it fails if it does.
    for (parts, grow) in [
        ("(memory 1)", "(memory.grow (i32.const 16))"),
        ("(memory 1)", "(memory.grow (i32.const -1))"),
        (
            "(table 0 funcref)",
            "(table.grow 0 (ref.null func) (i32.const 200000))",
        ),
        (
            "(table 0 funcref)",
            "(table.grow 0 (ref.null func) (i32.const -1))",
        ),
    ] {
        let body = format!("(i32.ne (i32.const -1) {grow})");
        let ended = run(&ability, &options, &guests::tiny(parts, &body));
        assert_eq!(ended.code, Some(0), "{parts} {grow} {ended:?}");
    }
}

#[test]
fn a_file_that_is_cut_off_or_changed_anywhere() {
    let ability = ability();
    let parts = "(memory 1) (table 1 funcref) (data (i32.const 0) \"data\")";
    let whole = guests::tiny(parts, "(i32.load8_u (memory.grow (i32.const 1)))");
    let step = whole.len() / 20;
    let cut_off = (0..whole.len())
        .step_by(step)
        .map(|end| whole[..end].to_vec());
    let changed = (0..whole.len()).step_by(step).map(|at| {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        changed
    });
    let mut refused = 0;
    for bytes in cut_off.chain(changed) {
        let ended = run(&ability, &["--timeout", "20"], &bytes);
        let code = ended.code.expect("no signal");
        assert!([0, 1, 124, 125, 134].contains(&code), "{ended:?}");
        let lines = ended.stderr.lines().count();
        assert_eq!(lines, usize::from(code > 1), "{ended:?}");
        refused += usize::from(code == 125);
    }
    assert!(refused >= 20, "{refused}");
}
