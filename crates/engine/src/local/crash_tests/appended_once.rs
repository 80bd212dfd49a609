//! Appends to files that other programs have changed are there once.

use super::super::directory::Directory;
use super::raw_file::{raw, text};
use crate::local::Local;
use crate::local::sim::SimDisk;
use crate::local::testing::{Way, append, batch, contents, open_with, write};

/// Another program edits a file that was appended to, and the power is cut before that is on the
/// disk. Recovery adds the append once, or leaves the file as it is.
#[test]
fn an_append_to_a_file_that_was_edited_before_a_power_cut_is_there_once() {
    let mut wrong = Vec::new();
    for way in [Way::Published, Way::Journaled] {
        for count in 0..8 {
            let (by, len) = (way, 60);
            let disk = SimDisk::new();
            let first = open_with(&disk, way).expect("opened");
            first
                .commit(batch([append("b", b"[1]"), write("a", b"a")]))
                .expect("no faults");
            for i in 0..count {
                let fill = batch([append("f", &[b'f' + i; 60]), append("g", b"g")]);
                first.commit(fill).expect("no faults");
            }
            first.commit(append("b", b"[2]").into()).expect("no faults");
            assert!(disk.outside_write(&["b"], &vec![b'e'; len]));
            let mut number = 0;
            let mut next = || {
                number += 1;
                number
            };
            for state in disk.after_power_cut(100, &mut next) {
                let before = raw(&state, "b");
                let volume = open_with(&state, by).expect("opened");
                let left = contents(&volume).expect("read");
                let b = text(left.get("b"));
                if b.matches("[2]").count() > 1 || b.matches("[1]").count() > 1 {
                    let before = text(before.as_ref());
                    let what = format!("{way:?} {count} {by:?}: {before} became {b}");
                    wrong.push(what.replace("\\x00", "0"));
                    break;
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// In a journaled volume another program adds to a file before a checkpoint extends it, and the
/// sync of the file fails. The new file that takes its place has the append once.
#[test]
fn an_append_behind_what_another_program_added_is_there_once_after_a_failed_sync() {
    let disk = SimDisk::new();
    let volume = open_with(&disk, Way::Journaled).expect("opened");
    volume
        .commit(append("b", b"[1]").into())
        .expect("no faults");
    volume.checkpoint().expect("no faults");
    volume
        .commit(append("b", b"[2]").into())
        .expect("no faults");
    assert!(disk.outside_append(&["b"], b"theirs"));
    disk.lose_next_sync(&["b"]);
    let result = volume.checkpoint();
    assert!(!disk.is_to_lose());
    let now = contents(&volume).expect("read");
    println!("{result:?}");
    assert_eq!(text(now.get("b")), "[1]theirs[2]");
}

/// In a journaled volume another program adds to a file; a checkpoint puts an append behind that
/// and is killed; a third program makes a second name for the file, such as a backup. Recovery
/// does not add the append again. No call fails.
#[test]
fn an_append_is_there_once_after_a_killed_checkpoint_and_a_backup() {
    let mut wrong = Vec::new();
    for killed in 0..80 {
        let disk = SimDisk::new();
        let (root, process) = disk.start();
        let volume = Local::open(root, Way::Journaled.options()).expect("opened");
        volume
            .commit(append("b", b"[1]").into())
            .expect("no faults");
        volume.checkpoint().expect("no faults");
        volume
            .commit(append("b", b"[2]").into())
            .expect("no faults");
        assert!(disk.outside_append(&["b"], b"theirs"));
        let (on, dying) = (disk.clone(), process.clone());
        disk.interrupt_at(killed, move || on.kill(&dying));
        let _ = volume.checkpoint();
        let is_over = disk.is_to_be_interrupted();
        disk.interrupt_at(usize::MAX, || ());
        disk.kill(&process);
        if is_over {
            break;
        }
        let root = disk.start().0;
        root.hard_link("b", &root, "backup").expect("linked");
        let next = open_with(&disk, Way::Journaled).expect("opened");
        next.checkpoint().expect("no faults");
        let now = text(contents(&next).expect("read").get("b"));
        if now.matches("[2]").count() != 1 {
            wrong.push(format!("killed at {killed}: {now}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
