//! What sessions leave behind, and what becomes of it.

use ability_storage_engine::{Change, Error, FilePath, LocalVolume, Volume};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

#[test]
fn a_closed_session_leaves_nothing() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let volume = LocalVolume::open(directory.path()).expect("opened");
    assert_eq!(sessions(directory.path()).len(), 1);
    write(&volume, "file", b"x");
    assert_eq!(sessions(directory.path()).len(), 1);
    drop(volume);
    assert!(sessions(directory.path()).is_empty());
}

#[test]
fn what_a_dead_session_staged_is_removed_by_the_next() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    drop(LocalVolume::open(directory.path()).expect("opened"));
    for (name, locked) in [("0a", true), ("0b", false)] {
        let dead = directory
            .path()
            .join(".ability-storage/sessions")
            .join(name);
        fs::create_dir(&dead).expect("created");
        fs::write(dead.join("staged"), b"half of someth").expect("written");
        if locked {
            fs::write(dead.join("lock"), b"").expect("written");
        }
    }
    let volume = LocalVolume::open(directory.path()).expect("opened");
    assert_eq!(sessions(directory.path()).len(), 1);
    assert_eq!(volume.list(None).expect("listed"), []);
}

/// A power cut may leave zeros of a mark that was written and not synced.
#[test]
fn a_mark_that_makes_no_sense_stops_nobody() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let marks: [&[u8]; 5] = [&[0; 32], &[0xff; 32], &[b'f'; 300], b".", b"../locks"];
    for mark in marks {
        let volume = LocalVolume::open(directory.path()).expect("opened");
        write(&volume, "file", b"x");
        drop(volume);
        let locks = directory.path().join(".ability-storage/locks");
        for lock in fs::read_dir(locks).expect("listed") {
            fs::write(lock.expect("listed").path(), mark).expect("written");
        }
        let volume = LocalVolume::open(directory.path()).expect("opened");
        write(&volume, "file", b"y");
    }
}

/// Nothing of the engine's is in its way.
#[test]
fn a_dead_session_that_cannot_be_removed_stops_nobody() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let volume = LocalVolume::open(directory.path()).expect("opened");
    write(&volume, "file", b"x");
    let id = "0123456789abcdef0123456789abcdef";
    let private = directory.path().join(".ability-storage");
    fs::create_dir_all(private.join("sessions").join(id).join("by hand")).expect("created");
    for lock in fs::read_dir(private.join("locks")).expect("listed") {
        fs::write(lock.expect("listed").path(), id).expect("written");
    }
    write(&volume, "file", b"y");
    drop(volume);
    let volume = LocalVolume::open(directory.path()).expect("opened");
    write(&volume, "file", b"z");
}

/// Each who opens the volume after that has other locks.
#[test]
fn nobody_changes_anything_with_locks_that_were_removed() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let volume = LocalVolume::open(directory.path()).expect("opened");
    let path = FilePath::new("file").expect("valid");
    write(&volume, "file", b"x");
    fs::remove_dir_all(directory.path().join(".ability-storage")).expect("removed");
    let changes = [
        Change::Delete { path: path.clone() },
        Change::Write {
            path: path.clone(),
            contents: b"x".to_vec(),
        },
        Change::Append {
            path,
            contents: b"y".to_vec(),
        },
    ];
    for change in changes {
        let refused = volume.commit(change.into());
        assert!(
            matches!(refused, Err(Error::Unavailable { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(
        fs::read(directory.path().join("file")).expect("there"),
        b"x"
    );
}

/// The checksum is right: it was written so by another program.
#[test]
fn a_batch_takes_nothing_but_what_was_staged() {
    for staged in ["lock", "../../../other", "below", "."] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let volume = LocalVolume::open(directory.path()).expect("opened");
        write(&volume, "file", b"committed");
        write(&volume, "other", b"committed too");
        drop(volume);
        let sessions = directory.path().join(".ability-storage/sessions");
        let dead = sessions.join("0123456789abcdef0123456789abcdef");
        fs::create_dir_all(dead.join("below")).expect("created");
        fs::write(dead.join("lock"), b"").expect("written");
        fs::write(dead.join("journal-0"), record(staged, "file")).expect("written");

        let refused = LocalVolume::open(directory.path()).expect_err(staged);
        assert!(matches!(refused, Error::Unavailable { .. }), "{refused:?}");
        for (path, contents) in [("file", "committed"), ("other", "committed too")] {
            let there = fs::read_to_string(directory.path().join(path));
            assert_eq!(there.expect("a file"), contents, "staged: {staged}");
        }
    }
}

/// The record of a batch that puts one file.
fn record(staged: &str, path: &str) -> Vec<u8> {
    let mut payload = vec![2];
    for text in [staged, path] {
        payload.extend_from_slice(&(text.len() as u64).to_le_bytes());
        payload.extend_from_slice(text.as_bytes());
    }
    let mut record = b"ABSJ0001a generation....".to_vec();
    record.extend_from_slice(&0_u64.to_le_bytes());
    record.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    let checksum = blake3::hash(&[&record[..], &payload].concat());
    record.extend_from_slice(checksum.as_bytes());
    record.extend_from_slice(&payload);
    record
}

#[test]
fn a_living_session_is_left_alone() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let first = LocalVolume::open(directory.path()).expect("opened");
    let second = LocalVolume::open(directory.path()).expect("opened");
    assert_eq!(sessions(directory.path()).len(), 2);
    write(&first, "one", b"1");
    write(&second, "two", b"2");
    drop(second);
    write(&first, "one", b"still here");
    assert_eq!(fs::read(directory.path().join("two")).expect("read"), b"2");
}

#[test]
fn sessions_begin_while_others_end() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    drop(LocalVolume::open(directory.path()).expect("opened"));
                }
            });
        }
    });
    drop(LocalVolume::open(directory.path()).expect("opened"));
    assert!(sessions(directory.path()).is_empty());
}

#[test]
fn a_refused_change_leaves_no_staged_file_and_no_directory() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let volume = LocalVolume::open(directory.path()).expect("opened");
    write(&volume, "file", b"x");
    let below = Change::Write {
        path: file("file/below/far"),
        contents: b"x".to_vec(),
    };
    let refused = volume.commit(below.into());
    assert!(matches!(refused, Err(Error::NotAFile { .. })));
    let session = sessions(directory.path()).remove(0);
    let left: Vec<_> = names_in(&session);
    assert_eq!(left, ["lock"]);
}

#[test]
fn a_read_only_volume_writes_nothing_at_all() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    fs::write(directory.path().join("file"), b"by hand").expect("written");
    let options = LocalVolume::options().read_only(true);
    let volume = options.open(directory.path()).expect("opened");
    let path = file("file");
    assert_eq!(volume.read(&path, 100).expect("read").contents, b"by hand");
    for change in [
        Change::Write {
            path: path.clone(),
            contents: vec![],
        },
        Change::Delete { path: path.clone() },
    ] {
        assert!(matches!(volume.commit(change.into()), Err(Error::ReadOnly)));
    }
    assert_eq!(names_in(directory.path()), ["file"]);
}

#[test]
fn what_cannot_be_opened_says_why() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let absent = directory.path().join("absent");
    let error = LocalVolume::open(&absent).expect_err("absent");
    assert!(matches!(error, Error::Unavailable { .. }));
    assert!(error.to_string().contains("absent"), "{error}");

    let in_the_way = directory.path().join(".ability-storage");
    fs::write(in_the_way, b"a file").expect("written");
    let error = LocalVolume::open(directory.path()).expect_err("no directory");
    assert!(matches!(error, Error::Unavailable { .. }));
}

fn sessions(directory: &Path) -> Vec<PathBuf> {
    let sessions = directory.join(".ability-storage/sessions");
    let entries = fs::read_dir(sessions).expect("listed");
    entries.map(|entry| entry.expect("listed").path()).collect()
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("listed");
    let names = entries.map(|entry| entry.expect("listed").file_name());
    names
        .map(|name| name.into_string().expect("UTF-8"))
        .collect()
}

fn write(volume: &LocalVolume, path: &str, contents: &[u8]) {
    let change = Change::Write {
        path: file(path),
        contents: contents.to_vec(),
    };
    volume.commit(change.into()).expect("committed");
}

fn file(path: &str) -> FilePath {
    FilePath::new(path).expect("valid")
}

#[test]
fn a_long_append_leaves_no_long_journal() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let volume = LocalVolume::open(directory.path()).expect("opened");
    write(&volume, "log", b"begin\n");
    let contents = vec![b'x'; 3 << 20];
    let path = file("log");
    let append = Change::Append { path, contents };
    volume.commit(append.into()).expect("committed");
    let journals = fs::read_dir(directory.path().join(".ability-storage/journals"));
    for journal in journals.expect("listed") {
        let journal = journal.expect("listed").metadata().expect("there");
        assert!(journal.len() <= 64 << 10, "{} bytes", journal.len());
    }
    let size = volume.stat(&file("log")).expect("there").size;
    assert_eq!(size, (3 << 20) + 6);
}
