//! Records that are written again: when the log is recovered or replaced, and when a file
//! cannot be put into its place.

use super::super::Local;
use super::super::sim::{Process, SimDirectory, SimDisk};
use super::super::testing::{Contents, Way, append, contents, contents_after_cut, open, write};
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
