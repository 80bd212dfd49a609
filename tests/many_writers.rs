//! Many guests on one volume lose no update, hand out no number twice and mix no
//! lines: threads that share one host, and hosts that know nothing of each other.

use ability_storage::{FilePath, Limits, LocalVolume, Scope, StorageCtx, Volume};
use end_to_end::command::{names, sessions_of};
use end_to_end::embedding::{COUNTER, Guest, PROBE, VARIANTS, Variant};
use end_to_end::many::{check_log, share};
use end_to_end::stores;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;

const INSTANCES: usize = 16;
const NUMBERS: usize = 1_000;
const LINES: usize = 20;

/// Runs a guest sixteen times at once, each with the volume and the arguments
/// that it is given, and returns what each printed.
fn at_once(
    guest: &Guest,
    variant: Variant,
    volume: impl Fn() -> Arc<dyn Volume>,
    args: impl Fn(usize) -> Vec<String>,
) -> Vec<String> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..INSTANCES)
            .map(|i| {
                let ctx = StorageCtx::builder()
                    .volume(Scope::Ability, volume())
                    .build();
                let args = args(i);
                scope.spawn(move || {
                    let args: Vec<_> = args.iter().map(String::as_str).collect();
                    let run = guest.run(variant, ctx, &args, "");
                    assert!(matches!(run.result, Ok(0)), "{:?}", run.result);
                    run.stdout
                })
            })
            .collect();
        let join = |thread: thread::ScopedJoinHandle<_>| thread.join().expect("no panic");
        threads.into_iter().map(join).collect()
    })
}

/// Lets sixteen counters count to a thousand together, and checks that they
/// handed out each number once.
fn count(variant: Variant, volume: impl Fn() -> Arc<dyn Volume>) {
    let runs = at_once(&COUNTER, variant, &volume, |i| {
        let times = share(NUMBERS, INSTANCES, i).to_string();
        ["next", "--times", &times].map(str::to_owned).into()
    });
    let mut seen = BTreeSet::new();
    for run in &runs {
        let numbers: Vec<usize> = run.lines().map(|n| n.parse().expect("a number")).collect();
        assert!(numbers.is_sorted(), "{numbers:?}");
        for number in numbers {
            assert!(seen.insert(number), "{number} was handed out twice");
        }
    }
    assert_eq!(seen, (1..=NUMBERS).collect());
    assert_eq!(text(&*volume(), "counter.count"), NUMBERS.to_string());
    let files = volume().list(None).expect("listed");
    assert_eq!(files, [FilePath::new("counter.count").expect("valid")]);
}

fn text(volume: &dyn Volume, path: &str) -> String {
    let path = FilePath::new(path).expect("valid");
    let snapshot = volume.read(&path, u64::MAX).expect("read");
    String::from_utf8(snapshot.into_contents()).expect("text")
}

#[test]
fn sixteen_threads_of_one_host_hand_out_each_number_once() {
    for variant in VARIANTS {
        let directory = tempfile::tempdir().expect("temporary directory");
        let volume = Arc::new(LocalVolume::open(directory.path()).expect("opened"));
        count(variant, || volume.clone());
        assert_eq!(
            names(directory.path()),
            [".ability-storage", "counter.count"]
        );
    }
}

#[test]
fn sixteen_threads_on_one_object_store_hand_out_each_number_once() {
    for variant in VARIANTS {
        let volume = stores::fresh(Limits::default());
        count(variant, || volume.clone());
    }
}

#[test]
fn sixteen_clients_of_one_object_store_hand_out_each_number_once() {
    count(Variant::Asynchronous, stores::shared(Limits::default()));
}

#[test]
fn sixteen_hosts_on_one_directory_hand_out_each_number_once() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let open = || LocalVolume::open(directory.path()).expect("opened");
    count(Variant::Asynchronous, || Arc::new(open()));
}

/// Lets sixteen guests append lines to one file, and checks that all are there,
/// whole, and those of one guest in its order.
fn append(variant: Variant, volume: impl Fn() -> Arc<dyn Volume>) {
    let lines = LINES.to_string();
    let runs = at_once(&PROBE, variant, &volume, |i| {
        let prefix = format!("guest-{i}:");
        ["append-lines", "log", &lines, &prefix]
            .map(str::to_owned)
            .into()
    });
    assert!(runs.iter().all(|run| *run == format!("ok {LINES}\n")));
    check_log(&text(&*volume(), "log"), INSTANCES, LINES);
}

#[test]
fn sixteen_threads_of_one_host_append_whole_lines() {
    for variant in VARIANTS {
        let directory = tempfile::tempdir().expect("temporary directory");
        let volume = Arc::new(LocalVolume::open(directory.path()).expect("opened"));
        append(variant, || volume.clone());
    }
}

#[test]
fn sixteen_clients_of_one_object_store_append_whole_lines() {
    append(Variant::Synchronous, stores::shared(Limits::default()));
}

#[test]
fn sixteen_hosts_on_one_directory_append_whole_lines() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let open = || LocalVolume::open(directory.path()).expect("opened");
    append(Variant::Synchronous, || Arc::new(open()));
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
    assert_eq!(sessions_of(directory.path()), Vec::<String>::new());
}
