//! Changes that are made only if the file ends as their author saw it end.

use super::helpers::{
    append_change, assert_other_end, batch, exists, expect, file, get, number, one, put,
};
use crate::{Change, Error, FileEnd, FilePath, Precondition, Result, Step, Version, Volume};
use std::thread;

fn append_if(
    volume: &dyn Volume,
    path: &FilePath,
    contents: &[u8],
    end: FileEnd,
) -> Result<Option<Version>> {
    let append = Change::append(path.clone(), contents);
    one(volume, append.only_if(Precondition::EndsWith(end)))
}

/// An append to a file that must end in a certain way is made exactly when it does, however
/// the file came to end so.
pub fn an_append_keeps_its_end(volume: &dyn Volume) {
    let path = file("dir/log");
    let start = FileEnd::of(b"");
    assert_other_end(append_if(volume, &path, b"x", FileEnd::of(b"a")), None);
    assert!(!exists(volume, &path));
    expect(append_if(volume, &path, b"first\n", start));
    assert_other_end(append_if(volume, &path, b"x", start), Some(6));
    expect(append_if(
        volume,
        &path,
        b"second\n",
        FileEnd::of(b"first\n"),
    ));
    let whole = b"first\nsecond\n";
    for (size, last_bytes) in [
        (12, &whole[..]),
        (13, b"another one!\n"),
        (13, b"longer than it first\nsecond\n"),
        (14, b"\n"),
        (u64::MAX, b""),
    ] {
        let end = FileEnd::new(size, last_bytes);
        assert_other_end(append_if(volume, &path, b"x", end), Some(13));
    }
    assert_eq!(get(volume, &path), whole);
    for last_bytes in [&whole[..], b"nd\n", b""] {
        put(volume, &path, whole);
        expect(append_if(volume, &path, b"+", FileEnd::new(13, last_bytes)));
        assert_eq!(get(volume, &path), [&whole[..], b"+"].concat());
    }
}

/// The same for a long file, of which only the end is compared, and for what was appended to
/// it.
pub fn an_append_keeps_the_end_of_a_long_file(volume: &dyn Volume) {
    let path = file("log");
    let mut whole: Vec<u8> = (0..400_000).map(|i| (i % 251) as u8).collect();
    put(volume, &path, &whole);
    for round in 0..4 {
        let line = vec![round; 70_000];
        let mut other = whole.clone();
        *other.last_mut().expect("it has bytes") ^= 1;
        let stale = append_if(volume, &path, b"x", FileEnd::of(&other));
        assert_other_end(stale, Some(whole.len() as u64));
        let compared = &whole[whole.len() - 100_000..];
        let end = FileEnd::new(whole.len() as u64, compared);
        expect(append_if(volume, &path, &line, end));
        whole.extend_from_slice(&line);
    }
    assert!(get(volume, &path) == whole, "an append is lost");
}

/// A write, a delete and a rename can ask for an end as well.
pub fn every_change_keeps_its_end(volume: &dyn Volume) {
    let path = file("target");
    put(volume, &file("source"), b"source");
    let changes: [&dyn Fn() -> Change; 3] = [
        &|| Change::write(path.clone(), b"written"),
        &|| Change::rename(file("source"), path.clone()),
        &|| Change::delete(path.clone()),
    ];
    for change in changes {
        put(volume, &path, b"there");
        let wrong = Precondition::EndsWith(FileEnd::of(b"where"));
        assert_other_end(one(volume, change().only_if(wrong)), Some(5));
        assert_eq!(get(volume, &path), b"there");
        let right = Precondition::EndsWith(FileEnd::of(b"there"));
        expect(one(volume, change().only_if(right)));
        assert_ne!(
            volume.read(&path, 9).map(|file| file.contents).ok(),
            Some(b"there".to_vec())
        );
    }
    let mut writer = expect(volume.writer(&path));
    expect(writer.write(b"streamed"));
    let wrong = Precondition::EndsWith(FileEnd::of(b"there"));
    assert_other_end(writer.commit(wrong).map(Some), None);
}

/// In a batch, each step sees the end that those before it left.
pub fn a_step_sees_the_end_that_the_one_before_left(volume: &dyn Volume) {
    let (log, moved) = (file("log"), file("moved"));
    let lines = || -> [Step; 4] {
        let ends_with = |contents: &[u8]| Precondition::EndsWith(FileEnd::of(contents));
        [
            append_change("log", b"1").only_if(ends_with(b"")),
            append_change("log", b"2").only_if(ends_with(b"1")),
            Change::rename(log.clone(), moved.clone()).only_if(ends_with(b"")),
            append_change("moved", b"3").only_if(ends_with(b"12")),
        ]
    };
    expect(volume.commit(batch(lines())));
    assert_eq!(get(volume, &moved), b"123");
    let again = volume.commit(batch(lines()));
    assert!(
        matches!(&again, Err(Error::Step { index: 2, .. })),
        "{again:?}"
    );
    assert!(!exists(volume, &log));
}

/// Many writers that each append behind what they have seen lose nothing, and none gets
/// between another's look and its append.
pub fn appends_behind_what_was_seen_follow_each_other(volume: &dyn Volume) {
    let path = file("log");
    let (writers, each) = (6, 8);
    let append_next = |seen: &mut Vec<u8>| loop {
        let last = seen.split(|byte| *byte == b'\n').rev().nth(1);
        let next = last.map_or(0, number) + 1;
        let line = format!("{next}\n");
        match append_if(volume, &path, line.as_bytes(), FileEnd::of(seen)) {
            Err(Error::Conflict { .. }) => *seen = get(volume, &path),
            result => {
                expect(result);
                seen.extend_from_slice(line.as_bytes());
                break;
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..writers {
            scope.spawn(|| {
                let mut seen = Vec::new();
                (0..each).for_each(|_| append_next(&mut seen));
            });
        }
    });
    let lines: String = (1..=writers * each).map(|i| format!("{i}\n")).collect();
    assert_eq!(String::from_utf8_lossy(&get(volume, &path)), lines);
}

/// A reader that skips gives what comes after, of the version that it began with.
pub fn a_stream_reader_skips(volume: &dyn Volume) {
    let path = file("log");
    let mut whole: Vec<u8> = (0..300_000).map(|i| (i % 249) as u8).collect();
    put(volume, &path, &whole);
    for _ in 0..3 {
        let line = vec![b'+'; 80_000];
        expect(one(volume, Change::append(path.clone(), line.clone())));
        whole.extend_from_slice(&line);
    }
    for skipped in [
        0,
        1,
        299_999,
        300_000,
        330_000,
        539_999,
        540_000,
        540_001,
        u64::MAX,
    ] {
        let mut reader = expect(volume.reader(&path));
        let first = expect(reader.read(3)).len();
        expect(reader.skip(skipped));
        let mut rest = Vec::new();
        loop {
            let piece = expect(reader.read(100_000));
            if piece.is_empty() {
                break;
            }
            rest.extend_from_slice(&piece);
        }
        let start = (first as u64)
            .saturating_add(skipped)
            .min(whole.len() as u64);
        assert!(rest == whole[start as usize..], "after {skipped} bytes");
        assert_eq!(reader.size(), whole.len() as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, MemoryVolume};
    use std::panic::{AssertUnwindSafe, catch_unwind};

    /// A volume that does not know of ends, and takes them for no condition.
    struct Careless(MemoryVolume);

    impl Volume for Careless {
        crate::__delegate_volume! {
            self => self.0; read, stat, list, writer, reader, usage, counters, close, exists
        }

        fn commit(&self, batch: Batch) -> Result<Vec<Option<Version>>> {
            let steps = batch.into_steps().into_iter().map(|mut step| {
                if matches!(step.precondition, Precondition::EndsWith(_)) {
                    step.precondition = Precondition::Any;
                }
                step
            });
            self.0.commit(steps.collect())
        }
    }

    #[test]
    fn a_volume_that_ignores_ends_fails() {
        let cases: [fn(&dyn Volume); 5] = [
            an_append_keeps_its_end,
            an_append_keeps_the_end_of_a_long_file,
            every_change_keeps_its_end,
            a_step_sees_the_end_that_the_one_before_left,
            appends_behind_what_was_seen_follow_each_other,
        ];
        for case in cases {
            let volume = Careless(MemoryVolume::new());
            let run = catch_unwind(AssertUnwindSafe(|| case(&volume)));
            assert!(run.is_err(), "it went unnoticed");
        }
    }
}
