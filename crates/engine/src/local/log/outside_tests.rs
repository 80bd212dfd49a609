//! Changes by other programs to files that the log governs.

use super::super::directory::{Directory, FileHandle};
use super::super::sim::SimDisk;
use super::super::testing::{append, contents, contents_after_cut, open, write};

/// How many states a power cut may leave are looked at.
const MAX_STATES: usize = 300;

/// The file as it is, whatever the log says.
fn on_disk(disk: &SimDisk) -> Vec<u8> {
    let root = disk.start().0;
    let file = root.open_file("log").expect("opened").expect("there");
    let mut contents = vec![0; 100];
    let read = file.read_all_at(&mut contents, 0).expect("read");
    contents.truncate(read);
    contents
}

/// Another program appends to a file behind a commit. After a kill the file has both appends.
/// A power cut may leave any part of them, such as only that of the program. Recovery restores
/// what was acknowledged, and keeps what the disk has of the rest.
#[test]
fn appends_of_other_programs_behind_a_commit_are_kept() {
    let disk = SimDisk::new();
    let session = open(&disk).expect("opened");
    let begin = write("log", b"begin\n");
    session.commit(begin.into()).expect("no faults");
    let ours = append("log", b"ours\n");
    session.commit(ours.into()).expect("no faults");
    assert!(disk.outside_append(&["log"], b"theirs\n"));

    let mut number = 0;
    let mut next = || {
        number += 1;
        number
    };
    let mut left = disk.after_power_cut(MAX_STATES, &mut next);
    left.push(disk.snapshot());
    let acknowledged = b"begin\nours\n";
    let (mut whole, mut only_theirs) = (0, 0);
    for state in left {
        let there = on_disk(&state);
        let theirs = there.get(acknowledged.len()..).unwrap_or_default();
        if theirs == b"theirs\n" {
            let has_ours = there.starts_with(acknowledged);
            whole += usize::from(has_ours);
            only_theirs += usize::from(!has_ours);
        }
        let expected = [acknowledged, theirs].concat();
        let recovered = open(&state).expect("opened");
        let now = contents(&recovered).expect("read");
        let (now, there) = (&now["log"], there.escape_ascii());
        assert_eq!(now, &expected, "{there}");
        assert_eq!(contents_after_cut(&state)["log"], expected, "{there}");
    }
    assert!(whole > 0 && only_theirs > 0, "{whole} and {only_theirs}");
}
