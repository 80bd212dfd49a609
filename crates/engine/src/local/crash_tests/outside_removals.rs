//! What other programs remove, make again or cut, beside what the log says of it.

use super::raw_file::{raw, text};
use crate::local::Local;
use crate::local::sim::{Fault, SimDirectory, SimDisk};
use crate::local::testing::{
    Contents, Way, append, batch, contents, delete, file, open_with, rename, write,
};
use std::io::ErrorKind;
use std::sync::Arc;

/// A commit through the log deletes a file, and the session publishes that. Another program
/// then makes a file of that name, which the volume shows. The next checkpoint keeps it.
#[test]
fn a_file_that_another_program_makes_after_a_delete_stays() {
    let mut wrong = Vec::new();
    for by_other in [false, true] {
        for with_log in [false, true] {
            let disk = SimDisk::new();
            let first = open_with(&disk, Way::Published).expect("opened");
            let second = open_with(&disk, Way::Published).expect("opened");
            first.commit(append("b", b"old").into()).expect("no faults");
            match with_log {
                true => drop(
                    first
                        .commit(batch([delete("b"), write("a", b"a")]))
                        .expect("ok"),
                ),
                false => drop(first.commit(delete("b").into()).expect("no faults")),
            }
            disk.set_clock_ahead();
            assert!(disk.outside_write(&["b"], b"theirs"));
            let shown = first.reader.read(&file("b"), 99).expect("it is shown");
            assert_eq!(shown.contents, b"theirs");
            let by = if by_other { &second } else { &first };
            by.checkpoint().expect("no faults");
            let now = raw(&disk, "b");
            if text(now.as_ref()) != "theirs" {
                wrong.push(format!(
                    "by other {by_other}, batch {with_log}: {}",
                    text(now.as_ref())
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The same: all sessions show the new file, as they show a file that was edited.
#[test]
fn a_file_that_another_program_makes_after_a_delete_is_seen_by_all() {
    let disk = SimDisk::new();
    let first = open_with(&disk, Way::Published).expect("opened");
    let second = open_with(&disk, Way::Published).expect("opened");
    first
        .commit(batch([delete("b"), write("a", b"a")]))
        .expect("no faults");
    disk.set_clock_ahead();
    assert!(disk.outside_write(&["b"], b"theirs"));
    let all: Vec<Contents> = [&first, &second]
        .map(|volume| contents(volume).expect("read"))
        .into();
    let read = |volume: &crate::local::Local<_>| {
        let read = volume.reader.read(&file("b"), 99);
        read.map(|read| read.contents).ok()
    };
    assert_eq!(
        (read(&first).as_deref(), read(&second).as_deref()),
        (Some(&b"theirs"[..]), Some(&b"theirs"[..]))
    );
    assert!(all.iter().all(|all| all.contains_key("b")), "{all:?}");
}

/// In a default volume another program removes a file that the log has a record of. Neither a
/// read nor a list shows it any more.
#[test]
fn a_list_lacks_what_another_program_has_removed() {
    let disk = SimDisk::new();
    let first = open_with(&disk, Way::Published).expect("opened");
    let second = open_with(&disk, Way::Published).expect("opened");
    first
        .commit(append("b", b"ours").into())
        .expect("no faults");
    assert!(disk.outside_remove(&["b"]));
    let mut wrong = Vec::new();
    for (name, volume) in [("first", &first), ("second", &second)] {
        let is_read = volume.reader.read(&file("b"), 99).is_ok();
        let listed = volume.reader.list(None).expect("listed");
        if is_read || !listed.is_empty() {
            wrong.push(format!("{name}: read {is_read}, listed {listed:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A rename is acknowledged in a journaled volume; the file has its old name on the disk until
/// the next checkpoint.
fn renamed_in_the_log() -> (SimDisk, Arc<Local<SimDirectory>>) {
    let disk = SimDisk::new();
    let volume = open_with(&disk, Way::Journaled).expect("opened");
    volume
        .commit(append("b", &[b'x'; 300]).into())
        .expect("no faults");
    volume.checkpoint().expect("no faults");
    volume.commit(rename("b", "a").into()).expect("no faults");
    (disk, volume)
}

/// Another program cuts the file under its old name.
#[test]
fn a_renamed_file_whose_old_name_another_program_cuts_can_be_read() {
    let (disk, volume) = renamed_in_the_log();
    assert!(disk.outside_truncate(&["b"], 100));
    let other = open_with(&disk, Way::Journaled).expect("opened");
    for volume in [&volume, &other] {
        let read = volume.reader.read(&file("a"), 1000);
        let read = read.map(|read| read.contents.len());
        assert!(read.is_ok(), "{read:?}");
    }
}

/// Another program extends the file under its old name.
#[test]
fn a_renamed_file_whose_old_name_another_program_extends_is_read_as_it_becomes() {
    let (disk, volume) = renamed_in_the_log();
    assert!(disk.outside_append(&["b"], b"theirs"));
    let before = contents(&volume).expect("read");
    volume.checkpoint().expect("no faults");
    let after = contents(&volume).expect("read");
    assert_eq!(before["a"].len(), after["a"].len());
}

/// The process of a default volume is killed before a checkpoint. A file that another program has
/// made where a commit had deleted one is kept when the volume is opened again.
#[test]
fn a_file_that_another_program_makes_after_a_delete_stays_after_a_kill() {
    let disk = SimDisk::new();
    let (root, process) = disk.start();
    let volume = Local::open(root, Way::Published.options()).expect("opened");
    volume
        .commit(batch([write("b", b"old"), write("a", b"a")]))
        .expect("no faults");
    volume
        .commit(batch([rename("b", "c"), write("a", b"a2")]))
        .expect("no faults");
    disk.set_clock_ahead();
    assert!(disk.outside_write(&["b"], b"theirs"));
    disk.outside_sync_file_system();
    disk.kill(&process);
    drop(open_with(&disk, Way::Published).expect("opened"));
    assert_eq!(text(raw(&disk, "b").as_ref()), "theirs");
}

/// A checkpoint in a journaled volume fails after it has put the files into their places. Another
/// program removes one. All sessions show the same of it.
#[test]
fn all_see_the_same_of_a_file_that_is_removed_after_a_checkpoint_that_failed() {
    let mut wrong = Vec::new();
    for failing in 0..60 {
        let disk = SimDisk::new();
        let first = open_with(&disk, Way::Journaled).expect("opened");
        let second = open_with(&disk, Way::Journaled).expect("opened");
        first.commit(write("a", b"a").into()).expect("no faults");
        disk.fail_at(failing, Fault::Error(ErrorKind::Other));
        let result = first.checkpoint();
        let call = disk.call(failing);
        disk.heal();
        if call.is_empty() || result.is_ok() {
            continue;
        }
        disk.outside_remove(&["a"]);
        let read = |volume: &crate::local::Local<_>| volume.reader.read(&file("a"), 9).is_ok();
        if read(&first) != read(&second) {
            wrong.push(format!(
                "{failing} {call} {} {}",
                read(&first),
                read(&second)
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
