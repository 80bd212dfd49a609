//! Many processes that keep one audit chain: none of their records is lost, whichever
//! language they are written in and whichever of them is killed, and a kept head shows it.

use end_to_end::chain::Head;
use end_to_end::command::{Ability, Ended, end, end_with_input, ended};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

const WRITERS: usize = 16;
const LINES: usize = 8;
const LINES_FORMAT: [&str; 2] = ["--format", "lines"];

/// A guest that keeps an audit chain, and the arguments that say in which form.
type Auditor = (&'static str, &'static [&'static str]);

const IN_LINES: [Auditor; 3] = [
    ("audit-chain", &LINES_FORMAT),
    ("python-audit", &[]),
    ("js-audit", &[]),
];
const JSON: Auditor = ("audit-chain", &[]);

/// The files of all guests are those of one ability.
const SHARED: [&str; 2] = ["--id", "shared"];

fn ability() -> Ability {
    Ability::new(env!("CARGO_BIN_EXE_ability"), env!("CARGO_TARGET_TMPDIR"))
}

fn run(ability: &Ability, (guest, format): Auditor, args: &[&str], input: &str) -> Ended {
    let args = [args, format].concat();
    end_with_input(ability.guest(guest, &SHARED, &args), input)
}

fn started(ability: &Ability, (guest, format): Auditor) -> Child {
    let mut command = ability.guest(guest, &SHARED, format);
    command.stdin(Stdio::piped()).spawn().expect("started")
}

/// What was acknowledged, by its sequence: `ok <sequence> <hash>`.
type Acknowledged = BTreeMap<u64, String>;

/// Adds what one writer was told. No record may be acknowledged twice.
fn gather(acknowledged: &mut Acknowledged, said: &str) {
    let heads = said.split_inclusive('\n');
    for Head { records, hash } in heads.filter_map(|line| Head::said("ok", line)) {
        let before = acknowledged.insert(records, hash);
        assert_eq!(before, None, "record {records} was acknowledged twice");
    }
}

/// The last record that was acknowledged, as an argument.
fn kept(acknowledged: &Acknowledged) -> String {
    let (count, hash) = acknowledged.last_key_value().expect("some were");
    format!("{count}:{hash}")
}

/// That the chain holds and has all that was acknowledged; returns how many records it has.
fn check(ability: &Ability, auditor: Auditor, acknowledged: &Acknowledged) -> u64 {
    let ended = run(
        ability,
        auditor,
        &["verify", "--head", &kept(acknowledged)],
        "",
    );
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let words: Vec<_> = ended.stdout.split(' ').collect();
    let count = words[1].parse().expect("a number");
    if auditor != JSON {
        let log = ability.volume("shared").join("audit_chain.log");
        let log = fs::read_to_string(log).expect("a log");
        let hashes = log
            .lines()
            .map(|line| line.split(' ').nth(3).expect("a hash"));
        let hashes: Vec<_> = hashes.collect();
        for (sequence, hash) in acknowledged {
            assert_eq!(hashes[*sequence as usize - 1], hash, "record {sequence}");
        }
    }
    count
}

/// Sixteen processes of these guests, in turn, write at once.
fn write_at_once(auditors: &[Auditor]) {
    let ability = ability();
    for auditor in auditors {
        // Once alone, so that they need not all compile it.
        run(&ability, *auditor, &[], "");
    }
    let writers = (0..WRITERS).map(|writer| {
        let mut child = started(&ability, auditors[writer % auditors.len()]);
        let lines: String = (0..LINES).map(|i| format!("{writer}: {i}\n")).collect();
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(lines.as_bytes()).expect("taken");
        child
    });
    let writers: Vec<Child> = writers.collect();
    let mut acknowledged = Acknowledged::new();
    for writer in writers {
        let ended = ended(writer);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        gather(&mut acknowledged, &ended.stdout);
    }
    let all = (WRITERS * LINES) as u64;
    assert!(acknowledged.keys().copied().eq(1..=all), "{acknowledged:?}");
    for auditor in auditors {
        assert_eq!(check(&ability, *auditor, &acknowledged), all);
    }
}

#[test]
fn sixteen_writers_keep_one_document() {
    write_at_once(&[JSON]);
}

#[test]
fn sixteen_writers_keep_one_log() {
    write_at_once(&IN_LINES[..1]);
}

#[test]
fn sixteen_writers_in_python_keep_one_log() {
    write_at_once(&IN_LINES[1..2]);
}

#[test]
fn sixteen_writers_in_javascript_keep_one_log() {
    write_at_once(&IN_LINES[2..]);
}

#[test]
fn sixteen_writers_in_all_languages_keep_one_log() {
    write_at_once(&IN_LINES);
}

/// Feeds lines to a writer until it is killed after `life`; what it said.
fn feed_and_kill(mut child: Child, life: Duration) -> String {
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let reader = thread::spawn(move || {
        let mut said = String::new();
        while stdout.read_line(&mut said).expect("text") > 0 {}
        said
    });
    let feeder = thread::spawn(move || while stdin.write_all(b"a line to remember\n").is_ok() {});
    thread::sleep(life);
    child.kill().expect("killed");
    child.wait().expect("gone");
    feeder.join().expect("no panic");
    reader.join().expect("no panic")
}

/// Sixteen processes of these guests write at once, and are killed one after the other.
fn write_and_be_killed(auditors: &[Auditor]) {
    let ability = ability();
    for auditor in auditors {
        run(&ability, *auditor, &[], "");
    }
    let writers: Vec<Child> = (0..WRITERS)
        .map(|writer| started(&ability, auditors[writer % auditors.len()]))
        .collect();
    let killed = writers.into_iter().enumerate().map(|(number, child)| {
        let life = Duration::from_millis(1_500 + 97 * number as u64);
        thread::spawn(move || feed_and_kill(child, life))
    });
    let killed: Vec<_> = killed.collect();
    let mut acknowledged = Acknowledged::new();
    for said in killed {
        gather(&mut acknowledged, &said.join().expect("no panic"));
    }
    assert!(!acknowledged.is_empty(), "no time to record anything");
    let all = check(&ability, auditors[0], &acknowledged);
    // Beyond what was acknowledged, each may have had one record under way.
    let unknown = all as usize - acknowledged.len();
    assert!(unknown <= WRITERS, "{unknown} of {all} are nobody's");
    // And it goes on.
    for auditor in auditors {
        let ended = run(&ability, *auditor, &[], "after all\n");
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    assert_eq!(
        check(&ability, auditors[0], &acknowledged),
        all + auditors.len() as u64
    );
}

#[test]
fn killed_writers_keep_one_document() {
    write_and_be_killed(&[JSON]);
}

#[test]
fn killed_writers_in_all_languages_keep_one_log() {
    write_and_be_killed(&IN_LINES);
}

#[test]
fn a_kept_head_shows_that_records_are_missing() {
    for auditor in [JSON].into_iter().chain(IN_LINES) {
        let ability = ability();
        let mut acknowledged = Acknowledged::new();
        let file = match auditor {
            JSON => "audit_chain.json",
            _ => "audit_chain.log",
        };
        let file = ability.volume("shared").join(file);
        gather(
            &mut acknowledged,
            &run(&ability, auditor, &[], "one\ntwo\n").stdout,
        );
        let earlier = fs::read(&file).expect("a chain");
        gather(
            &mut acknowledged,
            &run(&ability, auditor, &[], "three\n").stdout,
        );
        assert_eq!(check(&ability, auditor, &acknowledged), 3);
        fs::write(&file, earlier).expect("written");
        let ended = run(&ability, auditor, &["verify"], "");
        assert!(ended.stdout.starts_with("verified 2 records"), "{ended:?}");
        let ended = run(
            &ability,
            auditor,
            &["verify", "--head", &kept(&acknowledged)],
            "",
        );
        assert_eq!(ended.code, Some(1), "{auditor:?} {ended:?}");
        assert!(
            ended.stderr.contains("record 3: it is missing"),
            "{ended:?}"
        );
    }
}

/// Where one language continues a log, the others follow.
#[test]
fn a_broken_log_is_continued_in_every_language() {
    let ability = ability();
    let file = ability.volume("shared").join("audit_chain.log");
    run(&ability, IN_LINES[0], &[], "one\ntwo\n");
    for (round, auditor) in IN_LINES.into_iter().enumerate() {
        let whole = fs::read_to_string(&file).expect("a log");
        // As two writers without a condition left it: a record twice. And torn.
        let broken = format!("{whole}{}\n1 torn", whole.lines().last().expect("a line"));
        fs::write(&file, &broken).expect("written");
        for auditor in IN_LINES {
            for args in [&["verify"][..], &[]] {
                let ended = run(&ability, auditor, args, "");
                assert_ne!(ended.code, Some(0), "{auditor:?} {ended:?}");
            }
        }
        let ended = run(&ability, auditor, &["continue"], "");
        let head = Head::said("ready", &ended.stdout).expect("it goes on");
        assert_eq!(head.records, 3 + 4 * round as u64);
        let mut last = head.clone();
        for auditor in IN_LINES {
            let said = run(&ability, auditor, &[], "more\n").stdout;
            let ok = said.split_inclusive('\n').next_back().expect("an answer");
            last = Head::said("ok", ok).expect("it is recorded");
        }
        let kept = format!("{}:{}", head.records, head.hash);
        let verified = format!("verified {} records, head {}\n", last.records, last.hash);
        for auditor in IN_LINES {
            let ended = run(&ability, auditor, &["verify", "--head", &kept], "");
            assert_eq!(ended.stdout, verified, "{auditor:?} {ended:?}");
            let ended = run(&ability, auditor, &["verify"], "");
            assert_ne!(
                ended.code,
                Some(0),
                "{auditor:?}: the break is not forgotten"
            );
        }
        assert!(
            fs::read_to_string(&file)
                .expect("a log")
                .starts_with(&broken)
        );
    }
}

/// One who waits for its input while others write goes on behind them.
#[test]
fn a_writer_that_waited_goes_on_behind_the_others() {
    for auditor in [JSON].into_iter().chain(IN_LINES) {
        let ability = ability();
        let mut child = started(&ability, auditor);
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("text");
        assert_eq!(Head::said("ready", &line).expect("it is ready").records, 0);
        for _ in 0..3 {
            run(&ability, auditor, &[], "one\ntwo\n");
        }
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(b"at last\n").expect("taken");
        line.clear();
        stdout.read_line(&mut line).expect("text");
        assert_eq!(Head::said("ok", &line).expect("recorded").records, 7);
        drop(stdin);
        assert!(child.wait().expect("ended").success());
        let ended = end(ability.guest(auditor.0, &SHARED, &[&["verify"], auditor.1].concat()));
        assert!(ended.stdout.starts_with("verified 7 records"), "{ended:?}");
    }
}
