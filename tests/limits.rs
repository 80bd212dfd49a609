//! What goes beyond a limit of the volume reaches a guest as the error that the
//! WIT names for it, whichever way it writes, and changes nothing.

use ability_storage::{Limits, LocalVolume, MemoryVolume, Scope, StorageCtx, Volume};
use end_to_end::embedding::{PROBE, VARIANTS};
use end_to_end::stores;
use std::sync::Arc;

/// Runs operations with both variants on all kinds of volume. An answer that is
/// expected ends where its text is the engine's own matter.
fn check(limits: &Limits, expected: &[(&str, &str)]) {
    for variant in VARIANTS {
        let directory = tempfile::tempdir().expect("temporary directory");
        let local = LocalVolume::options().limits(limits.clone());
        let volumes: [Arc<dyn Volume>; 3] = [
            Arc::new(MemoryVolume::with_limits(limits.clone())),
            Arc::new(local.open(directory.path()).expect("opened")),
            stores::fresh(limits.clone()),
        ];
        for (kind, volume) in ["memory", "directory", "object store"].iter().zip(volumes) {
            let ctx = StorageCtx::builder().volume(Scope::Ability, volume).build();
            let operations = expected.iter().map(|(operation, _)| {
                let words: Vec<_> = operation.split(' ').collect();
                words
            });
            let answers = PROBE.answers(variant, ctx, operations);
            for ((operation, expected), answer) in expected.iter().zip(&answers) {
                let is_expected = match expected.strip_suffix('…') {
                    Some(start) => answer.starts_with(start),
                    None => answer == expected,
                };
                assert!(is_expected, "{operation} {variant:?} {kind}: {answer}");
            }
        }
    }
}

#[test]
fn all_files_together() {
    let quota = "err quota-exceeded b was not changed: all files together would exceed 10 bytes";
    let of_step = format!("{quota} step=1");
    check(
        &Limits::default().max_total_bytes(10),
        &[
            ("write a 12345678", "ok"),
            ("write b 90", "ok"),
            ("write b 901", quota),
            ("write-if b 901 any", quota),
            ("append b 1", quota),
            ("stream-write b 3", quota),
            ("batch delete c write b 901", &of_step),
            ("batch delete c append b 1", &of_step),
            ("read a", "ok 12345678"),
            ("read b", "ok 90"),
            ("list ", "ok a\tb"),
            // What makes room for itself may go ahead.
            ("batch delete a write b 1234567890", "ok none\t…"),
            ("write b 1", "ok"),
            ("stream-write a 9", "ok …"),
        ],
    );
}

#[test]
fn the_number_of_files() {
    let quota = "err quota-exceeded c was not changed: there would be more than 2 files";
    check(
        &Limits::default().max_files(2),
        &[
            ("write a 1", "ok"),
            ("append d/b 2", "ok"),
            ("write c 3", quota),
            ("append c 3", quota),
            ("stream-write c 3", quota),
            // Which of the steps is one too many, the volume decides.
            ("batch write a 4 write c 3", "err quota-exceeded …"),
            ("list ", "ok a\td/b"),
            ("read a", "ok 1"),
            ("write a 4", "ok"),
            ("rename a c", "ok"),
            ("batch delete c write a 5", "ok none\t…"),
            ("list ", "ok a\td/b"),
        ],
    );
}

#[test]
fn the_longest_file() {
    check(
        &Limits::default().max_file_bytes(8),
        &[
            ("write a 123456789", "err too-large 8"),
            ("write a 1234567", "ok"),
            ("append a 89", "err too-large 8"),
            ("stream-write a 9", "err too-large 8"),
            ("stream-write b 9 1", "err too-large 8"),
            ("batch append a 8 append a 9", "err too-large 8 step=1"),
            ("read a", "ok 1234567"),
            ("list ", "ok a"),
        ],
    );
}

#[test]
fn the_endings_of_names() {
    check(
        &Limits::default().text_files_only(),
        &[
            ("write notes/a.md text", "ok"),
            ("write A.JSON {}", "ok"),
            (
                "write run.sh text",
                "err invalid-path it must end in one of .txt, …",
            ),
            (
                "write md text",
                "err invalid-path it must end in one of .txt, …",
            ),
            (
                "append run.sh text",
                "err invalid-path it must end in one of .txt, …",
            ),
            (
                "stream-write run.sh 3",
                "err invalid-path it must end in one of .txt, …",
            ),
            (
                "rename A.JSON run.sh",
                "err invalid-path on renaming A.JSON to it: it must end in one of .txt, …",
            ),
            (
                "batch write b.md text rename A.JSON run.sh",
                "err invalid-path on renaming A.JSON to it: it must end in one of .txt, …",
            ),
            ("read run.sh", "err not-found"),
            ("list ", "ok A.JSON\tnotes/a.md"),
        ],
    );
}

#[test]
fn the_depth_of_paths() {
    check(
        &Limits::default().max_depth(2),
        &[
            ("write a/b text", "ok"),
            (
                "write a/c/d text",
                "err invalid-path it has more than 2 components…",
            ),
            (
                "append a/c/d text",
                "err invalid-path it has more than 2 components…",
            ),
            (
                "stream-write a/c/d 1",
                "err invalid-path it has more than 2 components…",
            ),
            (
                "rename a/b a/c/d",
                "err invalid-path on renaming a/b to it: it has more than 2 components…",
            ),
            ("list ", "ok a/b"),
        ],
    );
}

#[test]
fn what_is_on_its_way() {
    check(
        &Limits::default().max_bytes_in_flight(1 << 20),
        &[
            ("stream-write a 1048576", "ok …"),
            ("stream-read a", "ok 1048576\tpattern"),
        ],
    );
    let directory = tempfile::tempdir().expect("temporary directory");
    let limits = Limits::default().max_bytes_in_flight(1 << 20);
    let local = LocalVolume::options().limits(limits).open(directory.path());
    let ctx = StorageCtx::builder().ability_volume(local.expect("opened"));
    let operations = [["stream-write", "a", "1048577"].as_slice(), &["list", ""]];
    let answers = PROBE.answers(VARIANTS[0], ctx.build(), operations);
    assert!(answers[0].starts_with("err quota-exceeded a was not changed: more than 1048576"));
    assert_eq!(answers[1], "ok");
}
