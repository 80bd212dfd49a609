//! Closing a volume: what was committed is in the files then, or the error says so.

use ability_storage_engine::layout::SPARE_SESSION;
use ability_storage_engine::{
    Change, Error, FilePath, LocalVolume, LocalVolumeOptions, Precondition, Volume,
};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

fn file(path: &str) -> FilePath {
    FilePath::new(path).expect("valid")
}

fn write(path: &str) -> Change {
    Change::write(file(path), b"contents")
}

fn journaled() -> LocalVolumeOptions {
    LocalVolume::options().journaled(true)
}

#[test]
fn what_is_committed_is_in_the_files() {
    for options in [LocalVolume::options(), journaled()] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let volume = options.clone().open(directory.path()).expect("opened");
        volume.commit(write("a").into()).expect("made");
        let batch = [write("b"), Change::append(file("log"), b"line")];
        volume.commit(batch.into_iter().collect()).expect("made");
        let counters = volume.counters();
        assert!(counters.log_records > 0 && counters.log_bytes >= 12);
        volume.close().expect("closed");
        for (path, contents) in [("a", "contents"), ("b", "contents"), ("log", "line")] {
            let found = fs::read_to_string(directory.path().join(path));
            assert_eq!(found.expect(path), contents);
        }
        assert_eq!(volume.counters().log_records, 0);
        assert_eq!(sessions_in(directory.path()), 0, "a session is left");
        // A closed volume is in nobody's way.
        let next = options.open(directory.path()).expect("opened again");
        assert_eq!(next.list(None).expect("listed").len(), 3);
    }
}

/// A directory with something in it that another program put into a file's place.
#[test]
fn what_cannot_be_put_into_its_file_is_an_error() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let volume = journaled().open(directory.path()).expect("opened");
    volume.commit(write("a").into()).expect("made");
    volume.commit(write("b").into()).expect("made");
    let in_the_way = directory.path().join("a");
    fs::create_dir(&in_the_way).expect("created");
    fs::write(in_the_way.join("x"), b"").expect("written");

    let error = volume.close().expect_err("it has no place");
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("stays durable in the log"), "{text}");
    assert!(text.contains('a'), "{text}");
    let found = fs::read(directory.path().join("b")).expect("it has its place");
    assert_eq!(found, b"contents");
    let refused = volume.commit(write("c").into());
    assert!(matches!(refused, Err(Error::Closed)));
    volume.close().expect("it is closed");
    drop(volume);

    fs::remove_dir_all(&in_the_way).expect("removed");
    let volume = journaled().open(directory.path()).expect("opened again");
    assert_eq!(
        volume.read(&file("a"), 100).expect("kept").contents(),
        b"contents"
    );
    volume.close().expect("closed");
    assert_eq!(fs::read(&in_the_way).expect("in its place"), b"contents");
}

#[test]
fn a_writer_that_is_open_is_refused_and_leaves_nothing() {
    for options in [LocalVolume::options(), journaled()] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let volume = options.open(directory.path()).expect("opened");
        let mut writer = volume.writer(&file("streamed")).expect("opened");
        writer.write(b"piece").expect("taken");
        volume.close().expect("closed");
        let refused = writer.commit(Precondition::Any);
        assert!(matches!(refused, Err(Error::Closed)), "{refused:?}");
        assert!(!directory.path().join("streamed").exists());
        assert_eq!(sessions_in(directory.path()), 0, "a session is left");
    }
}

#[test]
fn a_read_only_volume_can_be_closed() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let options = LocalVolume::options().read_only(true);
    let volume = options.open(directory.path()).expect("opened");
    volume.close().expect("closed");
    assert!(matches!(volume.list(None), Err(Error::Closed)));
    let missing = fs::metadata(directory.path().join(".ability-storage"));
    assert_eq!(
        missing.expect_err("nothing is made").kind(),
        ErrorKind::NotFound
    );
}

fn sessions_in(volume: &Path) -> usize {
    let sessions = fs::read_dir(volume.join(".ability-storage/sessions"));
    let names = sessions
        .expect("there")
        .map(|entry| entry.expect("listed").file_name());
    names.filter(|name| name != SPARE_SESSION).count()
}
