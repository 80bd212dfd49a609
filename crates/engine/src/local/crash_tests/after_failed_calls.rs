//! What is committed after a call has failed.

use super::raw_file::text;
use crate::local::Local;
use crate::local::sim::{Fault, SimDisk};
use crate::local::testing::{
    Contents, Way, append, batch, contents, contents_after_cut, open_with, rename, write,
};
use std::io::ErrorKind;

/// One call of a commit fails, which is not applied; the next commit is acknowledged. The process
/// is killed in the one after it, and the power is cut. What was acknowledged is there.
#[track_caller]
fn what_is_acknowledged_after_a_failed_call_stays(way: Way, kind: ErrorKind) {
    let mut wrong = Vec::new();
    for failing in 0..40 {
        for killed in 0..60 {
            let disk = SimDisk::new();
            let (root, process) = disk.start();
            let volume = Local::open(root, way.options()).expect("opened");
            volume
                .commit(append("d/a", b"1").into())
                .expect("no faults");
            disk.fail_at(failing, Fault::Error(kind));
            let failed = volume.commit(append("b", b"-").into()).map(drop);
            let call = disk.call(failing);
            disk.heal();
            if failed.is_ok() {
                break;
            }
            let made = volume.commit(append("d/a", b"2").into()).is_ok();
            disk.cut_at(killed);
            let done = volume.commit(append("a", b"3").into()).is_ok();
            let at = disk.call(killed);
            disk.kill(&process);
            disk.heal();
            let mut number = 0;
            let mut next = || {
                number += 1;
                number
            };
            for state in disk.after_power_cut(60, &mut next) {
                let left = contents(&open_with(&state, way).expect("opened")).expect("read");
                let is_there = match made {
                    true => text(left.get("d/a")) == "12",
                    false => text(left.get("d/a")).starts_with('1'),
                };
                if !is_there {
                    wrong.push(format!(
                        "call {failing} ({call}) fails, killed at {killed} ({at}): {}",
                        text(left.get("d/a"))
                    ));
                    break;
                }
            }
            if done {
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_acknowledged_after_a_failed_call_stays_in_a_default_volume() {
    what_is_acknowledged_after_a_failed_call_stays(Way::Published, ErrorKind::Other);
}

#[test]
fn what_is_acknowledged_after_a_failed_call_stays_in_a_journaled_volume() {
    what_is_acknowledged_after_a_failed_call_stays(Way::Journaled, ErrorKind::Other);
}

#[test]
fn what_is_acknowledged_after_a_full_disk_stays() {
    what_is_acknowledged_after_a_failed_call_stays(Way::Published, ErrorKind::StorageFull);
    what_is_acknowledged_after_a_failed_call_stays(Way::Journaled, ErrorKind::StorageFull);
}

/// The same without the kill, and nothing that was not synced reaches the disk.
#[test]
fn an_append_after_a_failed_read_of_the_log_survives_a_power_cut() {
    let mut failed_reads = 0;
    for failing in 0.. {
        let disk = SimDisk::new();
        let volume = open_with(&disk, Way::Published).expect("opened");
        let other = open_with(&disk, Way::Published).expect("opened");
        volume
            .commit(append("d/a", b"1").into())
            .expect("no faults");
        // Else there would be nothing to read.
        other.commit(append("c", b"-").into()).expect("no faults");
        disk.fail_at(failing, Fault::Error(ErrorKind::Other));
        let result = volume.commit(append("b", b"-").into());
        let call = disk.call(failing);
        disk.heal();
        volume
            .commit(append("d/a", b"2").into())
            .expect("no faults");
        let left = contents_after_cut(&disk);
        assert_eq!(text(left.get("d/a")), "12", "call {failing} ({call}) fails");
        let reads_log = call.starts_with("read Journal");
        failed_reads += usize::from(reads_log && result.is_err());
        if call.is_empty() {
            break;
        }
    }
    assert!(failed_reads > 0, "no read of the log failed");
}

/// No call fails. A session that was killed has left its mark, so another puts a new log file in
/// the place of the old. The first session, which has published a file, appends to it.
#[test]
fn an_append_behind_a_log_file_that_another_has_replaced_survives_a_power_cut() {
    let disk = SimDisk::new();
    // A sync of `log/` says nothing of the directory that the file has moved to.
    disk.set_unordered();
    let first = open_with(&disk, Way::Published).expect("opened");
    let other = open_with(&disk, Way::Published).expect("opened");
    let (root, dying) = disk.start();
    let third = Local::open(root, Way::Published.options()).expect("opened");
    first
        .commit(batch([write("a", b"1"), write("b", b"1")]))
        .expect("no faults");
    third.commit(append("c", b"3").into()).expect("no faults");
    disk.kill(&dying);
    other.commit(append("c", b"4").into()).expect("no faults");
    first.commit(append("a", b"2").into()).expect("no faults");
    let left = contents_after_cut(&disk);
    assert_eq!(
        (
            text(left.get("a")),
            text(left.get("b")),
            text(left.get("c"))
        ),
        ("12".into(), "1".into(), "34".into())
    );
}

/// One call of a commit fails; then others are made of what was committed before.
#[test]
fn what_is_made_after_a_failed_call_survives_a_power_cut() {
    let mut wrong = Vec::new();
    for way in [Way::Published, Way::Journaled] {
        for first in 0..4 {
            for by_other in [false, true] {
                for then in 0..7 {
                    for failing in 0..60 {
                        let disk = SimDisk::new();
                        disk.set_one_thread();
                        let volume = open_with(&disk, way).expect("opened");
                        let other = open_with(&disk, way).expect("opened");
                        let setup = match first {
                            0 => append("d/a", b"1").into(),
                            1 => batch([write("d/a", b"1"), write("z", b"1")]),
                            2 => write("d/a", b"1").into(),
                            _ => batch([write("d/a", b"1"), append("d/a", b"")]),
                        };
                        volume.commit(setup).expect("no faults");
                        disk.fail_at(failing, Fault::Error(ErrorKind::Other));
                        let failed = volume.commit(append("b", b"-").into()).map(drop);
                        let call = disk.call(failing);
                        disk.heal();
                        if call.is_empty() {
                            break;
                        }
                        let change = match then {
                            0 => append("d/a", b"2").into(),
                            1 => rename("d/a", "c").into(),
                            2 => batch([rename("d/a", "c"), append("c", b"2")]),
                            3 => write("d/a", b"1").into(),
                            4 => batch([write("d/a", b"1"), append("e", b"e")]),
                            5 => batch([append("d/a", b"2"), append("e", b"e")]),
                            _ => batch([rename("d/a", "d/b"), write("d/a", b"new")]),
                        };
                        let by = if by_other { &other } else { &volume };
                        if by.commit(change).is_err() {
                            continue;
                        }
                        let seen = contents(by).expect("read");
                        let left = contents_after_cut(&disk);
                        let one = |all: &Contents| {
                            let paths = ["d/a", "d/b", "c", "e"];
                            paths.map(|path| text(all.get(path)))
                        };
                        if one(&seen) != one(&left) {
                            wrong.push(format!(
                                "{way:?} first {first} then {then} other {by_other} call {failing} ({call}) {:?}: {:?} {:?}",
                                failed.err().map(|e| e.outcome()), one(&seen), one(&left)
                            ));
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
