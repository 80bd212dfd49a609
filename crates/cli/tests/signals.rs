//! SIGINT and SIGTERM end a run soon, whatever the guest does, and its files are whole.
#![cfg(unix)]

use end_to_end::command::{Ability, end, ended, names};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A run ends within a second; this is for machines that are busy with other things.
const SOON: Duration = Duration::from_secs(10);

const SIGNALS: [(&str, i32); 2] = [("INT", 130), ("TERM", 143)];

fn ability() -> Ability {
    Ability::new(env!("CARGO_BIN_EXE_ability"), env!("CARGO_TARGET_TMPDIR"))
}

fn send(signal: &str, process: u32) {
    let sent = Command::new("kill")
        .args([format!("-{signal}"), process.to_string()])
        .status();
    assert!(sent.expect("kill runs").success());
}

/// Sends a signal that is to end a process. One that it does not end is killed, so that the test
/// fails.
fn stop(signal: &str, process: u32, child: &mut Child) -> Duration {
    let sent = Instant::now();
    send(signal, process);
    while child.try_wait().expect("known").is_none() {
        if sent.elapsed() > 6 * SOON {
            child.kill().expect("killed");
            panic!("SIG{signal} did not end it");
        }
        sleep(Duration::from_millis(10));
    }
    sent.elapsed()
}

/// A command that starts others as a terminal does. Tests that run in the background of a script
/// ignore SIGINT, and so would all that they start.
const WITH_USUAL_SIGNALS: &[&str] = match cfg!(target_os = "linux") {
    true => &["env", "--default-signal"],
    false => &["env"],
};

/// The same run, started by another command.
fn through(command: &[&str], run: &Command) -> Command {
    let mut started = Command::new(command[0]);
    started.args(&command[1..]);
    started.arg(run.get_program()).args(run.get_args());
    started.envs(
        run.get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    started.stdout(Stdio::piped()).stderr(Stdio::piped());
    started
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(120), "not {what}");
        sleep(Duration::from_millis(10));
    }
}

/// Waits until the volume is open and the guest runs.
fn wait_for_session(ability: &Ability) {
    wait_until("open", || {
        ability.volume("probe").exists() && !ability.sessions("probe").is_empty()
    });
    sleep(Duration::from_millis(300));
}

/// Starts the probe, and returns when it runs.
fn start(ability: &Ability, args: &[&str]) -> Child {
    let mut command = through(WITH_USUAL_SIGNALS, &ability.guest("probe", &[], args));
    let child = command.stdin(Stdio::piped()).spawn().expect("started");
    wait_for_session(ability);
    child
}

#[test]
fn a_signal_ends_a_guest_that_computes_or_waits() {
    for (signal, code) in SIGNALS {
        for args in [&["spin"][..], &["sleep", "60000"], &["script"]] {
            let ability = ability();
            let mut child = start(&ability, args);
            let input = child.stdin.take();
            let took = stop(signal, child.id(), &mut child);
            let ended = ended(child);
            drop(input);
            assert!(took < SOON, "{args:?}: {took:?}");
            assert_eq!(ended.code, Some(code), "{args:?}: {ended:?}");
            assert_eq!(
                ended.stderr,
                format!("ability: probe was stopped by SIG{signal}\n")
            );
            assert_eq!(ability.sessions("probe"), Vec::<String>::new());
        }
    }
}

#[test]
fn a_signal_ends_a_guest_whose_output_nobody_reads() {
    for (signal, code) in SIGNALS {
        let ability = ability();
        let mut child = start(&ability, &["print", "16777216"]);
        let took = stop(signal, child.id(), &mut child);
        let status = child.wait().expect("ended");
        assert!(took < SOON, "{took:?}");
        assert_eq!(status.code(), Some(code));
    }
}

/// The system ignores signals to such a process unless it listens.
#[test]
fn a_signal_ends_the_first_process_of_a_container() {
    let ability = ability();
    let allowed = Command::new("unshare")
        .args(["--pid", "--fork", "true"])
        .stderr(Stdio::null())
        .status();
    if !allowed.is_ok_and(|status| status.success()) {
        println!("skipped: a namespace of processes needs root and unshare");
        return;
    }
    for (signal, code) in SIGNALS {
        let run = ability.guest("probe", &[], &["spin"]);
        let unshare = [WITH_USUAL_SIGNALS, &["unshare", "--pid", "--fork"]].concat();
        let mut outside = through(&unshare, &run).spawn().expect("started");
        wait_for_session(&ability);
        let children = format!("/proc/{0}/task/{0}/children", outside.id());
        let inside = fs::read_to_string(children).expect("readable");
        let inside = inside.trim().parse().expect("one process");
        stop(signal, inside, &mut outside);
        let ended = ended(outside);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert_eq!(ability.sessions("probe"), Vec::<String>::new());
    }
}

/// As shells do with what they run in the background of a script.
#[test]
fn a_signal_that_is_ignored_stays_so() {
    let ability = ability();
    let run = ability.guest("probe", &[], &["sleep", "60000"]);
    let mut child = through(&["sh", "-c", "trap '' INT; exec \"$@\"", "sh"], &run)
        .spawn()
        .expect("started");
    wait_for_session(&ability);
    send("INT", child.id());
    sleep(Duration::from_millis(300));
    stop("TERM", child.id(), &mut child);
    let ended = ended(child);
    assert_eq!(ended.code, Some(143), "{ended:?}");
}

/// What was committed is in the files, and nothing else.
#[test]
fn files_are_whole_after_a_signal() {
    let ability = ability();
    let run = ability.guest("counter", &[], &["next", "--times", "1000000"]);
    let mut command = through(WITH_USUAL_SIGNALS, &run);
    let mut child = command.stdout(Stdio::null()).spawn().expect("started");
    let file = || names(&ability.volume("counter")).len() > 1;
    wait_until("written", || ability.volume("counter").exists() && file());
    stop("TERM", child.id(), &mut child);
    assert_eq!(child.wait().expect("ended").code(), Some(143));
    assert_eq!(ability.sessions("counter"), Vec::<String>::new());
    let next = ability.run("counter", &[], &["next"]);
    assert_eq!(next.code, Some(0), "{next:?}");
}

/// The system sends a signal with the refusal, which would end the process.
#[test]
fn a_limit_on_the_length_of_files_is_an_error_of_one_write() {
    let ability = ability();
    // Compiled, and kept, without the limit.
    let written = ability.run("probe", &[], &["write", "a", "before"]);
    assert_eq!(written.stdout, "ok\n", "{written:?}");
    let limited = |args: &[&str]| {
        let run = ability.guest("probe", &[], args);
        end(through(
            &["sh", "-c", "ulimit -f 512; exec \"$@\"", "sh"],
            &run,
        ))
    };
    let refused = limited(&["write-size", "a", "1000000"]);
    assert!(refused.stdout.starts_with("err other "), "{refused:?}");
    assert_eq!(refused.code, Some(0), "{refused:?}");
    let read = limited(&["read", "a"]);
    assert_eq!(read.stdout, "ok before\n", "{read:?}");
    let written = limited(&["write", "a", "after"]);
    assert_eq!(written.stdout, "ok\n", "{written:?}");
    // It is the log that may not get longer here.
    let run = ability.guest("probe", &["--journaled"], &["write", "a", "again"]);
    let limit = ["sh", "-c", "ulimit -f 16; exec \"$@\"", "sh"];
    let refused = end(through(&limit, &run));
    assert!(refused.stdout.starts_with("err no-space"), "{refused:?}");
}
