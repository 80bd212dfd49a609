//! A journaled volume on a real file system: what it costs, and what other programs see.
#![cfg(target_os = "linux")]

use ability_storage_engine::layout::{CHECKPOINT, LOG, LOG_FILES, PRIVATE_DIR, SYNC};
use ability_storage_engine::{Change, FilePath, LocalVolume, LocalVolumeOptions, Volume};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

const MOST: u64 = 64 << 20;

fn directory() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// Nothing is settled before it must be.
fn options() -> LocalVolumeOptions {
    LocalVolume::options()
        .journaled(true)
        .checkpoint_after(Duration::from_secs(3_600))
}

fn open(directory: &TempDir) -> LocalVolume {
    options().open(directory.path()).expect("opened")
}

fn log(directory: &TempDir) -> PathBuf {
    directory.path().join(PRIVATE_DIR).join(LOG)
}

fn file(path: &str) -> FilePath {
    FilePath::new(path).expect("valid")
}

fn write(volume: &LocalVolume, path: &str, contents: &[u8]) {
    let (path, contents) = (file(path), contents.to_vec());
    let write = Change::write(path, contents);
    volume.commit(write.into()).expect("written");
}

fn append(volume: &LocalVolume, path: &str, contents: &[u8]) {
    let (path, contents) = (file(path), contents.to_vec());
    let append = Change::append(path, contents);
    volume.commit(append.into()).expect("appended");
}

fn read(volume: &LocalVolume, path: &str) -> Vec<u8> {
    volume
        .read(&file(path), MOST)
        .expect("read")
        .into_contents()
}

fn plain(directory: &Path, path: &str) -> Option<Vec<u8>> {
    fs::read(directory.join(path)).ok()
}

#[test]
fn a_commit_of_any_kind_costs_one_sync() {
    let directory = directory();
    let volume = open(&directory);
    write(&volume, "first", b"makes the journal");
    let commits: [&dyn Fn(); 5] = [
        &|| write(&volume, "a", &[1; 4_096]),
        &|| append(&volume, "a", b"more"),
        &|| {
            let (source, target) = (file("a"), file("dir/b"));
            let rename = Change::rename(source, target);
            volume.commit(rename.into()).expect("renamed");
        },
        &|| {
            let write = |number: u8| {
                let path = file(&format!("batch/{number}"));
                Change::write(path, vec![number; 1_000])
            };
            let batch = (0..40).map(write).collect();
            volume.commit(batch).expect("committed");
        },
        &|| {
            let path = file("dir/b");
            volume.commit(Change::delete(path).into()).expect("gone");
        },
    ];
    for (number, commit) in commits.into_iter().enumerate() {
        let before = volume.counters().syncs;
        commit();
        assert_eq!(volume.counters().syncs - before, 1, "commit {number}");
    }
}

#[test]
fn what_is_in_the_journal_already_is_not_written_again() {
    let directory = directory();
    let volume = open(&directory);
    for (path, contents) in [
        ("short", &b"1"[..]),
        ("long", &[7; 300 << 10]),
        ("empty", b""),
    ] {
        write(&volume, path, b"another");
        write(&volume, path, contents);
        let before = volume.counters();
        write(&volume, path, contents);
        let after = volume.counters();
        assert_eq!(after.unchanged, before.unchanged + 1, "{path}");
        assert_eq!(after.syncs, before.syncs, "{path}");
        append(&volume, path, b"!");
        write(&volume, path, contents);
        assert_eq!(read(&volume, path), contents);
        assert_eq!(volume.counters().unchanged, after.unchanged, "{path}");
    }
}

#[test]
fn what_was_settled_already_is_not_written_again() {
    let directory = directory();
    let volume = open(&directory);
    let made = directory.path().join("file");
    let inode = || made.metadata().expect("settled").ino();
    write(&volume, "file", b"1");
    volume.checkpoint().expect("settled");
    let first = inode();
    write(&volume, "file", b"1");
    volume.checkpoint().expect("settled");
    assert_eq!((volume.counters().unchanged, inode()), (1, first));

    fs::write(&made, b"2").expect("changed by hand");
    write(&volume, "file", b"1");
    volume.checkpoint().expect("settled");
    assert_eq!(plain(directory.path(), "file").as_deref(), Some(&b"1"[..]));
    assert_ne!(inode(), first);
}

#[test]
fn the_files_follow_when_the_volume_is_settled() {
    let directory = directory();
    let volume = open(&directory);
    write(&volume, "file", b"new");
    append(&volume, "dir/log", b"1\n");
    assert_eq!(read(&volume, "file"), b"new");
    assert_eq!(plain(directory.path(), "file"), None);
    volume.checkpoint().expect("settled");
    assert_eq!(plain(directory.path(), "file"), Some(b"new".to_vec()));
    append(&volume, "dir/log", b"2\n");
    assert_eq!(plain(directory.path(), "dir/log"), Some(b"1\n".to_vec()));
    assert_eq!(read(&volume, "dir/log"), b"1\n2\n");
    volume.checkpoint().expect("settled");
    assert_eq!(plain(directory.path(), "dir/log"), Some(b"1\n2\n".to_vec()));
}

#[test]
fn they_follow_by_themselves() {
    let directory = directory();
    let soon = options().checkpoint_after(Duration::from_millis(1));
    let volume = soon.open(directory.path()).expect("opened");
    write(&volume, "file", b"new");
    while plain(directory.path(), "file") != Some(b"new".to_vec()) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_clean_close_leaves_nothing_to_recover() {
    let directory = directory();
    let volume = open(&directory);
    write(&volume, "file", &[7; 100_000]);
    write(&volume, "long", &[8; 1 << 20]);
    append(&volume, "log", b"line\n");
    drop(volume);
    assert_eq!(plain(directory.path(), "file"), Some(vec![7; 100_000]));
    assert_eq!(plain(directory.path(), "long"), Some(vec![8; 1 << 20]));
    let volume = LocalVolume::open(directory.path()).expect("opened");
    assert_eq!(volume.counters().recoveries, 0);
    assert!(!volume.is_journaled());
    let log = fs::read_dir(log(&directory)).expect("listed");
    let left = log.map(|entry| entry.expect("read").file_name());
    let left: Vec<_> = left.filter(|name| name.len() == 32).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn more_than_the_journal_holds_is_committed_all_the_same() {
    let directory = directory();
    let volume = open(&directory);
    for number in 0..60_u8 {
        write(&volume, &format!("{}", number % 7), &[number; 200_000]);
    }
    for number in 53..60_u8 {
        assert_eq!(read(&volume, &format!("{}", number % 7)), [number; 200_000]);
    }
    for entry in fs::read_dir(log(&directory)).expect("listed") {
        let bytes = entry.expect("read").metadata().expect("read").len();
        assert!(bytes <= 4 << 20, "a log of {bytes} bytes");
    }
}

#[test]
fn the_first_to_open_a_volume_decides_for_all() {
    let directory = directory();
    let journaled = open(&directory);
    let joins = LocalVolume::open(directory.path()).expect("opened");
    assert!(journaled.is_journaled() && joins.is_journaled());
    write(&journaled, "file", b"of the first");
    assert_eq!(read(&joins, "file"), b"of the first");
    write(&joins, "file", b"of the second");
    assert_eq!(read(&journaled, "file"), b"of the second");
    drop(journaled);
    assert_eq!(read(&joins, "file"), b"of the second");
    write(&joins, "file", b"of the one that is left");
    drop(joins);

    let published = LocalVolume::open(directory.path()).expect("opened");
    let joins = open(&directory);
    assert!(!published.is_journaled() && !joins.is_journaled());
    assert_eq!(read(&joins, "file"), b"of the one that is left");
}

#[test]
fn who_only_reads_sees_what_is_in_the_journal() {
    let directory = directory();
    let read_only = || LocalVolume::options().read_only(true);
    let before = read_only().open(directory.path()).expect("opened");
    let volume = open(&directory);
    write(&volume, "file", b"in the journal");
    append(&volume, "file", b", and more");
    for reader in [before, read_only().open(directory.path()).expect("opened")] {
        assert_eq!(read(&reader, "file"), b"in the journal, and more");
        assert_eq!(reader.list(None).expect("listed"), [file("file")]);
        assert_eq!(reader.usage().expect("counted").bytes, 24);
    }
}

#[test]
fn a_stream_stays_with_one_version_while_files_are_settled() {
    let directory = directory();
    let volume = open(&directory);
    write(&volume, "file", &[1; 600_000]);
    append(&volume, "file", &[1; 1_000]);
    let mut reader = volume.reader(&file("file")).expect("opened");
    let mut contents = reader.read(1_000).expect("read");
    volume.checkpoint().expect("settled");
    write(&volume, "file", &[2; 500_000]);
    volume.checkpoint().expect("settled");
    loop {
        let more = reader.read(100_000).expect("read");
        if more.is_empty() {
            break;
        }
        contents.extend(more);
    }
    assert_eq!(contents, [1; 601_000]);
}

#[test]
fn a_file_keeps_its_permissions_and_other_names_keep_what_it_was() {
    let directory = directory();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("file"), b"by hand").expect("written");
    fs::set_permissions(at("file"), fs::Permissions::from_mode(0o640)).expect("set");
    fs::hard_link(at("file"), at("kept")).expect("linked");
    let volume = open(&directory);
    append(&volume, "file", b" and more");
    volume.checkpoint().expect("settled");
    assert_eq!(plain(directory.path(), "kept"), Some(b"by hand".to_vec()));
    write(&volume, "file", b"replaced");
    drop(volume);
    let metadata = fs::metadata(at("file")).expect("there");
    assert_eq!(metadata.mode() & 0o777, 0o640);
    assert_eq!(plain(directory.path(), "kept"), Some(b"by hand".to_vec()));
}

#[test]
fn the_time_of_a_change_is_that_of_the_commit() {
    let directory = directory();
    let volume = open(&directory);
    write(&volume, "file", b"new");
    let committed = volume.stat(&file("file")).expect("there").modified;
    let rename = Change::rename(file("file"), file("moved"));
    volume.commit(rename.into()).expect("renamed");
    let after = SystemTime::now();
    volume.checkpoint().expect("settled");
    let settled = volume.stat(&file("moved")).expect("there").modified;
    assert_eq!(settled, committed);
    assert!(settled <= after);
}

#[test]
fn those_who_commit_together_share_syncs() {
    const SYNCS: u64 = 16;
    const COMMITS: u64 = 40;
    let directory = directory();
    let volume = open(&directory);
    write(&volume, "first", b"makes the journal");
    let before = volume.counters().syncs;
    let start = Barrier::new(SYNCS as usize);
    std::thread::scope(|scope| {
        for writer in 0..SYNCS {
            let (volume, start) = (&volume, &start);
            scope.spawn(move || {
                start.wait();
                for _ in 0..COMMITS {
                    append(volume, &format!("log-{writer}"), b"a line\n");
                }
            });
        }
    });
    // How many, depends on the disk; each has its own only if nobody ever waits.
    assert!(volume.counters().syncs - before <= SYNCS * COMMITS);
    for writer in 0..SYNCS {
        let log = read(&volume, &format!("log-{writer}"));
        assert_eq!(log, b"a line\n".repeat(COMMITS as usize));
    }
}

#[test]
fn an_edit_by_hand_of_a_settled_file_is_not_undone() {
    let directory = directory();
    let volume = open(&directory);
    append(&volume, "log", b"line\n");
    volume.checkpoint().expect("settled");
    fs::write(directory.path().join("log"), b"edited\n").expect("written");
    append(&volume, "log", b"more\n");
    assert_eq!(read(&volume, "log"), b"edited\nmore\n");
    drop(volume);
    assert_eq!(
        plain(directory.path(), "log"),
        Some(b"edited\nmore\n".to_vec())
    );
}

#[test]
fn a_log_that_another_process_could_not_sync_is_replaced() {
    let directory = directory();
    let volume = open(&directory);
    write(&volume, "file", b"before");
    let inodes = || {
        LOG_FILES.map(|name| {
            fs::metadata(log(&directory).join(name))
                .expect("there")
                .ino()
        })
    };
    let before = inodes();
    // What a session leaves on the lock whose sync failed, and that was killed before it put
    // another file in the place of the log.
    let mut failed = b"syncing".to_vec();
    failed.resize(32, 0);
    fs::write(log(&directory).join(SYNC), failed).expect("marked");
    let other = open(&directory);
    append(&other, "file", b" and after");
    assert_ne!(inodes(), before, "it adds to a log that may have a hole");
    for volume in [&volume, &other] {
        assert_eq!(read(volume, "file"), b"before and after");
    }
    append(&volume, "file", b", twice");
    drop((volume, other));
    assert_eq!(
        plain(directory.path(), "file"),
        Some(b"before and after, twice".to_vec())
    );
}

/// Another program rotates a log in its place: it writes what the file should end with over it,
/// so that the file is as long as it was when the session began to append.
#[test]
fn a_file_that_was_rotated_in_its_place_has_each_append_once() {
    for length in [100, 1_000] {
        let directory = directory();
        let volume = open(&directory);
        write(&volume, "log", &[b'a'; 2_000]);
        volume.checkpoint().expect("in its place");
        let first = vec![b'1'; length];
        append(&volume, "log", &first);
        let rotated = [&[b'a'; 2_000][length..], &first].concat();
        let in_place = fs::OpenOptions::new()
            .write(true)
            .open(directory.path().join("log"));
        std::io::Write::write_all(&mut in_place.expect("opened"), &rotated).expect("written");
        append(&volume, "log", b"2");
        let expected = [rotated, b"2".to_vec()].concat();
        assert!(read(&volume, "log") == expected, "by the log");
        drop(volume);
        assert!(plain(directory.path(), "log") == Some(expected), "its file");
    }
}

/// Another process may be stopped while it makes one.
#[test]
fn the_log_stays_bounded_while_no_checkpoint_can_be_made() {
    const BYTES: usize = 100_000;
    let directory = directory();
    for journaled in [true, false] {
        let volume = options().journaled(journaled).open(directory.path());
        let volume = volume.expect("opened");
        write(&volume, "first", b"so that there is a log");
        append_to(&volume, "log", b"so that there is a log");
        let held = fs::File::open(log(&directory).join(CHECKPOINT)).or_else(|_| {
            let path = log(&directory).join(CHECKPOINT);
            fs::File::create(path)
        });
        let held = held.expect("opened");
        held.lock().expect("locked");
        let made = AtomicU64::new(0);
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for number in 0..400_u32 {
                    let contents = vec![number as u8; BYTES];
                    match journaled {
                        true => write(&volume, "written", &contents),
                        false => append_to(&volume, "log", &contents),
                    }
                    made.fetch_add(1, Ordering::Relaxed);
                }
            });
            // Until it makes no progress, or all is in the log.
            let mut seen = u64::MAX;
            while seen != made.load(Ordering::Relaxed) {
                seen = made.load(Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(700));
            }
            let bytes: u64 = LOG_FILES
                .iter()
                .map(|name| {
                    fs::metadata(log(&directory).join(name))
                        .expect("there")
                        .len()
                })
                .sum();
            drop(held);
            writer.join().expect("all is made");
            assert!(
                bytes <= 16 << 20,
                "{bytes} after {seen} commits, {journaled}"
            );
        });
    }
}

fn append_to(volume: &LocalVolume, path: &str, contents: &[u8]) {
    let append = Change::append(file(path), contents.to_vec());
    volume.commit(append.into()).expect("appended");
}
