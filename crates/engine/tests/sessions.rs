//! What sessions leave behind, and what becomes of it.

use ability_storage_engine::layout::{
    FORMAT, LOCKS, LOG, LOG_FILES, PRIVATE_DIR, SESSION_LOCK, SESSIONS, SPARE_SESSION, WRITER,
};
use ability_storage_engine::{Change, Durability, Error, FilePath, LocalVolume, Volume};
use std::fs;
use std::io::Write;
#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

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
        let dead = private(directory.path()).join(SESSIONS).join(name);
        fs::create_dir(&dead).expect("created");
        fs::write(dead.join("staged"), b"half of someth").expect("written");
        if locked {
            fs::write(dead.join(SESSION_LOCK), b"").expect("written");
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
    let marks: [&[u8]; 5] = [&[0; 32], &[0xff; 32], &[b'f'; 300], b".", b"suspect"];
    for mark in marks {
        let volume = LocalVolume::open(directory.path()).expect("opened");
        write(&volume, "file", b"x");
        append(&volume, "file", b"+");
        drop(volume);
        mark_locks(directory.path(), mark);
        fs::write(private(directory.path()).join(LOG).join(WRITER), mark).expect("written");
        let volume = LocalVolume::open(directory.path()).expect("opened");
        append(&volume, "file", b"y");
        let read = volume.read(&file("file"), 10).expect("read");
        assert_eq!(read.contents(), b"x+y");
    }
}

/// The lock file that tells who wrote last has lost its name, and may have another.
#[test]
fn what_others_write_is_seen_when_the_writer_lock_was_moved() {
    let moves: [fn(&Path); 3] = [
        |lock| fs::remove_file(lock).expect("removed"),
        |lock| fs::rename(lock, lock.with_extension("old")).expect("renamed"),
        |lock| {
            fs::hard_link(lock, lock.with_extension("old")).expect("linked");
            fs::remove_file(lock).expect("removed");
        },
    ];
    for (number, r#move) in moves.into_iter().enumerate() {
        for journaled in [false, true] {
            let directory = tempfile::tempdir().expect("a temporary directory");
            let options = LocalVolume::options().journaled(journaled);
            let one = options.clone().open(directory.path()).expect("opened");
            let other = options.clone().open(directory.path()).expect("opened");
            let read = |volume: &LocalVolume| {
                let read = volume.read(&file("log"), 10).expect("read");
                String::from_utf8_lossy(read.contents()).into_owned()
            };
            append(&one, "log", b"1");
            r#move(&private(directory.path()).join(LOG).join(WRITER));
            append(&other, "log", b"2");
            assert_eq!(read(&one), "12", "{number}, {journaled}");
            append(&one, "log", b"3");
            append(&other, "log", b"4");
            assert_eq!(read(&one), "1234", "{number}, {journaled}");
            assert_eq!(read(&other), "1234", "{number}, {journaled}");
            drop((one, other));
            let again = options.open(directory.path()).expect("opened");
            assert_eq!(read(&again), "1234", "{number}, {journaled}");
        }
    }
}

/// Nothing of the engine's is in its way.
#[test]
fn a_dead_session_that_cannot_be_removed_stops_nobody() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let volume = LocalVolume::open(directory.path()).expect("opened");
    write(&volume, "file", b"x");
    let id = "0123456789abcdef0123456789abcdef";
    let dead = private(directory.path()).join(SESSIONS).join(id);
    fs::create_dir_all(dead.join("by hand")).expect("created");
    mark_locks(directory.path(), id.as_bytes());
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
    fs::remove_dir_all(private(directory.path())).expect("removed");
    let changes = [
        Change::delete(path.clone()),
        Change::write(path.clone(), b"x"),
        Change::append(path, b"y"),
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
fn a_record_names_nothing_but_what_was_staged() {
    for staged in ["writer", "log-1", "../../other", "below", "."] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let volume = LocalVolume::open(directory.path()).expect("opened");
        write(&volume, "file", b"committed");
        write(&volume, "other", b"committed too");
        drop(volume);
        let log = private(directory.path()).join(LOG);
        fs::create_dir_all(log.join("below")).expect("created");
        fs::write(log.join(LOG_FILES[0]), record(staged, "file")).expect("written");

        let refused = LocalVolume::open(directory.path()).expect_err(staged);
        assert!(matches!(refused, Error::Unavailable { .. }), "{refused:?}");
        for (path, contents) in [("file", "committed"), ("other", "committed too")] {
            let there = fs::read_to_string(directory.path().join(path));
            assert_eq!(there.expect("a file"), contents, "staged: {staged}");
        }
    }
}

/// The record of a commit that puts one staged file.
fn record(staged: &str, path: &str) -> Vec<u8> {
    let number = |payload: &mut Vec<u8>, number: u64| {
        payload.extend_from_slice(&number.to_le_bytes());
    };
    let text = |payload: &mut Vec<u8>, text: &str| {
        number(payload, text.len() as u64);
        payload.extend_from_slice(text.as_bytes());
    };
    let mut payload = Vec::new();
    // Its sequence and session, published at once, its time.
    number(&mut payload, 1);
    number(&mut payload, 1);
    payload.push(0);
    number(&mut payload, 0);
    // A staged put of no known mode, its time, the name, the length and the inode.
    payload.push(3);
    text(&mut payload, path);
    number(&mut payload, u64::MAX);
    number(&mut payload, 0);
    text(&mut payload, staged);
    number(&mut payload, 1);
    number(&mut payload, 0);

    let mut record = b"ABSL\x02\x01\0\0a generation....".to_vec();
    number(&mut record, 0);
    number(&mut record, payload.len() as u64);
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
    let below = Change::write(file("file/below/far"), b"x");
    let refused = volume.commit(below.into());
    assert!(matches!(refused, Err(Error::NotAFile { .. })));
    let session = sessions(directory.path()).remove(0);
    let left: Vec<_> = names_in(&session);
    assert_eq!(left, [SESSION_LOCK]);
}

#[test]
fn a_read_only_volume_writes_nothing_at_all() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    fs::write(directory.path().join("file"), b"by hand").expect("written");
    let options = LocalVolume::options().read_only(true);
    let volume = options.open(directory.path()).expect("opened");
    let path = file("file");
    assert_eq!(
        volume.read(&path, 100).expect("read").contents(),
        b"by hand"
    );
    for change in [
        Change::write(path.clone(), []),
        Change::delete(path.clone()),
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

    let in_the_way = private(directory.path());
    fs::write(in_the_way, b"a file").expect("written");
    let error = LocalVolume::open(directory.path()).expect_err("no directory");
    assert!(matches!(error, Error::Unavailable { .. }));
}

fn private(directory: &Path) -> PathBuf {
    directory.join(PRIVATE_DIR)
}

/// So that it need not be made where it cannot be, on a full disk.
#[cfg(unix)]
#[test]
fn an_ended_session_leaves_its_directory_to_the_next() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    drop(LocalVolume::open(directory.path()).expect("opened"));
    let spare = private(directory.path()).join(SESSIONS).join(SPARE_SESSION);
    let left = id_of(&spare);
    // A power cut may bring back what was removed.
    fs::write(spare.join("staged"), "of a session that has ended").expect("written");
    let first = LocalVolume::open(directory.path()).expect("opened");
    assert_eq!(id_of(&sessions(directory.path())[0]), left);
    assert!(!spare.exists());
    let second = LocalVolume::open(directory.path()).expect("opened");
    assert_eq!(sessions(directory.path()).len(), 2);
    drop(first);
    assert_eq!(id_of(&spare), left);
    drop(second);
    assert_eq!(sessions(directory.path()), Vec::<PathBuf>::new());
    assert_eq!(names_in(&spare), [SESSION_LOCK]);
}

/// It may belong to another user, or be no directory at all.
#[cfg(unix)]
#[test]
fn a_spare_directory_that_cannot_be_used_is_left_alone() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    drop(LocalVolume::open(directory.path()).expect("opened"));
    let spare = private(directory.path()).join(SESSIONS).join(SPARE_SESSION);
    let held = fs::File::open(spare.join(SESSION_LOCK)).expect("opened");
    held.lock().expect("locked");
    drop(LocalVolume::open(directory.path()).expect("opened"));
    assert_eq!(names_in(&spare), [SESSION_LOCK]);
    drop(held);
    fs::remove_dir_all(&spare).expect("removed");
    fs::write(&spare, "a file").expect("written");
    let volume = LocalVolume::open(directory.path()).expect("opened");
    assert_eq!(sessions(directory.path()).len(), 1);
    drop(volume);
    assert_eq!(fs::read(&spare).expect("read"), b"a file");
}

#[cfg(unix)]
fn id_of(path: &Path) -> u64 {
    fs::metadata(path).expect("there").ino()
}

/// Writes into all lock files of paths.
fn mark_locks(directory: &Path, mark: &[u8]) {
    for lock in fs::read_dir(private(directory).join(LOCKS)).expect("listed") {
        fs::write(lock.expect("listed").path(), mark).expect("written");
    }
}

fn sessions(directory: &Path) -> Vec<PathBuf> {
    let sessions = private(directory).join(SESSIONS);
    let entries = fs::read_dir(sessions).expect("listed");
    let paths = entries.map(|entry| entry.expect("listed").path());
    paths
        .filter(|path| !path.ends_with(SPARE_SESSION))
        .collect()
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("listed");
    let names = entries.map(|entry| entry.expect("listed").file_name());
    names
        .map(|name| name.into_string().expect("UTF-8"))
        .collect()
}

fn write(volume: &LocalVolume, path: &str, contents: &[u8]) {
    let change = Change::write(file(path), contents);
    volume.commit(change.into()).expect("committed");
}

fn append(volume: &LocalVolume, path: &str, contents: &[u8]) {
    let change = Change::append(file(path), contents);
    volume.commit(change.into()).expect("committed");
}

fn file(path: &str) -> FilePath {
    FilePath::new(path).expect("valid")
}

#[test]
fn a_long_append_leaves_no_long_log() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let volume = LocalVolume::open(directory.path()).expect("opened");
    write(&volume, "log", b"begin\n");
    append(&volume, "log", &vec![b'x'; 9 << 20]);
    let log = fs::read_dir(private(directory.path()).join(LOG));
    for file in log.expect("listed") {
        let file = file.expect("listed");
        let bytes = file.metadata().expect("there").len();
        assert!(
            bytes <= 64 << 10,
            "{:?} has {bytes} bytes",
            file.file_name()
        );
    }
    let size = volume.stat(&file("log")).expect("there").size;
    assert_eq!(size, (9 << 20) + 6);
}

/// From a backup, say: the files of a copy have other inodes than the log wrote down.
#[test]
fn a_copy_of_a_volume_has_what_is_only_in_its_log() {
    for journaled in [false, true] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let options = LocalVolume::options().journaled(journaled);
        let options = options.checkpoint_after(Duration::from_secs(3_600));
        drop(LocalVolume::open(directory.path()).map(|volume| write(&volume, "log", b"begin\n")));
        let volume = options.open(directory.path()).expect("opened");
        append(&volume, "log", b"a line\n");
        for reached in [0, 3, 7] {
            let copied = tempfile::tempdir().expect("a temporary directory");
            copy(directory.path(), copied.path());
            // How much of the append was in the file when it was copied.
            let there = &b"begin\na line\n"[..6 + reached];
            fs::write(copied.path().join("log"), there).expect("written");
            let volume = LocalVolume::open(copied.path()).expect("opened");
            let read = volume.read(&file("log"), 100).expect("read");
            let read = String::from_utf8_lossy(read.contents()).into_owned();
            assert_eq!(read, "begin\na line\n", "{reached}, {journaled}");
        }
    }
}

/// Its session was killed: what it had acknowledged is in the log alone.
#[test]
fn a_volume_of_the_format_before_is_taken_over_with_its_log() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let options = LocalVolume::options().journaled(true);
    let options = options.checkpoint_after(Duration::from_secs(3_600));
    let killed = options.open(directory.path()).expect("opened");
    write(&killed, "file", b"x");
    append(&killed, "file", b"y");
    let copied = tempfile::tempdir().expect("a temporary directory");
    copy(directory.path(), copied.path());
    drop(killed);

    let format = private(copied.path()).join(FORMAT);
    let current = fs::read_to_string(&format).expect("there");
    let earlier = current.replace('3', "2");
    fs::write(&format, &earlier).expect("written");
    let read_only = LocalVolume::options().read_only(true);
    let read_only = read_only.open(copied.path()).expect("opened");
    let read = read_only.read(&file("file"), 10).expect("read");
    assert_eq!(read.contents(), b"xy");
    drop(read_only);
    assert_eq!(fs::read_to_string(&format).expect("there"), earlier);

    let volume = LocalVolume::open(copied.path()).expect("opened");
    assert_eq!(fs::read_to_string(&format).expect("there"), current);
    append(&volume, "file", b"z");
    let read = volume.read(&file("file"), 10).expect("read");
    assert_eq!(read.contents(), b"xyz");
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("listed") {
        let entry = entry.expect("listed");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("known").is_dir() {
            fs::create_dir(&to).expect("created");
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).expect("copied");
        }
    }
}

/// Another session gives up its records again and again while a long list is made.
#[test]
fn a_list_is_made_while_others_make_checkpoints_without_a_pause() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for parent in 0..400 {
        let parent = directory.path().join(parent.to_string());
        fs::create_dir(&parent).expect("created");
        for number in 0..10 {
            fs::write(parent.join(number.to_string()), b"x").expect("written");
        }
    }
    // Without syncs, a checkpoint takes no time.
    let options = LocalVolume::options();
    let options = options.journaled(true).durability(Durability::None);
    let volume = options.clone().open(directory.path()).expect("opened");
    let others: Vec<_> = (0..2)
        .map(|_| options.clone().open(directory.path()).expect("opened"))
        .collect();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for (number, other) in others.iter().enumerate() {
            let is_over = &is_over;
            scope.spawn(move || {
                let path = format!("other/{number}");
                for number in 0_u64.. {
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    write(other, &path, &number.to_le_bytes());
                    other.checkpoint().expect("made");
                }
            });
        }
        let lists: Vec<_> = (0..10).map(|_| volume.list(None)).collect();
        is_over.store(true, Ordering::Relaxed);
        for list in lists {
            assert!(list.expect("listed").len() >= 4_000);
        }
    });
}

/// A copy would take as long as the file is long, and as much space.
#[cfg(unix)]
#[test]
fn a_file_that_is_appended_to_is_not_copied() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let paths: Vec<String> = (0..40).map(|number| format!("{number}.log")).collect();
    for path in &paths {
        fs::write(directory.path().join(path), vec![b'x'; 10_000]).expect("written");
    }
    let ids = || -> Vec<u64> {
        let paths = paths.iter();
        paths
            .map(|path| id_of(&directory.path().join(path)))
            .collect()
    };
    let before = ids();
    let host = LocalVolume::open(directory.path()).expect("opened");
    for _ in 0..3 {
        for path in &paths {
            append(&host, path, b"one");
            append(&host, path, b"other");
        }
        host.checkpoint().expect("made");
    }
    assert!(ids() == before, "one session alone");
    // The host has them open, and a session that comes and goes leaves them to it.
    for path in &paths {
        append(&host, path, b"host");
        let other = LocalVolume::open(directory.path()).expect("opened");
        append(&other, path, b"other");
        other.close().expect("closed");
    }
    assert!(ids() == before, "beside a host");
    host.checkpoint().expect("made");
    assert!(ids() == before, "a checkpoint of the host");
    append(&host, &paths[0], b"host");
    let other = LocalVolume::open(directory.path()).expect("opened");
    append(&other, &paths[0], b"other");
    drop(host);
    other.close().expect("closed");
    let read = other_contents(directory.path(), &paths[0]);
    assert!(read.ends_with(b"hostotherhostother"), "{}", read.len());
}

#[cfg(unix)]
fn other_contents(directory: &Path, path: &str) -> Vec<u8> {
    let volume = LocalVolume::options().read_only(true);
    let volume = volume.open(directory).expect("opened");
    let read = volume.read(&file(path), 1 << 20).expect("read");
    read.into_contents()
}

/// A copy has other inodes, and times of change of its own.
#[cfg(unix)]
#[test]
fn what_a_batch_has_removed_is_not_there_in_a_copy_of_the_volume() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let volume = LocalVolume::open(directory.path()).expect("opened");
    write(&volume, "a", b"removed");
    let removed = fs::metadata(directory.path().join("a")).expect("there");
    let batch = [
        Change::delete(file("a")),
        Change::write(file("moved"), b"1"),
    ];
    volume.commit(batch.into_iter().collect()).expect("made");
    let copy = tempfile::tempdir().expect("a temporary directory");
    let mut copied = Command::new("cp");
    copied.arg("-a").arg(directory.path().join("."));
    copied.arg(copy.path());
    assert!(copied.status().expect("run").success());
    // As a snapshot has it from before the removal was written back.
    let restored = fs::File::create(copy.path().join("a")).expect("made");
    (&restored).write_all(b"removed").expect("written");
    restored
        .set_modified(removed.modified().expect("known"))
        .expect("set");
    drop(restored);
    thread::sleep(Duration::from_millis(2_500));
    fs::set_permissions(copy.path().join("a"), removed.permissions()).expect("set");
    let list = |volume: &LocalVolume| volume.list(None).expect("listed");
    let read_only = LocalVolume::options().read_only(true);
    let read_only = read_only.open(copy.path()).expect("opened");
    assert_eq!(list(&read_only), [file("moved")]);
    read_only.read(&file("a"), 10).expect_err("there is none");
    let opened = LocalVolume::open(copy.path()).expect("opened");
    assert_eq!(list(&opened), [file("moved")]);
}
