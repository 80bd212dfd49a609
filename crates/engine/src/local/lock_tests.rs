//! Who waits for whom: writers of one path, and nobody else.

use super::locks::shard_of;
use super::sim::SimDisk;
use super::testing::{append, batch, contents, file, open, write};
use crate::Batch;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Long enough for a commit on the simulated disk, many times over.
const A_WHILE: Duration = Duration::from_millis(200);
const TOO_LONG: Duration = Duration::from_secs(20);

#[test]
fn nobody_waits_for_a_writer_but_writers_of_its_path() {
    let disk = SimDisk::new();
    let volume = open(&disk).expect("no faults");
    let other_process = open(&disk).expect("no faults");
    for change in [
        write("held", b"old"),
        write("dir/free", b"old"),
        append("log", b"1"),
    ] {
        volume.commit(change.into()).expect("committed");
    }
    let paths = ["held", "dir/free", "log", "new"];
    let mut shards: Vec<_> = paths.iter().map(|path| shard_of(&file(path))).collect();
    shards.dedup();
    assert_eq!(
        shards.len(),
        paths.len(),
        "these paths must not share a lock"
    );

    let locks = &volume.writing.as_ref().expect("it can be written").locks;
    let held = locks.lock_shard(&shard_of(&file("held"))).expect("free");
    let (send, done) = mpsc::channel();
    thread::scope(|scope| {
        let commit = |name: &'static str, to_commit: Batch| {
            let (send, volume) = (send.clone(), &volume);
            scope.spawn(move || {
                volume.commit(to_commit).expect("committed");
                send.send(name).expect("heard");
            });
        };
        commit("write", write("dir/free", b"new").into());
        commit("append", append("log", b"2").into());
        commit(
            "batch",
            batch([write("new", b"1"), write("dir/free", b"2")]),
        );
        for _ in 0..3 {
            done.recv_timeout(TOO_LONG).expect("they do not wait");
        }
        for reader in [&volume, &other_process] {
            let all = contents(reader).expect("readers do not wait");
            assert_eq!(all["held"], b"old");
        }

        commit("same path", write("held", b"new").into());
        commit(
            "batch over it",
            batch([write("held", b"new"), write("dir/free", b"3")]),
        );
        assert!(
            done.recv_timeout(A_WHILE).is_err(),
            "two writers of one path"
        );
        drop(held);
        for _ in 0..2 {
            done.recv_timeout(TOO_LONG).expect("they go on");
        }
    });
    assert_eq!(contents(&volume).expect("read")["held"], b"new");
}
