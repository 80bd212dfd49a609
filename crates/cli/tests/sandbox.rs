//! A guest has what the command line gives it, and nothing else.

use end_to_end::command::{Ability, end, names};
use std::fs;
use std::net::TcpListener;

fn ability() -> Ability {
    Ability::new(env!("CARGO_BIN_EXE_ability"), env!("CARGO_TARGET_TMPDIR"))
}

#[test]
fn no_directory() {
    let ability = ability();
    for args in [
        ["preopens", ""].as_slice(),
        &["fs-list", "/"],
        &["fs-list", "."],
        &["fs-read", "/etc/passwd"],
        &["fs-write", "/tmp/x", "y"],
        &["fs-write", "x", "y"],
    ] {
        let args: Vec<_> = args
            .iter()
            .copied()
            .filter(|word| !word.is_empty())
            .collect();
        let ended = ability.run("probe", &[], &args);
        assert!(ended.stdout.starts_with("err io "), "{args:?} {ended:?}");
    }
}

#[test]
fn no_variable_but_those_that_are_named() {
    let ability = ability();
    let mut command = ability.guest("probe", &[], &["env"]);
    command.env("SECRET", "of the host");
    assert_eq!(end(command).stdout, "ok\n");
    let ended = ability.run("probe", &["--env", "A=b=c", "--env", "D="], &["env"]);
    assert_eq!(ended.stdout, "ok A=b=c\tD=\n");
    // The value is in the environment alone, not on the command line.
    let mut command = ability.guest("probe", &["--env", "SECRET"], &["env"]);
    command
        .env("SECRET", "of the host")
        .env("OTHER", "of the host");
    assert_eq!(end(command).stdout, "ok SECRET=of the host\n");
    let ended = ability.run("probe", &["--env", "ABSENT"], &["env"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.stderr.contains("there is no variable ABSENT"),
        "{ended:?}"
    );
}

#[test]
fn no_network() {
    let ability = ability();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let ended = ability.run("probe", &[], &["connect", &address]);
    assert!(ended.stdout.starts_with("err io "), "{ended:?}");
    let ended = ability.run("probe", &[], &["connect", "localhost:80"]);
    assert!(ended.stdout.starts_with("err io "), "{ended:?}");
}

#[test]
fn clocks_and_random_numbers() {
    let ability = ability();
    let ended = ability.run("probe", &[], &["clock"]);
    assert!(ended.stdout.starts_with("ok 1"), "{ended:?}");
    let (one, other) = (
        ability.run("probe", &[], &["random"]).stdout,
        ability.run("probe", &[], &["random"]).stdout,
    );
    assert_ne!(one, other);
}

#[test]
fn its_own_files_and_the_shared_ones() {
    let ability = ability();
    ability.run("probe", &[], &["write", "a", "own"]);
    ability.run("probe", &[], &["write", "a", "shared", "--user"]);
    let other = ["--id", "other"];
    let ended = ability.run("probe", &other, &["read", "a"]);
    assert_eq!(ended.stdout, "err not-found\n");
    let ended = ability.run("probe", &other, &["read", "a", "--user"]);
    assert_eq!(ended.stdout, "ok shared\n");
    let plain = |path: &str| fs::read_to_string(ability.root().join(path)).expect(path);
    assert_eq!(plain("abilities/probe/a"), "own");
    assert_eq!(plain("user/a"), "shared");
}

#[test]
fn reading_only() {
    let ability = ability();
    let read_only = ["--read-only"];
    let ended = ability.run("probe", &read_only, &["list", ""]);
    assert_eq!(ended.code, Some(125), "{ended:?}");
    assert!(!ability.root().exists());

    ability.run("probe", &[], &["write", "a", "text"]);
    for (args, expected) in [
        (["read", "a"].as_slice(), "ok text\n"),
        (&["write", "a", "new"], "err read-only\n"),
        (&["append", "a", "new"], "err read-only\n"),
        (&["delete", "a"], "err read-only\n"),
        (&["rename", "a", "b"], "err read-only\n"),
        (&["write", "a", "new", "--user"], "err read-only\n"),
        (&["list", "", "--user"], "ok\n"),
    ] {
        assert_eq!(
            ability.run("probe", &read_only, args).stdout,
            expected,
            "{args:?}"
        );
    }
    // One that has no files yet gets no directory either.
    let ended = ability.run("probe", &["--read-only", "--id", "new"], &["list", ""]);
    assert_eq!(ended.stdout, "ok\n");
    assert_eq!(names(&ability.root().join("abilities")), ["probe"]);
}

#[test]
fn a_scratch_directory_if_it_is_named() {
    let ability = ability();
    let scratch = ability.directory().join("scratch");
    fs::create_dir(&scratch).expect("created");
    let path = scratch.to_str().expect("text");
    let ended = ability.run(
        "probe",
        &["--scratch", path],
        &["fs-write", "/scratch/plain", "text"],
    );
    assert_eq!(ended.stdout, "ok\n", "{ended:?}");
    let plain = fs::read_to_string(scratch.join("plain")).expect("read");
    assert_eq!(plain, "text");
    let ended = ability.run(
        "probe",
        &["--scratch", path],
        &["fs-read", "/scratch/../../x"],
    );
    assert!(ended.stdout.starts_with("err io "), "{ended:?}");

    // Plain access to a volume would undo what it promises.
    let root = ability.root();
    for scratch in [
        root.clone(),
        root.join("abilities/probe"),
        ability.directory().to_owned(),
    ] {
        let path = scratch.to_str().expect("text");
        let ended = ability.run("probe", &["--scratch", path], &["preopens"]);
        assert_eq!(ended.code, Some(125), "{ended:?}");
        assert!(ended.stderr.contains("apart"), "{ended:?}");
    }
}
