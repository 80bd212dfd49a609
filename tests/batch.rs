//! Several changes as one, made by real components: all of them or none, in their
//! order, and with the step named that is to blame.

use ability_storage::{Limits, LocalVolume, MemoryVolume, Scope, StorageCtx, Version, Volume};
use end_to_end::embedding::{PROBE, VARIANTS, Variant};
use end_to_end::stores;
use std::fs;
use std::sync::Arc;
use tempfile::TempDir;

const STEPS: usize = 1_000;

/// All kinds of volume, new, with the directory of the one that has one.
fn volumes() -> Vec<(Arc<dyn Volume>, Option<TempDir>)> {
    let directory = tempfile::tempdir().expect("temporary directory");
    let local = LocalVolume::open(directory.path()).expect("opened");
    vec![
        (Arc::new(MemoryVolume::new()), None),
        (stores::fresh(Limits::default()), None),
        (Arc::new(local), Some(directory)),
    ]
}

fn answers(variant: Variant, volume: &Arc<dyn Volume>, operations: &[&[&str]]) -> Vec<String> {
    let ctx = StorageCtx::builder().volume(Scope::Ability, volume.clone());
    PROBE.answers(variant, ctx.build(), operations)
}

/// Runs operations on each kind of volume, with both variants.
fn check(expected: &[(&str, &str)]) {
    for variant in VARIANTS {
        for (volume, _directory) in volumes() {
            let words: Vec<Vec<&str>> = expected
                .iter()
                .map(|(operation, _)| operation.split(' ').collect())
                .collect();
            let operations: Vec<&[&str]> = words.iter().map(Vec::as_slice).collect();
            let answers = answers(variant, &volume, &operations);
            for ((operation, expected), answer) in expected.iter().zip(&answers) {
                assert_eq!(answer, expected, "{operation} {variant:?}");
            }
            assert_eq!(answers.len(), expected.len());
        }
    }
}

fn version(contents: &str) -> String {
    Version::of(contents.as_bytes()).to_string()
}

#[test]
fn every_kind_of_step() {
    let (one, two) = (version("one"), version("two"));
    let all = format!("ok {one}\tnone\tnone\tnone\t{two}");
    check(&[
        ("batch", "ok"),
        ("write old text", "ok"),
        ("write gone text", "ok"),
        (
            "batch write a one append log x rename old new delete gone write d/b two",
            &all,
        ),
        ("list ", "ok a\td/b\tlog\tnew"),
        ("read new", "ok text"),
        ("batch append log y append log z", "ok none\tnone"),
        ("read log", "ok xyz"),
    ]);
}

#[test]
fn steps_on_one_path_take_effect_in_their_order() {
    let (one, two) = (version("one"), version("two"));
    check(&[
        (
            "batch write a one append a + write b two rename a b delete a if absent",
            &format!("ok {one}\tnone\t{two}\tnone\tnone"),
        ),
        ("list ", "ok b"),
        ("read b", "ok one+"),
        // Each precondition sees what the steps before it did.
        (
            &format!("batch write b two write b one if version:{two} delete b if version:{one}"),
            &format!("ok {two}\t{one}\tnone"),
        ),
        ("list ", "ok"),
        // A file can make room for a directory.
        ("write a text", "ok"),
        ("batch rename a b rename b a/b", "ok none\tnone"),
        ("read a/b", "ok text"),
    ]);
}

#[test]
fn one_step_that_cannot_be_made_undoes_all() {
    let two = version("two");
    check(&[
        ("write b two", "ok"),
        (
            "batch write a new delete b append b new if absent write c new if absent rename gone d",
            "err not-found step=4",
        ),
        (
            "batch delete a delete b write b new if absent write b new if absent",
            &format!("err conflict {} step=3", version("new")),
        ),
        (
            "batch write a new if absent write b new if absent",
            &format!("err conflict {two} step=1"),
        ),
        (
            &format!("batch delete b write c new if version:{two}"),
            "err conflict none step=1",
        ),
        ("batch rename missing b", "err not-found step=0"),
        (
            "batch write a new write b/c new",
            "err invalid-path b is not a directory step=1",
        ),
        ("list ", "ok b"),
        ("read b", "ok two"),
    ]);
}

/// The steps that `Batch::read` puts before those of a batch.
#[test]
fn steps_that_change_nothing_keep_their_conditions() {
    let (two, three, twenty) = (version("2"), version("3"), version("20"));
    let reading_rate = format!("batch rename rate rate if version:{two} write sum 20");
    check(&[
        ("write rate 2", "ok"),
        (&reading_rate, &format!("ok none\t{twenty}")),
        ("read rate", "ok 2"),
        (
            "batch delete lock if absent write sum 20",
            &format!("ok none\t{twenty}"),
        ),
        ("write rate 3", "ok"),
        (&reading_rate, &format!("err conflict {three} step=0")),
        ("delete rate", "ok"),
        (&reading_rate, "err conflict none step=0"),
        ("write lock 3", "ok"),
        (
            "batch delete lock if absent write sum 30",
            &format!("err conflict {three} step=0"),
        ),
        ("list ", "ok lock\tsum"),
        ("read sum", "ok 20"),
    ]);
}

/// `batch`, and for each number the steps that `of` makes of it.
fn many(of: impl Fn(usize) -> Vec<String>) -> Vec<String> {
    let steps = (0..STEPS).flat_map(of);
    ["batch".to_owned()].into_iter().chain(steps).collect()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[test]
fn a_thousand_steps() {
    let file = |i| format!("file-{i:04}");
    let write = many(|i| words(&["write", &file(i), &i.to_string()]));
    let write_then_fail = many(|i| words(&["write", &file(i), "new"]))
        .into_iter()
        .chain(words(&["delete", "file-0000", "if", "absent"]));
    let append = many(|i| words(&["append", "log", &format!("{i}\n")]));
    let operations = [write, append, write_then_fail.collect()];
    for variant in VARIANTS {
        for (volume, directory) in volumes() {
            let ctx = StorageCtx::builder().volume(Scope::Ability, volume.clone());
            let answers = PROBE.answers(variant, ctx.build(), &operations);
            let versions = answers[0].strip_prefix("ok ").expect(&answers[0]);
            let expected: Vec<_> = (0..STEPS).map(|i| version(&i.to_string())).collect();
            assert_eq!(versions, expected.join("\t"));
            assert!(answers[1].starts_with("ok none"), "{}", answers[1]);
            let expected = format!("err conflict {} step={STEPS}", version("new"));
            assert_eq!(answers[2], expected);

            let Some(directory) = directory else { continue };
            for i in 0..STEPS {
                let contents = fs::read_to_string(directory.path().join(file(i)));
                assert_eq!(contents.expect("written"), i.to_string());
            }
            // Whole only when what is appended is settled, at the end.
            drop(volume);
            let log = fs::read_to_string(directory.path().join("log"));
            let lines: String = (0..STEPS).map(|i| format!("{i}\n")).collect();
            assert_eq!(log.expect("written"), lines);
        }
    }
}

#[test]
fn guests_that_change_two_files_at_once_never_see_them_differ() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let volume: Arc<dyn Volume> = Arc::new(LocalVolume::open(directory.path()).expect("opened"));
    let writes: Vec<Vec<String>> = (0..50)
        .map(|i| {
            let text = i.to_string();
            words(&["batch", "write", "one", &text, "write", "other", &text])
        })
        .collect();
    let ctx = || {
        let ctx = StorageCtx::builder().volume(Scope::Ability, volume.clone());
        ctx.build()
    };
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| PROBE.answers(Variant::Asynchronous, ctx(), &writes));
        let mut previous = 0;
        while !writer.is_finished() {
            let read = [["read", "one"], ["read", "other"], ["read", "one"]];
            let answers = PROBE.answers(Variant::Synchronous, ctx(), read);
            let number = |answer: &String| -> usize {
                answer
                    .strip_prefix("ok ")
                    .map_or(0, |text| text.parse().expect("a whole number"))
            };
            let [before, other, after] = [0, 1, 2].map(|i| number(&answers[i]));
            assert!((before..=after).contains(&other), "{answers:?}");
            assert!(previous <= before, "{previous} {answers:?}");
            previous = after;
        }
        let answers = writer.join().expect("no panic");
        assert!(answers.iter().all(|answer| answer.starts_with("ok ")));
    });
}
