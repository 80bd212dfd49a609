//! What a commit through the log has removed, and the disk has again after a power cut.

use crate::Batch;
use crate::local::sim::SimDisk;
use crate::local::testing::{Way, append, batch, contents, delete, open_with, rename, write};

/// Clocks are set back: by people, and at each start of a machine whose clock has no battery.
#[test]
fn what_was_removed_does_not_come_back_whatever_the_clock_says() {
    type Made = (&'static str, fn() -> Vec<Batch>);
    let cases: [Made; 5] = [
        ("deleted", || {
            vec![batch([delete("a"), write("moved", b"1")])]
        }),
        ("renamed", || {
            vec![batch([rename("a", "b"), write("moved", b"1")])]
        }),
        ("replaced, deleted", || {
            vec![
                batch([write("a", b"newer"), write("moved", b"0")]),
                batch([delete("a"), write("moved", b"1")]),
            ]
        }),
        ("extended, deleted", || {
            vec![
                append("a", b" and more").into(),
                batch([delete("a"), write("moved", b"1")]),
            ]
        }),
        ("replaced twice, renamed", || {
            vec![
                batch([write("a", b"newer"), write("moved", b"0")]),
                batch([
                    append("a", b"!"),
                    write("a", b"newest"),
                    write("moved", b"0"),
                ]),
                batch([rename("a", "b"), write("moved", b"1")]),
            ]
        }),
    ];
    let mut wrong = Vec::new();
    for (name, commits) in cases {
        for suspect in [false, true] {
            let disk = SimDisk::new();
            let volume = open_with(&disk, Way::Published).expect("opened");
            disk.set_clock_ahead();
            volume.commit(write("a", b"old").into()).expect("made");
            for commit in commits() {
                volume.commit(commit).expect("made");
                if suspect {
                    // What the log holds goes into a new file.
                    volume.writer.as_ref().expect("there").log.suspect();
                }
            }
            for (number, left) in disk.after_power_cut(500, &mut || 7).into_iter().enumerate() {
                let opened = open_with(&left, Way::Published).expect("opened");
                let found = contents(&opened).expect("read");
                if found.contains_key("a") || found.get("moved").map(Vec::as_slice) != Some(b"1") {
                    wrong.push(format!("{name}, {suspect}, {number}: {:?}", found.keys()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
