//! However a guest ends, the command says so with the exit code that its help
//! promises, in one line, and leaves no session behind.

use end_to_end::command::{Ability, Ended, end, end_with_input};
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

fn ability() -> Ability {
    Ability::new(env!("CARGO_BIN_EXE_ability"), env!("CARGO_TARGET_TMPDIR"))
}

/// The exit code, and that the volume was closed.
fn check(ability: &Ability, id: &str, ended: &Ended, code: i32) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    assert_eq!(ability.sessions(id), Vec::<String>::new(), "{ended:?}");
}

/// What the command itself says, which comes last.
fn last_line(ended: &Ended) -> &str {
    ended.stderr.lines().last().unwrap_or_default()
}

#[test]
fn the_guests_own_code() {
    let ability = ability();
    let ended = ability.run("probe", &[], &["exit", "0"]);
    check(&ability, "probe", &ended, 0);
    // WASI 0.2 tells failure from success, and no more.
    let ended = ability.run("probe", &[], &["exit", "7"]);
    check(&ability, "probe", &ended, 1);
    let ended = ability.run("counter", &[], &["nonsense"]);
    check(&ability, "counter", &ended, 1);
    assert!(!ended.stderr.contains("ability:"), "{ended:?}");
}

#[test]
fn a_trap() {
    let ability = ability();
    let ended = ability.run("probe", &[], &["trap"]);
    check(&ability, "probe", &ended, 134);
    assert_eq!(
        last_line(&ended),
        "ability: probe crashed: wasm `unreachable` instruction executed"
    );
}

#[test]
fn more_than_one_call_can_carry() {
    let ability = ability();
    let bytes = (200 << 20).to_string();
    let ended = ability.run("probe", &[], &["write-size", "a", &bytes]);
    check(&ability, "probe", &ended, 134);
    assert!(last_line(&ended).contains("too much data"), "{ended:?}");
}

#[test]
fn more_memory_than_allowed() {
    let ability = ability();
    let grow = |options: &[&str], bytes: &str| ability.run("probe", options, &["grow", bytes]);
    let ended = grow(&["--max-memory", "32M"], "16777216");
    assert_eq!(ended.stdout, "ok 16777216\n");
    let ended = grow(&["--max-memory", "32M"], "67108864");
    assert_eq!(ended.stdout, "err memory no room for 67108864 bytes\n");
    check(&ability, "probe", &ended, 0);

    let ended = grow(&["--max-memory", "64K"], "1");
    check(&ability, "probe", &ended, 125);
    assert!(ended.stderr.contains("--max-memory"), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
}

#[test]
fn time_is_over_in_a_loop() {
    let ability = ability();
    let start = Instant::now();
    let ended = ability.run("probe", &["--timeout", "0.5"], &["spin"]);
    check(&ability, "probe", &ended, 124);
    assert_eq!(
        ended.stderr,
        "ability: probe was stopped: its time is over\n"
    );
    assert!(start.elapsed() > Duration::from_millis(500));
}

#[test]
fn time_is_over_while_it_waits_for_input() {
    let ability = ability();
    let mut command = ability.guest("audit-chain", &["--timeout", "0.5"], &[]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("started");
    // Open, but silent.
    let stdin = child.stdin.take();
    let ended = end_to_end::command::ended(child);
    drop(stdin);
    check(&ability, "audit-chain", &ended, 124);
    assert!(ended.stdout.starts_with("ready 0 "), "{ended:?}");
}

#[test]
fn time_is_over_while_it_sleeps() {
    let ability = ability();
    let ended = ability.run("probe", &["--timeout", "0.5"], &["sleep", "60000"]);
    check(&ability, "probe", &ended, 124);
}

#[test]
fn time_is_over_while_nobody_reads_its_output() {
    let ability = ability();
    let mut command = ability.guest("probe", &["--timeout", "0.5"], &["print", "16777216"]);
    let mut child = command.spawn().expect("started");
    let status = child.wait().expect("ended");
    assert_eq!(status.code(), Some(124));
    // It was stuck in the host, so its session may be left; the next clears it.
    let ended = ability.run("probe", &[], &["list", ""]);
    check(&ability, "probe", &ended, 0);
}

#[test]
fn a_closed_output_is_an_error_of_the_guest() {
    let ability = ability();
    let mut command = ability.guest("counter", &[], &["next", "--times", "100000"]);
    let mut child = command.spawn().expect("started");
    drop(child.stdout.take());
    let ended = end_to_end::command::ended(child);
    check(&ability, "counter", &ended, 1);
    assert!(!ended.stderr.contains("panicked"), "{ended:?}");
}

#[test]
fn output_arrives_line_by_line() {
    let ability = ability();
    let mut command = ability.guest("audit-chain", &[], &[]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("started");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut next = || stdout.next().expect("a line").expect("text");
    assert!(next().starts_with("ready 0 "));
    for number in 1..=3 {
        writeln!(stdin, "line {number}").expect("written");
        assert!(next().starts_with(&format!("ok {number} ")));
    }
    drop(stdin);
    let ended = end_to_end::command::ended(child);
    check(&ability, "audit-chain", &ended, 0);
}

#[test]
fn arguments_and_input_reach_the_guest() {
    let ability = ability();
    let command = ability.guest("probe", &[], &["script"]);
    let ended = end_with_input(command, "write\ta\tb c\nread\ta\n");
    assert_eq!(ended.stdout, "ok\nok b c\n");
    let ended = ability.run("probe", &[], &["write", "--user", "--help"]);
    assert_eq!(ended.stdout, "ok\n", "{ended:?}");
}

#[test]
fn a_wrong_command_line() {
    let ability = ability();
    for (options, expected) in [
        (["--max-file-bytes", "0"], "--read-only"),
        (["--max-total-bytes", "1T"], "number of bytes"),
        (["--max-files", "0"], "--read-only"),
        (["--max-files", "1K"], "number of files"),
        (["--max-memory", "much"], "number of bytes"),
        (["--timeout", "0"], "more than zero"),
        (["--env", "NAME"], "NAME=VALUE"),
        (["--colour", "always"], "--colour"),
        (
            ["next", "--read-only"],
            "arguments of the ability come after `--`",
        ),
    ] {
        let ended = ability.run("counter", &options, &["next"]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(expected), "{ended:?}");
    }
    assert!(!ability.root().exists());
}

#[test]
fn the_help_says_what_the_exit_codes_mean() {
    let ability = ability();
    let help = |args: &[&str]| {
        let mut command = ability.command();
        command.args(args);
        let ended = end(command);
        assert_eq!(ended.code, Some(0));
        ended.stdout
    };
    assert!(help(&["--help"]).contains("run"));
    let run = help(&["run", "--help"]);
    for expected in [
        "Examples:",
        "Exit codes:",
        "124",
        "125",
        "134",
        "--scratch",
        "NOT tear-free",
        "--max-total-bytes",
        "piece by piece",
        "1G",
    ] {
        assert!(run.contains(expected), "{expected} is not in {run}");
    }
    for line in run.lines() {
        assert!(
            line.chars().count() <= 100,
            "too long for a terminal: {line}"
        );
    }
}
