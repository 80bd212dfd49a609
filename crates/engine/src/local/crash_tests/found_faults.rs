//! Faults that were proved by trying to break the engine, one test each.

use super::super::directory::{Directory, FileHandle};
use crate::local::Local;
use crate::local::sim::{Fault, SimDisk};
use crate::local::testing::{
    Contents, Way, append, batch, contents, contents_after_cut, delete, open_with, write,
};
use std::io::ErrorKind;
use std::sync::{Arc, Mutex};

fn raw(disk: &SimDisk, path: &str) -> Option<Vec<u8>> {
    let root = disk.start().0;
    let file = root.open_file(path).ok()??;
    let mut bytes = vec![0; file.stat().ok()?.size as usize];
    let read = file.read_all_at(&mut bytes, 0).ok()?;
    bytes.truncate(read);
    Some(bytes)
}

fn has(bytes: Option<&Vec<u8>>, part: &[u8]) -> bool {
    bytes.is_some_and(|bytes| bytes.windows(part.len()).any(|window| window == part))
}

fn text(bytes: Option<&Vec<u8>>) -> String {
    bytes.map_or("none".to_owned(), |bytes| bytes.escape_ascii().to_string())
}

/// A batch whose record is written cannot be confirmed, for the sync lock cannot be taken. The
/// session lives on. Another session appends to one of its paths.
#[test]
fn an_append_to_an_unconfirmed_batch_keeps_it_whole() {
    let disk = SimDisk::new();
    let first = open_with(&disk, Way::Published).expect("opened");
    let second = open_with(&disk, Way::Published).expect("opened");
    first
        .commit(batch([write("a", b"old"), write("b", b"old")]))
        .expect("no faults");
    disk.set_one_thread();
    let root = disk.start().0;
    let private = root.open_dir(".ability-storage").expect("there");
    let log = private.open_dir("log").expect("there");
    let held = log.lock("sync").expect("free");
    let result = first.commit(batch([write("a", b"new"), write("b", b"new")]));
    println!("{:?}", result.as_ref().err());
    drop(held);
    let error = result.expect_err("the lock cannot be taken");
    assert_eq!(error.outcome(), crate::Outcome::Unconfirmed);
    let seen = contents(&second).expect("read");
    assert_eq!((&seen["a"][..], &seen["b"][..]), (&b"new"[..], &b"new"[..]));
    second.commit(append("a", b"+").into()).expect("no faults");
    let seen = contents(&second).expect("read");
    assert_eq!(
        (text(seen.get("a")), text(seen.get("b"))),
        ("new+".into(), "new".into())
    );
}

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
    for way in [Way::Published, Way::Journaled] {
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
                disk.fail_at(failing, Fault::Error(ErrorKind::StorageFull));
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
                        "{way:?} call {failing} ({call}) fails, killed at {killed}: {}",
                        text(left.get("log"))
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Another program changes a file in place, more than 256 bytes before its end, where the log
/// has chunks that are not checkpointed. The next append counts as one to what the log has;
/// what a power cut leaves of it then counts as changed by another program.
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

/// A session was killed some time after its last sync, so its mark is there. The first commit
/// of another writes the log once more, in records with new numbers, and is then not published.
#[test]
fn the_first_commit_after_a_session_was_killed_is_published() {
    let disk = SimDisk::new();
    let (root, process) = disk.start();
    let second = open_with(&disk, Way::Published).expect("opened");
    let first = Local::open(root, Way::Published.options()).expect("opened");
    second
        .commit(append("log", b"1").into())
        .expect("no faults");
    first.commit(append("log", b"2").into()).expect("no faults");
    disk.kill(&process);
    second
        .commit(append("log", b"3").into())
        .expect("no faults");
    assert_eq!(text(raw(&disk, "log").as_ref()), "123");
}

/// The same, and another program appends to the file before the next checkpoint.
#[test]
fn the_first_commit_after_a_session_was_killed_is_kept() {
    let disk = SimDisk::new();
    let (root, process) = disk.start();
    let second = open_with(&disk, Way::Published).expect("opened");
    let first = Local::open(root, Way::Published.options()).expect("opened");
    second
        .commit(append("log", b"1").into())
        .expect("no faults");
    first.commit(append("log", b"2").into()).expect("no faults");
    disk.kill(&process);
    second
        .commit(append("log", b"OURS").into())
        .expect("no faults");
    assert!(disk.outside_append(&["log"], b"THEIRS"));
    second.checkpoint().expect("no faults");
    let now = contents(&second).expect("read");
    assert_eq!(text(now.get("log")), "12OURSTHEIRS");
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

#[test]
fn a_file_that_was_deleted_with_its_directory_does_not_come_back() {
    let mut wrong = Vec::new();
    for way in [Way::Published, Way::Journaled] {
        for two in [false, true] {
            let disk = SimDisk::new();
            let first = open_with(&disk, way).expect("opened");
            let second = open_with(&disk, way).expect("opened");
            first
                .commit(append("d/e", &[b'x'; 300]).into())
                .expect("no faults");
            let by = if two { &second } else { &first };
            by.commit(delete("d/e").into()).expect("no faults");
            by.checkpoint().expect("no faults");
            for state in disk.after_power_cut(100, &mut || 1) {
                let left = contents(&open_with(&state, way).expect("opened")).expect("read");
                if !left.is_empty() {
                    wrong.push((way, two));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
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

/// One call fails when a session writes the first record to the other log file: the commit is
/// not applied. Then another session commits, and the first one again.
#[track_caller]
fn a_record_that_fails_behind_a_switch(way: Way, kind: ErrorKind) {
    let mut wrong = Vec::new();
    for count in 0..16 {
        for failing in 0..60 {
            let disk = SimDisk::new();
            let first = open_with(&disk, way).expect("opened");
            let second = open_with(&disk, way).expect("opened");
            first.commit(write("z", b"z").into()).expect("no faults");
            first.commit(append("z", b"z").into()).expect("no faults");
            for i in 0..count {
                let filled = batch([write("a", &[b'a' + i; 60]), write("b", b"before")]);
                first.commit(filled).expect("no faults");
            }
            disk.fail_at(failing, Fault::Error(kind));
            let result = first.commit(append("a", &[b'-'; 66]).into()).map(drop);
            let call = disk.call(failing);
            disk.heal();
            let Err(error) = &result else { continue };
            let error = error.to_string();
            let by_second = second
                .commit(batch([append("z", b"z"), write("b", b"second")]))
                .is_ok();
            let by_first = first
                .commit(batch([write("f", b"first"), write("g", b"g")]))
                .is_ok();
            let left = disk.after_power_cut(1, &mut || 0).remove(0);
            let recovered = open_with(&left, way).expect("opened");
            for (reader, volume) in [
                ("first", &first),
                ("second", &second),
                ("a cut", &recovered),
            ] {
                let now = match contents(volume) {
                    Ok(now) => now,
                    Err(error) => {
                        wrong.push(format!("{count} {failing} {call}: {reader}: {error}"));
                        continue;
                    }
                };
                let is_there = |made: bool, path: &str, bytes: &[u8]| {
                    !made || now.get(path).is_some_and(|now| now == bytes)
                };
                if !(is_there(by_second, "z", b"zzz")
                    && is_there(!by_second, "z", b"zz")
                    && is_there(by_first, "f", b"first")
                    && is_there(by_first, "g", b"g"))
                {
                    let b = text(now.get("z"));
                    let paths: Vec<_> = now.keys().collect();
                    wrong.push(format!(
                        "{count} records, call {failing} ({call}) fails, {error}: {reader} has z={b} {paths:?}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_record_that_fails_behind_a_switch_loses_nothing() {
    a_record_that_fails_behind_a_switch(Way::Journaled, ErrorKind::Other);
}

#[test]
fn a_record_that_fails_behind_a_switch_loses_nothing_in_a_default_volume() {
    a_record_that_fails_behind_a_switch(Way::Published, ErrorKind::Other);
}

/// A session finds the mark of a dead one, and puts a new log file in the place of the old;
/// it is killed at each call of that. Another one, which has the volume open, sees in a list
/// what a third one commits then, and its own commits are kept.
#[test]
fn all_see_what_is_committed_behind_a_log_file_that_a_killed_session_has_replaced() {
    let mut wrong = Vec::new();
    for way in [Way::Published, Way::Journaled] {
        for count in 0..8 {
            for killed in 0..70 {
                let disk = SimDisk::new();
                disk.set_one_thread();
                let by = open_with(&disk, way).expect("opened");
                let (root, dead) = disk.start();
                let x = Local::open(root, way.options()).expect("opened");
                let (root, dying) = disk.start();
                let a = Local::open(root, way.options()).expect("opened");
                for i in 0..count {
                    let fill = batch([write("f", &[b'f' + i; 60]), write("g", b"g")]);
                    x.commit(fill).expect("no faults");
                }
                x.commit(append("a", b"x").into()).expect("no faults");
                x.commit(append("a", b"x").into()).expect("no faults");
                disk.kill(&dead);
                let (on, process) = (disk.clone(), dying.clone());
                disk.interrupt_at(killed, move || on.kill(&process));
                let _ = a.commit(batch([append("q", &[b'q'; 99]), write("r", b"r")]));
                let is_over = disk.is_to_be_interrupted();
                disk.interrupt_at(usize::MAX, || ());
                disk.kill(&dying);
                if is_over {
                    break;
                }
                let third = open_with(&disk, way).expect("opened");
                third
                    .commit(append("b", b"third").into())
                    .expect("no faults");
                let at = format!("{way:?} {count} killed at {killed}");
                let all = contents(&by).expect("read");
                if all.get("b").is_none_or(|b| b != b"third") {
                    wrong.push(format!(
                        "{at}: list has {:?}",
                        all.keys().collect::<Vec<_>>()
                    ));
                }
                let made = by.commit(append("c", b"by").into());
                let left = contents_after_cut(&disk);
                let seen = contents(&third).expect("read");
                for (reader, now) in [("third", seen), ("cut", left)] {
                    let is_whole = has(now.get("b"), b"third")
                        && (made.is_err() || has(now.get("c"), b"by"))
                        && has(now.get("a"), b"xx");
                    if !is_whole {
                        wrong.push(format!(
                            "{at}: {made:?} {reader} has {:?}",
                            now.keys().collect::<Vec<_>>()
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A session opens the volume while another commits, which is killed at that moment. A third
/// one opens it, the second makes a checkpoint, and the third commits: the second sees that.
#[test]
fn a_session_that_opened_at_a_kill_sees_later_commits() {
    let mut wrong = Vec::new();
    for way in [Way::Published, Way::Journaled] {
        for count in 0..4 {
            for killed in 0..70 {
                let disk = SimDisk::new();
                disk.set_one_thread();
                let (root, dying) = disk.start();
                let a = Local::open(root, way.options()).expect("opened");
                let (root, dead) = disk.start();
                let x = Local::open(root, way.options()).expect("opened");
                for i in 0..count {
                    let fill = batch([write("f", &[b'f' + i; 60]), write("g", b"g")]);
                    x.commit(fill).expect("no faults");
                }
                x.commit(append("a", b"x").into()).expect("no faults");
                x.commit(batch([append("a", b"x"), delete("b")]))
                    .expect("no faults");
                disk.kill(&dead);
                let opened = Arc::new(Mutex::new(None));
                let (on, process, told) = (disk.clone(), dying.clone(), opened.clone());
                disk.interrupt_at(killed, move || {
                    let by = open_with(&on, way).ok();
                    if let Some(by) = &by {
                        let _ = by.commit(batch([append("b", b"-"), append("b", b"-")]));
                        let _ = contents(by);
                    }
                    *told.lock().expect("no panic") = by;
                    on.kill(&process);
                });
                let _ = a.commit(batch([append("a", b""), delete("a")]));
                let is_over = disk.is_to_be_interrupted();
                disk.interrupt_at(usize::MAX, || ());
                disk.kill(&dying);
                if is_over {
                    break;
                }
                let Some(by) = opened.lock().expect("no panic").take() else {
                    continue;
                };
                let third = open_with(&disk, way).expect("opened");
                let checkpoint = by.checkpoint();
                disk.outside_truncate(&["b"], 0);
                disk.outside_mkdir(&["b"]);
                third
                    .commit(append("b", b"third").into())
                    .expect("no faults");
                let at = format!("{way:?} {count} killed at {killed} {checkpoint:?}");
                let all = contents(&by).expect("read");
                if !has(all.get("b"), b"third") {
                    wrong.push(format!(
                        "{at}: list has {:?}",
                        all.keys().collect::<Vec<_>>()
                    ));
                }
                let made = by.commit(append("c", b"by").into());
                let left = contents_after_cut(&disk);
                let seen = contents(&third).expect("read");
                for (reader, now) in [("third", seen), ("cut", left)] {
                    if !has(now.get("b"), b"third") || made.is_ok() && !has(now.get("c"), b"by") {
                        wrong.push(format!(
                            "{at}: {made:?} {reader} has {:?}",
                            now.keys().collect::<Vec<_>>()
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Another program edits a file in place that a session has published and been killed. Another
/// session takes its staged contents for what is there, and does not sync what it appends to.
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
