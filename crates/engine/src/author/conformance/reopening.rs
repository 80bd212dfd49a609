//! What has to be there when a volume is opened again. Each function takes a function that
//! opens the volume under test, with the same files each time; the one before is gone then.

use super::helpers::{
    ALL, append, assert_conflict, batch, exists, expect, file, get, names, one, put, rename,
    stat_size, write_if, write_step,
};
use super::{MAX_FILE_BYTES, Open};
use crate::{Change, Error, Precondition, Version, Volume};

/// How a volume ends before it is opened again.
const ENDS: [fn(Box<dyn Volume>); 2] = [drop, |volume| expect(volume.close())];

/// Every kind of change that was acknowledged is there after the volume was opened again.
pub fn what_is_committed_outlives_the_volume(open: Open<'_>) {
    for end in ENDS {
        let volume = open();
        put(&*volume, &file("replaced"), b"old");
        put(&*volume, &file("moved"), b"moved");
        put(&*volume, &file("gone"), b"gone");
        put(&*volume, &file("log"), b"first\n");
        end(volume);

        let volume = open();
        put(&*volume, &file("replaced"), b"new");
        put(&*volume, &file("empty"), b"");
        expect(rename(&*volume, "moved", "dir/name", Precondition::Any));
        expect(one(&*volume, Change::delete(file("gone"))));
        expect(append(&*volume, &file("log"), b"second\n"));
        let several = [
            write_step("dir/a", b"a").into(),
            write_step("dir/b", b"b").into(),
        ];
        expect(volume.commit(batch(several)));
        let mut writer = expect(volume.writer(&file("streamed")));
        expect(writer.write(b"piece by "));
        expect(writer.write(b"piece"));
        expect(writer.commit(Precondition::Absent));
        end(volume);

        let volume = open();
        for (path, contents) in [
            ("replaced", "new"),
            ("empty", ""),
            ("dir/name", "moved"),
            ("log", "first\nsecond\n"),
            ("dir/a", "a"),
            ("dir/b", "b"),
            ("streamed", "piece by piece"),
        ] {
            assert_eq!(get(&*volume, &file(path)), contents.as_bytes(), "{path}");
        }
        assert_eq!(names(&*volume, None).len(), 7);
        assert_eq!(expect(volume.usage()).files, 7);
        for path in expect(volume.list(None)) {
            expect(one(&*volume, Change::delete(path)));
        }
        end(volume);
        assert_eq!(names(&*open(), None), [""; 0]);
    }
}

/// The same of contents that no volume keeps in one piece.
pub fn long_contents_outlive_the_volume(open: Open<'_>) {
    let long: Vec<u8> = (0..MAX_FILE_BYTES).map(|i| (i % 251) as u8).collect();
    for end in ENDS {
        let volume = open();
        put(&*volume, &file("written"), &long);
        let mut writer = expect(volume.writer(&file("streamed")));
        for piece in long.chunks(100_000) {
            expect(writer.write(piece));
        }
        expect(writer.commit(Precondition::Any));
        let (first, rest) = long.split_at(300_000);
        put(&*volume, &file("appended"), first);
        expect(append(&*volume, &file("appended"), rest));
        end(volume);
        let volume = open();
        for path in ["written", "streamed", "appended"] {
            assert!(get(&*volume, &file(path)) == long, "{path}");
            assert_eq!(stat_size(&*volume, &file(path)), MAX_FILE_BYTES);
            expect(one(&*volume, Change::delete(file(path))));
        }
        end(volume);
    }
}

/// Preconditions are checked against what was committed before the volume was opened.
pub fn preconditions_hold_after_reopening(open: Open<'_>) {
    for end in ENDS {
        let (volume, path) = (open(), file("file"));
        let version = put(&*volume, &path, b"one");
        end(volume);
        let volume = open();
        let absent = write_if(&*volume, &path, b"two", Precondition::Absent);
        assert_conflict(absent, Some(version));
        let stale = Precondition::Version(Version::of(b"else"));
        assert_conflict(write_if(&*volume, &path, b"two", stale), Some(version));
        let seen = Precondition::Version(version);
        expect(write_if(&*volume, &path, b"two", seen));
        expect(one(&*volume, Change::delete(path.clone())));
        end(volume);
    }
}

/// What was refused, or written and never committed, is not there and takes no room.
pub fn what_is_not_committed_does_not_come_back(open: Open<'_>) {
    for end in ENDS {
        let volume = open();
        put(&*volume, &file("file"), b"stays");
        let mut writer = expect(volume.writer(&file("file")));
        expect(writer.write(b"never committed"));
        let refused = [
            write_step("file", b"other").into(),
            write_step("other", b"x").only_if(Precondition::Version(Version::of(b"x"))),
        ];
        volume.commit(batch(refused)).expect_err("a conflict");
        drop(writer);
        end(volume);
        let volume = open();
        assert_eq!(get(&*volume, &file("file")), b"stays");
        assert!(!exists(&*volume, &file("other")));
        let usage = expect(volume.usage());
        assert_eq!((usage.bytes, usage.files), (5, 1));
        let missing = volume.read(&file("other"), ALL);
        assert!(matches!(missing, Err(Error::NotFound { .. })));
        expect(one(&*volume, Change::delete(file("file"))));
        end(volume);
    }
}

#[cfg(test)]
mod tests {
    use super::super::reopening_cases;
    use crate::MemoryVolume;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    /// A map behind the trait keeps all other promises.
    #[test]
    fn a_volume_in_memory_fails() {
        for (name, case) in reopening_cases() {
            let mut open = || Box::new(MemoryVolume::new()) as _;
            let run = catch_unwind(AssertUnwindSafe(|| case(&mut open)));
            assert!(run.is_err(), "{name}: it went unnoticed");
        }
    }
}
