//! What other programs do to the files of a volume.

use super::super::directory::Directory;
use super::raw_file::{has, raw, text};
use crate::local::Local;
use crate::local::sim::SimDisk;
use crate::local::testing::{Way, append, batch, contents, open_with, write};
use std::sync::{Arc, Mutex};

/// What happens to the file at each call of a checkpoint in a journaled volume.
fn outside_at_each_call_of_a_checkpoint(outside: fn(&SimDisk)) {
    let mut lost = Vec::new();
    for call in 0.. {
        let disk = SimDisk::new();
        let volume = open_with(&disk, Way::Journaled).expect("opened");
        volume
            .commit(write("log", b"begin ").into())
            .expect("no faults");
        volume.checkpoint().expect("no faults");
        volume
            .commit(append("log", b"OURS").into())
            .expect("no faults");
        let seen = Arc::new(Mutex::new(None));
        let (on, note) = (disk.clone(), seen.clone());
        disk.interrupt_at(call, move || {
            *note.lock().expect("no panic") = Some(has(raw(&on, "log").as_ref(), b"OURS"));
            outside(&on);
        });
        let result = volume.checkpoint();
        disk.interrupt_at(usize::MAX, || ());
        let was_there = *seen.lock().expect("no panic");
        let Some(was_there) = was_there else { break };
        let after = contents(&volume).expect("read");
        if !was_there && !has(after.get("log"), b"OURS") {
            lost.push(format!(
                "call {call}: {result:?} {}",
                text(after.get("log"))
            ));
        }
    }
    assert!(lost.is_empty(), "{lost:#?}");
}

#[test]
fn a_file_that_is_replaced_while_it_is_checkpointed_gets_what_was_appended() {
    outside_at_each_call_of_a_checkpoint(|disk| {
        assert!(disk.outside_replace(&["log"], b"theirs"));
    });
}

#[test]
fn a_file_that_is_removed_while_it_is_checkpointed_gets_what_was_appended() {
    outside_at_each_call_of_a_checkpoint(|disk| {
        assert!(disk.outside_remove(&["log"]));
    });
}

/// At each call of an append in a default volume.
fn outside_at_each_call_of_an_append(outside: fn(&SimDisk), is_fine: fn(&[u8]) -> bool) {
    let mut wrong = Vec::new();
    for call in 0.. {
        let disk = SimDisk::new();
        let volume = open_with(&disk, Way::Published).expect("opened");
        volume
            .commit(write("log", b"begin ").into())
            .expect("no faults");
        volume
            .commit(append("log", b"one ").into())
            .expect("no faults");
        let on = disk.clone();
        disk.interrupt_at(call, move || outside(&on));
        let result = volume.commit(append("log", b"two ").into()).map(drop);
        if disk.is_to_be_interrupted() {
            break;
        }
        disk.interrupt_at(usize::MAX, || ());
        let after = raw(&disk, "log");
        if !is_fine(after.as_deref().unwrap_or_default()) {
            wrong.push(format!("call {call}: {result:?} {}", text(after.as_ref())));
        }
    }
    // Between the last look and the write nothing can be done.
    assert!(wrong.len() <= 1, "{wrong:#?}");
}

#[test]
fn an_append_does_not_overwrite_what_another_program_adds_meanwhile() {
    outside_at_each_call_of_an_append(
        |disk| {
            assert!(disk.outside_append(&["log"], b"THEIRS "));
        },
        |after| has(Some(&after.to_vec()), b"THEIRS"),
    );
}

#[test]
fn an_append_to_a_file_that_is_cut_meanwhile_leaves_no_zeros() {
    outside_at_each_call_of_an_append(
        |disk| {
            assert!(disk.outside_truncate(&["log"], 0));
        },
        |after| !after.contains(&0),
    );
}

/// Another program changes a file in place, more than 256 bytes before its end, where the log
/// has chunks that are not checkpointed. The next append counts as one to what the log has;
/// what a power cut leaves must not count as changed by another program.
#[test]
fn an_append_behind_an_edit_in_place_survives_a_power_cut() {
    let disk = SimDisk::new();
    let volume = open_with(&disk, Way::Published).expect("opened");
    let long = [b'l'; 300];
    volume
        .commit(write("log", b"begin").into())
        .expect("no faults");
    volume
        .commit(append("log", &long).into())
        .expect("no faults");
    let edited = [&b"beginEDIT"[..], &long[4..]].concat();
    assert!(disk.outside_write(&["log"], &edited));
    disk.outside_sync_file_system();
    volume
        .commit(append("log", b"LAST").into())
        .expect("no faults");
    let mut wrong = Vec::new();
    let mut number = 0;
    let mut next = || {
        number += 1;
        number
    };
    for state in disk.after_power_cut(100, &mut next) {
        let left = contents(&open_with(&state, Way::Published).expect("opened")).expect("read");
        if !left["log"].ends_with(b"LAST") {
            wrong.push(text(Some(&left["log"][290..].to_vec())));
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Another program replaces a file, and a third makes a second name for it, such as a backup.
#[test]
fn a_file_with_two_names_that_was_replaced_is_left_alone() {
    for way in [Way::Published, Way::Journaled] {
        let disk = SimDisk::new();
        let volume = open_with(&disk, way).expect("opened");
        volume
            .commit(write("log", b"begin ").into())
            .expect("no faults");
        volume.checkpoint().expect("no faults");
        volume
            .commit(append("log", b"ours").into())
            .expect("no faults");
        assert!(disk.outside_replace(&["log"], b"what another program has written"));
        let root = disk.start().0;
        root.hard_link("log", &root, "backup").expect("linked");
        volume.checkpoint().expect("no faults");
        let now = contents(&volume).expect("read");
        let theirs = b"what another program has written";
        assert!(
            now["log"].starts_with(theirs),
            "{way:?} {}",
            text(now.get("log"))
        );
    }
}

/// Another program edits a file in place at each call of an append, and keeps its length; then
/// the power is cut. The clock of the file system may not tell the edit from what was there.
#[track_caller]
fn an_edit_at_each_call_of_an_append(is_coarse: bool, has_checkpoint: bool, by_another: bool) {
    let mut wrong = Vec::new();
    for call in 0.. {
        let disk = SimDisk::new();
        if is_coarse {
            disk.set_coarse_clock();
        }
        let volume = open_with(&disk, Way::Published).expect("opened");
        let other = open_with(&disk, Way::Published).expect("opened");
        volume
            .commit(write("log", b"old").into())
            .expect("no faults");
        volume
            .commit(append("log", b"er").into())
            .expect("no faults");
        if has_checkpoint {
            volume.checkpoint().expect("no faults");
        }
        let on = disk.clone();
        disk.interrupt_at(call, move || {
            // What was appended already, the edit may take away.
            if !has(raw(&on, "log").as_ref(), b" LAST") {
                assert!(on.outside_write(&["log"], b"newer"));
            }
        });
        let last = append("log", b" LAST");
        let by = if by_another { &other } else { &volume };
        by.commit(last.into()).expect("no faults");
        if disk.is_to_be_interrupted() {
            break;
        }
        for state in disk.after_power_cut(100, &mut || 0) {
            let left = contents(&open_with(&state, Way::Published).expect("opened"));
            let left = left.expect("read");
            if !has(left.get("log"), b" LAST") {
                wrong.push(format!("call {call}: {}", text(left.get("log"))));
                break;
            }
        }
    }
    // Between the last look and the write nothing can be done.
    assert!(wrong.len() <= 1, "{wrong:#?}");
}

#[test]
fn an_append_survives_an_edit_that_keeps_the_length() {
    for has_checkpoint in [false, true] {
        for is_coarse in [false, true] {
            for by_another in [false, true] {
                an_edit_at_each_call_of_an_append(is_coarse, has_checkpoint, by_another);
            }
        }
    }
}

/// A session has published a file and is killed; another program edits the file in place. Another
/// session must sync the edited file before it appends to it.
#[test]
fn an_append_to_an_edited_file_of_a_dead_session_survives_a_power_cut() {
    let mut wrong = Vec::new();
    let disk = SimDisk::new();
    let other = open_with(&disk, Way::Published).expect("opened");
    let (root, process) = disk.start();
    let first = Local::open(root, Way::Published.options()).expect("opened");
    first
        .commit(batch([write("a", b"old contents"), write("b", b"b")]))
        .expect("no faults");
    disk.kill(&process);
    assert!(disk.outside_write(&["a"], b"new contents"));
    other
        .commit(append("a", b" LAST").into())
        .expect("no faults");
    for state in disk.after_power_cut(60, &mut || 0) {
        let left = contents(&open_with(&state, Way::Published).expect("opened")).expect("read");
        if !left.get("a").is_some_and(|a| a.ends_with(b" LAST")) {
            wrong.push(text(left.get("a")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}
