//! The whole host, `ability run`, is killed at every system call that could concern files
//! while an ability, in any language, records a line in a hash chain and ends, in
//! whichever thread the call is made. The next to open the chain verifies it, and finds
//! what was acknowledged and at most one record more.

#![cfg(all(target_os = "linux", target_env = "gnu"))]

use end_to_end::chain::Head;
use end_to_end::command::{Ability, names};
use kill_points::{Call, Traced};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::process::Stdio;

/// Fewer would mean that the calls are not seen.
const FEW_CALLS: usize = 50;

#[test]
fn an_audit_chain_survives_a_kill_at_every_call() {
    survives_a_kill_at_every_call("audit-chain", &[], "audit_chain.json");
}

#[test]
fn an_audit_chain_of_lines_survives_a_kill_at_every_call() {
    survives_a_kill_at_every_call("audit-chain", &["--format", "lines"], "audit_chain.log");
}

#[test]
fn an_audit_log_in_python_survives_a_kill_at_every_call() {
    survives_a_kill_at_every_call("python-audit", &[], "audit_chain.log");
}

#[test]
fn an_audit_log_in_javascript_survives_a_kill_at_every_call() {
    survives_a_kill_at_every_call("js-audit", &[], "audit_chain.log");
}

struct Run {
    ready: Head,
    /// The chain with the line, if that was acknowledged.
    recorded: Option<Head>,
    /// `None` if it came to its end.
    killed_at: Option<Call>,
}

fn survives_a_kill_at_every_call(guest: &str, args: &[&str], file: &str) {
    let ability = Ability::new(env!("CARGO_BIN_EXE_ability"), env!("CARGO_TARGET_TMPDIR"));
    let mut before: Option<Head> = None;
    let mut at = "before any kill".to_owned();
    for n in 0.. {
        let run = match record_and_kill(&ability, guest, args, n) {
            Ok(run) => run,
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                eprintln!("skipped: processes may not be traced here");
                return;
            }
            Err(error) => panic!("{error}; {at}"),
        };
        if let Some(before) = before {
            let found = &run.ready;
            let more = found.records.checked_sub(before.records);
            let is_right = more == Some(1) || *found == before;
            assert!(is_right, "{found:?} after {before:?}; {at}");
        }
        let call = run.killed_at.map_or("none".to_owned(), |call| call.name());
        at = format!("killed at call {n}, {call}; it said {:?}", run.recorded);
        let is_recorded = run.recorded.is_some();
        before = Some(run.recorded.unwrap_or(run.ready));

        if run.killed_at.is_none() {
            assert!(is_recorded, "it ended without recording");
            assert!(n >= FEW_CALLS, "only {n} calls were seen");
            eprintln!("{guest}, {file}: killed at each of {n} calls");
            break;
        }
    }

    let verify = [&["verify"], args].concat();
    let ended = ability.run(guest, &[], &verify);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ability.sessions(guest), [""; 0]);
    let left = names(&ability.volume(guest));
    assert_eq!(left, [".ability-storage", file]);
}

/// Has the ability record a line and end, and kills it at the `n`-th call after it is
/// ready.
fn record_and_kill(ability: &Ability, guest: &str, args: &[&str], n: usize) -> io::Result<Run> {
    let mut command = ability.guest(guest, &[], args);
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut said = String::new();
    stdout.read_line(&mut said)?;
    let Some(ready) = Head::said("ready", &said) else {
        panic!("it said {said:?}: {:?}", end_to_end::command::ended(child));
    };

    let mut traced = Traced::seize(child)?;
    stdin.write_all(b"a line to remember\n")?;
    drop(stdin);
    let killed_at = traced.kill_at(n, Call::may_concern_files)?;
    if killed_at.is_none() {
        assert_eq!(traced.exit_code(), Some(0), "it failed by itself");
    }
    said.clear();
    stdout.read_to_string(&mut said)?;
    Ok(Run {
        ready,
        recorded: Head::said("ok", &said),
        killed_at,
    })
}
