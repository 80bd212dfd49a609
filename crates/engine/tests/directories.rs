//! Many directories, deep ones, and those that nobody may read.

#![cfg(unix)]

use ability_storage_engine::layout::PRIVATE_DIR;
use ability_storage_engine::{Change, FilePath, Limits, LocalVolume, Volume};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs a test of this program once more, in a process that may have few files open.
fn with_few_descriptors(test: &str) -> bool {
    const IS_LIMITED: &str = "ABILITY_STORAGE_FEW_DESCRIPTORS";
    if std::env::var_os(IS_LIMITED).is_some() {
        return true;
    }
    let program = std::env::current_exe().expect("known");
    let status = Command::new("sh")
        .args(["-c", "ulimit -n 256 && exec \"$0\" \"$@\""])
        .arg(program)
        .args(["--exact", test])
        .env(IS_LIMITED, "1")
        .status();
    assert!(status.expect("run").success());
    false
}

#[test]
fn directories_side_by_side_need_few_descriptors() {
    if !with_few_descriptors("directories_side_by_side_need_few_descriptors") {
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    for number in 0..1_100 {
        let profile = directory.path().join(format!("users/{number}/profile"));
        fs::create_dir_all(&profile).expect("made");
        fs::write(profile.join("file"), b"x").expect("written");
        fs::create_dir_all(directory.path().join(format!("empty/{number}"))).expect("made");
    }
    for journaled in [false, true] {
        let options = LocalVolume::options().journaled(journaled);
        let volume = options.open(directory.path()).expect("opened");
        assert_eq!(volume.list(None).expect("listed").len(), 1_100);
        let users = file("users");
        assert_eq!(volume.list(Some(&users)).expect("listed").len(), 1_100);
        assert_eq!(volume.usage().expect("counted").files, 1_100);
        volume
            .commit(write("users", b"x").into())
            .expect_err("a directory of others");
        volume
            .commit(write("empty", b"x").into())
            .expect("nothing is in the way");
        volume.commit(delete("empty")).expect("deleted");
    }
}

#[test]
fn deep_directories_need_few_descriptors() {
    if !with_few_descriptors("deep_directories_need_few_descriptors") {
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let deep = vec!["d"; 31].join("/");
    for number in 0..30 {
        let path = directory.path().join(format!("{number}/{deep}"));
        fs::create_dir_all(path).expect("made");
    }
    let deepest = vec!["d"; 400].join("/");
    fs::create_dir_all(directory.path().join(&deepest)).expect("made");
    let below = directory.path().join(format!("{deepest}/file"));
    fs::write(below, b"x").expect("written");
    let volume = LocalVolume::open(directory.path()).expect("opened");
    assert_eq!(volume.list(None).expect("listed").len(), 1);
    assert_eq!(volume.usage().expect("counted").files, 1);
    for number in 0..30 {
        let path = number.to_string();
        volume
            .commit(write(&path, b"x").into())
            .expect("nothing is in the way");
    }
    volume
        .commit(write("d", b"x").into())
        .expect_err("a file is beneath");
    let path = format!("x/{}/file", vec!["d"; 29].join("/"));
    volume.commit(write(&path, b"x").into()).expect("made");
    volume.commit(delete(&path)).expect("deleted");
    assert!(!directory.path().join("x").exists());
}

#[test]
fn pairs_of_writes_and_deletes_leave_no_directories() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let limits = Limits::default().max_files(2).max_total_bytes(100);
    let options = LocalVolume::options().limits(limits);
    let options = options.durability(ability_storage_engine::Durability::None);
    let volume = options.open(directory.path()).expect("opened");
    for number in 0..300 {
        let path = format!("{number}/{}/f", vec!["d"; 29].join("/"));
        volume.commit(write(&path, b"x").into()).expect("made");
        volume.commit(delete(&path)).expect("deleted");
    }
    assert_eq!(names_in(directory.path()), [PRIVATE_DIR]);
}

#[test]
fn threads_that_empty_and_fill_one_directory_do_not_fail() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let volume = LocalVolume::options().durability(ability_storage_engine::Durability::None);
    let volume = volume.open(directory.path()).expect("opened");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let volume = &volume;
            scope.spawn(move || {
                for number in 0..300 {
                    let path = format!("a/b/c/{thread}-{number}");
                    volume.commit(write(&path, b"x").into()).expect("made");
                    volume.commit(delete(&path)).expect("deleted");
                }
            });
        }
    });
    assert!(volume.list(None).expect("listed").is_empty());
}

/// As the super-user, who may read everything, there is nothing to see.
#[test]
fn directories_that_may_not_be_read_are_not_part_of_the_volume() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let closed = directory.path().join("lost+found");
    fs::create_dir(&closed).expect("made");
    fs::write(closed.join("secret"), b"x").expect("written");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).expect("set");
    let is_readable = fs::read_dir(&closed).is_ok();
    // Its names may be read, but nothing can be known of them.
    let names_only = directory.path().join("names only");
    fs::create_dir(&names_only).expect("made");
    fs::write(names_only.join("secret"), b"x").expect("written");
    fs::set_permissions(&names_only, fs::Permissions::from_mode(0o444)).expect("set");
    for journaled in [false, true] {
        let options = LocalVolume::options().journaled(journaled);
        let volume = options.open(directory.path()).expect("opened");
        volume.commit(write("a", b"1").into()).expect("made");
        if !is_readable {
            let listed = [file("a"), file("names only/secret")];
            assert_eq!(volume.list(None).expect("listed"), listed);
            assert_eq!(volume.usage().expect("counted").files, 1);
            assert!(
                volume
                    .list(Some(&file("lost+found")))
                    .expect("listed")
                    .is_empty()
            );
            volume
                .commit(write("lost+found", b"1").into())
                .expect_err("it is there");
            volume
                .commit(write("lost+found/x", b"1").into())
                .expect_err("closed");
        }
        volume.commit(delete("a")).expect("deleted");
    }
    for directory in [closed, names_only] {
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).expect("set");
    }
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("read");
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    entries.map(|entry| name(entry.expect("read"))).collect()
}

fn write(path: &str, contents: &[u8]) -> Change {
    Change::write(file(path), contents)
}

fn delete(path: &str) -> ability_storage_engine::Batch {
    Change::delete(file(path)).into()
}

fn file(path: &str) -> FilePath {
    FilePath::new(path).expect("valid")
}
