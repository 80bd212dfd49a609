//! A session that lives is never taken for dead because another could not find out.

use crate::local::Local;
use crate::local::sim::{Fault, SimDisk};
use crate::local::testing::{Contents, Way, append, batch, contents, contents_after_cut, write};
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// One in so many calls at which the other session begins is looked at.
const ONE_IN: usize = 3;

/// At a call of a batch, another session opens the volume, and one of its calls fails.
/// Returns whether there are such calls.
fn open_beside(way: Way, call: usize, failing: usize) -> bool {
    let disk = SimDisk::new();
    let volume = Local::open(disk.start().0, way.options()).expect("no faults");
    let before = batch([write("a", b"old"), write("b", b"old")]);
    volume.commit(before).expect("no faults");
    disk.set_one_thread();
    let has_failed = Arc::new(AtomicBool::new(false));
    let (other, failed) = (disk.clone(), has_failed.clone());
    disk.interrupt_at(call, move || {
        other.fail_at(failing, Fault::Error(ErrorKind::Other));
        // It may have to wait for this session, which it cannot in one thread.
        let opened = Local::open(other.start().0, way.options());
        failed.store(other.calls() > failing, Ordering::Relaxed);
        other.heal();
        std::mem::forget(opened);
    });
    let long = vec![b'n'; 2_000];
    let made = volume.commit(batch([
        write("a", &long),
        write("b", &long),
        append("c", b"c"),
    ]));
    let is_over = disk.is_to_be_interrupted();
    let at = format!("{way:?}, opened at {call}, failed at {failing}: {made:?}");
    let is_whole = |there: &Contents| match &made {
        Ok(_) => there.get("a") == Some(&long) && there.get("b") == Some(&long),
        Err(_) => (there.get("a") == Some(&long)) == (there.get("b") == Some(&long)),
    };
    assert!(is_whole(&contents(&volume).expect("read")), "{at}");
    assert!(
        is_whole(&contents_after_cut(&disk)),
        "after a power cut; {at}"
    );
    !is_over && has_failed.load(Ordering::Relaxed)
}

#[test]
fn what_a_living_session_has_staged_stays() {
    for way in [Way::Published, Way::Journaled] {
        for call in (0..).step_by(ONE_IN) {
            let mut failing = 0;
            while open_beside(way, call, failing) {
                failing += 1;
            }
            if failing == 0 {
                assert!(call > 10, "{call}");
                break;
            }
        }
    }
}
