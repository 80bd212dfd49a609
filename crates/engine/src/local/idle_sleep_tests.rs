//! What a volume that falls asleep leaves behind, and what it finds when it wakes.

use super::{Sleep, Sleeper};
use crate::local::Local;
use crate::local::directory::{Directory, Lock};
use crate::local::layout::{CHECKPOINT, LOCKS, LOG, PRIVATE_DIR, STRUCTURE, SYNC, WRITER};
use crate::local::locks::shard_of;
use crate::local::root_removed::wake_error;
use crate::local::sim::{Process, SimDirectory, SimDisk};
use crate::local::testing::{
    Contents, Way, append, batch, contents, contents_after_cut, delete, file, open_with,
    sessions_left, write,
};
use crate::{Batch, Precondition};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

type SimSleeper = Arc<Sleeper<SimDirectory>>;

const WAYS: [Way; 2] = [Way::Published, Way::Journaled];

/// How long a call may take that must not wait for a lock.
const PATIENCE: Duration = Duration::from_secs(20);

fn start(way: Way) -> (SimDisk, SimSleeper, Process) {
    let disk = SimDisk::new();
    let (root, process) = disk.start();
    let sleeper = Sleeper::open(root, way.options()).expect("no faults");
    (disk, sleeper, process)
}

fn awake(sleeper: &SimSleeper) -> Arc<Local<SimDirectory>> {
    sleeper.awake().expect("no faults")
}

fn commit(volume: &Local<SimDirectory>, batch: impl Into<Batch>) {
    volume.commit(batch.into()).expect("no faults");
}

#[track_caller]
fn falls_asleep(sleeper: &SimSleeper) {
    sleeper.try_sleep();
    assert!(sleeper.is_asleep(), "it is idle");
}

fn files<const N: usize>(files: [(&str, &[u8]); N]) -> Contents {
    let owned = files.map(|(path, contents)| (path.to_owned(), contents.to_vec()));
    Contents::from(owned)
}

/// What the file itself has, whatever is in the log.
#[track_caller]
fn assert_file(disk: &SimDisk, name: &str, expected: &[u8]) {
    let root = disk.start().0;
    let file = root.open_file(name).expect("no faults").expect("there");
    let mut found = Vec::new();
    std::io::Read::read_to_end(&mut { file }, &mut found).expect("no faults");
    assert_eq!(found, expected);
}

#[test]
fn a_volume_that_sleeps_has_no_session_and_one_descriptor() {
    for way in WAYS {
        let (disk, sleeper, process) = start(way);
        commit(
            &awake(&sleeper),
            batch([write("dir/a", b"1"), append("log", b"2")]),
        );
        assert!(process.open_descriptors() > 1);
        falls_asleep(&sleeper);
        assert_eq!(sessions_left(&disk), [""; 0]);
        assert_eq!(process.open_descriptors(), 1, "that of its root");
        assert_file(&disk, "log", b"2");
        commit(&awake(&sleeper), append("log", b"3"));
        let expected = files([("dir/a", b"1"), ("log", b"23")]);
        assert_eq!(contents_after_cut(&disk), expected);
    }
}

#[test]
fn a_volume_that_wakes_sees_what_others_have_changed() {
    for way in WAYS {
        let (disk, sleeper, _) = start(way);
        for change in [
            write("same", b"1"),
            write("gone", b"1"),
            append("log", b"1"),
        ] {
            commit(&awake(&sleeper), change);
        }
        falls_asleep(&sleeper);
        let other = open_with(&disk, way).expect("no faults");
        for change in [
            write("same", b"2"),
            delete("gone"),
            append("log", b"2"),
            write("new", b"2"),
        ] {
            commit(&other, change);
        }
        disk.outside_write(&["outside"], b"3");
        let expected = files([
            ("log", b"12"),
            ("new", b"2"),
            ("outside", b"3"),
            ("same", b"2"),
        ]);
        assert_eq!(contents(&awake(&sleeper)).expect("read"), expected);
        // It must not count on what it knew before it slept.
        commit(&awake(&sleeper), write("same", b"1"));
        commit(&awake(&sleeper), append("log", b"3"));
        let after = contents_after_cut(&disk);
        assert_eq!(after["same"], b"1");
        assert_eq!(after["log"], b"123");
        assert!(!after.contains_key("gone"));
    }
}

#[test]
fn a_volume_that_wakes_recovers_what_a_killed_session_left() {
    for way in WAYS {
        let (disk, sleeper, _) = start(way);
        commit(&awake(&sleeper), append("log", b"1"));
        falls_asleep(&sleeper);
        let (root, process) = disk.start();
        let other = Local::open(root, way.options()).expect("no faults");
        commit(&other, batch([append("log", b"2"), write("new", b"2")]));
        disk.kill(&process);
        drop(other);
        let expected = files([("log", b"12"), ("new", b"2")]);
        assert_eq!(contents(&awake(&sleeper)).expect("read"), expected);
        assert_eq!(sessions_left(&disk).len(), 1, "its own");
        assert_file(&disk, "log", b"12");
        assert_eq!(contents_after_cut(&disk), expected);
    }
}

/// How the volume is open is decided by the sessions that there are when it wakes.
#[test]
fn a_volume_that_wakes_opens_the_volume_as_others_have_it_open() {
    for (way, other_way) in [
        (Way::Published, Way::Journaled),
        (Way::Journaled, Way::Published),
    ] {
        let (disk, sleeper, _) = start(way);
        assert_eq!(sleeper.is_journaled(), way == Way::Journaled);
        commit(&awake(&sleeper), append("log", b"1"));
        falls_asleep(&sleeper);
        let other = open_with(&disk, other_way).expect("no faults");
        commit(&other, append("log", b"2"));
        commit(&awake(&sleeper), append("log", b"3"));
        assert_eq!(sleeper.is_journaled(), other_way == Way::Journaled);
        commit(&other, append("log", b"4"));
        falls_asleep(&sleeper);
        commit(&other, append("log", b"5"));
        assert_eq!(contents_after_cut(&disk), files([("log", b"12345")]));
    }
}

#[test]
fn an_open_writer_keeps_its_volume_awake() {
    for way in WAYS {
        let (disk, sleeper, _) = start(way);
        let mut writer = awake(&sleeper).writer(&file("streamed")).expect("begun");
        writer.write(b"begun, ").expect("staged");
        sleeper.try_sleep();
        assert!(!sleeper.is_asleep());
        writer.write(b"and ended").expect("staged");
        writer.commit(Precondition::Any).expect("no faults");
        falls_asleep(&sleeper);
        let expected = files([("streamed", b"begun, and ended")]);
        assert_eq!(contents_after_cut(&disk), expected);
    }
}

/// It has descriptors of its own.
#[test]
fn an_open_reader_reads_on_while_its_volume_sleeps() {
    for way in WAYS {
        let (disk, sleeper, _) = start(way);
        commit(&awake(&sleeper), write("long", &[b'l'; 400]));
        commit(&awake(&sleeper), append("long", b", and the end"));
        let volume = awake(&sleeper);
        let mut reader = volume.reader.reader(&file("long")).expect("opened");
        drop(volume);
        assert_eq!(reader.read(10).expect("read"), [b'l'; 10]);
        falls_asleep(&sleeper);
        let other = open_with(&disk, way).expect("no faults");
        commit(&other, write("long", b"short"));
        let mut read = Vec::new();
        loop {
            let piece = reader.read(100).expect("read");
            if piece.is_empty() {
                break;
            }
            read.extend(piece);
        }
        assert_eq!(read, [&[b'l'; 390][..], b", and the end"].concat());
    }
}

#[test]
fn a_volume_in_use_does_not_fall_asleep() {
    let (_disk, sleeper, _) = start(Way::Published);
    let in_use = awake(&sleeper);
    sleeper.try_sleep();
    assert!(!sleeper.is_asleep());
    drop(in_use);
    falls_asleep(&sleeper);
}

#[test]
fn a_volume_whose_directory_was_removed_in_its_sleep_reports_that() {
    for way in WAYS {
        let disk = SimDisk::new();
        let (root, _) = disk.start();
        let made = root.open_or_create_dir("volume", crate::local::directory::Access::Usual);
        let sleeper = Sleeper::open(made.expect("made"), way.options()).expect("no faults");
        commit(&awake(&sleeper), write("a", b"1"));
        falls_asleep(&sleeper);
        assert!(disk.outside_remove(&["volume"]));
        disk.outside_mkdir(&["volume"]);
        let error = sleeper
            .awake()
            .map(drop)
            .expect_err("there is no directory");
        let error = format!("{:?}", wake_error(&*sleeper.lasting().root, error));
        assert!(
            error.contains("the directory of the volume was removed"),
            "{error}"
        );
        assert!(sleeper.is_asleep());
        assert!(disk.names_in(&["volume"]).is_empty(), "it is another one");
    }
}

#[test]
fn a_volume_whose_private_directory_was_removed_in_its_sleep_makes_another() {
    for way in WAYS {
        let (disk, sleeper, _) = start(way);
        commit(
            &awake(&sleeper),
            batch([write("a", b"1"), append("log", b"1")]),
        );
        falls_asleep(&sleeper);
        assert!(disk.outside_remove(&[PRIVATE_DIR]));
        commit(&awake(&sleeper), append("log", b"2"));
        let expected = files([("a", b"1"), ("log", b"12")]);
        assert_eq!(contents(&awake(&sleeper)).expect("read"), expected);
        assert_eq!(contents_after_cut(&disk), expected);
    }
}

#[test]
fn a_volume_whose_checkpoint_fails_stays_awake() {
    let (disk, sleeper, _) = start(Way::Journaled);
    commit(&awake(&sleeper), write("a", b"1"));
    disk.fail_path(&["a"], std::io::ErrorKind::PermissionDenied);
    sleeper.try_sleep();
    assert!(!sleeper.is_asleep());
    disk.heal();
    falls_asleep(&sleeper);
    assert_eq!(contents_after_cut(&disk), files([("a", b"1")]));
}

/// Does it in a thread, and fails if that waits.
#[track_caller]
fn waits_for_nothing(sleeper: &SimSleeper, work: fn(&SimSleeper)) {
    let (done, is_done) = channel();
    let sleeper = sleeper.clone();
    thread::spawn(move || {
        work(&sleeper);
        done.send(()).expect("the test waits");
    });
    let waited = is_done.recv_timeout(PATIENCE);
    waited.expect("it waits for no other process");
}

#[track_caller]
fn tries_to_sleep(sleeper: &SimSleeper) {
    waits_for_nothing(sleeper, |sleeper| sleeper.try_sleep());
}

/// A process may be stopped while it has a lock. Volumes that have to fall asleep so that
/// another one can be opened must not wait for it.
#[test]
fn falling_asleep_waits_for_no_lock_of_another_process() {
    let shard = shard_of(&file("log"));
    let locks = [
        (LOG, CHECKPOINT),
        (LOG, WRITER),
        (LOG, SYNC),
        (LOCKS, STRUCTURE),
        (LOCKS, &shard),
    ];
    for way in WAYS {
        for (directory, name) in locks {
            let (disk, sleeper, _) = start(way);
            commit(&awake(&sleeper), append("log", b"1"));
            let private = disk.start().0.open_dir(PRIVATE_DIR).expect("there");
            let directory = private.open_dir(directory).expect("there");
            let held = directory.lock(name).expect("free");
            tries_to_sleep(&sleeper);
            let is_needed = way == Way::Published || ![STRUCTURE, &shard].contains(&name);
            assert_eq!(!sleeper.is_asleep(), is_needed, "{name}");
            drop(held.release());
            tries_to_sleep(&sleeper);
            assert!(sleeper.is_asleep(), "{name} is free");
            assert_eq!(contents_after_cut(&disk), files([("log", b"1")]));
        }
    }
}

/// Where there is nothing to put into the files, no lock is needed.
#[test]
fn a_volume_with_an_empty_log_falls_asleep_while_others_hold_locks() {
    for way in WAYS {
        let (disk, sleeper, _) = start(way);
        commit(&awake(&sleeper), append("log", b"1"));
        awake(&sleeper).checkpoint().expect("no faults");
        let private = disk.start().0.open_dir(PRIVATE_DIR).expect("there");
        let log = private.open_dir(LOG).expect("there");
        let _held = [CHECKPOINT, WRITER, SYNC].map(|name| log.lock(name).expect("free"));
        tries_to_sleep(&sleeper);
        assert!(sleeper.is_asleep());
    }
}

/// Another session commits and makes a checkpoint between the last checkpoint of a volume
/// that falls asleep and the end of its session.
#[test]
fn a_volume_that_has_made_its_last_checkpoint_ends_without_another() {
    for way in WAYS {
        let (disk, sleeper, _) = start(way);
        commit(&awake(&sleeper), append("log", b"1"));
        let other = open_with(&disk, way).expect("no faults");
        assert!(awake(&sleeper).try_finish().expect("no faults"));
        commit(&other, append("log", b"2"));
        let private = disk.start().0.open_dir(PRIVATE_DIR).expect("there");
        let log = private.open_dir(LOG).expect("there");
        let held = [CHECKPOINT, WRITER, SYNC].map(|name| log.lock(name).expect("free"));
        waits_for_nothing(&sleeper, |sleeper| sleeper.end());
        drop(held);
        assert_eq!(sessions_left(&disk).len(), 1, "that of the other");
        assert_eq!(contents_after_cut(&disk), files([("log", b"12")]));
        commit(&other, append("log", b"3"));
        assert_eq!(contents_after_cut(&disk), files([("log", b"123")]));
    }
}
