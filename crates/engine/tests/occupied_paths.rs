//! What is not a file is never taken for absent: a symbolic link, a pipe or a socket in a file's
//! place is an error of each operation, and stays what it is.

#![cfg(unix)]

use ability_storage_engine::{
    Batch, Change, Error, FilePath, LocalVolume, LocalVolumeOptions, Precondition, Result, Version,
    Volume,
};
use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use tempfile::TempDir;

const PATH: &str = "dir/settings.json";

/// What another program puts into the place of a file, and what the error calls it.
const OTHERS: [(&str, &str); 6] = [
    ("link to a file of the volume", "a symbolic link"),
    ("link to a file outside", "a symbolic link"),
    ("link to nothing", "a symbolic link"),
    ("link to a directory", "a symbolic link"),
    ("pipe", "a named pipe"),
    ("socket", "a socket"),
];

struct World {
    directory: TempDir,
    outside: TempDir,
    volume: LocalVolume,
}

impl World {
    fn new(options: LocalVolumeOptions) -> Self {
        let [directory, outside] = [(), ()].map(|()| tempfile::tempdir().expect("a directory"));
        fs::create_dir(directory.path().join("dir")).expect("created");
        fs::write(directory.path().join("dir/real"), "inside").expect("written");
        fs::write(outside.path().join("dotfile"), "outside").expect("written");
        let volume = options.open(directory.path()).expect("opened");
        Self {
            directory,
            outside,
            volume,
        }
    }

    fn put(&self, other: &str) {
        let path = self.directory.path().join(PATH);
        let link = |goal: &Path| symlink(goal, &path).expect("linked");
        match other {
            "link to a file of the volume" => link(Path::new("real")),
            "link to a file outside" => link(&self.outside.path().join("dotfile")),
            "link to nothing" => link(Path::new("nothing")),
            "link to a directory" => link(self.outside.path()),
            "pipe" => {
                let made = std::process::Command::new("mkfifo").arg(&path).status();
                assert!(made.expect("mkfifo runs").success());
            }
            _ => drop(UnixListener::bind(&path).expect("bound")),
        }
    }

    /// Nothing came of what was tried.
    fn check(&self, other: &str) {
        let metadata = fs::symlink_metadata(self.directory.path().join(PATH)).expect("there");
        let kind = metadata.file_type();
        assert!(
            kind.is_symlink() || kind.is_fifo() || kind.is_socket(),
            "{other}"
        );
        let inside = fs::read(self.directory.path().join("dir/real")).expect("there");
        let outside = fs::read(self.outside.path().join("dotfile")).expect("there");
        assert_eq!(
            (&inside[..], &outside[..]),
            (&b"inside"[..], &b"outside"[..])
        );
        let listed = self.volume.list(None).expect("listed");
        assert_eq!(listed, [file("dir/real")], "{other}");
    }
}

fn file(path: &str) -> FilePath {
    FilePath::new(path).expect("valid")
}

fn changes(path: &FilePath) -> Vec<(&'static str, Batch)> {
    let write = || Change::write(path.clone(), b"new");
    let append = || Change::append(path.clone(), b"new");
    let delete = || Change::delete(path.clone());
    let real = file("dir/real");
    let version = Precondition::Version(Version::of(b"inside"));
    let with_another =
        |change: Change| Batch::from_iter([Change::write(file("another"), b"x"), change]);
    vec![
        ("write", write().into()),
        (
            "write if absent",
            write().only_if(Precondition::Absent).into(),
        ),
        ("write if of a version", write().only_if(version).into()),
        (
            "write what the goal holds",
            Change::write(path.clone(), b"inside").into(),
        ),
        ("append", append().into()),
        (
            "append if absent",
            append().only_if(Precondition::Absent).into(),
        ),
        ("delete", delete().into()),
        (
            "rename it",
            Change::rename(path.clone(), file("moved")).into(),
        ),
        (
            "rename onto it",
            Change::rename(real.clone(), path.clone()).into(),
        ),
        ("batch of a write", with_another(write())),
        ("batch of an append", with_another(append())),
        ("batch of a delete", with_another(delete())),
    ]
}

fn streamed(volume: &LocalVolume, precondition: Precondition) -> Result<Version> {
    let mut writer = volume.writer(&file(PATH))?;
    writer.write(b"new")?;
    writer.commit(precondition)
}

#[track_caller]
fn assert_names<T: std::fmt::Debug>(result: Result<T>, kind: &str, what: &str) {
    let error = result.expect_err(what);
    let cause = match &error {
        Error::Step { source, .. } => source,
        error => error,
    };
    assert!(
        matches!(cause, Error::NotRegular { .. }),
        "{what}: {error:?}"
    );
    let said = format!("{PATH} is {kind}, not a file");
    assert!(error.to_string().contains(&said), "{what}: {error}");
}

#[test]
fn what_is_not_a_file_is_named_and_left_as_it_is() {
    for journaled in [false, true] {
        for (other, kind) in OTHERS {
            let world = World::new(LocalVolumeOptions::default().journaled(journaled));
            world.put(other);
            let (volume, path) = (&world.volume, file(PATH));
            assert_names(volume.read(&path, 100), kind, other);
            assert_names(volume.reader(&path).map(drop), kind, other);
            assert_names(volume.stat(&path), kind, other);
            assert_names(volume.exists(&path), kind, other);
            for (what, batch) in changes(&path) {
                let what = format!("{what} over a {other}, journaled: {journaled}");
                assert_names(volume.commit(batch), kind, &what);
                world.check(&what);
            }
            for precondition in [Precondition::Any, Precondition::Absent] {
                assert_names(streamed(volume, precondition), kind, other);
                world.check(other);
            }
        }
    }
}

/// Also where the volume has just written the file and knows what it holds, or has a record of it
/// in its log; and what is in the place of one file keeps no other from being listed.
#[test]
fn a_file_that_becomes_a_link_is_not_replaced() {
    let path = file(PATH);
    for (what, change) in changes(&path) {
        let is_new = [
            "write",
            "append",
            "write what the goal holds",
            "batch of an append",
        ];
        if !is_new.contains(&what) {
            continue;
        }
        let world = World::new(LocalVolumeOptions::default());
        world.volume.commit(change.clone()).expect("made");
        fs::remove_file(world.directory.path().join(PATH)).expect("removed");
        world.put("link to a file of the volume");
        assert_names(world.volume.commit(change), "a symbolic link", what);
        assert_names(world.volume.read(&path, 100), "a symbolic link", what);
        let _ = fs::remove_file(world.directory.path().join("another"));
        world.check(what);
    }
}

#[test]
fn a_path_is_free_again_once_a_person_has_removed_what_was_there() {
    let world = World::new(LocalVolumeOptions::default());
    world.put("pipe");
    let path = file(PATH);
    assert_names(world.volume.read(&path, 100), "a named pipe", "read");
    fs::remove_file(world.directory.path().join(PATH)).expect("removed");
    let write = Change::write(path.clone(), b"new").only_if(Precondition::Absent);
    world.volume.commit(write.into()).expect("made");
    assert_eq!(
        world.volume.read(&path, 100).expect("read").contents(),
        b"new"
    );
}
