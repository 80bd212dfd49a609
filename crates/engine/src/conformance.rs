//! What every [`Volume`] must do, as test functions that any backend can run.
//!
//! Each function takes a fresh, empty volume that was opened with [`limits`] and
//! panics where a promise is broken. [`conformance_suite!`](crate::conformance_suite)
//! makes a `#[test]` of each:
//!
//! ```
//! # #[cfg(feature = "conformance")]
//! mod memory {
//!     use ability_storage_engine::{MemoryVolume, conformance};
//!
//!     ability_storage_engine::conformance_suite!(|run: fn(&dyn ability_storage_engine::Volume)| {
//!         run(&MemoryVolume::with_limits(conformance::limits()));
//!     });
//! }
//! ```

use crate::{
    Batch, Change, Error, FilePath, Limits, Outcome, Precondition, Result, Step, Version, Volume,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

/// The longest file of the volumes under test.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The most that the volumes under test hold.
const MAX_TOTAL_BYTES: u64 = 8 << 20;
const MAX_FILES: u64 = 1_100;
const MAX_DEPTH: usize = 8;
const MAX_WRITERS: usize = 4;

/// More than any file here has.
const ALL: u64 = u64::MAX;

/// The limits with which a volume under test is to be opened.
pub fn limits() -> Limits {
    Limits::default()
        .max_file_bytes(MAX_FILE_BYTES)
        .max_total_bytes(MAX_TOTAL_BYTES)
        .max_files(MAX_FILES)
        .max_depth(MAX_DEPTH)
        .max_writers(MAX_WRITERS)
}

/// Makes a `#[test]` of each function of [`conformance`](crate::conformance).
///
/// Takes a function that gets such a function and has to call it once with a
/// fresh volume.
#[macro_export]
macro_rules! conformance_suite {
    ($with_fresh_volume:expr) => {
        $crate::conformance_suite! { shared: $with_fresh_volume }
        $crate::conformance_suite! { $with_fresh_volume;
            no_reader_sees_half_a_batch
            writers_are_limited_in_number
            limits_on_all_files_are_kept
        }
    };
    // What holds also where the calls go to several volumes over the same files.
    (shared: $with_fresh_volume:expr) => {
        $crate::conformance_suite! { $with_fresh_volume;
            what_is_written_is_read
            a_write_replaces_the_whole_file
            an_absent_file_is_not_found
            a_version_stands_for_contents
            a_write_keeps_its_precondition
            a_delete_keeps_its_precondition
            deleting_what_is_absent_succeeds
            an_append_adds_to_the_end
            an_append_keeps_its_precondition
            a_rename_moves_and_replaces
            a_rename_keeps_its_precondition
            a_list_is_by_directory_and_sorted
            a_path_is_a_file_or_a_directory
            directories_without_files_are_in_nobodys_way
            what_is_too_large_changes_nothing
            a_stat_tells_size_and_time
            no_update_is_lost
            appends_do_not_mix
            a_reader_sees_one_version
            a_batch_does_all_of_it
            a_batch_does_none_of_it
            a_batch_takes_its_steps_in_order
            a_batch_can_turn_files_into_directories
            a_batch_of_a_thousand_steps
            crossing_batches_do_not_block_each_other
            a_writer_shows_nothing_before_its_commit
            a_writer_keeps_its_precondition
            a_stream_reader_stays_with_one_version
            limits_on_paths_are_kept
        }
    };
    ($with_fresh_volume:expr; $($case:ident)*) => {
        $(
            #[test]
            fn $case() {
                ($with_fresh_volume)($crate::conformance::$case);
            }
        )*
    };
}

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
    let delete = || Change::Delete { path: path.clone() };
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
        expect(one(volume, Change::Delete { path: file(path) }));
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

/// A conditional append is made exactly when its precondition holds.
pub fn an_append_keeps_its_precondition(volume: &dyn Volume) {
    let path = file("log");
    let append_if = |precondition| {
        let contents = b"+".to_vec();
        let path = path.clone();
        one(
            volume,
            Change::Append { path, contents }.only_if(precondition),
        )
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
    expect(
        volume.commit(
            Change::Delete {
                path: file("a/b/c/d"),
            }
            .into(),
        ),
    );
    put(volume, &file("a"), b"a file now");
    assert_eq!(get(volume, &file("a")), b"a file now");
    expect(one(volume, Change::Delete { path: file("a") }));
    put(volume, &file("a/b"), b"below again");
    assert_eq!(names(volume, None), ["a/b"]);
}

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

/// All steps of a batch take effect, and the versions are those written.
pub fn a_batch_does_all_of_it(volume: &dyn Volume) {
    put(volume, &file("old"), b"old");
    put(volume, &file("moving"), b"moving");
    put(volume, &file("log"), b"1\n");
    put(volume, &file("unrelated"), b"unrelated");
    let versions = expect(
        volume.commit(batch([
            write_step("dir/new", b"new").only_if(Precondition::Absent),
            Change::Delete { path: file("old") }.into(),
            move_step("moving", "dir/moved"),
            append_step("log", b"2\n"),
            write_step("empty", b"").into(),
            Change::Delete {
                path: file("absent"),
            }
            .into(),
        ])),
    );
    let written = Some(Version::of(b"new"));
    let empty = Some(Version::of(b""));
    assert_eq!(versions, [written, None, None, None, empty, None]);
    let expected = ["dir/moved", "dir/new", "empty", "log", "unrelated"];
    assert_eq!(names(volume, None), expected);
    assert_eq!(get(volume, &file("dir/new")), b"new");
    assert_eq!(get(volume, &file("dir/moved")), b"moving");
    assert_eq!(get(volume, &file("log")), b"1\n2\n");
    assert_eq!(expect(volume.commit(Batch::new())), []);
}

/// A step that cannot be made is named, and nothing at all is changed.
pub fn a_batch_does_none_of_it(volume: &dyn Volume) {
    put(volume, &file("a"), b"a");
    let version = put(volume, &file("b"), b"b");
    let too_large = vec![0; MAX_FILE_BYTES as usize + 1];
    type Check = fn(&Error) -> bool;
    let impossible: [(Step, Check); 7] = [
        (
            write_step("b", b"x").only_if(Precondition::Absent),
            |error| matches!(error, Error::Conflict { found: Some(_), .. }),
        ),
        (
            append_change("new", b"x").only_if(Precondition::Version(version)),
            |error| matches!(error, Error::Conflict { found: None, .. }),
        ),
        (move_step("absent", "b"), |error| {
            matches!(error, Error::NotFound { .. })
        }),
        (write_step("b/below", b"x").into(), |error| {
            matches!(error, Error::NotAFile { .. })
        }),
        (write_step("dir", b"x").into(), |error| {
            matches!(error, Error::NotAFile { .. })
        }),
        (write_step("large", &too_large).into(), |error| {
            matches!(error, Error::TooLarge { .. })
        }),
        (write_step("1/2/3/4/5/6/7/8/9", b"").into(), |error| {
            matches!(error, Error::PathNotAllowed { .. })
        }),
    ];
    for (step, is_expected) in impossible {
        let error = volume.commit(batch([
            write_step("a", b"changed").into(),
            write_step("dir/new", b"new").into(),
            step,
            Change::Delete { path: file("a") }.into(),
        ]));
        match error {
            Err(error @ Error::Step { .. }) => {
                assert_eq!(error.outcome(), Outcome::NotApplied);
                let Error::Step { index, source } = error else {
                    unreachable!()
                };
                assert!(index == 2 || index == 1, "step {index}: {source}");
                assert!(is_expected(&source), "{source:?}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(names(volume, None), ["a", "b"]);
        assert_eq!(get(volume, &file("a")), b"a");
        assert_eq!(get(volume, &file("b")), b"b");
    }
}

/// Each step sees what those before it did; the last one of a path counts.
pub fn a_batch_takes_its_steps_in_order(volume: &dyn Volume) {
    put(volume, &file("a"), b"A");
    put(volume, &file("b"), b"B");
    // To swap two files by a third name.
    expect(volume.commit(batch([
        move_step("a", "swap"),
        move_step("b", "a"),
        move_step("swap", "b"),
    ])));
    assert_eq!(names(volume, None), ["a", "b"]);
    assert_eq!(get(volume, &file("a")), b"B");
    assert_eq!(get(volume, &file("b")), b"A");

    let one = Version::of(b"1");
    let two = Version::of(b"12");
    expect(
        volume.commit(batch([
            write_step("c", b"1").only_if(Precondition::Absent),
            append_change("c", b"2").only_if(Precondition::Version(one)),
            Change::Rename {
                source: file("c"),
                target: file("d"),
            }
            .only_if(Precondition::Absent),
            append_change("d", b"3").only_if(Precondition::Version(two)),
            Change::Delete { path: file("a") }.into(),
            append_step("a", b"again"),
            append_step("b", b"+"),
            append_step("b", b"+"),
        ])),
    );
    assert_eq!(names(volume, None), ["a", "b", "d"]);
    assert_eq!(get(volume, &file("a")), b"again");
    assert_eq!(get(volume, &file("b")), b"A++");
    assert_eq!(get(volume, &file("d")), b"123");

    expect(volume.commit(batch([
        write_step("e", b"never").into(),
        Change::Delete { path: file("e") }.into(),
        move_step("d", "f"),
        move_step("f", "d"),
    ])));
    assert_eq!(names(volume, None), ["a", "b", "d"]);
    assert_eq!(get(volume, &file("d")), b"123");
}

/// What the batch itself removes is in nobody's way.
pub fn a_batch_can_turn_files_into_directories(volume: &dyn Volume) {
    put(volume, &file("a"), b"a");
    put(volume, &file("dir/x/1"), b"1");
    put(volume, &file("dir/2"), b"2");
    expect(
        volume.commit(batch([
            Change::Delete { path: file("a") }.into(),
            write_step("a/b/c", b"below").into(),
            Change::Delete {
                path: file("dir/x/1"),
            }
            .into(),
            Change::Delete {
                path: file("dir/2"),
            }
            .into(),
            write_step("dir", b"a file").into(),
        ])),
    );
    assert_eq!(names(volume, None), ["a/b/c", "dir"]);
    assert_eq!(get(volume, &file("a/b/c")), b"below");
    assert_eq!(get(volume, &file("dir")), b"a file");
}

/// A batch is not limited to a few steps.
pub fn a_batch_of_a_thousand_steps(volume: &dyn Volume) {
    for round in 0..2 {
        let contents = |i: usize| format!("{round} {i}").into_bytes();
        let steps = (0..1_000).map(|i| {
            let path = format!("dir{}/{i:04}", i % 7);
            Step::from(write_step(&path, &contents(i)))
        });
        assert_eq!(expect(volume.commit(steps.collect())).len(), 1_000);
        assert_eq!(names(volume, None).len(), 1_000);
        for i in 0..1_000 {
            let path = file(&format!("dir{}/{i:04}", i % 7));
            assert_eq!(get(volume, &path), contents(i));
        }
    }
}

/// Who reads the files of a batch one after the other never sees an old one
/// after a new one.
pub fn no_reader_sees_half_a_batch(volume: &dyn Volume) {
    let paths: Vec<FilePath> = (0..6).map(|i| file(&format!("file{i}"))).collect();
    let of_round = |round: usize| {
        let steps = paths.iter().map(|path| {
            let contents = round.to_string().into_bytes();
            let path = path.clone();
            Step::from(Change::Write { path, contents })
        });
        let even_only = round.is_multiple_of(2).then(|| write_step("even", b""));
        let odd = Change::Delete { path: file("even") };
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
        expect(one(volume, Change::Delete { path: path.clone() }));
    }
    let mut writer = expect(volume.writer(&path));
    let too_large = (0..=MAX_FILE_BYTES / 100_000).find_map(|_| writer.write(&chunk).err());
    assert!(matches!(too_large, Some(Error::TooLarge { .. })));
    drop(writer);
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
        &|| {
            assert_eq!(
                expect(one(volume, Change::Delete { path: path.clone() })),
                None
            )
        },
    ];
    for change in changes {
        put(volume, &path, &contents);
        let mut reader = expect(volume.reader(&path));
        assert_eq!(reader.size(), contents.len() as u64);
        let mut seen = expect(reader.read(1_000));
        assert!(!seen.is_empty() && seen.len() <= 1_000);
        change();
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
    expect(one(
        volume,
        Change::Delete {
            path: file("many/0"),
        },
    ));
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
    assert_eq!(names(volume, None), [deep(MAX_DEPTH), "file".to_owned()]);
}

fn batch<const N: usize>(steps: [Step; N]) -> Batch {
    steps.into_iter().collect()
}

fn write_step(path: &str, contents: &[u8]) -> Change {
    Change::Write {
        path: file(path),
        contents: contents.to_vec(),
    }
}

fn append_change(path: &str, contents: &[u8]) -> Change {
    Change::Append {
        path: file(path),
        contents: contents.to_vec(),
    }
}

fn append_step(path: &str, contents: &[u8]) -> Step {
    append_change(path, contents).into()
}

fn move_step(source: &str, target: &str) -> Step {
    let (source, target) = (file(source), file(target));
    Change::Rename { source, target }.into()
}

fn file(path: &str) -> FilePath {
    expect(FilePath::new(path).map_err(Error::from))
}

#[track_caller]
fn expect<T>(result: Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error} ({error:?})"),
    }
}

#[track_caller]
fn put(volume: &dyn Volume, path: &FilePath, contents: &[u8]) -> Version {
    let written = expect(write_if(volume, path, contents, Precondition::Any));
    assert_eq!(written, Some(Version::of(contents)));
    Version::of(contents)
}

/// Commits one step; what it wrote.
fn one(volume: &dyn Volume, step: impl Into<Step>) -> Result<Option<Version>> {
    let versions = volume.commit(Batch::from(step))?;
    assert_eq!(versions.len(), 1);
    Ok(versions[0])
}

fn write_if(
    volume: &dyn Volume,
    path: &FilePath,
    contents: &[u8],
    precondition: Precondition,
) -> Result<Option<Version>> {
    let (path, contents) = (path.clone(), contents.to_vec());
    one(
        volume,
        Change::Write { path, contents }.only_if(precondition),
    )
}

fn append(volume: &dyn Volume, path: &FilePath, contents: &[u8]) -> Result<Option<Version>> {
    let (path, contents) = (path.clone(), contents.to_vec());
    one(volume, Change::Append { path, contents })
}

fn rename(
    volume: &dyn Volume,
    source: &str,
    target: &str,
    precondition: Precondition,
) -> Result<Option<Version>> {
    let (source, target) = (file(source), file(target));
    one(
        volume,
        Change::Rename { source, target }.only_if(precondition),
    )
}

#[track_caller]
fn get(volume: &dyn Volume, path: &FilePath) -> Vec<u8> {
    expect(volume.read(path, ALL)).contents
}

fn version(volume: &dyn Volume, path: &FilePath) -> Option<Version> {
    match volume.read(path, ALL) {
        Ok(snapshot) => Some(snapshot.version()),
        Err(Error::NotFound { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

fn exists(volume: &dyn Volume, path: &FilePath) -> bool {
    expect(volume.exists(path))
}

fn stat_size(volume: &dyn Volume, path: &FilePath) -> u64 {
    expect(volume.stat(path)).size
}

fn names(volume: &dyn Volume, directory: Option<&str>) -> Vec<String> {
    let directory = directory.map(file);
    let files = expect(volume.list(directory.as_ref()));
    files.iter().map(FilePath::to_string).collect()
}

fn number(text: &[u8]) -> usize {
    match String::from_utf8_lossy(text).parse() {
        Ok(number) => number,
        Err(error) => panic!("{error}"),
    }
}

fn increment(volume: &dyn Volume, path: &FilePath) {
    loop {
        let seen = expect(volume.read(path, ALL));
        let next = (number(&seen.contents) + 1).to_string();
        let unchanged = Precondition::Version(seen.version());
        match write_if(volume, path, next.as_bytes(), unchanged) {
            Err(Error::Conflict { .. }) => continue,
            result => {
                expect(result);
                return;
            }
        }
    }
}

#[track_caller]
fn assert_conflict(result: Result<Option<Version>>, version: Option<Version>) {
    match result {
        Err(error @ Error::Conflict { found, .. }) => {
            assert_eq!(error.outcome(), Outcome::NotApplied);
            assert_eq!(found, version);
        }
        other => panic!("{other:?} is not a conflict"),
    }
}
