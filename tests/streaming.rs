//! Files that real components write and read piece by piece: whole at the commit,
//! and gone without one.

use ability_storage::{Limits, LocalVolume, MemoryVolume, Scope, StorageCtx, Volume};
use end_to_end::command::{names, staged_bytes};
use end_to_end::embedding::{PROBE, VARIANTS, Variant};
use end_to_end::stores;
use std::path::Path;
use std::sync::Arc;

fn ctx(volume: &Arc<dyn Volume>) -> StorageCtx {
    let ctx = StorageCtx::builder().volume(Scope::Ability, volume.clone());
    ctx.build()
}

fn local(directory: &Path) -> Arc<dyn Volume> {
    Arc::new(LocalVolume::open(directory).expect("opened"))
}

fn answer(variant: Variant, volume: &Arc<dyn Volume>, words: &[&str]) -> String {
    PROBE.answers(variant, ctx(volume), [words]).remove(0)
}

/// That nothing is in the volume, and nothing on its way into it.
fn check_empty(variant: Variant, volume: &Arc<dyn Volume>, directory: &Path) {
    assert_eq!(answer(variant, volume, &["list", ""]), "ok");
    assert_eq!(names(directory), [".ability-storage"]);
    assert_eq!(staged_bytes(directory), 0);
}

#[test]
fn files_of_any_length_come_back() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let volumes = [
        Arc::new(MemoryVolume::new()),
        local(directory.path()),
        stores::fresh(Limits::default()),
    ];
    let chunk = 256 << 10;
    for variant in VARIANTS {
        for volume in &volumes {
            for bytes in [0, 1, chunk - 1, chunk, chunk + 1, (17 << 20) + 3] {
                let bytes = bytes.to_string();
                let written = answer(variant, volume, &["stream-write", "file", &bytes]);
                assert_eq!(written.len(), "ok ".len() + 64, "{written}");
                let read = answer(variant, volume, &["stream-read", "file"]);
                assert_eq!(read, format!("ok {bytes}\tpattern"), "{variant:?}");
            }
        }
    }
}

#[test]
fn a_stream_is_the_file_that_one_write_would_make() {
    for variant in VARIANTS {
        let volume: Arc<dyn Volume> = Arc::new(MemoryVolume::new());
        let written = answer(variant, &volume, &["stream-write", "a/b", "100", "7"]);
        let read = answer(variant, &volume, &["read-versioned", "a/b"]);
        let (version, _) = read.split_once('\t').expect("version and contents");
        assert_eq!(written, version);
        let again = ["stream-write-if", "a/b", "5", "absent"];
        let conflict = answer(variant, &volume, &again);
        assert_eq!(conflict, version.replace("ok ", "err conflict "));
        let condition = version.replace("ok ", "version:");
        let again = answer(
            variant,
            &volume,
            &["stream-write-if", "a/b", "5", &condition],
        );
        assert!(again.starts_with("ok "), "{again}");
    }
}

#[test]
fn a_reader_keeps_the_version_that_it_opened() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let volumes = [Arc::new(MemoryVolume::new()), local(directory.path())];
    for variant in VARIANTS {
        for volume in &volumes {
            let bytes = (3 << 20).to_string();
            answer(variant, volume, &["stream-write", "file", &bytes]);
            let replaced = answer(variant, volume, &["stream-read-replaced", "file", "70000"]);
            assert_eq!(replaced, format!("ok {bytes}\tpattern"));
            let now = answer(variant, volume, &["stream-read", "file"]);
            assert_eq!(now, "ok 70000\tpattern");
        }
    }
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    for variant in VARIANTS {
        let directory = tempfile::tempdir().expect("temporary directory");
        let volume = local(directory.path());
        let write = ["stream-write", "file", "3000000", "65536", "drop"];
        assert_eq!(answer(variant, &volume, &write), "ok");
        check_empty(variant, &volume, directory.path());
    }
}

#[test]
fn a_guest_that_traps_leaves_nothing() {
    for variant in VARIANTS {
        let directory = tempfile::tempdir().expect("temporary directory");
        let volume = local(directory.path());
        let write = ["stream-write", "file", "3000000", "65536", "trap"];
        let run = PROBE.run(variant, ctx(&volume), &write, "");
        run.result.expect_err("a trap");
        check_empty(variant, &volume, directory.path());
    }
}

#[test]
fn what_was_there_stays_until_the_commit() {
    for variant in VARIANTS {
        let directory = tempfile::tempdir().expect("temporary directory");
        let volume = local(directory.path());
        answer(variant, &volume, &["write", "file", "old"]);
        for end in ["drop", "trap"] {
            let write = ["stream-write", "file", "300000", "65536", end];
            let _ = PROBE.run(variant, ctx(&volume), &write, "");
            assert_eq!(answer(variant, &volume, &["read", "file"]), "ok old");
        }
        assert_eq!(staged_bytes(directory.path()), 0);
    }
}

#[test]
fn a_guest_has_only_so_many_streams_open() {
    for variant in VARIANTS {
        let volume: Arc<dyn Volume> = Arc::new(MemoryVolume::new());
        answer(variant, &volume, &["write", "file", ""]);
        let expected =
            "ok 32\tquota-exceeded 32 writers and readers are open, and no more are allowed";
        for open in [
            ["open-writers", "100"].as_slice(),
            &["open-readers", "file", "100"],
        ] {
            assert_eq!(answer(variant, &volume, open), expected);
            // What it had open went with it.
            assert_eq!(answer(variant, &volume, open), expected);
        }
    }
}

#[test]
fn a_volume_has_only_so_many_writers_open() {
    for variant in VARIANTS {
        let directory = tempfile::tempdir().expect("temporary directory");
        let local = LocalVolume::options()
            .limits(Limits::default().max_writers(3))
            .open(directory.path());
        let volume: Arc<dyn Volume> = Arc::new(local.expect("opened"));
        let answer = answer(variant, &volume, &["open-writers", "100"]);
        let expected = "ok 3\tquota-exceeded writer-3 was not changed: 3 writers are open, and \
                        no more are allowed";
        assert_eq!(answer, expected);
        check_empty(variant, &volume, directory.path());
    }
}
