//! Appends to a file that the session of the last record has not published, though that session
//! lives or seems to. They must not take what is missing in the file for removed by another
//! program.

use super::super::Local;
use super::super::sim::{Call, SimDisk};
use super::super::testing::{
    Contents, Way, append, batch, contents, contents_after_cut, open, write,
};
use crate::{Batch, Outcome};
use std::io::ErrorKind;

fn with(mut before: Contents, changes: &[(&str, &[u8])]) -> Contents {
    for (path, more) in changes {
        let file = before.entry((*path).to_owned()).or_default();
        file.extend_from_slice(more);
    }
    before
}

/// The record is written but cannot be made durable, so the commit is unconfirmed and the file
/// is not extended.
#[test]
fn an_append_comes_behind_an_unconfirmed_one_of_a_living_session() {
    let disk = SimDisk::new();
    let [first, second] = [(); 2].map(|()| open(&disk).expect("opened"));
    let zero = append("log", b"zero\n");
    first.commit(zero.into()).expect("no faults");
    first.checkpoint().expect("no faults");
    let log = [".ability-storage", "log"];
    disk.fail_calls(&log, ErrorKind::Other, &[Call::Sync, Call::CreateFile]);
    let one = append("log", b"one\n");
    let error = first.commit(one.into()).expect_err("not synced");
    assert_eq!(error.outcome(), Outcome::Unconfirmed);
    disk.heal();

    let two = append("log", b"two\n");
    second.commit(two.into()).expect("no faults");
    let expected = Contents::from([("log".to_owned(), b"zero\none\ntwo\n".to_vec())]);
    for session in [&first, &second] {
        assert_eq!(contents(session).expect("read"), expected);
    }
    assert_eq!(contents_after_cut(&disk), expected);
}

/// A process is killed at every call of a batch, and the lock of its session is the last to
/// become free. So its session still seems to live when another one appends to a file of the
/// batch.
#[test]
fn an_append_keeps_the_batch_of_a_dying_session_whole() {
    let replaced = [write("also", b"new"), write("log", b"a new log\n")];
    let extended = [write("also", b"new"), append("log", b"one\n")];
    let mut asked = 0;
    for (changes, log) in [(replaced, "a new log\n"), (extended, "zero\none\n")] {
        let changes = batch(changes);
        let new = with(
            Contents::new(),
            &[("also", b"new"), ("log", log.as_bytes())],
        );
        let mut call = 0;
        while let Some(has_asked) = keeps_batch_whole(&changes, &new, call) {
            asked += usize::from(has_asked);
            call += 1;
        }
    }
    assert!(
        asked > 5,
        "only {asked} appends to a file that was not published"
    );
}

/// Whether the other session found the batch and asked whether its session lives; `None` if the
/// batch has fewer calls.
fn keeps_batch_whole(changes: &Batch, new: &Contents, call: usize) -> Option<bool> {
    let disk = SimDisk::new();
    let (root, process) = disk.start();
    let dying = Local::open(root, Way::Published.options()).expect("opened");
    let other = open(&disk).expect("opened");
    let old = with(Contents::new(), &[("also", b"old"), ("log", b"zero\n")]);
    for (path, contents) in &old {
        dying
            .commit(write(path, contents).into())
            .expect("no faults");
    }
    let (on, killed) = (disk.clone(), process.clone());
    disk.interrupt_at(call, move || on.kill_slowly(&killed, "lock"));
    let is_made = dying.commit(changes.clone()).is_ok();
    if disk.is_to_be_interrupted() {
        return None;
    }
    let mut allowed = vec![with(new.clone(), &[("log", b"more\n")])];
    if !is_made {
        allowed.push(with(old, &[("log", b"more\n")]));
    }
    let more = append("log", b"more\n");
    other.commit(more.into()).expect("no faults");
    let now = contents(&other).expect("read");
    assert!(allowed.contains(&now), "{now:?}; killed at call {call}");
    assert_eq!(contents_after_cut(&disk), now, "killed at call {call}");
    Some(!disk.is_dying(&process) && now == allowed[0])
}
