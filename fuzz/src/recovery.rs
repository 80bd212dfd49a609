//! Opening a volume whose private directory was damaged.
//!
//! `promise` says what must hold. Beyond that: nothing outside the volume changes, a volume that
//! opened works, and opening it for reading only changes nothing at all.

use crate::damage::Damage;
use crate::forge::Forged;
use crate::left_behind::{self, COMMITTED, PRIVATE, Progress, file, log_file};
use crate::promise::{self, Promise};
use crate::record::is_staged_name;
use crate::scratch::{self, Entries, Entry};
use ability_storage_engine::{Batch, Change, Error, LocalVolume, Volume};
use arbitrary::Arbitrary;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[derive(Arbitrary, Debug)]
pub struct Case {
    progress: Progress,
    forged: Vec<Forged>,
    damage: Vec<Damage>,
    /// How it is opened.
    journaled: bool,
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

    let before = scratch::entries(&volume);
    let promise = Promise::of(&before);
    let has_foreign = damage.iter().any(Damage::is_foreign) || is_of_another_kind(&before);
    look(&volume, &before, &promise);
    let options = LocalVolume::options().journaled(case.journaled);
    let opened = options.open(&volume);
    let after = scratch::entries(&volume);
    promise.check(&after, opened.is_ok() && !has_foreign);
    if promise.is_refused {
        assert!(opened.is_err(), "a record that makes no sense was taken");
        assert_eq!(promise::files(&before), promise::files(&after));
    }
    match opened {
        Err(error) => {
            assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
            // No record keeps a volume closed because it cannot be carried out.
            assert!(
                has_foreign || promise.is_refused,
                "it stays closed: {error:?}"
            );
        }
        Ok(opened) => {
            shows_what_is_there(&opened, &after, &promise, has_foreign);
            if !has_foreign {
                is_clean(&after, &promise);
            }
            works(opened, &volume, &promise, has_foreign);
        }
    }
    let left = scratch::entries(&outside);
    let expected = [("secret".into(), Entry::File(SECRET.to_vec()))];
    assert_eq!(left, expected.into(), "something outside has changed");
    let top = fs::read_dir(directory.path()).expect("listed");
    assert_eq!(top.count(), 2, "something appeared beside the volume");
}

/// Whether something is not what the engine makes under that name, whatever put it there.
fn is_of_another_kind(entries: &Entries) -> bool {
    let private = |name: &str| entries.get(&Path::new(PRIVATE).join(name));
    let directories = ["log", "path-locks", "sessions"].map(private);
    let is_directory = |entry: &&Entry| matches!(entry, Entry::Directory);
    let files = ["format", "journals", "lock", "locks"].map(private);
    let in_log = ["log-0", "log-1", "writer", "checkpoint", "sync"];
    let in_log = in_log.map(|name| entries.get(&log_file(name)));
    let mut files = files.into_iter().chain(in_log).flatten();
    let is_file = |entry: &Entry| matches!(entry, Entry::File(_));
    !directories.iter().flatten().all(is_directory) || !files.all(is_file)
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
            (Ok(read), _) => promise.check_one(path, &Some(read.into_contents()), false),
            (Err(Error::NotFound { .. } | Error::NotRegular { .. }), _) => {
                promise.check_one(path, &None, false);
            }
            (Err(error), _) => assert!(
                promise.is_refused || promise.names(path),
                "{path:?} cannot be read: {error:?}"
            ),
        }
    }
    let _ = (volume.list(None), volume.usage());
    drop(volume);
    assert!(
        scratch::entries(directory) == *before,
        "reading changed something"
    );
}

/// What the volume shows is in the files, but for what cannot be put there.
fn shows_what_is_there(
    volume: &LocalVolume,
    after: &Entries,
    promise: &Promise,
    has_foreign: bool,
) {
    let may_differ =
        |path: &Path| promise.is_odd_near(path) || (has_foreign && promise.names(path));
    let files = promise::files(after);
    let listed = volume.list(None).expect("listed");
    volume.usage().expect("counted");
    let listed: BTreeSet<&Path> = listed.iter().map(|path| Path::new(path.as_str())).collect();
    let there: BTreeSet<&Path> = files.keys().map(|path| &**path).collect();
    let differs = listed.symmetric_difference(&there);
    for path in differs {
        assert!(may_differ(path), "{path:?} is listed or there");
    }
    for path in listed {
        let name = file(path.to_str().expect("text"));
        let read = match volume.read(&name, MANY) {
            Ok(read) => Some(read.into_contents()),
            Err(Error::NotFound { .. }) => None,
            Err(Error::TooLarge { .. }) => continue,
            Err(_) if may_differ(path) => continue,
            Err(error) => panic!("{path:?} cannot be read: {error:?}"),
        };
        promise.check_one(path, &read, false);
        if !may_differ(path) {
            assert!(read.as_ref() == files.get(path), "{path:?} reads otherwise");
        }
    }
}

/// Nothing of the dead session is left, but for what records name that cannot be carried out.
fn is_clean(after: &Entries, promise: &Promise) {
    let sessions = Path::new(PRIVATE).join("sessions");
    let all = after.iter().filter(|(path, entry)| {
        path.parent() == Some(&sessions)
            && path.to_str().is_some()
            && !path.ends_with("spare")
            && **entry == Entry::Directory
    });
    let all: Vec<_> = all.map(|(path, _)| path).collect();
    assert_eq!(all.len(), 1, "sessions that are left: {all:?}");
    if promise.is_sure() {
        let name = |path: &Path| path.file_name()?.to_str().map(str::to_owned);
        let is_staged = |path: &Path| {
            name(path).is_some_and(|name| is_staged_name(&name) && path == log_file(&name))
        };
        let staged: Vec<_> = after.keys().filter(|path| is_staged(path)).collect();
        assert!(staged.is_empty(), "staged files that are left: {staged:?}");
        assert!(Promise::of(after).orders_nothing(), "effects are left");
    }
}

/// Some commits of every kind are made, and are there when the volume is opened again.
fn works(volume: LocalVolume, directory: &Path, promise: &Promise, has_foreign: bool) {
    let mut expected = Vec::new();
    let was_made = |paths: &[&str], result: Result<_, Error>| match result {
        Ok(_) => true,
        Err(Error::NotAFile { .. } | Error::NotRegular { .. }) => false,
        Err(error) => {
            let mut paths = paths.iter().map(Path::new);
            let may_be_refused = has_foreign || paths.any(|path| promise.is_odd_near(path));
            assert!(may_be_refused, "a volume that opened refuses: {error:?}");
            false
        }
    };
    for name in ["log", "deep/a/b", "after/all"] {
        let path = file(name);
        let old = match volume.read(&path, MANY) {
            Ok(read) => read.into_contents(),
            Err(Error::TooLarge { .. }) => continue,
            Err(_) => Vec::new(),
        };
        let line = b"one more line\n".to_vec();
        let append = Change::append(path.clone(), line.clone());
        if was_made(&[name], volume.commit(append.into())) {
            expected.push((path, [old, line].concat()));
        }
    }
    let write = |path: &str| Change::write(file(path), path);
    let names = ["one/of/two", "state"];
    let batch: Batch = names.into_iter().map(write).collect();
    if was_made(&names, volume.commit(batch)) {
        expected.retain(|(path, _)| path.as_str() != "state");
        expected.extend(names.map(|path| (file(path), path.into())));
    }
    drop(volume);
    let again = match LocalVolume::open(directory) {
        Ok(again) => again,
        Err(error) => {
            assert!(has_foreign, "it does not open again: {error:?}");
            return;
        }
    };
    for (path, contents) in expected {
        let read = again.read(&path, MANY).expect("it was committed");
        assert!(
            read.contents() == contents,
            "{path} is not what was committed"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arbitrary::Unstructured;
    use std::panic::catch_unwind;

    /// Without libFuzzer, so that they can be run everywhere, and all that fail are seen.
    #[test]
    fn the_inputs_of_the_corpus_keep_the_promise() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/recovery");
        let mut failed = Vec::new();
        for input in fs::read_dir(corpus).expect("listed") {
            let input = input.expect("listed").path();
            let bytes = fs::read(&input).expect("read");
            let case = Case::arbitrary_take_rest(Unstructured::new(&bytes)).expect("a case");
            println!("{}: {case:?}", input.display());
            if catch_unwind(|| check(&case)).is_err() {
                failed.push(input);
            }
        }
        assert!(failed.is_empty(), "{failed:#?}");
    }
}
