//! A volume is a directory of plain files: it keeps their permissions, leaves
//! what is none alone, and follows no link out.

#![cfg(unix)]

use ability_storage_engine::layout::PRIVATE_DIR;
use ability_storage_engine::{Change, Error, FilePath, LocalVolume, Volume};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

#[test]
fn the_mode_of_a_replaced_file_is_kept() {
    let (directory, volume) = volume();
    let path = directory.path().join("file");
    for mode in [0o600, 0o640, 0o666, 0o400, 0o755] {
        fs::write(&path, b"old")
            .or_else(|_| fs::remove_file(&path))
            .expect("written");
        write(&volume, "file", b"old");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("set");
        write(&volume, "file", b"new");
        assert_eq!(mode_of(&path), mode);
        append(&volume, "file", b"er");
        assert_eq!(mode_of(&path), mode);
        assert_eq!(fs::read(&path).expect("read"), b"newer");
    }
}

#[test]
fn a_mode_that_runs_as_its_owner_is_not_kept() {
    let (directory, volume) = volume();
    let path = directory.path().join("file");
    fs::write(&path, b"old").expect("written");
    fs::set_permissions(&path, Permissions::from_mode(0o4755)).expect("set");
    write(&volume, "file", b"new");
    assert_eq!(mode_of(&path), 0o755);
}

#[test]
fn a_new_file_has_the_usual_mode_and_the_private_directory_is_private() {
    let (directory, volume) = volume();
    fs::write(directory.path().join("usual"), b"").expect("written");
    fs::create_dir(directory.path().join("usual-dir")).expect("created");
    write(&volume, "dir/file", b"x");
    let mode = |name| mode_of(&directory.path().join(name));
    assert_eq!(mode("dir/file"), mode("usual"));
    assert_eq!(mode("dir"), mode("usual-dir"));
    assert_eq!(mode(PRIVATE_DIR), 0o700);
}

#[test]
fn a_second_name_keeps_what_the_file_was() {
    for change in [write, append] {
        let (directory, volume) = volume();
        write(&volume, "log", b"one\n");
        append(&volume, "log", b"two\n");
        let kept = directory.path().join("kept");
        fs::hard_link(directory.path().join("log"), &kept).expect("linked");
        change(&volume, "log", b"three\n");
        append(&volume, "log", b"four\n");
        assert_eq!(fs::read(&kept).expect("read"), b"one\ntwo\n");
        let log = fs::read(directory.path().join("log")).expect("read");
        assert!(log.ends_with(b"three\nfour\n"), "{log:?}");
    }
}

#[test]
fn no_way_leads_through_a_linked_directory() {
    let (directory, volume) = volume();
    let outside = outside();
    fs::write(outside.path().join("file"), b"secret").expect("written");
    write(&volume, "inside/file", b"inside");
    let links = [
        ("out", outside.path().to_owned()),
        ("up", PathBuf::from("..")),
        ("in", PathBuf::from("inside")),
        ("private", PathBuf::from(PRIVATE_DIR)),
        ("loop", PathBuf::from("loop")),
    ];
    for (name, goal) in &links {
        symlink(goal, directory.path().join(name)).expect("linked");
    }
    for (name, _) in &links {
        for path in [format!("{name}/file"), format!("{name}/lock")] {
            assert_absent(&volume, &path);
            let contents = b"x".to_vec();
            let path = file(&path);
            for change in [
                Change::write(path.clone(), contents.clone()),
                Change::append(path.clone(), contents),
                Change::rename(file("inside/file"), path),
            ] {
                let error = volume.commit(change.into());
                assert!(matches!(error, Err(Error::NotAFile { .. })), "{error:?}");
            }
        }
        let path = file(&format!("{name}/file"));
        volume
            .commit(Change::delete(path).into())
            .expect("nothing to delete");
    }
    let listed = volume.list(None).expect("listed");
    assert_eq!(listed, [file("inside/file")]);
    let listed = volume.list(Some(&file("out"))).expect("listed");
    assert_eq!(listed, []);
    let names: Vec<_> = fs::read_dir(outside.path()).expect("listed").collect();
    assert_eq!(names.len(), 1, "{names:?}");
    assert_eq!(
        fs::read(outside.path().join("file")).expect("read"),
        b"secret"
    );
}

/// Also for a directory that the volume has open since the last write.
#[test]
fn a_directory_that_was_moved_away_is_not_written_to() {
    let (directory, volume) = volume();
    let outside = outside();
    let (inside, moved) = (directory.path().join("dir/sub"), outside.path().join("sub"));
    for _ in 0..3 {
        write(&volume, "dir/sub/file", b"old");
        write(&volume, "dir/sub/file", b"older");
    }
    fs::rename(&inside, &moved).expect("moved");
    assert_absent(&volume, "dir/sub/file");
    write(&volume, "dir/sub/file", b"new");
    assert_eq!(fs::read(inside.join("file")).expect("read"), b"new");

    fs::remove_dir_all(&inside).expect("removed");
    symlink(&moved, &inside).expect("linked");
    assert_absent(&volume, "dir/sub/file");
    let refused = volume.commit(Change::delete(file("dir/sub/file")).into());
    refused.expect("there is nothing to delete");
    let contents = b"new".to_vec();
    let path = file("dir/sub/file");
    let refused = volume.commit(Change::write(path, contents).into());
    assert!(
        matches!(refused, Err(Error::NotAFile { .. })),
        "{refused:?}"
    );
    assert_eq!(fs::read_dir(&moved).expect("listed").count(), 1);
    assert_eq!(fs::read(moved.join("file")).expect("read"), b"older");
}

#[test]
fn names_that_no_guest_could_give_are_not_listed() {
    let (directory, volume) = volume();
    for name in ["a:b", "back\\slash", "trailing.", "con", "ordinary"] {
        fs::write(directory.path().join(name), b"").expect("written");
    }
    assert_eq!(volume.list(None).expect("listed"), [file("ordinary")]);
}

fn volume() -> (TempDir, LocalVolume) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let volume = LocalVolume::open(directory.path()).expect("opened");
    (directory, volume)
}

fn outside() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o7777
}

fn assert_absent(volume: &LocalVolume, path: &str) {
    let path = file(path);
    let read = volume.read(&path, 100);
    assert!(matches!(read, Err(Error::NotFound { .. })), "{read:?}");
    assert!(!volume.exists(&path).expect("known"));
}

fn write(volume: &LocalVolume, path: &str, contents: &[u8]) {
    let change = Change::write(file(path), contents.to_vec());
    volume.commit(change.into()).expect("committed");
}

fn append(volume: &LocalVolume, path: &str, contents: &[u8]) {
    let change = Change::append(file(path), contents.to_vec());
    volume.commit(change.into()).expect("committed");
}

fn file(path: &str) -> FilePath {
    FilePath::new(path).expect("valid")
}
