//! A sync fails, and the error is told once: to a process that is killed, before a second
//! attempt, or to another program.

use super::check::check;
use super::one;
use crate::local::Local;
use crate::local::sim::SimDisk;
use crate::local::testing::{Contents, Way, append, contents, open_with, rename, write};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How many states a power cut may leave are looked at.
const MAX_STATES: usize = 100;

/// The sync of a log file fails in one process, which is killed soon after that. Another,
/// which opened the volume in between and was not told, commits; then the power is cut.
#[test]
fn records_behind_a_failed_sync_are_durable() {
    for way in [Way::Published, Way::Journaled] {
        let mut tried = 0;
        for opens_at in 0..60 {
            for killed_after in [1, 2, 5, 9, 14] {
                tried += usize::from(is_durable_behind_a_failed_sync(way, opens_at, killed_after));
            }
        }
        assert!(tried >= 20, "{way:?}: only {tried} cases");
    }
}

/// Whether there was a second process at that moment.
fn is_durable_behind_a_failed_sync(way: Way, opens_at: usize, killed_after: usize) -> bool {
    let disk = SimDisk::new();
    let (root, process) = disk.start();
    let first = Local::open(root, way.options()).expect("no faults");
    let zero = one(append("log", b"zero\n"));
    first.commit(zero).expect("no faults");
    let opening = Arc::new(Mutex::new(None));
    let (opened, on, killed) = (opening.clone(), disk.clone(), process.clone());
    disk.interrupt_at(opens_at, move || {
        let at = on.clone();
        let (done, is_open) = channel();
        let opens = thread::spawn(move || {
            let second = open_with(&at, way);
            // Nobody listens if this waited for a lock of the first.
            let _ = done.send(());
            second
        });
        let _ = is_open.recv_timeout(Duration::from_millis(20));
        *opened.lock().expect("no panic") = Some(opens);
        let (disk, killed) = (on.clone(), killed.clone());
        on.interrupt_at(killed_after, move || disk.kill(&killed));
    });
    disk.lose_next_sync(&[".ability-storage", "log", "log-0"]);
    let is_made = first.commit(one(append("log", b"one\n"))).is_ok();
    let is_lost = !disk.is_to_lose();
    disk.kill(&process);
    disk.heal();
    let opens = opening.lock().expect("no panic").take();
    let Some(opens) = opens.filter(|_| is_lost) else {
        return false;
    };
    let second = opens.join().expect("no panic").expect("no faults");
    let two = one(append("log", b"two\n"));
    second.commit(two).expect("no faults");
    let allowed: Vec<Contents> = [&b"zero\none\ntwo\n"[..], b"zero\ntwo\n"]
        .iter()
        .filter(|log| !is_made || log.starts_with(b"zero\none\n"))
        .map(|log| Contents::from([("log".to_owned(), log.to_vec())]))
        .collect();
    let mut number = 0;
    let mut random = || {
        number += 1;
        number
    };
    for state in disk.after_power_cut(MAX_STATES, &mut random) {
        if let Err(what) = check(&state, &allowed) {
            panic!("{what}; {way:?}, opened at call {opens_at}, killed {killed_after} calls later");
        }
    }
    true
}

/// All that a power cut may leave has `end` at the end of the file at `path`.
fn ends_with(disk: &SimDisk, path: &str, end: &[u8], at: &str) {
    for state in disk.after_power_cut(MAX_STATES, &mut || 1) {
        let volume = open_with(&state, Way::Published).expect("it can be opened");
        let found = contents(&volume).expect("read");
        let file = found.get(path).map_or(&[][..], Vec::as_slice);
        assert!(file.ends_with(end), "{at}: {} bytes left", file.len());
    }
}

/// Another program writes a file without a sync; what is done with it then is acknowledged
/// at the second attempt, after a sync has failed at the first.
#[test]
fn what_another_program_wrote_is_durable_at_the_second_attempt() {
    let by_other = [b'w'; 300];
    for way in [Way::Published, Way::Journaled] {
        for (change, path, end) in [
            (append("log", b"acknowledged"), "log", &b"wacknowledged"[..]),
            (rename("log", "renamed"), "renamed", b"www"),
        ] {
            let disk = SimDisk::new();
            let volume = open_with(&disk, way).expect("no faults");
            assert!(disk.outside_write(&["log"], &by_other));
            disk.lose_next_sync(&["log"]);
            let first = volume.commit(one(change.clone()));
            if first.is_err() {
                volume.commit(one(change)).expect("made");
            }
            ends_with(&disk, path, end, &format!("{way:?} {path}"));
        }
    }
}

/// The same if another program is told the error. What that one wrote is lost with its
/// sync; what was acknowledged is not.
#[test]
fn an_append_outlives_what_another_program_lost_before_it() {
    for way in [Way::Published, Way::Journaled] {
        let disk = SimDisk::new();
        let volume = open_with(&disk, way).expect("no faults");
        assert!(disk.outside_write(&["log"], &[b'w'; 300]));
        assert_eq!(disk.lose_in_background(&["log"]), 1);
        assert!(disk.outside_sync_file_system());
        volume
            .commit(one(append("log", b"acknowledged")))
            .expect("made");
        ends_with(&disk, "log", b"acknowledged", &format!("{way:?}"));
    }
}

/// What another program appends behind a commit is lost, and a third is told the error: what
/// was acknowledged before and after it is not.
#[test]
fn appends_outlive_what_another_program_lost_between_them() {
    for way in [Way::Published, Way::Journaled] {
        let disk = SimDisk::new();
        let volume = open_with(&disk, way).expect("no faults");
        volume
            .commit(one(write("log", &[b'w'; 300])))
            .expect("made");
        volume.commit(one(append("log", b"first"))).expect("made");
        assert!(disk.outside_append(&["log"], b"outside"));
        assert_eq!(disk.lose_in_background(&["log"]), 1);
        assert!(disk.outside_sync_file_system());
        let second = one(append("log", b"second"));
        if volume.commit(second.clone()).is_err() {
            volume.commit(second).expect("made");
        }
        for state in disk.after_power_cut(MAX_STATES, &mut || 1) {
            let volume = open_with(&state, way).expect("it can be opened");
            let found = contents(&volume).expect("read");
            let log = String::from_utf8_lossy(&found["log"]);
            assert!(
                log.contains("wfirst") && log.ends_with("second"),
                "{way:?}: {log}"
            );
        }
    }
}
