//! A volume that is only read follows the log, whatever happens to those that write it.

use super::one;
use crate::local::sim::SimDisk;
use crate::local::testing::{Way, append, contents, file, open_with, write};
use crate::local::{Local, LocalVolumeOptions};

/// A session that puts a new file in the place of the log of a killed one is killed itself,
/// at every call.
#[test]
fn a_reader_follows_a_log_file_that_a_killed_process_replaced() {
    for call in 0..100 {
        let disk = SimDisk::new();
        let (root, first) = disk.start();
        let dying = Local::open(root, Way::Journaled.options()).expect("no faults");
        dying.commit(one(write("y", b"old"))).expect("no faults");
        let options = LocalVolumeOptions {
            read_only: true,
            ..Way::Journaled.options()
        };
        let follower = Local::open(disk.start().0, options).expect("no faults");
        contents(&follower).expect("read");
        disk.kill(&first);
        let (root, second) = disk.start();
        let (at, killed) = (disk.clone(), second.clone());
        disk.interrupt_at(call, move || at.kill(&killed));
        let recovering = Local::open(root, Way::Journaled.options());
        disk.kill(&second);
        drop(recovering);
        disk.heal();
        let last = open_with(&disk, Way::Journaled).expect("no faults");
        for round in 0..4 {
            let number = format!("{round}");
            let changed = one(write("y", number.as_bytes()));
            last.commit(changed).expect("no faults");
            if round % 2 == 1 {
                last.checkpoint().expect("no faults");
            }
            let read = contents(&follower).expect("read");
            assert_eq!(read["y"], number.as_bytes(), "killed at call {call}");
        }
    }
}

/// A checkpoint gives staged contents their place, and adds to them what was appended, while
/// a reader opens the file.
#[test]
fn a_file_is_whole_for_a_reader_whenever_a_checkpoint_is_made() {
    let whole = [&[b'x'; 600][..], b"first", b"second"].concat();
    for call in 0.. {
        let disk = SimDisk::new();
        let volume = open_with(&disk, Way::Journaled).expect("opened");
        volume.checkpoint().expect("made");
        volume
            .commit(write("log", &whole[..600]).into())
            .expect("made");
        for more in [&b"first"[..], b"second"] {
            volume.commit(append("log", more).into()).expect("made");
        }
        let reader = open_with(&disk, Way::Journaled).expect("opened");
        reader.reader.list(None).expect("listed");
        let other = volume.clone();
        disk.interrupt_at(call, move || other.checkpoint().expect("made"));
        let read = reader.reader.read(&file("log"), 10_000).expect("read");
        if disk.is_to_be_interrupted() {
            assert!(call > 2, "{call}");
            break;
        }
        assert!(read.contents == whole, "{call}: {}", read.contents.len());
    }
}
