//! The limits of the command line hold for whatever a guest writes, and
//! `--verbose` tells of it.

use end_to_end::command::Ability;

fn ability() -> Ability {
    Ability::new(env!("CARGO_BIN_EXE_ability"), env!("CARGO_TARGET_TMPDIR"))
}

/// Runs each operation of `probe` with the options, and compares how its answer
/// starts.
fn check(ability: &Ability, options: &[&str], expected: &[(&str, &str)]) {
    for (operation, expected) in expected {
        let words: Vec<_> = operation.split(' ').collect();
        let ended = ability.run("probe", options, &words);
        assert!(
            ended.stdout.starts_with(expected),
            "{options:?} {operation}: {ended:?}"
        );
    }
}

#[test]
fn no_longer_files_than_allowed() {
    let ability = ability();
    let options = ["--max-file-bytes", "1K"];
    check(
        &ability,
        &options,
        &[
            ("write-size a 1024", "ok\n"),
            ("write-size a 1025", "err too-large 1024\n"),
            ("append a x", "err too-large 1024\n"),
            ("stream-write b 1025", "err too-large 1024\n"),
            ("list ", "ok a\n"),
        ],
    );
    check(&ability, &[], &[("append a x", "ok\n")]);
    check(&ability, &options, &[("read a", "err too-large 1024\n")]);
}

#[test]
fn longer_files_than_a_call_can_carry() {
    let ability = ability();
    let bytes = (70 << 20).to_string();
    let write = format!("stream-write a {bytes}");
    let read = format!("ok {bytes}\tpattern\n");
    check(
        &ability,
        &["--max-file-bytes", "200M"],
        &[
            (&format!("write-size a {bytes}"), "err too-large 67108864\n"),
            (&write, "ok "),
            ("read a", "err too-large 67108864\n"),
            ("stream-read a", &read),
        ],
    );
}

#[test]
fn no_more_than_allowed_in_all() {
    let ability = ability();
    let quota = "err quota-exceeded b was not changed: all files together would exceed 1024 bytes";
    check(
        &ability,
        &["--max-total-bytes", "1K"],
        &[
            ("write-size a 1000", "ok\n"),
            ("write-size b 25", quota),
            ("stream-write b 25", quota),
            // The other place has limits of its own.
            ("write b 12345 --user", "ok\n"),
            ("delete a", "ok\n"),
            ("write-size b 25", "ok\n"),
        ],
    );
}

#[test]
fn no_more_files_than_allowed() {
    let ability = ability();
    check(
        &ability,
        &["--max-files", "1"],
        &[
            ("write a text", "ok\n"),
            ("write a more", "ok\n"),
            (
                "append b text",
                "err quota-exceeded b was not changed: there would be more than 1 files",
            ),
            ("list ", "ok a\n"),
        ],
    );
}

#[test]
fn no_programs_among_text_files() {
    let ability = ability();
    check(&ability, &[], &[("write old.sh text", "ok\n")]);
    check(
        &ability,
        &["--text-files-only"],
        &[
            ("write a.md text", "ok\n"),
            ("write a.count 7", "ok\n"),
            (
                "write new.sh text",
                "err invalid-path it must end in one of .txt, ",
            ),
            ("delete a.count", "ok\n"),
            ("read old.sh", "ok text\n"),
            ("delete old.sh", "ok\n"),
            ("list ", "ok a.md\n"),
        ],
    );
}

#[test]
fn what_volumes_do_is_told_to_who_wants_to_know() {
    let ability = ability();
    let options = ["--verbose", "--text-files-only"];
    let ended = ability.run("probe", &options, &["write", "a.txt", "secret"]);
    let told = |text: &str| ended.stderr.lines().any(|line| line.contains(text));
    assert!(told("commit path=\"a.txt\""), "{ended:?}");
    assert!(told("outcome=\"applied\""), "{ended:?}");
    assert!(!told("secret"), "{ended:?}");

    let ended = ability.run("probe", &options, &["write", "a.sh", "secret"]);
    assert_eq!(ended.stdout.lines().count(), 1, "{ended:?}");
    let told = |text: &str| ended.stderr.lines().any(|line| line.contains(text));
    assert!(told("a.sh"), "{ended:?}");
    assert!(told("outcome=\"not applied\""), "{ended:?}");

    let quiet = ability.run("probe", &[], &["write", "a.sh", "text"]);
    assert_eq!(quiet.stderr, "");
}

#[test]
fn what_was_recovered_is_told_to_who_wants_to_know() {
    let ability = ability();
    let mut command = ability.guest("probe", &[], &["sleep", "60000"]);
    let mut child = command.spawn().expect("started");
    while ability.sessions("probe").is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    child.kill().expect("killed");
    child.wait().expect("gone");
    let ended = ability.run("probe", &["-v"], &["list", ""]);
    assert!(ended.stderr.contains("dead session"), "{ended:?}");
}
