//! An ability that was written for the old platform deletes its file before it writes it.
//! The whole host is killed at every system call that could concern files meanwhile: the
//! file is the old one or the new one, and the new one once the ability has said so.

#![cfg(all(target_os = "linux", target_env = "gnu"))]

use end_to_end::command::Ability;
use kill_points::{Call, Traced};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::process::Stdio;

/// Fewer would mean that the calls are not seen.
const FEW_CALLS: usize = 50;

const NAME: &str = "preferences";

#[test]
fn delete_then_write_survives_a_kill_at_every_call() {
    let ability = Ability::new(env!("CARGO_BIN_EXE_ability"), env!("CARGO_TARGET_TMPDIR"));
    let first = ability.guest(NAME, &[], &[]);
    let ended = end_to_end::command::end_with_input(first, "Ada\ncity Rome\ndone\n");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let mut before = "Rome".to_owned();
    for n in 0.. {
        let wanted = format!("City-{n}");
        let run = match change_and_kill(&ability, &wanted, n) {
            Ok(run) => run,
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                eprintln!("skipped: processes may not be traced here");
                return;
            }
            Err(error) => panic!("{error}; call {n}"),
        };
        let call = run.killed_at.map_or("none".to_owned(), |call| call.name());
        let at = format!("killed at call {n}, {call}; it said {:?}", run.said);
        let found = city(&ability);
        let is_acknowledged = run.said.contains(&format!("Your city is {wanted}."));
        let is_right = found == wanted || (found == before && !is_acknowledged);
        assert!(is_right, "{found} after {before}; {at}");
        before = found;
        if run.killed_at.is_none() {
            assert!(is_acknowledged, "it ended without a change");
            assert!(n >= FEW_CALLS, "only {n} calls were seen");
            eprintln!("{NAME}: killed at each of {n} calls");
            return;
        }
    }
}

struct Run {
    /// What it said after it was told to change the file.
    said: String,
    /// `None` if it came to its end.
    killed_at: Option<Call>,
}

/// Has the ability change its file and end, and kills it at the `n`-th call after it is
/// ready.
fn change_and_kill(ability: &Ability, city: &str, n: usize) -> io::Result<Run> {
    let mut command = ability.guest(NAME, &[], &[]);
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut said = String::new();
    stdout.read_line(&mut said)?;
    stdout.read_line(&mut said)?;
    if said != "Welcome back, Ada.\nWhat shall I change?\n" {
        let ended = end_to_end::command::ended(child);
        panic!("something was lost, it said {said:?}: {ended:?}");
    }

    let mut traced = Traced::seize(child)?;
    stdin.write_all(format!("city {city}\ndone\n").as_bytes())?;
    drop(stdin);
    let killed_at = traced.kill_at(n, Call::may_concern_files)?;
    if killed_at.is_none() {
        assert_eq!(traced.exit_code(), Some(0), "it failed by itself");
    }
    said.clear();
    stdout.read_to_string(&mut said)?;
    Ok(Run { said, killed_at })
}

/// What the next to open the user's files finds.
fn city(ability: &Ability) -> String {
    let ended = ability.run("probe", &[], &["read", "user_prefs.json", "--user"]);
    let json = ended.stdout.strip_prefix("ok ").expect("there is a file");
    let prefs: serde_json::Value = serde_json::from_str(json).expect("it is whole");
    assert_eq!(prefs["name"], "Ada");
    prefs["city"].as_str().expect("a text").to_owned()
}
