//! Many guests on one volume lose no update and hand out no number twice:
//! threads that share one host, and hosts that know nothing of each other.

use ability_storage::{LocalVolume, Scope, StorageCtx, Volume};
use end_to_end::command::names;
use end_to_end::embedding::{COUNTER, PROBE, VARIANTS, Variant};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;

const INSTANCES: usize = 16;
const NUMBERS: usize = 10;

/// Lets sixteen counters count at once, each with the volume that it is given,
/// and checks that they handed out each number once.
fn count(variant: Variant, directory: &Path, volume: impl Fn() -> Arc<dyn Volume>) {
    let runs: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..INSTANCES)
            .map(|_| {
                let ctx = StorageCtx::builder()
                    .volume(Scope::Ability, volume())
                    .build();
                scope.spawn(move || {
                    let times = NUMBERS.to_string();
                    let run = COUNTER.run(variant, ctx, &["next", "--times", &times], "");
                    assert!(matches!(run.result, Ok(0)), "{:?}", run.result);
                    run.stdout
                })
            })
            .collect();
        let join = |thread: thread::ScopedJoinHandle<_>| thread.join().expect("no panic");
        threads.into_iter().map(join).collect()
    });
    let mut seen = BTreeSet::new();
    for run in &runs {
        let numbers: Vec<usize> = run.lines().map(|n| n.parse().expect("a number")).collect();
        assert!(numbers.is_sorted(), "{numbers:?}");
        for number in numbers {
            assert!(seen.insert(number), "{number} was handed out twice");
        }
    }
    let all = INSTANCES * NUMBERS;
    assert_eq!(seen, (1..=all).collect());
    let file = fs::read_to_string(directory.join("counter.count")).expect("read");
    assert_eq!(file, all.to_string());
    assert_eq!(names(directory), [".ability-storage", "counter.count"]);
}

#[test]
fn sixteen_threads_of_one_host_hand_out_each_number_once() {
    for variant in VARIANTS {
        let directory = tempfile::tempdir().expect("temporary directory");
        let volume = Arc::new(LocalVolume::open(directory.path()).expect("opened"));
        count(variant, directory.path(), || volume.clone());
    }
}

#[test]
fn sixteen_hosts_on_one_directory_hand_out_each_number_once() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let open = || LocalVolume::open(directory.path()).expect("opened");
    count(Variant::Asynchronous, directory.path(), || Arc::new(open()));
}

#[test]
fn two_hosts_see_what_the_other_wrote() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let volume = || Arc::new(LocalVolume::open(directory.path()).expect("opened"));
    let (one, other) = (volume(), volume());
    let ask = |volume: &Arc<LocalVolume>, words: &[&str]| {
        let ctx = StorageCtx::builder()
            .volume(Scope::Ability, volume.clone())
            .build();
        let mut answers = PROBE.answers(Variant::Synchronous, ctx, [words]);
        answers.remove(0)
    };

    assert_eq!(ask(&one, &["write", "a", "one"]), "ok");
    let read = ask(&other, &["read-versioned", "a"]);
    let (version, contents) = read
        .strip_prefix("ok ")
        .and_then(|read| read.split_once('\t'))
        .expect("version and contents");
    assert_eq!(contents, "one");

    // What the other has read is replaced meanwhile: its update is refused.
    assert_eq!(ask(&one, &["write", "a", "two"]), "ok");
    let condition = format!("version:{version}");
    let answer = ask(&other, &["write-if", "a", "lost", &condition]);
    assert!(answer.starts_with("err conflict "), "{answer}");
    assert_eq!(ask(&other, &["append", "a", " and three"]), "ok");
    assert_eq!(ask(&one, &["read", "a"]), "ok two and three");

    drop(one);
    assert_eq!(ask(&other, &["delete", "a"]), "ok");
    drop(other);
    let sessions = directory.path().join(".ability-storage/sessions");
    assert_eq!(names(&sessions), Vec::<String>::new());
}
