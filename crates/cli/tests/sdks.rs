//! The SDKs in Python and JavaScript in the real host: the suites that they pass in
//! memory, and their examples.

use end_to_end::command::{Ability, Ended, end_with_input, sessions_of};
use std::fs;

/// How many cases the suites have: fewer would mean that some were not tried.
const PYTHON_CASES: usize = 64;
const JAVASCRIPT_CASES: usize = 61;

fn ability() -> Ability {
    Ability::new(env!("CARGO_BIN_EXE_ability"), env!("CARGO_TARGET_TMPDIR"))
}

/// A run that succeeds; what it printed.
fn said(ability: &Ability, guest: &str, args: &[&str]) -> String {
    let ended = ability.run(guest, &[], args);
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(0), ""),
        "{ended:?}"
    );
    ended.stdout
}

/// A run that fails with one line; the line.
fn complained(ability: &Ability, guest: &str, args: &[&str]) -> String {
    let ended = ability.run(guest, &[], args);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    ended.stderr.trim_end().to_owned()
}

#[test]
fn python_passes_its_suite() {
    let limits = [
        "--max-file-bytes=300000",
        "--max-total-bytes=1000000",
        "--max-files=50",
    ];
    let ended = ability().run("python-probe", &limits, &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let last = ended.stdout.lines().last();
    assert_eq!(last, Some(format!("ok: {PYTHON_CASES} cases").as_str()));
}

#[test]
fn javascript_passes_its_suite_in_quickjs() {
    javascript_passes_its_suite("js-probe");
}

#[test]
fn javascript_passes_its_suite_in_starlingmonkey() {
    javascript_passes_its_suite("js-probe-starlingmonkey");
}

fn javascript_passes_its_suite(guest: &str) {
    let Ended { code, stdout, .. } = ability().run(guest, &[], &[]);
    assert_eq!(code, Some(0), "{stdout}");
    assert!(
        stdout.starts_with(&format!("1..{JAVASCRIPT_CASES}\n")),
        "{stdout}"
    );
    let passed = stdout.lines().filter(|line| line.starts_with("ok "));
    assert_eq!(passed.count(), JAVASCRIPT_CASES, "{stdout}");
}

#[test]
fn a_program_in_quickjs_may_recurse() {
    let ended = ability().run("js-probe", &[], &["deep", "3000"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn a_limit_is_told_once_in_every_language() {
    let ability = ability();
    let options = ["--max-total-bytes", "1"];
    for (guest, args, file) in [
        ("python-journal", ["add", "too long"], "journal.json"),
        ("js-settings", ["set", "too=long"], "settings.json"),
        ("counter", ["next", "--times=20"], "counter.count"),
    ] {
        let args: Vec<_> = args.iter().flat_map(|words| words.split('=')).collect();
        let ended = ability.run(guest, &options, &args);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let told = format!("{file} was not changed: all files together would exceed 1 bytes");
        assert!(ended.stderr.trim_end().ends_with(&told), "{ended:?}");
        assert_eq!(ended.stderr.matches(file).count(), 1, "{ended:?}");
    }
}

#[test]
fn two_writers_of_a_python_journal_lose_nothing() {
    let ability = ability();
    let first = said(&ability, "python-journal", &["add", "A quiet day."]);
    assert_eq!(first, "added 1\tA quiet day.\n");
    let writers = ["one", "two"].map(|text| {
        let args = ["add", text, "--times", "50"];
        let writer = ability.guest("python-journal", &[], &args).spawn();
        writer.expect("started")
    });
    for writer in writers {
        let ended = end_to_end::command::ended(writer);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(ended.stdout.lines().count(), 50);
    }
    let list = said(&ability, "python-journal", &["list"]);
    let count = |text: &str| list.lines().filter(|line| line.ends_with(text)).count();
    assert_eq!(list.lines().count(), 101);
    assert_eq!(["\tone", "\ttwo", "\tA quiet day."].map(count), [50, 50, 1]);
}

#[test]
fn a_python_journal_of_another_version() {
    let ability = ability();
    let file = ability.volume("python-journal").join("journal.json");
    fs::create_dir_all(ability.volume("python-journal")).expect("created");
    fs::write(&file, r#"{"schema_version": 1, "entries": ["old"]}"#).expect("written");
    assert_eq!(said(&ability, "python-journal", &["list"]), "1\t-\told\n");

    let newer = r#"{"schema_version": 3, "of": "the future"}"#;
    fs::write(&file, newer).expect("written");
    let complaint = complained(&ability, "python-journal", &["add", "lost?"]);
    let expected = "journal.json was left as it is: its schema version is 3, and this \
                    program knows only up to 2";
    assert!(complaint.contains(expected), "{complaint}");
    assert_eq!(fs::read_to_string(&file).expect("it is there"), newer);
}

#[test]
fn javascript_settings() {
    let ability = ability();
    let guest = "js-settings";
    assert_eq!(said(&ability, guest, &["set", "city", "Tromsø"]), "");
    assert_eq!(said(&ability, guest, &["set", "unit", "°C"]), "");
    assert_eq!(
        said(&ability, guest, &["get"]),
        "city = Tromsø\nunit = °C\n"
    );
    let history = said(&ability, guest, &["history"]);
    assert_eq!(history, "1: city = Tromsø\n2: unit = °C\n");

    let file = ability.volume(guest).join("settings.json");
    fs::write(&file, r#"{"sche"#).expect("written");
    let ended = ability.run(guest, &[], &["get"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let kept = "it is kept as settings.corrupt-1.json";
    assert!(ended.stderr.trim_end().ends_with(kept), "{ended:?}");
    let aside = ability.volume(guest).join("settings.corrupt-1.json");
    assert_eq!(fs::read_to_string(aside).expect("kept"), r#"{"sche"#);
    let complaint = complained(&ability, guest, &["get", "city"]);
    assert_eq!(complaint, "city is not set");
}

#[test]
fn an_ability_and_its_background_run_together() {
    let ability = ability();
    let command = ability.guest("shared", &[], &[]);
    let ended = end_with_input(command, "water the plants\nstop\n");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // The background may have said that it is time, and wrote the same file.
    assert!(
        ended.stdout.contains("Noted: water the plants.\n"),
        "{ended:?}"
    );
    let user = ability.root().join("user");
    let reminders = fs::read_to_string(user.join("reminders.json")).expect("a file");
    assert!(reminders.contains("water the plants"), "{reminders}");
    assert_eq!(sessions_of(&user), [""; 0]);
}

#[test]
fn a_model_answers_an_old_ability() {
    let ability = ability();
    let answers = ability.directory().join("answers.txt");
    fs::write(&answers, "It will rain.\n").expect("written");
    let options = ["--model-answers", answers.to_str().expect("text")];
    let command = ability.guest("network", &options, &[]);
    let ended = end_with_input(command, "Oslo\n");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("It will rain.\n"), "{ended:?}");
    let without = end_with_input(ability.guest("network", &[], &[]), "Oslo\n");
    assert!(
        without.stderr.contains("no language model is linked"),
        "{without:?}"
    );
}
