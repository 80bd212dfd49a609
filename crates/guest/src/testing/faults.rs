//! What becomes of the files when calls fail: each call of each function, in each way.

use super::{Failure, MemoryStorage};
use crate::{
    Batch, Counter, Error, Outcome, Result, Scope, Writer, append_file, atomic_write_file,
    delete_file, read_file, rename_file, update_file,
};
use std::collections::BTreeMap;
use std::io::Write;

const SCOPE: Scope = Scope::Ability;

fn stream() -> Result<()> {
    let mut writer = Writer::open("a", SCOPE)?;
    let written = writer.write_all(b"new");
    written.map_err(|error| error.downcast::<Error>().unwrap())?;
    writer.commit().map(drop)
}

type Change = (&'static str, fn() -> Result<()>);

const CHANGES: [Change; 8] = [
    ("write", || atomic_write_file("a", "new", SCOPE)),
    ("append", || append_file("a", "new", SCOPE)),
    ("rename", || rename_file("a", "b", SCOPE)),
    ("delete", || delete_file("a", SCOPE)),
    ("update", || {
        let add = |old: Option<&[u8]>| Ok::<_, Error>([old.unwrap_or_default(), b"x"].concat());
        update_file("a", SCOPE, add).map(drop)
    }),
    ("counter", || Counter::new("c", SCOPE).next().map(drop)),
    ("batch", || {
        let mut batch = Batch::new(SCOPE);
        Ok(batch.write("a", "new").delete("c").commit().map(drop)?)
    }),
    ("stream", stream),
];

const FAILURES: [Failure; 8] = [
    Failure::NoSpace,
    Failure::QuotaExceeded,
    Failure::ReadOnly,
    Failure::Unavailable,
    Failure::Unconfirmed,
    Failure::UnknownMade,
    Failure::UnknownNotMade,
    Failure::Other,
];

fn example() -> (MemoryStorage, BTreeMap<String, Vec<u8>>) {
    let storage = MemoryStorage::new();
    atomic_write_file("a", "old", SCOPE).unwrap();
    atomic_write_file("c", "7", SCOPE).unwrap();
    let files = storage.files(SCOPE);
    (storage, files)
}

#[test]
fn every_call_fails_in_every_way_and_the_error_is_true() {
    for (name, change) in CHANGES {
        let (storage, before) = example();
        let calls = storage.calls();
        change().unwrap();
        let (calls, after) = (storage.calls() - calls, storage.files(SCOPE));
        assert_ne!(before, after, "{name}");
        for (call, failure) in (1..=calls).flat_map(|call| FAILURES.map(|failure| (call, failure)))
        {
            let (storage, before) = example();
            storage.fail_call(call, failure);
            let error = change().unwrap_err();
            let outcome = match failure {
                Failure::Unconfirmed => Outcome::Unconfirmed,
                Failure::UnknownMade | Failure::UnknownNotMade => Outcome::Unknown,
                _ => Outcome::NotApplied,
            };
            assert_eq!(error.outcome(), outcome, "{name}: {error}");
            assert_eq!(error.is_applied(), outcome == Outcome::Unconfirmed);
            let says_unknown = error
                .to_string()
                .contains(" may have been changed, or not: ");
            assert_eq!(says_unknown, outcome == Outcome::Unknown, "{error}");
            let files = storage.files(SCOPE);
            let is_made = matches!(failure, Failure::Unconfirmed | Failure::UnknownMade);
            let expected = if is_made { &after } else { &before };
            assert_eq!(&files, expected, "{name}, call {call}: {error}");
        }
    }
}

#[test]
fn what_only_a_change_can_meet_waits_for_one() {
    use Failure::*;
    for failure in FAILURES {
        let (storage, _) = example();
        storage.fail_call(1, failure);
        let read = read_file("a", SCOPE);
        let waits = !matches!(failure, Unavailable | Other);
        assert_eq!(read.is_ok(), waits, "{failure:?}");
        assert_eq!(atomic_write_file("a", "new", SCOPE).is_err(), waits);
        atomic_write_file("a", "newer", SCOPE).unwrap();
    }
}

#[test]
fn a_full_and_a_read_only_disk_say_so() {
    for (name, change) in CHANGES {
        let (storage, before) = example();
        storage.set_read_only(true);
        assert!(matches!(change(), Err(Error::ReadOnly { .. })), "{name}");
        storage.set_read_only(false);
        storage.set_disk_full(true);
        let result = change();
        assert_eq!(result.is_ok(), name == "delete");
        assert!(
            name == "delete" || matches!(result, Err(Error::NoSpace { .. })),
            "{name}"
        );
        assert_eq!(storage.files(SCOPE) == before, name != "delete");
    }
}
