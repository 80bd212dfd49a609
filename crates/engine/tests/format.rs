//! The format of a volume, and what becomes of one that has another.

use ability_storage_engine::layout::{FORMAT, PRIVATE_DIR, README};
use ability_storage_engine::{Change, Error, FilePath, LocalVolume, Volume};
use std::fs;
use std::path::{Path, PathBuf};

const EARLIER: [&str; 2] = [
    "ability-storage volume, format 2\n",
    "ability-storage volume, format 3\n",
];

/// The format file is not synced before there is a log.
#[test]
fn a_format_file_that_a_power_cut_left_in_part_counts_as_missing() {
    let torn: [&[u8]; 7] = [
        b"",
        b"ability",
        b"ability-storage volume, format 2",
        b"ability-storage volume, format 3",
        b"ability-storage volume, format 4",
        b"ability\0\0\0\0",
        &[0; 33],
    ];
    for torn in torn {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let format = private(directory.path()).join(FORMAT);
        let volume = LocalVolume::open(directory.path()).expect("opened");
        write(&volume, "file", b"x");
        drop(volume);
        let whole = fs::read(&format).expect("there");
        fs::write(&format, torn).expect("written");
        let read_only = LocalVolume::options().read_only(true);
        drop(read_only.open(directory.path()).expect("opened"));
        let volume = LocalVolume::open(directory.path()).expect("opened");
        assert_eq!(fs::read(&format).expect("there"), whole);
        append(&volume, "file", b"y");
        drop(volume);

        // Beside a log it is not the work of a power cut.
        fs::write(&format, torn).expect("written");
        let refused = LocalVolume::open(directory.path()).expect_err("refused");
        assert!(matches!(refused, Error::Unavailable { .. }), "{refused:?}");
    }
}

#[test]
fn a_readme_is_written_when_the_private_directory_is_made_and_never_again() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let readme = private(directory.path()).join(README);
    drop(LocalVolume::open(directory.path()).expect("opened"));
    let text = fs::read_to_string(&readme).expect("there");
    assert!(text.contains("ability copy FROM TO"), "{text}");
    assert!(text.contains("can miss data that was saved"), "{text}");
    // It belongs to people then.
    fs::write(&readme, "mine").expect("written");
    let volume = LocalVolume::open(directory.path()).expect("opened");
    write(&volume, "file", b"x");
    drop(volume);
    assert_eq!(fs::read_to_string(&readme).expect("there"), "mine");
    fs::remove_file(&readme).expect("removed");
    let volume = LocalVolume::options().journaled(true);
    let volume = volume.open(directory.path()).expect("opened");
    append(&volume, "file", b"y");
    drop(volume);
    assert!(!readme.exists());
}

#[test]
fn an_unknown_format_is_refused() {
    for unknown in [
        "ability-storage volume, format 5\n",
        "ability-storage volume, format 40\n",
        "ability-storage\n",
        "x",
    ] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        drop(LocalVolume::open(directory.path()).expect("opened"));
        let format = private(directory.path()).join(FORMAT);
        fs::write(&format, unknown).expect("written");
        let refused = LocalVolume::open(directory.path()).expect_err("refused");
        assert!(matches!(refused, Error::Unavailable { .. }), "{refused:?}");
        assert_eq!(fs::read_to_string(&format).expect("there"), unknown);
    }
}

#[test]
fn a_volume_that_is_open_in_an_earlier_version_is_refused() {
    for earlier in EARLIER {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let open = LocalVolume::open(directory.path()).expect("opened");
        let format = private(directory.path()).join(FORMAT);
        let current = fs::read_to_string(&format).expect("there");
        fs::write(&format, earlier).expect("written");
        let refused = LocalVolume::open(directory.path()).expect_err("refused");
        assert!(
            refused.to_string().contains("close it there first"),
            "{refused}"
        );
        assert_eq!(fs::read_to_string(&format).expect("there"), earlier);
        drop(open);
        drop(LocalVolume::open(directory.path()).expect("opened"));
        assert_eq!(fs::read_to_string(&format).expect("there"), current);
    }
}

fn write(volume: &LocalVolume, path: &str, contents: &[u8]) {
    let change = Change::write(file(path), contents);
    volume.commit(change.into()).expect("written");
}

fn append(volume: &LocalVolume, path: &str, contents: &[u8]) {
    let change = Change::append(file(path), contents);
    volume.commit(change.into()).expect("appended");
}

fn file(path: &str) -> FilePath {
    FilePath::new(path).expect("valid")
}

fn private(root: &Path) -> PathBuf {
    root.join(PRIVATE_DIR)
}
