//! The host runs the built guests, many calls at once, and stops when it is told
//! to, without cutting off a call.

use end_to_end::command::{Ended, end_with_input, ended, names, sessions_of};
use end_to_end::guests;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

fn host(data: &Path, abilities: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_embedding-host"));
    command
        .arg(data)
        .args(abilities.iter().map(|name| guests::path(name)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Lines of standard output that start with `start`, without it, sorted: calls end
/// in any order.
fn told<'a>(ended: &'a Ended, start: &str) -> Vec<&'a str> {
    let lines = ended.stdout.lines();
    let mut told: Vec<_> = lines.filter_map(|line| line.strip_prefix(start)).collect();
    told.sort_by_key(|line| (line.len(), *line));
    told
}

fn check_closed(data: &Path) {
    for id in names(&data.join("abilities")) {
        let volume = data.join("abilities").join(&id);
        assert_eq!(sessions_of(&volume), Vec::<String>::new());
    }
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("temporary directory")
}

#[test]
fn many_calls_of_several_abilities_at_once() {
    let directory = directory();
    let calls = "counter next --times 5\n".repeat(8)
        + "counter next --shared\n"
        + "audit-chain verify\n"
        + "nobody\n"
        + "probe trap\n"
        + "probe exit 1\n"
        + "probe grow 100000000\n";
    let abilities = ["counter", "audit-chain", "probe"];
    let ended = end_with_input(host(directory.path(), &abilities), &calls);
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let numbers = told(&ended, "counter: ");
    // One of the shared counter, 40 of its own, and the counters at the end.
    let mut expected: Vec<_> = (1..=40).map(|number| number.to_string()).collect();
    expected.insert(0, "1".to_owned());
    assert_eq!(numbers[..41], expected, "{ended:?}");
    assert!(numbers[41].contains("commits: 40"), "{ended:?}");
    assert!(
        told(&ended, "user: ")[0].contains("commits: 1,"),
        "{ended:?}"
    );
    assert!(
        told(&ended, "audit-chain: ")[0].starts_with("verified 0 records"),
        "{ended:?}"
    );
    for expected in ["no such ability: nobody", "unreachable", "exit status 1"] {
        assert!(ended.stderr.contains(expected), "{expected}: {ended:?}");
    }
    let memory = "err memory no room for 100000000 bytes";
    assert!(told(&ended, "probe: ").contains(&memory), "{ended:?}");
    check_closed(directory.path());
}

#[test]
fn a_guest_that_computes_for_ever_is_stopped_and_holds_up_no_other() {
    let directory = directory();
    let calls = "probe spin\n".repeat(8) + "probe list user --user\n";
    let ended = end_with_input(host(directory.path(), &["probe"]), &calls);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(
        ended.stderr.matches("its time is over").count(),
        8,
        "{ended:?}"
    );
    assert_eq!(told(&ended, "probe: ")[0], "ok", "{ended:?}");
    check_closed(directory.path());
}

#[cfg(unix)]
#[test]
fn ctrl_c_lets_running_calls_end() {
    let directory = directory();
    let mut child = host(directory.path(), &["probe"]).spawn().expect("started");
    let mut stdin = child.stdin.take().expect("a pipe");
    let calls = "probe sleep 1000\nprobe write a text\n";
    stdin.write_all(calls.as_bytes()).expect("written");
    // The second began after the first.
    while !directory.path().join("abilities/probe/a").exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let status = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(status.expect("sent").success());
    // Its input is still open: it was the signal that stopped it.
    let ended = ended(child);
    drop(stdin);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("stopping"), "{ended:?}");
    assert_eq!(told(&ended, "probe: ")[..2], ["ok", "ok"], "{ended:?}");
    check_closed(directory.path());
}
