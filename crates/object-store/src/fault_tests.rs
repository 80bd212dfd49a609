//! Single promises, each on the way that would break it: answers that never come,
//! many clients at once, writers that are dropped; and what calls cost.

use crate::testing::{
    Fault, FaultyStore, Meanwhile, Network, append, file, open, read, unhurried, write,
};
use crate::{BlobCache, ObjectRoot, Patience};
use ability_storage_engine::{Change, Error, Limits, Outcome, Precondition, Volume, VolumeId};
use object_store::ObjectStore;
use object_store::path::Path;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

fn gives_up_soon() -> Patience {
    unhurried().give_up_after(Duration::from_millis(300))
}

#[test]
fn a_commit_whose_answer_never_comes_is_in_doubt() {
    let network = Arc::new(Network::default());
    let store = FaultyStore::new(&network);
    let volume = open(store.clone(), gives_up_soon(), None);
    volume.commit(append("log", "1").into()).expect("committed");
    store.fail_at(0, Fault::Cut);
    let error = volume
        .commit(append("log", "2").into())
        .expect_err("cut off");
    assert_eq!(error.outcome(), Outcome::Unconfirmed, "{error}");
    store.heal();
    assert_eq!(read(&volume, "log"), b"12");

    // It arrives after the volume has given up.
    store.fail_at(0, Fault::Late(1_000));
    store.fail_at(1, Fault::Cut);
    let error = volume
        .commit(append("log", "3").into())
        .expect_err("cut off");
    assert_eq!(error.outcome(), Outcome::Unconfirmed, "{error}");
    store.heal();
    assert_eq!(read(&volume, "log"), b"12");
    network.settle();
    assert_eq!(read(&volume, "log"), b"123");
    volume.commit(append("log", "4").into()).expect("committed");
    assert_eq!(read(&volume, "log"), b"1234");
    let counters = volume.counters();
    assert_eq!((counters.commits, counters.unconfirmed), (2, 2));
}

#[test]
fn a_commit_that_was_never_sent_is_not_made() {
    let network = Arc::new(Network::default());
    let store = FaultyStore::new(&network);
    let volume = open(store.clone(), gives_up_soon(), None);
    store.fail_at(0, Fault::Cut);
    // It could not even find out what there is.
    let error = volume.commit(write("a", "1").into()).expect_err("cut off");
    assert_eq!(error.outcome(), Outcome::NotApplied, "{error}");
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
}

#[test]
fn what_an_overtaken_commit_was_made_for_is_gone() {
    let network = Arc::new(Network::default());
    let (slow, quick) = (FaultyStore::new(&network), FaultyStore::new(&network));
    let slow_volume = open(slow.clone(), unhurried(), None);
    let quick_volume = open(quick, unhurried(), None);
    slow_volume
        .commit(append("log", "1").into())
        .expect("committed");
    // On its way when another client commits; made anew, once.
    slow.fail_at(0, Fault::Late(1_000));
    let before_next = Fault::Meanwhile(Meanwhile::Append);
    slow.fail_at(1, before_next);
    slow_volume
        .commit(append("log", "2").into())
        .expect("committed");
    network.settle();
    assert_eq!(read(&quick_volume, "log"), b"1+2");
}

/// Each line that was acknowledged is there once, each that was refused is not, each
/// in doubt at most once.
#[test]
fn sixteen_clients_through_faults_lose_nothing_and_repeat_nothing() {
    let network = Arc::new(Network::default());
    let outcomes: Vec<(String, Option<Outcome>)> = thread::scope(|scope| {
        let clients: Vec<_> = (0..16)
            .map(|client| {
                let network = &network;
                scope.spawn(move || {
                    let store = FaultyStore::new(network);
                    store.fail_often(60);
                    let patience = unhurried().give_up_after(Duration::from_secs(30));
                    let volume = open(store, patience, None);
                    let mut outcomes = Vec::new();
                    for number in 0..12 {
                        let line = format!("{client}.{number}\n");
                        let result = volume.commit(append("log", line.clone()).into());
                        outcomes.push((line, result.err().map(|error| error.outcome())));
                    }
                    outcomes
                })
            })
            .collect();
        let joined = clients
            .into_iter()
            .map(|client| client.join().expect("no panic"));
        joined.flatten().collect()
    });
    network.settle();
    let volume = open(FaultyStore::new(&network), unhurried(), None);
    let log = String::from_utf8(read(&volume, "log")).expect("text");
    for (line, outcome) in &outcomes {
        let times = log
            .lines()
            .filter(|other| *other == line.trim_end())
            .count();
        let wanted = match outcome {
            None => 1..=1,
            Some(Outcome::NotApplied) => 0..=0,
            Some(_) => 0..=1,
        };
        assert!(
            wanted.contains(&times),
            "{line:?} {outcome:?}: {times} times"
        );
    }
    let made = outcomes.iter().filter(|(_, outcome)| outcome.is_none());
    assert!(made.count() > outcomes.len() / 2, "{outcomes:?}");
}

/// Who has just won knows HEAD and could win again and again.
#[test]
fn no_client_loses_for_ever() {
    let network = Arc::new(Network::default());
    let (clients, commits) = (8, 400);
    let all = AtomicUsize::new(0);
    let made: Vec<usize> = thread::scope(|scope| {
        let clients = (0..clients).map(|_| {
            let (store, all) = (FaultyStore::new(&network), &all);
            store.delay(2_000);
            let pauses = (Duration::from_millis(10), Duration::from_secs(1));
            let patience = Patience::default().pauses(pauses.0, pauses.1);
            let volume = open(store, patience, None);
            scope.spawn(move || {
                let mut made = 0;
                while all.fetch_add(1, Ordering::SeqCst) < commits {
                    volume.commit(append("log", "x").into()).expect("committed");
                    made += 1;
                }
                made
            })
        });
        let clients: Vec<_> = clients.collect();
        let joined = clients
            .into_iter()
            .map(|client| client.join().expect("no panic"));
        joined.collect()
    });
    // A sixteenth of its share at least.
    let least = commits / clients / 16;
    assert!(made.iter().all(|made| *made >= least), "{made:?}");
}

#[test]
fn a_dropped_writer_leaves_nothing() {
    let network = Arc::new(Network::default());
    let store = FaultyStore::new(&network);
    let volume = open(store.clone(), unhurried(), None);
    let mut writer = volume.writer(&file("a")).expect("begun");
    writer.write(&vec![1; 40_000]).expect("sent");
    assert_eq!(store.open_uploads(), 1);
    drop(writer);
    let end = Instant::now() + Duration::from_secs(10);
    while store.open_uploads() > 0 {
        assert!(Instant::now() < end, "it was not aborted");
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(network.keys(), [""; 0]);

    // Refused after it was sent.
    let mut writer = volume.writer(&file("a")).expect("begun");
    writer.write(&vec![1; 40_000]).expect("sent");
    let stale = Precondition::Version(ability_storage_engine::Version::of(b"x"));
    assert!(matches!(writer.commit(stale), Err(Error::Conflict { .. })));
    while network.keys() != [""; 0] {
        assert!(Instant::now() < end, "its blob is left");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Else the end of what could be read would be taken for the end of the file.
#[test]
fn a_reader_that_failed_gives_nothing_more() {
    let network = Arc::new(Network::default());
    let store = FaultyStore::new(&network);
    let volume = open(store.clone(), gives_up_soon(), None);
    let mut writer = volume.writer(&file("a")).expect("begun");
    writer.write(&[2; 40_000]).expect("sent");
    writer.commit(Precondition::Any).expect("committed");
    let mut reader = volume.reader(&file("a")).expect("opened");
    assert!(!reader.read(100_000).expect("read").is_empty());
    store.fail_at(0, Fault::Cut);
    assert!(reader.read(100_000).is_err());
    store.heal();
    assert!(reader.read(100_000).is_err());
}

/// What the manual says of costs.
#[test]
fn requests_are_few() {
    let network = Arc::new(Network::default());
    let store = FaultyStore::new(&network);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let cache = BlobCache::open(directory.path(), 1 << 20).expect("opened");
    let volume = open(store.clone(), unhurried(), Some(cache));
    volume.commit(write("a", "1").into()).expect("committed");
    let cost = |what: &str, call: &dyn Fn()| {
        let before = store.requests();
        call();
        (what.to_owned(), store.requests() - before)
    };
    let commit = |change: Change| {
        volume.commit(change.into()).expect("committed");
    };
    let long = vec![9; 8_000];
    let costs = [
        cost("short write", &|| commit(write("a", "2"))),
        cost("same write", &|| commit(write("a", "2"))),
        cost("short append", &|| commit(append("a", "3"))),
        cost("long write", &|| commit(write("b", long.clone()))),
        cost("read", &|| assert_eq!(read(&volume, "a"), b"23")),
        cost("read of a blob in the cache", &|| {
            assert_eq!(read(&volume, "b"), long)
        }),
        cost("list", &|| {
            assert_eq!(volume.list(None).expect("listed").len(), 2)
        }),
        cost("stat", &|| assert!(volume.stat(&file("a")).is_ok())),
        cost("batch of a hundred", &|| {
            let batch = (0..100).map(|number| write(&format!("c/{number}"), "x"));
            volume.commit(batch.collect()).expect("committed");
        }),
    ];
    let wanted = [
        ("short write", 1),
        ("same write", 1),
        ("short append", 1),
        ("long write", 2),
        ("read", 1),
        ("read of a blob in the cache", 1),
        ("list", 1),
        ("stat", 1),
        ("batch of a hundred", 1),
    ];
    assert_eq!(costs, wanted.map(|(what, cost)| (what.to_owned(), cost)));
}

#[test]
fn writers_that_wait_together_share_a_request() {
    let network = Arc::new(Network::default());
    let store = FaultyStore::new(&network);
    store.delay(10_000);
    let volume = open(store.clone(), unhurried(), None);
    volume.commit(write("a", "1").into()).expect("committed");
    let before = store.requests();
    thread::scope(|scope| {
        for number in 0..16 {
            let volume = &volume;
            scope.spawn(move || {
                for round in 0..4 {
                    let change = append(&format!("file-{number}"), format!("{round}"));
                    volume.commit(change.into()).expect("committed");
                }
            });
        }
    });
    let requests = store.requests() - before;
    // Four a request are usual, but threads may start late on a busy machine.
    assert!(requests < 48, "{requests} requests for 64 commits");
    assert!((0..16).all(|number| read(&volume, &format!("file-{number}")) == b"0123"));
}

/// One of them takes the others along, and its request never ends.
#[test]
fn nobody_waits_for_ever_for_one_that_stopped() {
    let network = Arc::new(Network::default());
    let store = FaultyStore::new(&network);
    let volume = open(store.clone(), unhurried(), None);
    volume.commit(write("a", "1").into()).expect("committed");
    store.delay(20_000);
    store.fail_at(3, Fault::StopAfter);
    let outcomes: Vec<Option<Outcome>> = thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|number| {
                let volume = &volume;
                scope.spawn(move || {
                    let change = append("log", format!("{number}\n"));
                    let results = [(); 4].map(|()| volume.commit(change.clone().into()));
                    results.map(|result| result.err().map(|error| error.outcome()))
                })
            })
            .collect();
        let joined = writers
            .into_iter()
            .map(|writer| writer.join().expect("no panic"));
        joined.flatten().collect()
    });
    assert!(
        outcomes.contains(&Some(Outcome::Unconfirmed)),
        "{outcomes:?}"
    );
    let volume = open(FaultyStore::new(&network), unhurried(), None);
    let lines = String::from_utf8(read(&volume, "log"))
        .expect("text")
        .lines()
        .count();
    let made = outcomes.iter().filter(|outcome| outcome.is_none()).count();
    assert!(
        (made..=outcomes.len()).contains(&lines),
        "{lines} lines, {outcomes:?}"
    );
}

#[test]
fn calls_may_come_from_a_thread_of_a_runtime() {
    let network = Arc::new(Network::default());
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(async {
        let volume = open(FaultyStore::new(&network), unhurried(), None);
        volume.commit(write("a", "1").into()).expect("committed");
        assert_eq!(read(&volume, "a"), b"1");
    });
}

/// What is in HEAD is limited, whatever the files are.
#[test]
fn head_does_not_take_all_that_is_short() {
    let network = Arc::new(Network::default());
    let volume = open(FaultyStore::new(&network), unhurried(), None);
    let names: BTreeSet<String> = (0..20).map(|number| format!("f{number}")).collect();
    for name in &names {
        volume
            .commit(write(name, name.repeat(500)).into())
            .expect("committed");
    }
    let blobs = network.keys().into_iter().filter(|key| key.contains("/b/"));
    assert!(blobs.count() >= 10);
    for name in &names {
        assert_eq!(read(&volume, name), name.repeat(500).as_bytes());
    }
}

#[test]
fn a_read_only_root_writes_nothing() {
    let network = Arc::new(Network::default());
    let store = FaultyStore::new(&network);
    let options = ObjectRoot::options()
        .read_only(true)
        .limits(Limits::default());
    let store: Arc<dyn ObjectStore> = store;
    let root = options.open_in(store, Path::from("root")).expect("opened");
    let volume = root.open_volume(&VolumeId::user());
    assert_eq!(volume.list(None).expect("listed"), []);
    let results = [
        volume.commit(write("a", "1").into()).map(drop),
        volume.writer(&file("a")).map(drop),
        volume.sweep(Duration::ZERO).map(drop),
    ];
    for result in results {
        assert!(matches!(result, Err(Error::ReadOnly)), "{result:?}");
    }
    assert_eq!(network.keys(), [""; 0]);
}
