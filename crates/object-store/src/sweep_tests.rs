//! Sweeps beside writers and readers, without any time of grace and with one.

use crate::testing::{Fault, FaultyStore, Meanwhile, Network, file, open, read, unhurried, write};
use ability_storage_engine::{Outcome, Volume};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Writers take their time between sending and committing, while others sweep
/// without any time of grace.
#[test]
fn sweeps_lose_no_file_however_slow_its_writer_is() {
    let network = Arc::new(Network::default());
    let client = || {
        let store = FaultyStore::new(&network);
        store.delay(2_000);
        open(
            store,
            unhurried().give_up_after(Duration::from_secs(30)),
            None,
        )
    };
    let end = Instant::now() + Duration::from_secs(4);
    let written = thread::scope(|scope| {
        for _ in 0..2 {
            let sweeper = client();
            scope.spawn(move || {
                while Instant::now() < end {
                    sweeper.sweep(Duration::ZERO).expect("swept");
                }
            });
        }
        let writers: Vec<_> = (0..4_u8)
            .map(|number| {
                let volume = client();
                scope.spawn(move || {
                    let (mut last, mut made) = (Vec::new(), 0);
                    let path = format!("file-{number}");
                    while Instant::now() < end {
                        let contents = vec![made as u8 ^ number; 5_000 + made % 9_000];
                        match volume.commit(write(&path, contents.clone()).into()) {
                            Ok(_) => (last, made) = (contents, made + 1),
                            // What was sent was swept: told, and nothing is changed.
                            Err(error) => assert_eq!(error.outcome(), Outcome::NotApplied),
                        }
                        if made > 0 {
                            assert!(read(&volume, &path) == last, "{path} is not what it was");
                        }
                    }
                    (path, last, made)
                })
            })
            .collect();
        let joined = writers
            .into_iter()
            .map(|writer| writer.join().expect("no panic"));
        joined.collect::<Vec<_>>()
    });
    let volume = client();
    for (path, last, made) in written {
        assert!(made > 3, "{path} was written {made} times");
        assert!(read(&volume, &path) == last, "{path} is not what it was");
    }
}

#[test]
fn what_was_swept_while_it_was_sent_has_to_be_written_again() {
    let network = Arc::new(Network::default());
    let store = FaultyStore::new(&network);
    let volume = open(store.clone(), unhurried(), None);
    volume.commit(write("a", "1").into()).expect("committed");
    // Requests: the blob, HEAD.
    store.fail_at(1, Fault::Meanwhile(Meanwhile::Sweep));
    let long = vec![7; 5_000];
    let error = volume
        .commit(write("a", long.clone()).into())
        .expect_err("swept");
    assert_eq!(error.outcome(), Outcome::NotApplied);
    assert!(error.to_string().contains("write it again"), "{error}");
    assert_eq!(read(&volume, "a"), b"1");
    volume
        .commit(write("a", long.clone()).into())
        .expect("committed");
    assert_eq!(read(&volume, "a"), long);
}

#[test]
fn a_sweep_spares_what_went_out_of_use_lately() {
    let network = Arc::new(Network::default());
    let volume = open(FaultyStore::new(&network), unhurried(), None);
    volume
        .commit(write("a", vec![1; 9_000]).into())
        .expect("committed");
    let mut reader = volume.reader(&file("a")).expect("opened");
    volume
        .commit(write("a", vec![2; 9_000]).into())
        .expect("committed");
    let hour = Duration::from_secs(3_600);
    let swept = volume.sweep(hour).expect("swept");
    assert_eq!((swept.removed, swept.waiting, swept.used), (0, 1, 1));
    assert_eq!(swept.waiting_bytes, 9_000);
    let mut contents = Vec::new();
    loop {
        match reader.read(4_000).expect("read") {
            piece if piece.is_empty() => break,
            piece => contents.extend(piece),
        }
    }
    assert!(contents == vec![1; 9_000]);
    thread::sleep(Duration::from_millis(30));
    assert_eq!(volume.sweep(hour).expect("swept").removed, 0);
    // Asked, and changed by nothing that is asked.
    for _ in 0..2 {
        assert_eq!(volume.would_sweep(hour).expect("seen"), swept);
        let due = volume.would_sweep(Duration::from_millis(20)).expect("seen");
        assert_eq!((due.removed, due.removed_bytes), (1, 9_000));
        assert_eq!((due.waiting, due.used), (0, 1));
    }
    let swept = volume.sweep(Duration::from_millis(20)).expect("swept");
    assert_eq!(
        (swept.removed, swept.removed_bytes, swept.waiting),
        (1, 9_000, 0)
    );
    assert_eq!(read(&volume, "a"), vec![2; 9_000]);
}

#[test]
fn who_only_asks_what_is_out_of_use_notes_nothing() {
    let network = Arc::new(Network::default());
    let volume = open(FaultyStore::new(&network), unhurried(), None);
    for byte in [1, 2] {
        volume
            .commit(write("a", vec![byte; 9_000]).into())
            .expect("committed");
    }
    let short = Duration::from_millis(20);
    assert_eq!(volume.would_sweep(short).expect("seen").waiting, 1);
    thread::sleep(Duration::from_millis(30));
    let swept = volume.sweep(short).expect("swept");
    assert_eq!((swept.removed, swept.waiting), (0, 1), "it was noted");
}
