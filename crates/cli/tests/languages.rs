//! What an ability in one language wrote, those in the others read, verify and go on
//! with: they share a volume here.

use end_to_end::command::{Ability, Ended, end, end_with_input};
use std::fs;

const AUDITORS: [&str; 3] = ["audit-chain", "python-audit", "js-audit"];

fn ability() -> Ability {
    Ability::new(env!("CARGO_BIN_EXE_ability"), env!("CARGO_TARGET_TMPDIR"))
}

/// Runs a guest on the files of the ability `shared`.
fn run(ability: &Ability, guest: &str, args: &[&str], input: &str) -> Ended {
    let command = ability.guest(guest, &["--id", "shared"], args);
    let ended = end_with_input(command, input);
    assert_eq!(ended.code, Some(0), "{guest}: {ended:?}");
    ended
}

#[test]
fn each_continues_the_audit_log_of_the_others() {
    let ability = ability();
    let args = |guest: &str, rest: &[&'static str]| {
        let format: &[&str] = match guest {
            "audit-chain" => &["--format", "lines"],
            _ => &[],
        };
        [rest, format].concat()
    };
    // Also what has to be escaped in a log.
    let line = "péage \\ a\u{1}b\u{2028}c";
    let mut ready = "ready 0 0000".to_owned();
    for round in 0..2 {
        for (index, guest) in AUDITORS.iter().enumerate() {
            let input = format!("{line}\n{guest}\n");
            let said = run(&ability, guest, &args(guest, &[]), &input).stdout;
            assert!(said.starts_with(&ready), "{guest}: {said:?} after {ready}");
            let count = 2 * (3 * round + index + 1);
            let last = said.lines().last().expect("an answer");
            let hash = last
                .strip_prefix(&format!("ok {count} "))
                .expect("it counts on");
            ready = format!("ready {count} {hash}\n");
            let verified = AUDITORS.map(|guest| {
                let ended = run(&ability, guest, &args(guest, &["verify"]), "");
                ended.stdout
            });
            let expected = format!("verified {count} records, head {hash}\n");
            assert_eq!(verified, [expected.as_str(); 3]);
        }
    }
}

#[test]
fn a_broken_log_is_broken_in_every_language() {
    let ability = ability();
    run(&ability, "python-audit", &[], "one\ntwo\n");
    let path = ability.volume("shared").join("audit_chain.log");
    let log = fs::read_to_string(&path).expect("a log");
    fs::write(&path, log.replace("one", "eno")).expect("written");
    for guest in AUDITORS {
        let args: &[&str] = match guest {
            "audit-chain" => &["verify", "--format", "lines"],
            _ => &["verify"],
        };
        let ended = end(ability.guest(guest, &["--id", "shared"], args));
        assert_eq!(ended.code, Some(1), "{guest}: {ended:?}");
        assert!(ended.stderr.contains('1'), "{guest}: {ended:?}");
    }
}

#[test]
fn each_counts_on_where_the_others_stopped() {
    let ability = ability();
    let next = |guest: &str, args: &[&str]| {
        let said = run(&ability, guest, args, "").stdout;
        said.trim_start_matches("ok ").trim().to_owned()
    };
    for round in 0..2 {
        let from = 3 * round;
        assert_eq!(
            next("probe", &["counter-next", "c", "1"]),
            (from + 1).to_string()
        );
        assert_eq!(
            next("python-audit", &["count", "c"]),
            (from + 2).to_string()
        );
        assert_eq!(next("js-audit", &["count", "c"]), (from + 3).to_string());
    }
}

#[test]
fn each_adds_to_the_state_of_the_others() {
    let ability = ability();
    run(&ability, "probe", &["state-push", "s.json", "rüst"], "");
    run(&ability, "python-audit", &["push", "s.json", "pythön"], "");
    run(
        &ability,
        "js-audit",
        &["push", "s.json", "jäva\u{1f600}"],
        "",
    );
    run(&ability, "python-audit", &["push", "s.json", "again"], "");
    let ended = run(&ability, "probe", &["state-push", "s.json", "last"], "");
    assert_eq!(ended.stdout, "ok 5\n");
    let state = fs::read_to_string(ability.volume("shared").join("s.json")).expect("a state");
    let expected = [
        "[",
        "  \"rüst\",",
        "  \"pythön\",",
        "  \"jäva\u{1f600}\",",
        "  \"again\",",
        "  \"last\"",
        "]",
    ];
    assert_eq!(state.lines().collect::<Vec<_>>(), expected);
}
