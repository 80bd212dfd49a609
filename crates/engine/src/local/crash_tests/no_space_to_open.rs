//! A volume opens where nothing more fits on the disk, or into a quota.

use crate::local::Local;
use crate::local::layout::{LOG, PRIVATE_DIR, SESSIONS, SYNC};
use crate::local::sim::{Call, SimDisk};
use crate::local::testing::{Way, batch, contents, delete, open_with, write};
use std::io::ErrorKind::{QuotaExceeded, StorageFull};

/// What a session has left that has committed two files at once, and was killed.
fn killed_with_two_files(way: Way) -> SimDisk {
    let disk = SimDisk::new();
    let (root, process) = disk.start();
    let volume = Local::open(root, way.options()).expect("opened");
    volume
        .commit(batch([write("a", b"1"), write("b", b"1")]))
        .expect("made");
    disk.kill(&process);
    std::mem::forget(volume);
    disk
}

/// On btrfs with a quota that is used up, neither can a directory be made nor renamed.
#[test]
fn a_session_begins_where_no_directory_can_be_made_or_renamed() {
    for way in [Way::Published, Way::Journaled] {
        let disk = SimDisk::new();
        let volume = open_with(&disk, way).expect("opened");
        volume.commit(write("a", b"1").into()).expect("made");
        volume.commit(write("b", b"1").into()).expect("made");
        drop(volume);
        let calls = [Call::CreateDir, Call::RenameTo];
        disk.fail_calls(&[PRIVATE_DIR, SESSIONS], QuotaExceeded, &calls);
        for (round, path) in ["a", "b"].into_iter().enumerate() {
            let volume = open_with(&disk, way).expect("opened");
            assert_eq!(contents(&volume).expect("read").len(), 2 - round);
            volume.commit(delete(path).into()).expect("made");
            // No other session can begin now, but none is taken for dead either.
            assert!(open_with(&disk, way).is_err());
            volume.commit(write("c", b"1").into()).expect("made");
            volume.commit(delete("c").into()).expect("made");
        }
        disk.heal();
        let (one, other) = (open_with(&disk, way), open_with(&disk, way));
        let (one, other) = (one.expect("opened"), other.expect("opened"));
        one.commit(write("a", b"2").into()).expect("made");
        assert_eq!(contents(&other).expect("read").len(), 1);
    }
}

/// The same where a session was killed.
#[test]
fn the_directory_of_a_killed_session_is_enough_for_the_next() {
    for way in [Way::Published, Way::Journaled] {
        let disk = killed_with_two_files(way);
        let calls = [Call::CreateDir, Call::RenameTo];
        disk.fail_calls(&[PRIVATE_DIR, SESSIONS], QuotaExceeded, &calls);
        for _ in 0..2 {
            let volume = open_with(&disk, way).expect("opened");
            assert_eq!(contents(&volume).expect("read").len(), 2);
        }
    }
}

/// On a full btrfs the mark of the lock for syncs can be cut, and not overwritten.
#[test]
fn a_volume_opens_where_no_mark_can_be_taken_back() {
    for way in [Way::Published, Way::Journaled] {
        let disk = killed_with_two_files(way);
        disk.fail_calls(&[PRIVATE_DIR, LOG, SYNC], StorageFull, &[Call::Write]);
        for _ in 0..2 {
            let volume = open_with(&disk, way).expect("opened");
            assert_eq!(contents(&volume).expect("read").len(), 2);
            volume.commit(delete("a").into()).ok();
            volume.commit(write("a", b"1").into()).ok();
        }
    }
}
