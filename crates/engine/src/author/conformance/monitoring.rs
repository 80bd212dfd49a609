//! What a host sees of a volume, and closing it.

use super::helpers::{
    append_change, assert_conflict, expect, file, one, put, write_if, write_step,
};
use crate::{Change, Error, Precondition, Result, Volume};

/// Every commit is counted by its outcome, and its time if it was made.
pub fn commits_are_counted(volume: &dyn Volume) {
    let path = file("file");
    put(volume, &path, b"12345");
    expect(one(volume, append_change("file", b"678")));
    let mut writer = expect(volume.writer(&file("streamed")));
    expect(writer.write(b"9"));
    expect(writer.commit(Precondition::Any));
    let both = [write_step("a", b"1"), write_step("b", b"2")];
    expect(volume.commit(both.into_iter().collect()));
    let refused = write_if(volume, &path, b"x", Precondition::Absent);
    let version = expect(volume.read(&path, 100)).version();
    assert_conflict(refused, Some(version));
    let beneath = one(volume, write_step("file/below", b"x"));
    assert!(matches!(beneath, Err(Error::NotAFile { .. })));

    let counters = volume.counters();
    assert_eq!((counters.commits, counters.bytes), (4, 11));
    assert_eq!((counters.conflicts, counters.refusals), (1, 1));
    assert_eq!(counters.unconfirmed, 0);
    assert_eq!((counters.in_flight, counters.bytes_in_flight), (0, 0));
    let times = counters.commit_times;
    assert_eq!(times.count(), counters.commits);
    assert!(times.quantile(1.0) >= times.quantile(0.5));
}

/// After it was closed, a volume answers nothing, and nothing changes.
pub fn a_closed_volume_refuses_every_call(volume: &dyn Volume) {
    let path = file("file");
    put(volume, &path, b"contents");
    let mut reader = expect(volume.reader(&path));
    let mut writer = expect(volume.writer(&path));
    let _ = writer.write(b"never committed");
    expect(volume.close());

    assert_closed(volume.read(&path, 100));
    assert_closed(volume.stat(&path));
    assert_closed(volume.exists(&path));
    assert_closed(volume.list(None));
    assert_closed(volume.usage());
    assert_closed(volume.reader(&path));
    assert_closed(volume.writer(&path));
    assert_closed(one(volume, write_step("file", b"x")));
    assert_closed(one(volume, append_change("file", b"x")));
    assert_closed(one(volume, Change::delete(path)));
    assert_closed(writer.commit(Precondition::Any));
    let mut rest = Vec::new();
    loop {
        let piece = expect(reader.read(100));
        rest.extend_from_slice(&piece);
        if piece.is_empty() {
            break;
        }
    }
    assert_eq!(rest, b"contents");
    expect(volume.close());
}

/// What was acknowledged before or while a volume is closed is there; what is refused is
/// refused because it is closed.
pub fn closing_waits_for_commits(volume: &dyn Volume) {
    let path = file("log");
    put(volume, &path, b"");
    let written = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| append_until_closed(volume)))
            .collect();
        while volume.counters().commits < 9 {
            std::thread::yield_now();
        }
        expect(volume.close());
        let written = writers.into_iter().map(|writer| writer.join());
        written.map(|count| count.expect("no panic")).sum::<u64>()
    });
    assert!(written >= 8, "{written}");
    assert_eq!(volume.counters().commits, written + 1);
    assert_eq!(volume.counters().in_flight, 0);
}

/// How many bytes were appended until the volume was closed.
fn append_until_closed(volume: &dyn Volume) -> u64 {
    let mut written = 0;
    loop {
        match one(volume, append_change("log", b"x")) {
            Ok(_) => written += 1,
            Err(Error::Closed) => return written,
            Err(error) => panic!("{error}"),
        }
    }
}

#[track_caller]
fn assert_closed<T>(result: Result<T>) {
    assert!(matches!(result, Err(Error::Closed)), "{:?}", result.err());
}
