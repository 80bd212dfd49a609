//! The mark of the writer lock, by which a session knows that no other has written to the log.

use super::raw_file::text;
use crate::Error;
use crate::local::sim::{Fault, SimDisk};
use crate::local::testing::{Way, append, contents, contents_after_cut, open_with};
use std::io::ErrorKind;

/// Two sessions write in turn, and each call of one of them fails once, those among them that
/// mark the lock and read the log. Neither writes over a record of the other, and what is
/// acknowledged survives a power cut.
#[test]
fn sessions_see_what_others_wrote_whatever_fails() {
    for way in [Way::Published, Way::Journaled] {
        for kind in [ErrorKind::Other, ErrorKind::StorageFull] {
            let mut failed = Vec::new();
            for failing in 0..200 {
                let disk = SimDisk::new();
                let one = open_with(&disk, way).expect("opened");
                let other = open_with(&disk, way).expect("opened");
                let mut expected = String::new();
                for (volume, line) in [(&one, "1"), (&other, "2"), (&one, "3")] {
                    let change = append("log", line.as_bytes());
                    volume.commit(change.into()).expect("no faults");
                    expected.push_str(line);
                }
                disk.fail_at(failing, Fault::Error(kind));
                let result = other.commit(append("log", b"4").into()).map(drop);
                let call = disk.call(failing);
                let is_over = disk.calls() <= failing;
                disk.heal();
                let found = contents(&one).expect("readable");
                match &result {
                    Ok(()) => expected.push('4'),
                    Err(Error::Unconfirmed { .. } | Error::InDoubt { .. })
                        if text(found.get("log")).contains('4') =>
                    {
                        expected.push('4');
                    }
                    Err(_) => {}
                }
                one.commit(append("log", b"5").into()).expect("no faults");
                other.commit(append("log", b"6").into()).expect("no faults");
                expected.push_str("56");
                for volume in [&one, &other, &open_with(&disk, way).expect("opened")] {
                    let found = contents(volume).expect("readable");
                    assert_eq!(
                        text(found.get("log")),
                        expected,
                        "{way:?}, {kind:?}, {call}: {result:?}"
                    );
                }
                let left = contents_after_cut(&disk);
                assert_eq!(text(left.get("log")), expected, "{way:?}, {kind:?}, {call}");
                if is_over {
                    break;
                }
                failed.push(call);
            }
            for expected in ["set_mark", "read Journal"] {
                let is_among = failed.iter().any(|call| call.contains(expected));
                assert!(is_among, "{expected} is not among {failed:?}");
            }
        }
    }
}
