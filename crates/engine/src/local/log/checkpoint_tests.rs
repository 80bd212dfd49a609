//! Commits of other sessions during a checkpoint.

use super::super::locks::shard_of;
use super::super::sim::{Call, SimDirectory, SimDisk};
use super::super::testing::{
    Way, append, batch, contents, contents_after_cut, file, open_with, write,
};
use crate::local::{Local, LocalVolumeOptions};
use crate::{Batch, Outcome};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::sync::Arc;

/// How a long file is made that a checkpoint by the second of two sessions copies.
#[derive(Clone, Copy, Debug)]
struct Made {
    /// By a batch, which the second session has not published, as far as it knows.
    by_batch: bool,
    /// The second session appends to it, too, and so knows that the file is in its place.
    by_second: bool,
}

fn sessions_with_a_long_file(made: Made) -> (SimDisk, [Arc<Local<SimDirectory>>; 2]) {
    let disk = SimDisk::new();
    // The log has its usual size, so that no commit has to wait for room in it.
    let options = LocalVolumeOptions {
        tuning: Default::default(),
        ..Way::Published.options()
    };
    let open = || Local::open(disk.start().0, options.clone()).expect("opened");
    let sessions = [(); 2].map(|()| Arc::new(open()));
    let [first, second] = &sessions;
    let side = write("side", b"begin\n");
    first.commit(side.into()).expect("no faults");
    let long = write("log", &[b'x'; 20_000]);
    let long: Batch = match made.by_batch {
        true => batch([write("beside", b"new"), long]),
        false => long.into(),
    };
    first.commit(long).expect("no faults");
    let more = append("log", b"more\n");
    first.commit(more.clone().into()).expect("no faults");
    if made.by_second {
        second.commit(more.into()).expect("no faults");
    }
    (disk, sessions)
}

/// The calls of a checkpoint that write and sync the copy of the file, with their numbers.
fn calls_that_copy(made: Made) -> Vec<(usize, String)> {
    let (disk, [_first, second]) = sessions_with_a_long_file(made);
    disk.cut_at(usize::MAX);
    second.checkpoint().expect("no faults");
    let calls = (0..disk.calls()).map(|number| (number, disk.call(number)));
    let calls: Vec<_> = calls
        .filter(|(_, call)| call.contains(" Staged "))
        .collect();
    let (_, last) = calls.last().expect("it copies");
    let copy = last.rsplit(' ').next().expect("a number").to_owned();
    let of_copy = calls.into_iter().filter(|(_, call)| call.ends_with(&copy));
    of_copy.collect()
}

/// Making a directory and appending take the structure lock.
#[test]
fn other_paths_change_while_a_checkpoint_copies_a_file() {
    let paths = ["log", "beside", "side", "dir/other"].map(file);
    let shards: BTreeSet<String> = paths.iter().map(shard_of).collect();
    assert_eq!(shards.len(), paths.len(), "they must not share a lock");
    for (by_batch, by_second) in [(false, false), (false, true), (true, false), (true, true)] {
        let made = Made {
            by_batch,
            by_second,
        };
        let calls = calls_that_copy(made);
        assert!(calls.len() > 3, "only {} calls copy", calls.len());
        for (number, call) in calls {
            other_paths_change_at(made, number, &call);
        }
    }
}

fn other_paths_change_at(made: Made, number: usize, call: &str) {
    let (disk, [first, second]) = sessions_with_a_long_file(made);
    let before = contents(&first).expect("read");
    // To wait for a lock fails.
    disk.set_one_thread();
    let (other, at) = (first.clone(), format!("{call:?}, {made:?}"));
    disk.interrupt_at(number, move || {
        for change in [write("dir/other", b"new"), append("side", b"more\n")] {
            let made = other.commit(change.into());
            made.unwrap_or_else(|error| panic!("{error:?}, at {at}"));
        }
    });
    second.checkpoint().expect("no faults");
    assert!(!disk.is_to_be_interrupted());
    let all = contents(&first).expect("read");
    assert_eq!(all["dir/other"], b"new");
    assert_eq!(all["side"], b"begin\nmore\n");
    assert_eq!(all["log"], before["log"]);
    assert_eq!(contents_after_cut(&disk), all);
}

/// A commit is not confirmed, for the log could neither be synced nor replaced. Once the disk
/// works again, a checkpoint does it, without another commit, whether the log has older
/// records in its other file or not.
#[test]
fn a_checkpoint_makes_durable_what_a_commit_could_not() {
    let mut unconfirmed = 0;
    for (way, appends) in [Way::Published, Way::Journaled]
        .into_iter()
        .flat_map(|way| (1..9).map(move |appends| (way, appends)))
    {
        let disk = SimDisk::new();
        let volume = open_with(&disk, way).expect("opened");
        let line = [b'l'; 200];
        for _ in 0..appends {
            let one = append("log", &line);
            volume.commit(one.into()).expect("no faults");
        }
        for log_file in ["log-0", "log-1"] {
            let path = [".ability-storage", "log", log_file];
            disk.fail_calls(&path, ErrorKind::Other, &[Call::Sync, Call::RenameTo]);
        }
        let refused = volume.commit(append("log", &line).into());
        disk.heal();
        if refused.expect_err("no sync works").outcome() != Outcome::Unconfirmed {
            continue;
        }
        unconfirmed += 1;
        volume.checkpoint().expect("the disk works again");
        let left = contents_after_cut(&disk);
        let expected = line.len() * (appends + 1);
        assert_eq!(left["log"].len(), expected, "{way:?}, {appends} appends");
    }
    assert!(unconfirmed >= 8, "{unconfirmed}");
}
