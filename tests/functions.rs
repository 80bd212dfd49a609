//! Every function of the interface, called by a real component, does what the
//! WIT says: in both variants of the host functions, in both scopes, and on
//! all kinds of volume.

use ability_storage::{Limits, LocalVolume, MemoryVolume, Scope, StorageCtx, Version, Volume};
use end_to_end::embedding::{PROBE, VARIANTS};
use end_to_end::stores;
use std::sync::Arc;

/// What `probe` is told, and what it is to answer.
fn all_functions() -> Vec<(Vec<String>, String)> {
    let version = |contents: &str| Version::of(contents.as_bytes()).to_string();
    let (first, second, third) = (version("first"), version("second"), version("third"));
    [
        ("exists notes/a.md", "ok false"),
        ("list _", "ok"),
        ("write notes/a.md one", "ok"),
        ("exists notes/a.md", "ok true"),
        ("exists notes", "ok false"),
        ("read notes/a.md", "ok one"),
        ("write notes/a.md _", "ok"),
        ("read notes/a.md", "ok"),
        ("write-hex raw 00ff0a", "ok"),
        ("read raw", "ok \\0\\xff\\n"),
        ("write-if b.md first absent", &format!("ok {first}")),
        ("read-versioned b.md", &format!("ok {first}\tfirst")),
        ("write-if b.md second any", &format!("ok {second}")),
        (
            &format!("write-if b.md third version:{second}"),
            &format!("ok {third}"),
        ),
        ("append log x", "ok"),
        ("append log yz", "ok"),
        ("read log", "ok xyz"),
        ("rename b.md notes/b.md", "ok"),
        ("exists b.md", "ok false"),
        ("rename log notes/b.md", "ok"),
        ("read notes/b.md", "ok xyz"),
        ("write notes-old.md _", "ok"),
        ("list _", "ok notes-old.md\tnotes/a.md\tnotes/b.md\traw"),
        ("list notes", "ok notes/a.md\tnotes/b.md"),
        ("list notes/", "ok notes/a.md\tnotes/b.md"),
        ("list nothing/here", "ok"),
        ("delete notes/a.md", "ok"),
        ("delete notes/a.md", "ok"),
        ("exists notes/a.md", "ok false"),
        // A directory that is empty again leaves its name to a file.
        ("delete notes/b.md", "ok"),
        ("write notes file", "ok"),
        ("update counted ab", "ok 2"),
        ("update counted cd", "ok 4"),
        ("state-push state.json x", "ok 1"),
        ("state-push state.json y", "ok 2"),
    ]
    .map(|(operation, answer)| (words(operation), answer.to_owned()))
    .into()
}

/// An underscore stands for the empty word.
fn words(operation: &str) -> Vec<String> {
    let words = operation.split(' ');
    words.map(|word| word.replace('_', "")).collect()
}

fn check(make: impl Fn() -> Arc<dyn Volume>) {
    let (operations, expected): (Vec<_>, Vec<_>) = all_functions().into_iter().unzip();
    for variant in VARIANTS {
        for scope in [Scope::Ability, Scope::User] {
            let ctx = StorageCtx::builder().volume(scope, make()).build();
            let operations = operations.iter().map(|words| {
                let user = (scope == Scope::User).then(|| "--user".to_owned());
                words.iter().cloned().chain(user).collect::<Vec<_>>()
            });
            let answers = PROBE.answers(variant, ctx, operations.clone());
            for ((operation, answer), expected) in operations.zip(&answers).zip(&expected) {
                assert_eq!(answer, expected, "{operation:?} {variant:?} {scope:?}");
            }
            assert_eq!(answers.len(), expected.len());
        }
    }
}

#[test]
fn in_memory() {
    check(|| Arc::new(MemoryVolume::new()));
}

#[test]
fn on_an_object_store() {
    check(|| stores::fresh(Limits::default()));
}

#[test]
fn in_a_directory() {
    let directory = tempfile::tempdir().expect("temporary directory");
    check(|| {
        let number = directory.path().read_dir().expect("listed").count();
        let path = directory.path().join(number.to_string());
        std::fs::create_dir(&path).expect("created");
        Arc::new(LocalVolume::open(path).expect("opened"))
    });
}

#[test]
fn a_guest_is_told_size_and_time() {
    for variant in VARIANTS {
        let ctx = StorageCtx::builder()
            .ability_volume(MemoryVolume::new())
            .build();
        let operations = [vec!["clock"], vec!["write", "a", "1234"], vec!["stat", "a"]];
        let answers = PROBE.answers(variant, ctx, operations);
        let before = answers[0].split(['\t', ' ']).nth(1).expect("a time");
        let (size, modified) = answers[2]
            .strip_prefix("ok ")
            .and_then(|answer| answer.split_once('\t'))
            .expect("two fields");
        assert_eq!(size, "4");
        // Both have ten digits before the point and nine after it.
        assert!(before <= modified, "{before} {modified}");
    }
}
