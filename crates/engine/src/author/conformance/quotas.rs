//! Limits: what goes beyond is refused and changes nothing.

use super::helpers::{
    append, batch, exists, expect, file, names, one, put, rename, stat_size, write_if, write_step,
};
use super::{
    MAX_BYTES_IN_FLIGHT, MAX_DEPTH, MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES, MAX_WRITERS,
};
use crate::{Change, Error, Precondition, Result, Version, Volume};

/// What is longer than a limit is refused, and all stays as it was.
pub fn what_is_too_large_changes_nothing(volume: &dyn Volume) {
    let path = file("file");
    let too_large = vec![0; MAX_FILE_BYTES as usize + 1];
    let limit_of = |result: Result<Option<Version>>| match result {
        Err(Error::TooLarge { limit, .. }) => limit,
        other => panic!("{other:?}"),
    };
    let refused = write_if(volume, &path, &too_large, Precondition::Any);
    assert_eq!(limit_of(refused), MAX_FILE_BYTES);
    let refused = append(volume, &path, &too_large);
    assert_eq!(limit_of(refused), MAX_FILE_BYTES);
    assert!(!exists(volume, &path));

    put(volume, &path, &too_large[1..]);
    assert_eq!(limit_of(append(volume, &path, b"x")), MAX_FILE_BYTES);
    assert_eq!(stat_size(volume, &path), MAX_FILE_BYTES);

    put(volume, &path, b"four");
    for (max_bytes, fits) in [(0, false), (3, false), (4, true), (5, true)] {
        match volume.read(&path, max_bytes) {
            Ok(snapshot) => assert!(fits && snapshot.contents == b"four"),
            Err(Error::TooLarge { limit, .. }) => assert!(!fits && limit == max_bytes),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Writers beyond the limit are refused until others are gone.
pub fn writers_are_limited_in_number(volume: &dyn Volume) {
    let open = |i: usize| volume.writer(&file(&format!("file{i}")));
    let mut writers: Vec<_> = (0..MAX_WRITERS).map(|i| expect(open(i))).collect();
    for _ in 0..3 {
        let refused = open(9).err();
        assert!(matches!(refused, Some(Error::QuotaExceeded { .. })));
    }
    writers.pop();
    let writer = expect(open(9));
    expect(writer.commit(Precondition::Any));
    expect(open(10));
    put(volume, &file("whole"), b"not streamed");
}

/// Bytes that writers hold and have not committed are limited; what is given up makes room.
pub fn bytes_in_flight_are_limited(volume: &dyn Volume) {
    let piece = vec![7; MAX_FILE_BYTES as usize];
    let open = |i: u64| expect(volume.writer(&file(&format!("file{i}"))));
    let whole = MAX_BYTES_IN_FLIGHT / MAX_FILE_BYTES;
    let mut writers: Vec<_> = (0..whole).map(open).collect();
    for writer in &mut writers {
        expect(writer.write(&piece));
    }
    let mut one_more = open(whole);
    let refused = one_more.write(b"x");
    assert!(matches!(refused, Err(Error::QuotaExceeded { .. })));
    let refused = one_more.commit(Precondition::Any);
    assert!(refused.is_err(), "it did not take all that it was given");
    assert!(!exists(volume, &file(&format!("file{whole}"))));

    writers.pop();
    let mut writer = open(whole);
    expect(writer.write(&piece));
    expect(writer.commit(Precondition::Any));
    for writer in writers {
        expect(writer.commit(Precondition::Any));
    }
    assert_eq!(names(volume, None).len() as u64, whole);
    let mut writer = open(whole);
    expect(writer.write(&piece));
}

/// Neither all bytes nor all files exceed their limit; what makes room helps.
pub fn limits_on_all_files_are_kept(volume: &dyn Volume) {
    let full = vec![0; MAX_FILE_BYTES as usize];
    let quota = |result: Result<Option<Version>>| match result {
        Err(Error::QuotaExceeded { .. }) => {}
        Err(Error::Step { source, .. }) if matches!(*source, Error::QuotaExceeded { .. }) => {}
        other => panic!("{other:?}"),
    };
    let largest = MAX_TOTAL_BYTES / MAX_FILE_BYTES;
    for i in 0..largest {
        put(volume, &file(&format!("file{i}")), &full);
    }
    let usage = expect(volume.usage());
    assert_eq!((usage.bytes, usage.files), (MAX_TOTAL_BYTES, largest));
    let new = file("new");
    quota(write_if(volume, &new, b"x", Precondition::Any));
    quota(append(volume, &new, b"x"));
    let mut writer = expect(volume.writer(&new));
    expect(writer.write(b"x"));
    quota(writer.commit(Precondition::Any).map(Some));
    let both = batch([
        write_step("new", b"").into(),
        write_step("new2", b"x").into(),
    ]);
    quota(volume.commit(both).map(|_| None));
    assert_eq!(names(volume, None).len() as u64, largest);

    put(volume, &file("file0"), &full);
    put(volume, &file("file0"), &full[1..]);
    put(volume, &new, b"x");
    expect(rename(volume, "file1", "file0", Precondition::Any));
    let usage = expect(volume.usage());
    let bytes = MAX_TOTAL_BYTES - MAX_FILE_BYTES + 1;
    assert_eq!((usage.bytes, usage.files), (bytes, largest));

    let names = (0..MAX_FILES - largest).map(|i| format!("many/{i}"));
    expect(volume.commit(names.map(|name| write_step(&name, b"")).collect()));
    quota(write_if(volume, &file("one more"), b"", Precondition::Any));
    expect(one(volume, Change::delete(file("many/0"))));
    put(volume, &file("one more"), b"");
    quota(write_if(volume, &file("yet one"), b"", Precondition::Any));
}

/// A path that the limits do not allow is refused by every way to write.
pub fn limits_on_paths_are_kept(volume: &dyn Volume) {
    let deep = |depth: usize| vec!["d"; depth].join("/");
    put(volume, &file(&deep(MAX_DEPTH)), b"as deep as allowed");
    put(volume, &file("file"), b"x");
    let path = file(&deep(MAX_DEPTH + 1));
    for refused in [
        write_if(volume, &path, b"x", Precondition::Any),
        append(volume, &path, b"x"),
        rename(volume, "file", path.as_str(), Precondition::Any),
        volume.writer(&path).map(|_| None),
    ] {
        assert!(matches!(refused, Err(Error::PathNotAllowed { .. })));
    }

    // Alone and in a batch alike, whatever the precondition.
    let contents = b"x".to_vec();
    let stale = Precondition::Version(Version::of(b"never written"));
    let step = Change::write(path, contents).only_if(stale);
    let refused = volume.commit(step.clone().into());
    assert!(matches!(refused, Err(Error::PathNotAllowed { .. })));
    match volume.commit(batch([write_step("file", b"y").into(), step])) {
        Err(Error::Step { index: 1, source }) => {
            assert!(matches!(*source, Error::PathNotAllowed { .. }));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(names(volume, None), [deep(MAX_DEPTH), "file".to_owned()]);
}
