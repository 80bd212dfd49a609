//! No symbolic link leads a guest out of the directory that it was given, or into the
//! part of it that is the engine's own. No path does, either: see `paths.rs`.
#![cfg(unix)]

use ability_storage::{LocalVolume, StorageCtx};
use end_to_end::command::names;
use end_to_end::embedding::{PROBE, VARIANTS};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const SECRET: &str = "secret";

/// A volume in a directory that also holds things a guest must not reach.
struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("temporary directory");
        let place = Self { directory };
        fs::create_dir(place.volume()).expect("created");
        fs::create_dir(place.outside()).expect("created");
        fs::write(place.outside().join("file"), SECRET).expect("written");
        place
    }

    fn volume(&self) -> PathBuf {
        self.directory.path().join("volume")
    }

    fn outside(&self) -> PathBuf {
        self.directory.path().join("outside")
    }

    fn ctx(&self) -> StorageCtx {
        let volume = LocalVolume::open(self.volume()).expect("opened");
        StorageCtx::builder().ability_volume(volume).build()
    }

    fn check_outside(&self) {
        assert_eq!(names(&self.outside()), ["file"]);
        let contents = fs::read_to_string(self.outside().join("file")).expect("still there");
        assert_eq!(contents, SECRET);
        assert_eq!(names(self.directory.path()), ["outside", "volume"]);
    }
}

fn link(to: impl AsRef<Path>, at: PathBuf) {
    std::os::unix::fs::symlink(to, at).expect("linked");
}

/// Links that someone with access to the directory has put there.
fn plant_links(place: &Place) {
    let volume = place.volume();
    fs::write(volume.join("real"), "real").expect("written");
    fs::create_dir(volume.join("directory")).expect("created");
    fs::write(volume.join("directory/file"), "inside").expect("written");
    link(place.outside().join("file"), volume.join("to-file"));
    link("../outside/file", volume.join("to-file-relative"));
    link(place.outside(), volume.join("to-directory"));
    link("../outside", volume.join("directory/to-directory"));
    link("/", volume.join("to-root"));
    link("real", volume.join("to-real"));
    link("directory", volume.join("to-inside"));
    link(".ability-storage", volume.join("to-private"));
    link("nowhere", volume.join("dangling"));
    link("loop", volume.join("loop"));
}

const LINKS: [&str; 6] = [
    "to-file",
    "to-file-relative",
    "to-real",
    "to-directory",
    "dangling",
    "loop",
];

/// What a guest is told of a link in a file's place.
const IS_LINK: &str = "err invalid-path it is a symbolic link, not a file";

#[test]
fn links_are_not_read() {
    for variant in VARIANTS {
        let place = Place::new();
        plant_links(&place);
        for path in LINKS {
            let operations = [
                ["read", path],
                ["read-versioned", path],
                ["stat", path],
                ["exists", path],
            ];
            let answers = PROBE.answers(variant, place.ctx(), operations);
            assert_eq!(answers, [IS_LINK; 4], "{path}");
        }
        for path in [
            "to-directory/file",
            "directory/to-directory/file",
            "to-root/etc/passwd",
            "to-inside/file",
            "to-private/lock",
        ] {
            let answers = PROBE.answers(variant, place.ctx(), [["read", path], ["exists", path]]);
            assert_eq!(answers, ["err not-found", "ok false"], "{path}");
        }
        let operations = [
            ["list", ""],
            ["list", "to-directory"],
            ["list", "to-root"],
            ["list", "to-inside"],
        ];
        let answers = PROBE.answers(variant, place.ctx(), operations);
        assert_eq!(answers, ["ok directory/file\treal", "ok", "ok", "ok"]);
        place.check_outside();
    }
}

#[test]
fn no_change_replaces_a_link() {
    for variant in VARIANTS {
        let place = Place::new();
        plant_links(&place);
        for path in LINKS {
            let operations: [&[&str]; 10] = [
                &["write", path, "mine"],
                &["write-if", path, "mine", "absent"],
                &["append", path, "mine"],
                &["stream-write", path, "10"],
                &["update", path, "mine"],
                &["rename", "real", path],
                &["rename", path, "moved"],
                &["delete", path],
                &["counter-next", path, "1"],
                &["state-push", path, "mine"],
            ];
            let answers = PROBE.answers(variant, place.ctx(), operations);
            for (operation, answer) in operations.iter().zip(&answers) {
                assert!(
                    answer.contains("it is a symbolic link"),
                    "{operation:?}: {answer}"
                );
            }
            let batch = ["batch", "write", "other", "mine", "write", path, "mine"];
            let answers = PROBE.answers(variant, place.ctx(), [batch]);
            assert_eq!(answers, [format!("{IS_LINK} step=1")], "{path}");
            assert!(place.volume().join(path).is_symlink(), "{path}");
            let real = fs::read_to_string(place.volume().join("real")).expect("there");
            assert_eq!(real, "real");
            place.check_outside();
        }
    }
}

#[test]
fn no_change_goes_through_a_link() {
    for variant in VARIANTS {
        let place = Place::new();
        plant_links(&place);
        for directory in [
            "to-directory",
            "directory/to-directory",
            "to-root/tmp",
            "to-private",
        ] {
            let path = format!("{directory}/file");
            let path = path.as_str();
            let operations: [&[&str]; 5] = [
                &["write", path, "stolen"],
                &["write-if", path, "stolen", "absent"],
                &["append", path, "stolen"],
                &["rename", "real", path],
                &["rename", path, "stolen"],
            ];
            let answers = PROBE.answers(variant, place.ctx(), operations);
            for (operation, answer) in operations.iter().zip(&answers) {
                assert!(answer.starts_with("err "), "{operation:?}: {answer}");
            }
            let deleted = PROBE.answers(variant, place.ctx(), [["delete", path], ["read", "real"]]);
            assert_eq!(deleted[1], "ok real", "{path}");
        }
        place.check_outside();
    }
}

#[test]
fn no_delete_goes_through_a_link() {
    let place = Place::new();
    plant_links(&place);
    for path in ["to-directory/file", "to-root/etc/passwd"] {
        // What is absent is deleted already.
        let answers = PROBE.answers(VARIANTS[0], place.ctx(), [["delete", path]]);
        assert_eq!(answers, ["ok"], "{path}");
    }
    for path in LINKS {
        assert!(place.volume().join(path).is_symlink(), "{path}");
    }
    place.check_outside();
}
