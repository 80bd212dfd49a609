//! What one session has failed or been killed at, another goes on with.

use super::super::directory::Directory;
use super::raw_file::{has, raw, text};
use crate::local::Local;
use crate::local::sim::{Fault, SimDirectory, SimDisk};
use crate::local::testing::{
    Way, append, batch, contents, contents_after_cut, delete, open_with, write,
};
use std::io::ErrorKind;
use std::sync::{Arc, Mutex};

/// A batch whose record is written cannot be confirmed, for the sync lock cannot be taken. The
/// session lives on. Another session appends to one of its paths.
#[test]
fn an_append_to_an_unconfirmed_batch_keeps_it_whole() {
    let disk = SimDisk::new();
    let first = open_with(&disk, Way::Published).expect("opened");
    let second = open_with(&disk, Way::Published).expect("opened");
    for path in ["a", "b"] {
        first.commit(write(path, b"old").into()).expect("no faults");
    }
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

/// A session was killed some time after its last sync, so its mark is there, and the next commit
/// of the other one writes the log once more, in records with new numbers. Returns the other one.
fn after_a_session_was_killed() -> (SimDisk, Arc<Local<SimDirectory>>) {
    let disk = SimDisk::new();
    let (root, process) = disk.start();
    let second = open_with(&disk, Way::Published).expect("opened");
    let first = Local::open(root, Way::Published.options()).expect("opened");
    second
        .commit(append("log", b"1").into())
        .expect("no faults");
    first.commit(append("log", b"2").into()).expect("no faults");
    disk.kill(&process);
    (disk, second)
}

#[test]
fn the_first_commit_after_a_session_was_killed_is_published() {
    let (disk, second) = after_a_session_was_killed();
    second
        .commit(append("log", b"3").into())
        .expect("no faults");
    assert_eq!(text(raw(&disk, "log").as_ref()), "123");
}

/// Another program appends to the file before the next checkpoint.
#[test]
fn the_first_commit_after_a_session_was_killed_is_kept() {
    let (disk, second) = after_a_session_was_killed();
    second
        .commit(append("log", b"OURS").into())
        .expect("no faults");
    assert!(disk.outside_append(&["log"], b"THEIRS"));
    second.checkpoint().expect("no faults");
    let now = contents(&second).expect("read");
    assert_eq!(text(now.get("log")), "12OURSTHEIRS");
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
            for (commits_first, lists) in [(false, true), (true, true), (true, false)] {
                for killed in 0.. {
                    match behind_a_replaced_log_file(way, count, commits_first, lists, killed) {
                        None => break,
                        Some(Ok(())) => {}
                        Some(Err(what)) => wrong.push(format!(
                            "{way:?} {count} {commits_first} {lists} killed at {killed}: {what}"
                        )),
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// `None` if the session has ended before it was to be killed.
fn behind_a_replaced_log_file(
    way: Way,
    count: u8,
    commits_first: bool,
    lists: bool,
    killed: usize,
) -> Option<Result<(), String>> {
    let disk = SimDisk::new();
    disk.set_one_thread();
    let by = open_with(&disk, way).expect("opened");
    let (root, dead) = disk.start();
    let x = Local::open(root, way.options()).expect("opened");
    let (root, dying) = disk.start();
    let a = Local::open(root, way.options()).expect("opened");
    if commits_first {
        // Then it has both log files open.
        by.commit(append("z", b"z").into()).expect("no faults");
    }
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
        return None;
    }
    let third = open_with(&disk, way).expect("opened");
    third
        .commit(append("b", b"third").into())
        .expect("no faults");
    if lists {
        let all = contents(&by).expect("read");
        if all.get("b").is_none_or(|b| b != b"third") {
            return Some(Err(format!(
                "list has {:?}",
                all.keys().collect::<Vec<_>>()
            )));
        }
    }
    let made = by.commit(append("b", b" by").into()).is_ok();
    let left = contents_after_cut(&disk);
    let seen = contents(&third).expect("read");
    let expected: &[u8] = if made { b"third by" } else { b"third" };
    for (reader, now) in [("third", seen), ("cut", left)] {
        if !has(now.get("b"), expected) || !has(now.get("a"), b"xx") {
            let (a, b) = (text(now.get("a")), text(now.get("b")));
            return Some(Err(format!("made {made}: {reader} has a={a} b={b}")));
        }
    }
    Some(Ok(()))
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

/// A session commits for the first time, and another begins at each of its calls, which removes
/// what no living session has staged.
#[test]
fn a_first_commit_is_made_while_another_session_begins() {
    let mut wrong = Vec::new();
    for way in [Way::Published, Way::Journaled] {
        for count in 0..10 {
            for call in 0.. {
                let disk = SimDisk::new();
                disk.set_one_thread();
                let other = open_with(&disk, way).expect("opened");
                let volume = open_with(&disk, way).expect("opened");
                for i in 0..count {
                    let fill = batch([write("f", &[b'f' + i; 60]), write("g", b"g")]);
                    other.commit(fill).expect("no faults");
                }
                contents(&volume).expect("read");
                let (on, begun) = (disk.clone(), Arc::new(Mutex::new(None)));
                let keep = begun.clone();
                disk.interrupt_at(call, move || {
                    // It cannot begin while the volume has a lock that it waits for.
                    *keep.lock().expect("no panic") = open_with(&on, way).ok();
                });
                let made = volume.commit(append("c", b"3").into());
                if disk.is_to_be_interrupted() {
                    break;
                }
                if let Err(error) = made {
                    wrong.push(format!("{way:?} {count} begun at {call}: {error:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
