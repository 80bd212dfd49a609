//! Tests of the log that look at its parts.

use super::super::Local;
use super::super::directory::{Access, Directory, FileHandle};
use super::super::sim::{Call, Fault, SimDirectory, SimDisk};
use super::super::testing::{
    Way, append, batch, contents, contents_after_cut, open, open_with, write,
};
use super::frame;
use super::log_file::{LogFile, Seen};
use crate::{FilePath, Outcome};
use std::io::ErrorKind;
use std::sync::Arc;

type Session = Arc<Local<SimDirectory>>;

fn append_line(session: &Session, line: &str, log: &mut String) {
    log.push_str(line);
    let appended = append("log", line.as_bytes());
    session.commit(appended.into()).expect("appended");
}

/// Two sessions that append to one file, and make checkpoints in turn or at random.
fn sessions() -> (SimDisk, [Session; 2]) {
    let disk = SimDisk::new();
    let sessions = [open(&disk), open(&disk)].map(|session| session.expect("opened"));
    (disk, sessions)
}

#[test]
fn a_file_that_two_sessions_append_to_is_seldom_copied() {
    let (disk, sessions) = sessions();
    let (root, _) = disk.start();
    let inode = || {
        root.stat("log")
            .expect("no faults")
            .map(|stat| stat.inode())
    };
    let mut random = 1_u32;
    let mut log = String::new();
    let mut copies = 0;
    append_line(&sessions[0], "begin\n", &mut log);
    let mut before = inode();
    for round in 0..60 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let first = (random >> 16) as usize % 2;
        append_line(&sessions[first], &format!("{round}\n"), &mut log);
        append_line(&sessions[1 - first], &format!("{round} too\n"), &mut log);
        let by = (random >> 20) as usize % 2;
        sessions[by].checkpoint().expect("no faults");
        copies += usize::from(inode() != before);
        before = inode();
    }
    assert!(copies <= 4, "{copies} copies in 60 checkpoints");
    assert_eq!(contents_after_cut(&disk)["log"], log.into_bytes());
}

/// Whether what one session has appended is lost before the other opens the file, while it
/// has it open, or after its own append.
#[test]
fn a_lost_write_back_that_was_told_to_another_program_is_made_good() {
    for lost_after in 0..6 {
        for by in 0..2 {
            let (disk, sessions) = sessions();
            let mut log = String::new();
            for number in 0..6 {
                // The second session comes later.
                let session = &sessions[usize::from(number % 2 == 1)];
                append_line(session, &format!("{number}\n"), &mut log);
                if number == lost_after {
                    disk.lose_in_background(&["log"]);
                    disk.outside_sync_file_system();
                }
                if number == 2 {
                    sessions[0].checkpoint().expect("made good");
                }
            }
            sessions[by].checkpoint().expect("made good");
            let at = format!("lost after {lost_after}, checkpoint by {by}");
            assert_eq!(contents_after_cut(&disk)["log"], log.into_bytes(), "{at}");
        }
    }
}

/// A reader finds the first record of a log file half written. While it looks again, the
/// record is completed, and the file is begun again: it must not believe that nothing has
/// happened.
#[test]
fn a_record_that_comes_and_goes_is_noticed() {
    for call in 0..12 {
        let disk = SimDisk::new();
        let root = disk.start().0;
        let mut record = frame::begin();
        record.extend([b'r'; 300]);
        frame::finish(&mut record, [1; 16], 0);
        let file = root.create_file("log", Access::Usual).expect("made");
        let (half, rest) = record.split_at(frame::HEADER_BYTES + 40);
        file.write_all_at(half, 0).expect("written");
        let opened = root.open_file("log").expect("opened").expect("there");
        let mut reader = LogFile::open(opened).expect("opened");
        assert_eq!(payloads(&mut reader).1, Vec::<usize>::new());
        assert!(reader.is_torn());

        let (rest, at) = (rest.to_vec(), half.len() as u64);
        disk.interrupt_at(call, move || {
            file.write_all_at(&rest, at).expect("written");
            let mut next = frame::begin();
            next.extend(*b"next");
            frame::finish(&mut next, [2; 16], 0);
            file.write_all_at(&next, 0).expect("begun again");
        });
        let mut found = payloads(&mut reader);
        if disk.is_to_be_interrupted() {
            return;
        }
        if found.0 == Seen::Same {
            // It looked before that happened, so it notices now.
            found = payloads(&mut reader);
        }
        assert_eq!(found.0, Seen::BegunAgain, "at call {call}");
        if found.1.is_empty() {
            found.1 = payloads(&mut reader).1;
        }
        assert_eq!(found.1, [4], "at call {call}");
    }
}

/// What following a log file says, and how long the payloads are.
fn payloads<F: FileHandle>(file: &mut LogFile<F>) -> (Seen, Vec<usize>) {
    let mut found = Vec::new();
    let seen = file.follow(|payload| {
        found.push(payload.len());
        Ok(())
    });
    (seen.expect("followed"), found)
}

/// One error at each call of a commit that may find the log full, in one session. Another
/// goes on; both see the same, and it lasts.
#[test]
fn an_error_while_room_is_made_leads_no_session_astray() {
    for way in [Way::Published, Way::Journaled] {
        for filled in 0..8 {
            let mut call = 0;
            while fails_while_room_is_made(way, filled, call) {
                call += 1;
            }
        }
    }
}

/// Whether the commit made this call.
fn fails_while_room_is_made(way: Way, filled: usize, call: usize) -> bool {
    let disk = SimDisk::new();
    let sessions = [(); 2].map(|()| open_with(&disk, way).expect("opened"));
    let [failing, other] = &sessions;
    let mut log = String::new();
    for number in 0..filled {
        append_line(other, &format!("{number} {}\n", "x".repeat(90)), &mut log);
    }
    disk.fail_at(call, Fault::Error(ErrorKind::Other));
    let long = "y".repeat(1_500);
    let long = append("log", long.as_bytes());
    let failed = failing.commit(long.into()).err();
    let is_made = disk.calls() > call;
    disk.heal();
    append_line(other, "after\n", &mut log);
    let at = format!("{way:?}, {filled} before, call {call}, {failed:?}");
    let seen = sessions
        .each_ref()
        .map(|session| contents(session).expect("read"));
    assert_eq!(seen[0], seen[1], "{at}");
    append_line(failing, "and more\n", &mut log);
    append_line(other, "and more\n", &mut log);
    drop(sessions);
    let now = contents(&open_with(&disk, way).expect("opened")).expect("read");
    let now = String::from_utf8_lossy(&now["log"]).replace('y', "");
    assert_eq!(now, log, "{at}");
    is_made
}

/// What another program does to the file `log`.
type Outside = fn(&SimDisk) -> bool;

/// Another program changes a file, without a sync, before a checkpoint or at any call of it.
/// What is appended afterwards is durable, and so is what it was appended to.
#[test]
fn an_append_counts_on_no_change_of_another_program_that_is_not_on_the_disk() {
    let changes: [Outside; 4] = [
        |disk| disk.outside_truncate(&["log"], 0),
        |disk| disk.outside_truncate(&["log"], 3),
        |disk| disk.outside_write(&["log"], b"edited in place, and longer than it was before"),
        |disk| disk.outside_replace(&["log"], b"replaced"),
    ];
    for way in [Way::Published, Way::Journaled] {
        for change in changes {
            for call in 0.. {
                let disk = SimDisk::new();
                let session = open_with(&disk, way).expect("opened");
                let written = batch([write("log", b"written\n"), write("other", b"")]);
                session.commit(written).expect("written");
                append_line(&session, "appended\n", &mut String::new());
                session.checkpoint().expect("no faults");
                append_line(&session, "once more\n", &mut String::new());
                let changed = disk.clone();
                disk.interrupt_at(call, move || assert!(change(&changed)));
                session.checkpoint().expect("no faults");
                if disk.is_to_be_interrupted() {
                    break;
                }
                append_line(&session, "and then\n", &mut String::new());
                let log = FilePath::new("log").expect("valid");
                let read = session.reader.read(&log, 1 << 20).expect("readable");
                let left = contents_after_cut(&disk);
                let left = left.get("log").cloned().unwrap_or_default();
                let at = format!("changed at call {call} of the checkpoint, {way:?}");
                assert_eq!(
                    String::from_utf8_lossy(&left),
                    String::from_utf8_lossy(&read.contents),
                    "{at}"
                );
            }
        }
    }
}

/// The same of contents that a batch has put there, which are as long after the change as
/// before, so that only the bytes tell.
#[test]
fn an_append_counts_on_no_edit_of_the_same_length_that_is_not_on_the_disk() {
    for makes_checkpoint in [false, true] {
        let (disk, sessions) = sessions();
        for writer in &sessions {
            let written = batch([write("log", b"written\n"), write("other", b"")]);
            writer.commit(written).expect("written");
            assert!(disk.outside_write(&["log"], b"EDITED!\n"));
            if makes_checkpoint {
                writer.checkpoint().expect("no faults");
            }
            let [first, second] = &sessions;
            append_line(first, "and then\n", &mut String::new());
            append_line(second, "and more\n", &mut String::new());
            assert_eq!(
                String::from_utf8_lossy(&contents_after_cut(&disk)["log"]),
                "EDITED!\nand then\nand more\n"
            );
        }
    }
}

/// A session opens the log while it has no permission to write to its files. Commits go through
/// once it has.
#[test]
fn log_files_that_were_opened_read_only_are_opened_again() {
    let (disk, [first, _]) = sessions();
    let mut log = String::new();
    append_line(&first, "first\n", &mut log);
    let directory = [".ability-storage", "log"];
    let denied = ErrorKind::PermissionDenied;
    disk.fail_calls(&directory, denied, &[Call::OpenToChange]);
    let second = open(&disk).expect("opened");
    let seen = contents(&second).expect("read");
    assert_eq!(seen["log"], log.as_bytes());
    let refused = second.commit(append("log", b"refused\n").into());
    let refused = refused.expect_err("the log cannot be written to");
    assert_eq!(refused.outcome(), Outcome::NotApplied);
    disk.heal();
    append_line(&second, "second\n", &mut log);
    append_line(&first, "first again\n", &mut log);
    for session in [&first, &second] {
        let seen = contents(session).expect("read");
        assert_eq!(seen["log"], log.as_bytes());
    }
    assert_eq!(contents_after_cut(&disk)["log"], log.into_bytes());
}
