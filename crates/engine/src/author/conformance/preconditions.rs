//! Conditional changes: made exactly when their precondition holds.

use super::helpers::{
    assert_conflict, exists, expect, file, get, names, one, put, rename, write_if,
};
use crate::{Change, Precondition, Version, Volume};

/// A conditional write is made exactly when its precondition holds; when not,
/// it tells the version that is there.
pub fn a_write_keeps_its_precondition(volume: &dyn Volume) {
    let path = file("a/file");
    let first = Version::of(b"first");

    let error = write_if(volume, &path, b"x", Precondition::Version(first));
    assert_conflict(error, None);
    assert_eq!(names(volume, None), [""; 0]);

    let written = write_if(volume, &path, b"first", Precondition::Absent);
    assert_eq!(expect(written), Some(first));
    let error = write_if(volume, &path, b"x", Precondition::Absent);
    assert_conflict(error, Some(first));

    let written = write_if(volume, &path, b"second", Precondition::Version(first));
    let second = Version::of(b"second");
    assert_eq!(expect(written), Some(second));
    let error = write_if(volume, &path, b"x", Precondition::Version(first));
    assert_conflict(error, Some(second));
    assert_eq!(get(volume, &path), b"second");
}

/// The same for removing a file.
pub fn a_delete_keeps_its_precondition(volume: &dyn Volume) {
    let path = file("file");
    let delete = || Change::delete(path.clone());
    let there = put(volume, &path, b"there");
    let other = Version::of(b"other");

    let error = one(volume, delete().only_if(Precondition::Version(other)));
    assert_conflict(error, Some(there));
    let error = one(volume, delete().only_if(Precondition::Absent));
    assert_conflict(error, Some(there));
    assert_eq!(get(volume, &path), b"there");

    expect(one(volume, delete().only_if(Precondition::Version(there))));
    assert!(!exists(volume, &path));
    let error = one(volume, delete().only_if(Precondition::Version(there)));
    assert_conflict(error, None);
    expect(one(volume, delete().only_if(Precondition::Absent)));
}

/// A conditional append is made exactly when its precondition holds.
pub fn an_append_keeps_its_precondition(volume: &dyn Volume) {
    let path = file("log");
    let append_if = |precondition| {
        let contents = b"+".to_vec();
        let path = path.clone();
        one(volume, Change::append(path, contents).only_if(precondition))
    };
    let empty = Version::of(b"");
    assert_conflict(append_if(Precondition::Version(empty)), None);
    assert!(!exists(volume, &path));
    expect(append_if(Precondition::Absent));
    let one = Version::of(b"+");
    assert_conflict(append_if(Precondition::Absent), Some(one));
    expect(append_if(Precondition::Version(one)));
    assert_eq!(get(volume, &path), b"++");
}

/// The precondition of a rename is about its target.
pub fn a_rename_keeps_its_precondition(volume: &dyn Volume) {
    put(volume, &file("source"), b"source");
    let target = put(volume, &file("target"), b"target");
    let other = Version::of(b"source");
    for wrong in [Precondition::Absent, Precondition::Version(other)] {
        assert_conflict(rename(volume, "source", "target", wrong), Some(target));
    }
    let wrong = Precondition::Version(other);
    assert_conflict(rename(volume, "source", "absent", wrong), None);
    assert_eq!(names(volume, None), ["source", "target"]);

    let right = Precondition::Version(target);
    expect(rename(volume, "source", "target", right));
    expect(rename(volume, "target", "new", Precondition::Absent));
    assert_eq!(names(volume, None), ["new"]);
}
