//! Many processes on one volume, and processes that are killed.

use end_to_end::chain::Head;
use end_to_end::command::{Ability, end, names};
use end_to_end::many::{check_lines, share};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const INSTANCES: usize = 16;
const NUMBERS: usize = 1_000;
const LINES: usize = 20;
const KILLS: u32 = 15;

fn ability() -> Ability {
    Ability::new(env!("CARGO_BIN_EXE_ability"), env!("CARGO_TARGET_TMPDIR"))
}

fn none() -> Vec<String> {
    Vec::new()
}

/// Runs a guest in sixteen processes at once and returns what each printed.
fn at_once(ability: &Ability, guest: &str, args: impl Fn(usize) -> Vec<String>) -> Vec<String> {
    // Once alone, so that they need not all compile it.
    ability.run(guest, &[], &["--help"]);
    let children: Vec<Child> = (0..INSTANCES)
        .map(|i| {
            let args = args(i);
            let args: Vec<_> = args.iter().map(String::as_str).collect();
            ability.guest(guest, &[], &args).spawn().expect("started")
        })
        .collect();
    let printed = children.into_iter().map(|child| {
        let ended = end_to_end::command::ended(child);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.stdout
    });
    printed.collect()
}

#[test]
fn sixteen_processes_hand_out_each_number_once() {
    let ability = ability();
    let runs = at_once(&ability, "counter", |i| {
        let times = share(NUMBERS, INSTANCES, i).to_string();
        ["next", "--times", &times].map(str::to_owned).into()
    });
    let mut seen = BTreeSet::new();
    for number in runs.iter().flat_map(|run| run.lines()) {
        let number: usize = number.parse().expect("a number");
        assert!(seen.insert(number), "{number} was handed out twice");
    }
    assert_eq!(seen, (1..=NUMBERS).collect());
    let ended = ability.run("counter", &[], &["show"]);
    assert_eq!(ended.stdout, format!("{NUMBERS}\n"));
    assert_eq!(
        names(&ability.volume("counter")),
        [".ability-storage", "counter.count"]
    );
    assert_eq!(ability.sessions("counter"), none());
}

#[test]
fn sixteen_processes_append_whole_lines() {
    let ability = ability();
    let lines = LINES.to_string();
    let runs = at_once(&ability, "probe", |i| {
        let prefix = format!("guest-{i}:");
        ["append-lines", "log", &lines, &prefix]
            .map(str::to_owned)
            .into()
    });
    assert!(runs.iter().all(|run| *run == format!("ok {LINES}\n")));
    check_lines(&ability.volume("probe").join("log"), INSTANCES, LINES);
    assert_eq!(names(&ability.volume("probe")), [".ability-storage", "log"]);
    assert_eq!(ability.sessions("probe"), none());
}

#[test]
fn two_processes_share_the_users_files() {
    let ability = ability();
    let count = |id: &str| {
        let options = ["--id", id];
        let ended = ability.run("counter", &options, &["next", "--shared"]);
        ended.stdout.trim().to_owned()
    };
    assert_eq!([count("one"), count("two"), count("one")], ["1", "2", "3"]);
}

/// Feeds lines to a guest until it is killed after `life`, and returns the
/// last record that it acknowledged, `before` if none.
fn feed_and_kill(
    ability: &Ability,
    guest: &str,
    args: &[&str],
    life: Duration,
    before: Head,
) -> Head {
    let mut command = ability.guest(guest, &[], args);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("started");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let reader = thread::spawn(move || {
        let mut last = before;
        let mut line = String::new();
        while stdout.read_line(&mut line).expect("text") > 0 && line.ends_with('\n') {
            last = if let Some(ready) = Head::said("ready", &line) {
                // What was acknowledged is there, and at most one record more.
                let is_right = ready == last || ready.records == last.records + 1;
                assert!(is_right, "{last:?} {line}");
                ready
            } else {
                Head::said("ok", &line).unwrap_or_else(|| panic!("it said {line:?}"))
            };
            line.clear();
        }
        last
    });
    let writer = thread::spawn(move || {
        // Until it is gone.
        while stdin.write_all(b"a line to remember\n").is_ok() {}
    });
    thread::sleep(life);
    child.kill().expect("killed");
    child.wait().expect("gone");
    writer.join().expect("no panic");
    reader.join().expect("the chain was whole")
}

/// Some randomness is all that is needed; what was tried is in the message.
fn random(below: u32) -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("after 1970").subsec_micros() % below
}

#[test]
fn an_audit_chain_survives_being_killed_again_and_again() {
    survives_being_killed("audit-chain", &[], "audit_chain.json");
}

/// The same where each record is an append.
#[test]
fn an_audit_chain_of_lines_survives_being_killed_again_and_again() {
    survives_being_killed("audit-chain", &["--format", "lines"], "audit_chain.log");
}

#[test]
fn an_audit_log_in_python_survives_being_killed_again_and_again() {
    survives_being_killed("python-audit", &[], "audit_chain.log");
}

#[test]
fn an_audit_log_in_javascript_survives_being_killed_again_and_again() {
    survives_being_killed("js-audit", &[], "audit_chain.log");
}

fn survives_being_killed(guest: &str, args: &[&str], file: &str) {
    let ability = ability();
    let verify = [&["verify"], args].concat();
    let ended = ability.run(guest, &[], args);
    let mut last = Head::said("ready", &ended.stdout).expect("it is ready");
    assert_eq!(last.records, 0);
    let mut stalled = 0;
    for _ in 0..KILLS {
        // A slow machine is given more time, until something is recorded.
        let life = Duration::from_millis((20 + u64::from(random(150))) << stalled.min(7));
        let before = last.records;
        last = feed_and_kill(&ability, guest, args, life, last);
        stalled = if last.records > before {
            0
        } else {
            stalled + 1
        };
        let ended = ability.run(guest, &[], &verify);
        assert_eq!(ended.code, Some(0), "after {life:?}, {last:?}: {ended:?}");
        let verified = ended.stdout;
        let exactly = format!("verified {} records", last.records);
        let one_more = format!("verified {} records", last.records + 1);
        assert!(
            verified.starts_with(&exactly) || verified.starts_with(&one_more),
            "after {life:?}, {last:?}: {verified}"
        );
    }
    assert!(
        last.records > 0,
        "it was never given the time to record anything"
    );

    // The last run was not killed: nothing but the file is left.
    assert_eq!(names(&ability.volume(guest)), [".ability-storage", file]);
    assert_eq!(ability.sessions(guest), none());
}

#[test]
fn what_a_killed_process_left_is_cleared_by_the_next() {
    let ability = ability();
    let mut command = ability.guest("probe", &[], &["sleep", "60000"]);
    let mut child = command.spawn().expect("started");
    while ability.sessions("probe").is_empty() {
        thread::sleep(Duration::from_millis(10));
    }
    // While it lives, its session is left alone.
    ability.run("probe", &[], &["list", ""]);
    assert_eq!(ability.sessions("probe").len(), 1);
    child.kill().expect("killed");
    child.wait().expect("gone");
    assert_eq!(ability.sessions("probe").len(), 1);

    let ended = end(ability.guest("probe", &[], &["list", ""]));
    assert_eq!(ended.stdout, "ok\n");
    assert_eq!(ability.sessions("probe"), none());
    assert!(fs::metadata(ability.volume("probe")).is_ok());
}
