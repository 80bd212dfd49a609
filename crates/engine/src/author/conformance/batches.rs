//! Batches: all of it or nothing, in the order of the steps.

use super::MAX_FILE_BYTES;
use super::helpers::{
    append_change, append_step, batch, expect, file, get, move_step, names, put, write_step,
};
use crate::{Batch, Change, Error, Outcome, Precondition, Step, Version, Volume};

/// All steps of a batch take effect, and the versions are those written.
pub fn a_batch_does_all_of_it(volume: &dyn Volume) {
    put(volume, &file("old"), b"old");
    put(volume, &file("moving"), b"moving");
    put(volume, &file("log"), b"1\n");
    put(volume, &file("unrelated"), b"unrelated");
    let versions = expect(volume.commit(batch([
        write_step("dir/new", b"new").only_if(Precondition::Absent),
        Change::delete(file("old")).into(),
        move_step("moving", "dir/moved"),
        append_step("log", b"2\n"),
        write_step("empty", b"").into(),
        Change::delete(file("absent")).into(),
    ])));
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
            Change::delete(file("a")).into(),
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
    expect(volume.commit(batch([
        write_step("c", b"1").only_if(Precondition::Absent),
        append_change("c", b"2").only_if(Precondition::Version(one)),
        Change::rename(file("c"), file("d")).only_if(Precondition::Absent),
        append_change("d", b"3").only_if(Precondition::Version(two)),
        Change::delete(file("a")).into(),
        append_step("a", b"again"),
        append_step("b", b"+"),
        append_step("b", b"+"),
    ])));
    assert_eq!(names(volume, None), ["a", "b", "d"]);
    assert_eq!(get(volume, &file("a")), b"again");
    assert_eq!(get(volume, &file("b")), b"A++");
    assert_eq!(get(volume, &file("d")), b"123");

    expect(volume.commit(batch([
        write_step("e", b"never").into(),
        Change::delete(file("e")).into(),
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
    expect(volume.commit(batch([
        Change::delete(file("a")).into(),
        write_step("a/b/c", b"below").into(),
        Change::delete(file("dir/x/1")).into(),
        Change::delete(file("dir/2")).into(),
        write_step("dir", b"a file").into(),
    ])));
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
