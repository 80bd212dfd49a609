//! One file at a time: what is written, read, listed, moved and removed.

use super::MAX_FILE_BYTES;
use super::helpers::{
    ALL, append, exists, expect, file, get, names, one, put, rename, version, write_if,
};
use crate::{Change, Error, Precondition, Volume};
use std::time::{Duration, SystemTime};

/// What a write of any size put there is what a read gives.
pub fn what_is_written_is_read(volume: &dyn Volume) {
    for size in [0, 1, 4095, 4096, 4097, MAX_FILE_BYTES as usize] {
        let path = file(&format!("dir/of size/{size}"));
        let contents: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
        put(volume, &path, &contents);
        assert_eq!(get(volume, &path), contents);
        assert!(exists(volume, &path));
    }
}

/// Nothing of a longer earlier version is left.
pub fn a_write_replaces_the_whole_file(volume: &dyn Volume) {
    let path = file("state.json");
    for contents in [&b"a rather long first version"[..], b"short", b"", b"again"] {
        put(volume, &path, contents);
        assert_eq!(get(volume, &path), contents);
    }
    assert_eq!(names(volume, None), ["state.json"]);
}

/// Reading what is not there says so, and so does the directory of a file.
pub fn an_absent_file_is_not_found(volume: &dyn Volume) {
    put(volume, &file("dir/there"), b"x");
    for path in [
        "absent",
        "dir",
        "dir/absent",
        "no/such/dir",
        "dir/there/below",
    ] {
        let path = file(path);
        assert!(matches!(
            volume.read(&path, ALL),
            Err(Error::NotFound { .. })
        ));
        assert!(matches!(volume.stat(&path), Err(Error::NotFound { .. })));
        assert!(!exists(volume, &path));
    }
}

/// Equal versions mean equal contents, wherever they are.
pub fn a_version_stands_for_contents(volume: &dyn Volume) {
    let (one, two) = (file("one"), file("two"));
    let first = put(volume, &one, b"contents");
    assert_eq!(put(volume, &two, b"contents"), first);
    assert_ne!(put(volume, &two, b"other"), first);
    assert_eq!(put(volume, &two, b"contents"), first);
    assert_eq!(version(volume, &one), Some(first));
    assert_eq!(version(volume, &two), Some(first));
}

/// So that a retry after a crash succeeds.
pub fn deleting_what_is_absent_succeeds(volume: &dyn Volume) {
    put(volume, &file("dir/there"), b"x");
    for path in [
        "absent",
        "dir/absent",
        "no/such/dir",
        "dir",
        "dir/there/below",
    ] {
        expect(one(volume, Change::delete(file(path))));
    }
    assert_eq!(names(volume, None), ["dir/there"]);
}

/// An append creates the file or extends it.
pub fn an_append_adds_to_the_end(volume: &dyn Volume) {
    let path = file("logs/log");
    let mut whole = Vec::new();
    for line in ["one\n", "", "two\n", "three\n"] {
        expect(append(volume, &path, line.as_bytes()));
        whole.extend_from_slice(line.as_bytes());
        assert_eq!(get(volume, &path), whole);
    }
    put(volume, &path, b"new");
    expect(append(volume, &path, b"er"));
    assert_eq!(get(volume, &path), b"newer");
}

/// A rename takes the contents along, within and across directories.
pub fn a_rename_moves_and_replaces(volume: &dyn Volume) {
    let there = put(volume, &file("there"), b"contents");
    for (source, target) in [("there", "a/b/c"), ("a/b/c", "a/d"), ("a/d", "e")] {
        expect(rename(volume, source, target, Precondition::Any));
        assert_eq!(names(volume, None), [target]);
        assert_eq!(version(volume, &file(target)), Some(there));
    }

    put(volume, &file("f"), b"old");
    expect(rename(volume, "e", "f", Precondition::Any));
    assert_eq!(get(volume, &file("f")), b"contents");
    assert_eq!(names(volume, None), ["f"]);

    expect(rename(volume, "f", "f", Precondition::Any));
    assert_eq!(get(volume, &file("f")), b"contents");
    for absent in ["absent", "f/below", "no/dir"] {
        let error = rename(volume, absent, "f", Precondition::Any);
        assert!(matches!(error, Err(Error::NotFound { .. })), "{error:?}");
    }
    assert_eq!(get(volume, &file("f")), b"contents");
}

/// A prefix is a directory, not the beginning of a name.
pub fn a_list_is_by_directory_and_sorted(volume: &dyn Volume) {
    assert_eq!(names(volume, None), [""; 0]);
    let all = [
        "b",
        "notes",
        "notes-old.md",
        "notes.d/a",
        "x/y/1",
        "x/y/2",
        "x/z",
        "ü",
    ];
    for path in all.iter().rev() {
        put(volume, &file(path), b"");
    }
    assert_eq!(names(volume, None), all);
    for (prefix, under) in [
        ("x", &["x/y/1", "x/y/2", "x/z"][..]),
        ("x/y", &["x/y/1", "x/y/2"]),
        ("x/y/1", &["x/y/1"]),
        ("notes", &["notes"]),
        ("no", &[]),
        ("absent/dir", &[]),
        ("b/below", &[]),
    ] {
        assert_eq!(names(volume, Some(prefix)), under, "{prefix}");
    }
}

/// A path cannot be both a file and the directory of another.
pub fn a_path_is_a_file_or_a_directory(volume: &dyn Volume) {
    put(volume, &file("file"), b"file");
    put(volume, &file("dir/sub/file"), b"deep");
    for taken in ["file/below", "file/far/below", "dir", "dir/sub"] {
        let path = file(taken);
        let contents = b"x".to_vec();
        for error in [
            write_if(volume, &path, &contents, Precondition::Any),
            append(volume, &path, &contents),
            rename(volume, "file", taken, Precondition::Any),
        ] {
            assert!(matches!(error, Err(Error::NotAFile { .. })), "{error:?}");
        }
    }
    let error = rename(volume, "dir/sub/file", "dir", Precondition::Any);
    assert!(matches!(error, Err(Error::NotAFile { .. })), "{error:?}");
    assert_eq!(names(volume, None), ["dir/sub/file", "file"]);
    assert_eq!(get(volume, &file("file")), b"file");
}

/// Where the last file of a directory is gone, its name is free.
pub fn directories_without_files_are_in_nobodys_way(volume: &dyn Volume) {
    put(volume, &file("a/b/c/d"), b"deep");
    expect(volume.commit(Change::delete(file("a/b/c/d")).into()));
    put(volume, &file("a"), b"a file now");
    assert_eq!(get(volume, &file("a")), b"a file now");
    expect(one(volume, Change::delete(file("a"))));
    put(volume, &file("a/b"), b"below again");
    assert_eq!(names(volume, None), ["a/b"]);
}

/// Size and time are those of the last change.
pub fn a_stat_tells_size_and_time(volume: &dyn Volume) {
    let path = file("file");
    // The clocks of file systems tick coarsely, and some only in seconds.
    let tick = Duration::from_secs(2);
    let before = SystemTime::now() - tick;
    put(volume, &path, b"12345");
    let info = expect(volume.stat(&path));
    assert_eq!(info.size, 5);
    assert!(info.modified >= before && info.modified <= SystemTime::now() + tick);
}
