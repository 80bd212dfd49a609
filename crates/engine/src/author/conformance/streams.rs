//! Writing and reading piece by piece.

use super::MAX_FILE_BYTES;
use super::helpers::{append, assert_conflict, exists, expect, file, get, names, one, put};
use crate::{Change, Error, Precondition, Version, Volume};

/// What a writer wrote is there after its commit, all of it, and never before;
/// a writer that is dropped leaves nothing.
pub fn a_writer_shows_nothing_before_its_commit(volume: &dyn Volume) {
    let path = file("dir/streamed");
    let chunk = vec![7; 100_000];
    for old in [None, Some(&b"old"[..])] {
        if let Some(old) = old {
            put(volume, &path, old);
        }
        let mut dropped = expect(volume.writer(&path));
        expect(dropped.write(&chunk));
        drop(dropped);
        let mut writer = expect(volume.writer(&path));
        for _ in 0..5 {
            expect(writer.write(&chunk));
            assert_eq!(exists(volume, &path), old.is_some());
            assert_eq!(names(volume, None).len(), usize::from(old.is_some()));
        }
        if let Some(old) = old {
            assert_eq!(get(volume, &path), old);
        }
        let version = expect(writer.commit(Precondition::Any));
        let contents = chunk.repeat(5);
        assert_eq!(version, Version::of(&contents));
        assert_eq!(get(volume, &path), contents);
        expect(one(volume, Change::delete(path.clone())));
    }
    let mut writer = expect(volume.writer(&path));
    let too_large = (0..=MAX_FILE_BYTES / 100_000).find_map(|_| writer.write(&chunk).err());
    assert!(matches!(too_large, Some(Error::TooLarge { .. })));
    let error = writer.commit(Precondition::Any).map(Some);
    assert!(error.is_err(), "not all that was written is there");
    assert_eq!(names(volume, None), [""; 0]);
}

/// The precondition of a writer is about the moment of its commit.
pub fn a_writer_keeps_its_precondition(volume: &dyn Volume) {
    let path = file("streamed");
    let written = |contents: &[u8]| {
        let mut writer = expect(volume.writer(&path));
        expect(writer.write(contents));
        writer
    };
    let late = written(b"late");
    let first = expect(written(b"first").commit(Precondition::Absent));
    let error = late.commit(Precondition::Absent);
    assert_conflict(error.map(Some), Some(first));
    let error = written(b"x").commit(Precondition::Version(Version::of(b"other")));
    assert_conflict(error.map(Some), Some(first));
    expect(written(b"second").commit(Precondition::Version(first)));
    assert_eq!(get(volume, &path), b"second");
}

/// A reader goes on with what it began with, whatever becomes of the path.
pub fn a_stream_reader_stays_with_one_version(volume: &dyn Volume) {
    let path = file("file");
    let absent = volume.reader(&path);
    assert!(matches!(absent.err(), Some(Error::NotFound { .. })));
    let contents: Vec<u8> = (0..300_000).map(|i| (i % 251) as u8).collect();
    put(volume, &path, &contents);
    let changes: [&dyn Fn(); 3] = [
        &|| assert_eq!(expect(append(volume, &path, b"more")), None),
        &|| assert_eq!(put(volume, &path, b"other"), Version::of(b"other")),
        &|| assert_eq!(expect(one(volume, Change::delete(path.clone()))), None),
    ];
    for change in changes {
        put(volume, &path, &contents);
        let mut reader = expect(volume.reader(&path));
        assert_eq!(reader.size(), contents.len() as u64);
        let mut seen = expect(reader.read(1_000));
        assert!(!seen.is_empty() && seen.len() <= 1_000);
        change();
        assert!(expect(reader.read(0)).is_empty());
        loop {
            let next = expect(reader.read(70_000));
            if next.is_empty() {
                break;
            }
            seen.extend(next);
        }
        assert!(seen == contents, "a mixture, or not all");
    }
}
