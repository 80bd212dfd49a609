//! Who waits for whom: writers of one path, and nobody else; and what the dead left
//! for who takes their locks.

use super::locks::shard_of;
use super::sim::SimDisk;
use super::testing::{
    Way, append, batch, contents, contents_after_cut, file, open, open_with, write,
};
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

    let locks = &volume.writer.as_ref().expect("it can be written").locks;
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

#[test]
fn a_log_is_synced_by_one_at_a_time() {
    let disk = SimDisk::new();
    let open_journaled = || open_with(&disk, Way::Journaled).expect("no faults");
    let sessions = [open_journaled(), open_journaled()];
    disk.set_slow_syncs();
    thread::scope(|scope| {
        for writer in 0..4 {
            let (disk, volume) = (&disk, &sessions[writer % 2]);
            scope.spawn(move || {
                let name = format!("of writer {writer}");
                for number in 0..25 {
                    let now = [number; 100];
                    let committed = volume.commit(write(&name, &now).into());
                    committed.expect("committed");
                    let left = contents_after_cut(disk);
                    assert_eq!(left.get(&name).map(Vec::as_slice), Some(&now[..]));
                }
            });
        }
    });
}

/// Others write between any two calls of a reader, into the log that it has read and then
/// into the one that it is going to read.
#[test]
fn who_follows_the_logs_misses_no_record() {
    for (first, then) in (1..8).flat_map(|first| (1..8).map(move |then| (first, then))) {
        let mut call = 0;
        while is_interrupted_at(call, first, then) {
            call += 1;
        }
        assert!(call > 0, "a reader makes calls");
    }
}

/// Lets another session write so many versions of two files while one reads, before the
/// call of this number. `false` if a reader makes fewer calls.
fn is_interrupted_at(call: usize, first: u8, then: u8) -> bool {
    let version = |path: &str, number: u8| write(path, &[number; 150]);
    let disk = SimDisk::new();
    let open_journaled = || open_with(&disk, Way::Journaled).expect("no faults");
    let (writer, reader) = (open_journaled(), open_journaled());
    let read = |path| {
        let read = reader.reader.read(&file(path), 1_000).expect("it is there");
        read.contents[0]
    };
    for path in ["first", "then"] {
        writer.commit(version(path, 0).into()).expect("committed");
        assert_eq!(read(path), 0);
    }
    let interrupting = writer.clone();
    disk.interrupt_at(call, move || {
        let first = (1..=first).map(|number| version("first", number));
        let then = (1..=then).map(|number| version("then", number));
        for change in first.chain(then) {
            interrupting.commit(change.into()).expect("committed");
        }
    });
    read("then");
    if disk.is_to_be_interrupted() {
        return false;
    }
    assert_eq!((read("first"), read("then")), (first, then), "call {call}");
    true
}
