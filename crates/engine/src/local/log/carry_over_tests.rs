//! Records that are written again: when the log is recovered or replaced, and when a file
//! cannot be put into its place.

use super::super::Local;
use super::super::sim::{Fault, Process, SimDirectory, SimDisk};
use super::super::testing::{Contents, Way, append, contents, contents_after_cut, open, write};
use crate::{Error, Outcome};
use std::io::ErrorKind;

fn start(disk: &SimDisk, way: Way) -> (Local<SimDirectory>, Process) {
    let (root, process) = disk.start();
    let session = Local::open(root, way.options()).expect("opened");
    (session, process)
}

/// The log holds an append from a journaled volume and one from a default volume when it is
/// recovered, and another program has changed both files since. That program cannot have seen
/// the first append, so the bytes are added to its file. It had the second one before it, so
/// its change stands.
#[test]
fn records_that_are_written_again_keep_their_publication() {
    let disk = SimDisk::new();
    let (journaled, process) = start(&disk, Way::Journaled);
    for path in ["deferred", "immediate"] {
        let begin = write(path, b"begin\n");
        journaled.commit(begin.into()).expect("no faults");
    }
    journaled.checkpoint().expect("no faults");
    let appended = append("deferred", b"ours\n");
    journaled.commit(appended.into()).expect("no faults");
    disk.kill(&process);

    // The record of the first append is written again when the log is recovered, and once more
    // because its file cannot be put into its place.
    disk.fail_path_unannounced(&["deferred"], ErrorKind::PermissionDenied);
    let (default, process) = start(&disk, Way::Published);
    let appended = append("immediate", b"ours\n");
    default.commit(appended.into()).expect("no faults");
    disk.kill(&process);
    disk.heal();

    for path in ["deferred", "immediate"] {
        assert!(disk.outside_write(&[path], b"theirs\n"));
    }
    let expected = Contents::from([
        ("deferred".to_owned(), b"theirs\nours\n".to_vec()),
        ("immediate".to_owned(), b"theirs\n".to_vec()),
    ]);
    let recovered = open(&disk).expect("opened");
    assert_eq!(contents(&recovered).expect("read"), expected);
    assert_eq!(contents_after_cut(&disk), expected);
}

/// A file cannot be extended, so its record is carried over. If there is no room for that, the
/// log is synced first. If that sync fails, all that the log holds is written to a new file, in
/// records that have the next numbers. The record that is carried over needs the number after
/// them: with one of theirs, another session does not look for more records behind it.
#[test]
fn a_carried_over_record_follows_those_of_a_replaced_log_file() {
    for filled in 0..8 {
        for call in sessions_agree_after_a_fault(filled, usize::MAX) {
            sessions_agree_after_a_fault(filled, call);
        }
    }
}

/// Returns which calls of the commit are syncs.
fn sessions_agree_after_a_fault(filled: usize, call: usize) -> Vec<usize> {
    let disk = SimDisk::new();
    let sessions = [(); 2].map(|()| open(&disk).expect("opened"));
    let [first, second] = &sessions;
    let mut log = String::from("begin\n");
    let begin = write("log", log.as_bytes());
    first.commit(begin.into()).expect("no faults");
    let sticks = || disk.fail_path_unannounced(&["log"], ErrorKind::PermissionDenied);
    let mut append_line = |session: &Local<SimDirectory>, line: &str| {
        let appended = session.commit(append("log", line.as_bytes()).into());
        match appended.as_ref().map_err(Error::outcome) {
            Err(Outcome::NotApplied) => {}
            _ => log.push_str(line),
        }
        for session in &sessions {
            let now = contents(session).expect("read");
            let now = String::from_utf8_lossy(&now["log"]).into_owned();
            let at = format!("{filled} before, fault at call {call}");
            assert_eq!(now, log, "{at}, after {line:?}: {appended:?}");
        }
        appended
    };
    sticks();
    for number in 0..filled {
        let filler = format!("{number} {}\n", "x".repeat(20));
        append_line(first, &filler).expect("no faults");
    }
    disk.fail_at(call, Fault::LostWrites);
    // An append whose base cannot be synced is refused.
    let _ = append_line(first, "while a sync fails\n");
    let is_sync = |call: &usize| disk.call(*call).starts_with("sync");
    let syncs = (0..disk.calls()).filter(is_sync).collect();
    disk.heal();
    sticks();
    for (session, line) in [(first, "first\n"), (second, "second\n"), (first, "again\n")] {
        append_line(session, line).expect("no faults");
    }
    let expected = Contents::from([("log".to_owned(), log.into_bytes())]);
    disk.heal();
    assert_eq!(contents_after_cut(&disk), expected);
    syncs
}
