//! Many at once: nothing is lost, mixed, half seen or stuck.

use super::helpers::{
    append, expect, file, get, increment, names, number, put, stat_size, write_step,
};
use crate::{Change, FilePath, Step, Volume};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Many writers that read, change and write conditionally lose no update.
pub fn no_update_is_lost(volume: &dyn Volume) {
    let path = file("counter");
    put(volume, &path, b"0");
    let (writers, each) = (8, 25);
    thread::scope(|scope| {
        for _ in 0..writers {
            scope.spawn(|| (0..each).for_each(|_| increment(volume, &path)));
        }
    });
    assert_eq!(number(&get(volume, &path)), writers * each);
}

/// Appends of many writers stand one after the other, each whole.
pub fn appends_do_not_mix(volume: &dyn Volume) {
    let path = file("log");
    let (writers, each) = (8, 10);
    thread::scope(|scope| {
        for writer in 0..writers {
            let path = &path;
            scope.spawn(move || {
                for i in 0..each {
                    let line = format!("{writer} {i} {}\n", "x".repeat(writer * 100));
                    expect(append(volume, path, line.as_bytes()));
                }
            });
        }
    });
    let log = get(volume, &path);
    let log = String::from_utf8_lossy(&log);
    let mut next = vec![0; writers];
    for line in log.lines() {
        let parts: Vec<&str> = line.split(' ').collect();
        let [writer, i, filler] = parts[..] else {
            panic!("torn line {line:?}");
        };
        let (writer, i) = (number(writer.as_bytes()), number(i.as_bytes()));
        assert_eq!(filler.len(), writer * 100, "torn line {line:?}");
        assert_eq!(i, next[writer], "an append is lost or out of order");
        next[writer] += 1;
    }
    assert_eq!(next, vec![each; writers]);
}

/// While a file is replaced again and again, each reader sees one complete
/// version, and never an older one than before.
pub fn a_reader_sees_one_version(volume: &dyn Volume) {
    let path = file("file");
    let contents = |number: usize| {
        let length = 1 + (number * 7919) % 60_000;
        let mut contents = format!("{number:08} {length:08} ").into_bytes();
        contents.resize(18 + length, (number % 251) as u8);
        contents
    };
    put(volume, &path, &contents(0));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut last = 0;
                while !done.load(Ordering::Relaxed) {
                    let seen = get(volume, &path);
                    let seen_number = number(&seen[..8]);
                    assert!(seen == contents(seen_number), "a mixture or a prefix");
                    assert!(seen_number >= last, "an older version after a newer");
                    last = seen_number;
                }
            });
        }
        for number in 1..150 {
            put(volume, &path, &contents(number));
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// Who reads the files of a batch one after the other never sees an old one
/// after a new one.
pub fn no_reader_sees_half_a_batch(volume: &dyn Volume) {
    let paths: Vec<FilePath> = (0..6).map(|i| file(&format!("file{i}"))).collect();
    let of_round = |round: usize| {
        let steps = paths.iter().map(|path| {
            let contents = round.to_string().into_bytes();
            let path = path.clone();
            Step::from(Change::write(path, contents))
        });
        let even_only = round.is_multiple_of(2).then(|| write_step("even", b""));
        let odd = Change::delete(file("even"));
        steps.chain([even_only.unwrap_or(odd).into()]).collect()
    };
    expect(volume.commit(of_round(0)));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut last = 0;
                while !done.load(Ordering::Relaxed) {
                    for path in &paths {
                        let seen = number(&get(volume, path));
                        assert!(seen >= last, "{path} is older than what was seen before");
                        last = seen;
                    }
                    let listed = names(volume, None).len();
                    assert!(listed == 6 || listed == 7, "{listed} files are listed");
                }
            });
        }
        for round in 1..40 {
            expect(volume.commit(of_round(round)));
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// Batches over the same files in different orders come through, one after the
/// other.
pub fn crossing_batches_do_not_block_each_other(volume: &dyn Volume) {
    let paths = ["x", "y", "z/1", "z/2"];
    thread::scope(|scope| {
        for writer in 0..6 {
            scope.spawn(move || {
                for round in 0..5 {
                    let contents = format!("{writer} {round}").into_bytes();
                    let rotated = (0..paths.len()).map(|i| paths[(i + writer) % paths.len()]);
                    let steps = rotated.map(|path| Step::from(write_step(path, &contents)));
                    expect(volume.commit(steps.collect()));
                }
            });
        }
    });
    let all: Vec<_> = paths.iter().map(|path| get(volume, &file(path))).collect();
    assert!(all.iter().all(|contents| *contents == all[0]), "{all:?}");
}

/// While a file grows, each reader sees whole appends, by whatever call.
pub fn a_reader_sees_whole_appends(volume: &dyn Volume) {
    let path = file("log");
    // Longer than what file systems usually copy in one go.
    let line = [vec![b'x'; 29_999], vec![b'\n']].concat();
    let whole = |bytes: u64| bytes.is_multiple_of(line.len() as u64);
    expect(append(volume, &path, &line));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let seen = get(volume, &path).len() as u64;
                    assert!(whole(seen), "read {seen} bytes, the middle of an append");
                    let seen = stat_size(volume, &path);
                    assert!(whole(seen), "{seen} bytes long, the middle of an append");
                    let seen = expect(volume.reader(&path)).size();
                    assert!(whole(seen), "streams {seen} bytes, the middle of an append");
                }
            });
        }
        for _ in 0..30 {
            expect(append(volume, &path, &line));
        }
        done.store(true, Ordering::Relaxed);
    });
}
