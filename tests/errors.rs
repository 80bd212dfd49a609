//! Every error that a guest can get reaches it as the value that the WIT names,
//! and leaves the file as it was. What cannot be a value ends the guest, and
//! nothing but the guest.

use ability_storage::{
    Batch, Counters, Error, FileInfo, FilePath, Limits, MAX_VALUE_BYTES, MemoryVolume, Reader,
    Result, Scope, Snapshot, StorageCtx, Usage, Version, Volume, Writer,
};
use end_to_end::embedding::{PROBE, VARIANTS, Variant};
use end_to_end::stores;
use std::io::{self, ErrorKind};
use std::sync::Arc;

/// Runs each operation with both variants and compares its answer.
fn check(make: impl Fn() -> StorageCtx, expected: &[(&[&str], &str)]) {
    for variant in VARIANTS {
        let operations = expected.iter().map(|(words, _)| words);
        let answers = PROBE.answers(variant, make(), operations);
        for ((words, expected), answer) in expected.iter().zip(&answers) {
            assert_eq!(answer, expected, "{words:?} {variant:?}");
        }
        assert_eq!(answers.len(), expected.len());
    }
}

/// With volumes of several kinds, which must not differ in what they say.
fn check_all_kinds(limits: &Limits, max_value_bytes: u64, expected: &[(&[&str], &str)]) {
    let ctx = |volume| {
        StorageCtx::builder()
            .volume(Scope::Ability, volume)
            .max_value_bytes(max_value_bytes)
            .build()
    };
    check(
        || ctx(Arc::new(MemoryVolume::with_limits(limits.clone()))),
        expected,
    );
    check(|| ctx(stores::fresh(limits.clone())), expected);
}

fn check_with_default_limits(expected: &[(&[&str], &str)]) {
    check_all_kinds(&Limits::default(), MAX_VALUE_BYTES, expected);
}

#[test]
fn not_found() {
    check_with_default_limits(&[
        (&["read", "a"], "err not-found"),
        (&["read-versioned", "a"], "err not-found"),
        (&["stat", "a"], "err not-found"),
        (&["rename", "a", "b"], "err not-found"),
        (&["stream-read", "a"], "err not-found"),
        (
            &["batch", "delete", "a", "rename", "a", "b"],
            "err not-found step=1",
        ),
        (&["exists", "a"], "ok false"),
        (&["delete", "a"], "ok"),
    ]);
}

#[test]
fn conflict_carries_what_was_found() {
    let old = Version::of(b"old").to_string();
    let other = format!("version:{}", Version::of(b"other"));
    let found = format!("err conflict {old}");
    check_with_default_limits(&[
        (&["write-if", "a", "new", &other], "err conflict none"),
        (
            &["write-if", "a", "new", "version:nonsense"],
            "err conflict none",
        ),
        (&["exists", "a"], "ok false"),
        (&["write", "a", "old"], "ok"),
        (&["write-if", "a", "new", "absent"], &found),
        (&["write-if", "a", "new", &other], &found),
        (&["write-if", "a", "new", "version:"], &found),
        (&["write-if", "a", "new", "version:nonsense"], &found),
        // The same digits in another case are another text.
        (
            &[
                "write-if",
                "a",
                "new",
                &format!("version:{}", old.to_uppercase()),
            ],
            &found,
        ),
        (&["stream-write-if", "a", "3", "absent"], &found),
        (
            &["batch", "write", "b", "new", "delete", "a", "if", "absent"],
            &format!("{found} step=1"),
        ),
        (&["read", "a"], "ok old"),
        (&["list", ""], "ok a"),
    ]);
}

#[test]
fn too_large_in_either_direction() {
    check_all_kinds(
        &Limits::default().max_file_bytes(12),
        8,
        &[
            (&["write", "a", "123456789"], "err too-large 8"),
            (&["append", "a", "123456789"], "err too-large 8"),
            (&["exists", "a"], "ok false"),
            (&["write", "a", "12345678"], "ok"),
            // Longer than what may pass in one call, but not than a file may be.
            (&["append", "a", "9012"], "ok"),
            (&["append", "a", "3"], "err too-large 12"),
            (&["read", "a"], "err too-large 8"),
            (&["read-versioned", "a"], "err too-large 8"),
            (&["stream-read", "a"], "ok 12\tother"),
            (&["stream-write", "b", "9", "9"], "err too-large 8"),
            (
                &["batch", "write", "b", "12345", "append", "b", "6789"],
                "err too-large 8 step=1",
            ),
            (&["delete", "a"], "ok"),
        ],
    );
}

#[test]
fn read_only() {
    let make = || {
        StorageCtx::builder()
            .ability_volume(MemoryVolume::new())
            .read_only(Scope::Ability)
            .user_volume(MemoryVolume::new())
            .build()
    };
    check(
        make,
        &[
            (&["write", "a", ""], "err read-only"),
            (&["write-if", "a", "", "absent"], "err read-only"),
            (&["append", "a", ""], "err read-only"),
            (&["rename", "a", "b"], "err read-only"),
            (&["delete", "a"], "err read-only"),
            (&["batch", "delete", "a"], "err read-only step=none"),
            (&["stream-write", "a", "1"], "err read-only"),
            (&["stream-read", "a"], "err not-found"),
            (&["list", ""], "ok"),
            (&["write", "a", "", "--user"], "ok"),
        ],
    );
}

#[test]
fn unavailable_names_the_scope() {
    let ability = "err unavailable this host has no storage for the scope `ability`";
    let user = "err unavailable this host has no storage for the scope `user`";
    check(
        || StorageCtx::builder().build(),
        &[
            (&["write", "a", ""], ability),
            (&["read", "a"], ability),
            (&["list", "", "--user"], user),
            (&["delete", "a", "--user"], user),
            (&["batch", "delete", "a"], &format!("{ability} step=none")),
            (&["stream-write", "a", "1"], ability),
            (&["stream-read", "a", "--user"], user),
        ],
    );
}

#[test]
fn a_path_that_is_a_file_is_no_directory_and_the_reverse() {
    check_with_default_limits(&[
        (&["write", "a/b", ""], "ok"),
        (
            &["write", "a", ""],
            "err invalid-path it is the directory of other files",
        ),
        (
            &["write", "a/b/c", ""],
            "err invalid-path a/b is not a directory",
        ),
        (&["read", "a"], "err not-found"),
    ]);
}

/// What a disk does to whoever uses a file.
type Fault = fn(FilePath) -> Error;

/// A volume whose disk always fails.
struct Failing(Fault);

impl Volume for Failing {
    fn read(&self, path: &FilePath, _max_bytes: u64) -> Result<Snapshot> {
        Err(self.0(path.clone()))
    }

    fn stat(&self, path: &FilePath) -> Result<FileInfo> {
        Err(self.0(path.clone()))
    }

    fn list(&self, _directory: Option<&FilePath>) -> Result<Vec<FilePath>> {
        Ok(Vec::new())
    }

    fn commit(&self, batch: Batch) -> Result<Vec<Option<Version>>> {
        match batch.steps() {
            [] => Ok(Vec::new()),
            [step, ..] => Err(self.0(step.change.target().clone())),
        }
    }

    fn writer(&self, path: &FilePath) -> Result<Box<dyn Writer>> {
        Err(self.0(path.clone()))
    }

    fn reader(&self, path: &FilePath) -> Result<Box<dyn Reader>> {
        Err(self.0(path.clone()))
    }

    fn usage(&self) -> Result<Usage> {
        Ok(Usage::default())
    }

    fn counters(&self) -> Counters {
        Counters::default()
    }

    fn close(&self) -> Result<()> {
        Ok(())
    }
}

fn broken(kind: ErrorKind) -> io::Error {
    io::Error::new(kind, "the disk says no")
}

#[test]
fn what_a_disk_does() {
    let cases: [(Fault, &str); 5] = [
        (
            |path| Error::not_changed(&path, broken(ErrorKind::StorageFull)),
            "err no-space",
        ),
        (
            |path| Error::unconfirmed(&path, broken(ErrorKind::Other)),
            "err unconfirmed a was changed, but the change may not survive a power cut: the disk says no",
        ),
        (
            |path| Error::in_doubt(&path, broken(ErrorKind::TimedOut)),
            "err unconfirmed a may have been changed, or not: the disk says no",
        ),
        (
            |path| Error::not_changed(&path, broken(ErrorKind::PermissionDenied)),
            "err other a was not changed: the disk says no",
        ),
        (
            |_| {
                let what = "the directory /srv/secret could not be opened";
                Error::unavailable(what, broken(ErrorKind::NotFound))
            },
            "err unavailable the storage cannot be reached now",
        ),
    ];
    for (error, expected) in cases {
        check(
            || StorageCtx::builder().ability_volume(Failing(error)).build(),
            &[
                (&["write", "a", ""], expected),
                (&["append", "a", ""], expected),
                (&["read", "a"], expected),
                (&["stream-write", "a", "1"], expected),
                (&["stream-read", "a"], expected),
            ],
        );
    }
}

#[test]
fn too_much_for_one_call_ends_the_guest_and_nothing_else() {
    for variant in VARIANTS {
        let volume = Arc::new(MemoryVolume::new());
        let ctx = || {
            StorageCtx::builder()
                .volume(Scope::Ability, volume.clone())
                .max_value_bytes(MAX_VALUE_BYTES)
                .build()
        };
        let longest = MAX_VALUE_BYTES.to_string();
        let longer = (MAX_VALUE_BYTES + 1).to_string();
        let too_large = format!("err too-large {MAX_VALUE_BYTES}");
        let operations = [
            vec!["write-size", "a", &longest],
            vec!["write-size", "a", &longer],
        ];
        let answers = PROBE.answers(variant, ctx(), operations);
        assert_eq!(answers, ["ok", &too_large]);

        let two_hundred_mib = (200 << 20).to_string();
        let run = PROBE.run(variant, ctx(), &["write-size", "b", &two_hundred_mib], "");
        let error = run.result.expect_err("a trap");
        assert!(format!("{error:?}").contains("too much data"), "{error:?}");

        let operations = [["exists", "b"].as_slice(), &["write", "a", "still here"]];
        assert_eq!(
            PROBE.answers(variant, ctx(), operations),
            ["ok false", "ok"]
        );
    }
}

#[test]
fn a_host_function_that_panics_ends_the_guest_and_nothing_else() {
    let ctx = StorageCtx::builder()
        .ability_volume(Failing(|_| panic!("a bug in a volume")))
        .build();
    let run = PROBE.run(Variant::Asynchronous, ctx, &["read", "a"], "");
    let error = run.result.expect_err("a trap");
    assert!(format!("{error:?}").contains("panicked"), "{error:?}");
}
