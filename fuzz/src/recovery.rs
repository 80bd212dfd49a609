//! Opening a volume whose private directory was damaged.
//!
//! `promise` says what must hold. Beyond that: nothing outside the volume changes, a volume that
//! opened works, and who opens it for reading only changes nothing at all.

use crate::damage::Damage;
use crate::forge::Forged;
use crate::left_behind::{self, COMMITTED, PRIVATE, Progress, file};
use crate::promise::{self, Promise};
use crate::scratch::{self, Entries, Entry};
use ability_storage_engine::{Batch, Change, Error, LocalVolume, Volume};
use arbitrary::Arbitrary;
use std::fs;
use std::path::Path;

#[derive(Arbitrary, Debug)]
pub struct Case {
    progress: Progress,
    forged: Vec<Forged>,
    damage: Vec<Damage>,
}

const SECRET: &[u8] = b"what is beside the volume";

/// More damage at once shows nothing new, and is slow.
const MOST: usize = 6;

/// More than all files here have.
const MANY: u64 = scratch::MOST as u64 - 1;

pub fn check(case: &Case) {
    let directory = scratch::directory();
    let volume = directory.path().join("volume");
    let outside = directory.path().join("outside");
    for path in [&volume, &outside] {
        fs::create_dir(path).expect("made");
    }
    fs::write(outside.join("secret"), SECRET).expect("written");

    let mut entries = left_behind::entries(&case.progress);
    let forged = case.forged.iter().take(MOST);
    forged.for_each(|forged| forged.put(&mut entries));
    scratch::make_all(&volume, &entries);
    let damage = &case.damage[..case.damage.len().min(MOST)];
    damage.iter().for_each(|damage| damage.apply(&volume));
    let has_foreign = damage.iter().any(Damage::is_foreign);

    let before = scratch::entries(&volume);
    let promise = Promise::of(&before);
    look(&volume, &before, &promise);
    let opened = LocalVolume::open(&volume);
    let after = scratch::entries(&volume);
    promise.check(&after, opened.is_ok());
    if promise.is_refused {
        assert!(opened.is_err(), "a record that makes no sense was taken");
    }
    match opened {
        Err(error) => {
            assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
            if !has_foreign && !promise.is_refused {
                may_stay_closed(&promise, &error);
            }
        }
        Ok(opened) => {
            shows_what_is_there(&opened, &after);
            if !has_foreign {
                is_clean(&after);
            }
            works(opened, &volume, has_foreign);
        }
    }
    let left = scratch::entries(&outside);
    let expected = [("secret".into(), Entry::File(SECRET.to_vec()))];
    assert_eq!(left, expected.into(), "something outside has changed");
    let top = fs::read_dir(directory.path()).expect("listed");
    assert_eq!(top.count(), 2, "something appeared beside the volume");
}

/// For reading only: changes nothing, and what no record names is there.
fn look(directory: &Path, before: &Entries, promise: &Promise) {
    let Ok(volume) = LocalVolume::options().read_only(true).open(directory) else {
        return;
    };
    let files = promise::files(before);
    for path in COMMITTED {
        let read = volume.read(&file(path), MANY);
        let path = Path::new(path);
        match (read, files.get(path)) {
            (Ok(read), Some(there)) if promise.names(path) => {
                assert!(there.starts_with(&read.contents), "{path:?} is mixed up");
            }
            (Ok(read), Some(there)) => assert!(read.contents == *there, "{path:?} reads otherwise"),
            (Ok(_), None) => panic!("{path:?} is not there and can be read"),
            (Err(Error::NotFound { .. }), Some(_)) => panic!("{path:?} is not found"),
            (Err(_), _) => {}
        }
    }
    drop(volume);
    assert!(
        scratch::entries(directory) == *before,
        "reading changed something"
    );
}

fn shows_what_is_there(volume: &LocalVolume, after: &Entries) {
    let files = promise::files(after);
    let listed = volume.list(None).expect("listed");
    let listed: Vec<&Path> = listed.iter().map(|path| Path::new(path.as_str())).collect();
    let mut there: Vec<&Path> = files.keys().map(|path| &**path).collect();
    there.sort_unstable_by_key(|path| path.as_os_str());
    assert_eq!(listed, there);
    for (path, contents) in &files {
        let path = file(path.to_str().expect("text"));
        let read = match volume.read(&path, MANY) {
            Err(Error::TooLarge { .. }) => continue,
            read => read.expect("read"),
        };
        assert!(read.contents == *contents, "{path} reads otherwise");
    }
}

/// Nothing of the dead session is left.
fn is_clean(after: &Entries) {
    let sessions = Path::new(PRIVATE).join("sessions");
    let all = after.iter().filter(|(path, entry)| {
        path.parent() == Some(&sessions) && path.to_str().is_some() && **entry == Entry::Directory
    });
    let all: Vec<_> = all.map(|(path, _)| path).collect();
    assert_eq!(all.len(), 1, "sessions that are left: {all:?}");
}

/// A volume of which no part was replaced by something else stays closed only if what a record asks
/// for cannot be done: a file cannot be where the directory of others is.
fn may_stay_closed(promise: &Promise, error: &Error) {
    assert!(promise.has_batches(), "it stays closed: {error:?}");
}

/// Some commits of every kind are made, and are there when the volume is opened again.
fn works(volume: LocalVolume, directory: &Path, may_be_refused: bool) {
    let mut expected = Vec::new();
    let was_made = |result: Result<_, Error>| match result {
        Ok(_) => true,
        Err(Error::NotAFile { .. }) => false,
        Err(error) => {
            assert!(may_be_refused, "a volume that opened refuses: {error:?}");
            false
        }
    };
    for path in ["log", "deep/a/b", "after/all"].map(file) {
        let old = match volume.read(&path, MANY) {
            Ok(read) => read.contents,
            Err(Error::TooLarge { .. }) => continue,
            Err(_) => Vec::new(),
        };
        let line = b"one more line\n".to_vec();
        let append = Change::Append {
            path: path.clone(),
            contents: line.clone(),
        };
        if was_made(volume.commit(append.into())) {
            expected.push((path, [old, line].concat()));
        }
    }
    let write = |path: &str| Change::Write {
        path: file(path),
        contents: path.into(),
    };
    let batch: Batch = [write("one/of/two"), write("state")].into_iter().collect();
    if was_made(volume.commit(batch)) {
        expected.retain(|(path, _)| path.as_str() != "state");
        expected.extend(["one/of/two", "state"].map(|path| (file(path), path.into())));
    }
    drop(volume);
    let again = match LocalVolume::open(directory) {
        Ok(again) => again,
        Err(error) => {
            assert!(may_be_refused, "it does not open again: {error:?}");
            return;
        }
    };
    for (path, contents) in expected {
        let read = again.read(&path, MANY).expect("it was committed");
        assert!(
            read.contents == contents,
            "{path} is not what was committed"
        );
    }
}
