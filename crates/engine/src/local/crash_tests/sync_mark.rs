//! The mark that tells other sessions of a sync that may have failed.

use super::raw_file::{has, text};
use crate::local::Local;
use crate::local::sim::{Fault, SimDisk};
use crate::local::testing::{Contents, Way, append, contents_after_cut, open_with, write};
use std::io::ErrorKind;
use std::sync::{Arc, Mutex};

/// The sync of the log fails, and so does marking that. Another session, which opens its log
/// files after the error was told, commits before the first has replaced the log; then the
/// first is killed (or cannot replace the log), and the power is cut.
#[test]
fn a_failed_sync_that_could_not_be_marked_is_noticed() {
    for kind in [ErrorKind::Other, ErrorKind::StorageFull] {
        let mut wrong = Vec::new();
        for way in [Way::Published, Way::Journaled] {
            for failing in 0..60 {
                for opens in failing..failing + 12 {
                    let disk = SimDisk::new();
                    disk.set_one_thread();
                    let (root, process) = disk.start();
                    let first = Local::open(root, way.options()).expect("opened");
                    first.commit(append("log", b"0").into()).expect("no faults");
                    first.commit(append("log", b"1").into()).expect("no faults");
                    let done = Arc::new(Mutex::new(None));
                    let (on, told, dying) = (disk.clone(), done.clone(), process.clone());
                    disk.lose_next_sync(&[".ability-storage", "log", "log-0"]);
                    disk.fail_at(failing, Fault::Error(kind));
                    disk.interrupt_at(opens, move || {
                        if on.is_to_lose() {
                            return;
                        }
                        let Ok(second) = open_with(&on, way) else {
                            return;
                        };
                        let made = second.commit(write("other", b"acknowledged").into());
                        *told.lock().expect("no panic") = Some((second, made.is_ok()));
                        on.kill(&dying);
                    });
                    let result = first.commit(append("log", b"2").into()).map(drop);
                    let call = disk.call(failing);
                    let is_lost = !disk.is_to_lose();
                    disk.interrupt_at(usize::MAX, || ());
                    disk.kill(&process);
                    disk.heal();
                    let done = done.lock().expect("no panic").take();
                    let Some((_second, true)) = done.filter(|_| is_lost) else {
                        continue;
                    };
                    let left: Contents = contents_after_cut(&disk);
                    if !left.contains_key("other") {
                        wrong.push(format!(
                            "{way:?} {kind:?} call {failing} ({call}) fails, opened at {opens}: {result:?} {}",
                            text(left.get("log"))
                        ));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

/// On a full disk a session cannot mark the sync lock, its sync of the log fails, and it is
/// killed. The mark is still that of another session, which lives.
#[test]
fn a_sync_that_could_not_be_marked_and_failed_is_noticed() {
    let mut wrong = Vec::new();
    let full = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded];
    let ways = full.map(|kind| [(Way::Published, kind), (Way::Journaled, kind)]);
    for (way, kind) in ways.into_iter().flatten() {
        for failing in 0..40 {
            for killed in failing..failing + 10 {
                let disk = SimDisk::new();
                disk.set_one_thread();
                let living = open_with(&disk, way).expect("opened");
                let (root, process) = disk.start();
                let first = Local::open(root, way.options()).expect("opened");
                living
                    .commit(append("log", b"0").into())
                    .expect("no faults");
                let (on, dying) = (disk.clone(), process.clone());
                disk.lose_next_sync(&[".ability-storage", "log", "log-0"]);
                disk.fail_at(failing, Fault::Error(kind));
                disk.interrupt_at(killed, move || on.kill(&dying));
                let result = first.commit(append("log", b"2").into()).map(drop);
                let is_lost = !disk.is_to_lose();
                let call = disk.call(failing);
                disk.interrupt_at(usize::MAX, || ());
                disk.kill(&process);
                disk.heal();
                if !is_lost || result.is_ok() {
                    continue;
                }
                let Ok(third) = open_with(&disk, way) else {
                    continue;
                };
                let made = third.commit(write("other", b"o").into());
                let made2 = third.commit(append("other", b"acknowledged").into());
                if made.is_err() || made2.is_err() {
                    continue;
                }
                let left: Contents = contents_after_cut(&disk);
                if !has(left.get("other"), b"acknowledged") {
                    wrong.push(format!(
                        "{way:?} {kind:?} call {failing} ({call}) fails, killed at {killed}: {}",
                        text(left.get("log"))
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
