//! The storage in memory, through the functions of this crate, as the host's would be.

use super::{Failure, Limits, MemoryStorage};
use crate::{
    Batch, Counter, Error, Precondition, Reader, Scope, Writer, append_file, atomic_write_file,
    atomic_write_file_if, delete_file, file_exists, list_files, read_file, read_file_string,
    read_file_versioned, rename_file, stat_file,
};
use std::io::{Read, Write};
use std::time::{Duration, SystemTime};

const SCOPE: Scope = Scope::Ability;

fn write(path: &str, contents: &str) {
    atomic_write_file(path, contents, SCOPE).unwrap();
}

#[test]
fn files_of_two_scopes_are_kept_apart() {
    let storage = MemoryStorage::new();
    write("notes/a", "mine");
    atomic_write_file("notes/a", "ours", Scope::User).unwrap();
    append_file("notes/a", "!", SCOPE).unwrap();
    assert_eq!(read_file_string("notes/a", SCOPE).unwrap(), "mine!");
    assert_eq!(read_file("notes/a", Scope::User).unwrap(), b"ours");
    assert_eq!(stat_file("notes/a", SCOPE).unwrap().size, 5);
    let age = SystemTime::now().duration_since(stat_file("notes/a", SCOPE).unwrap().modified);
    assert!(age.unwrap() < Duration::from_secs(60));
    rename_file("notes/a", "b", SCOPE).unwrap();
    let missing = Error::NotFound {
        path: "notes/a".into(),
    };
    assert_eq!(rename_file("notes/a", "b", SCOPE), Err(missing.clone()));
    assert_eq!(read_file("notes/a", SCOPE), Err(missing));
    for path in ["ﬀ", "😀", "notes-old", "notes/c", "notes/d/e"] {
        write(path, "");
    }
    let all = ["b", "notes-old", "notes/c", "notes/d/e", "ﬀ", "😀"];
    assert_eq!(list_files("", SCOPE).unwrap(), all);
    assert_eq!(
        list_files("notes/", SCOPE).unwrap(),
        ["notes/c", "notes/d/e"]
    );
    delete_file("b", SCOPE).unwrap();
    delete_file("b", SCOPE).unwrap();
    assert_eq!(file_exists("b", SCOPE), Ok(false));
    assert_eq!(storage.text("b", SCOPE), None);
    assert_eq!(storage.files(Scope::User).len(), 1);
}

#[test]
fn conditions_are_checked_at_the_commit() {
    let _storage = MemoryStorage::new();
    let first = atomic_write_file_if("a", "1", SCOPE, Precondition::Absent).unwrap();
    let again = atomic_write_file_if("a", "2", SCOPE, Precondition::Absent).unwrap_err();
    let conflict = |found| Error::Conflict {
        path: "a".into(),
        found,
    };
    assert_eq!(again, conflict(Some(first.clone())));
    let seen = read_file_versioned("a", SCOPE).unwrap();
    assert_eq!(
        (seen.contents.as_slice(), &seen.version),
        (&b"1"[..], &first)
    );
    let expected = Precondition::Version(first.clone());
    let second = atomic_write_file_if("a", "2", SCOPE, expected.clone()).unwrap();
    assert_ne!(second, first);
    assert_eq!(
        atomic_write_file_if("a", "3", SCOPE, expected.clone()),
        Err(conflict(Some(second)))
    );
    write("b", "1");
    assert_eq!(read_file_versioned("b", SCOPE).unwrap().version, first);
    delete_file("a", SCOPE).unwrap();
    assert_eq!(
        atomic_write_file_if("a", "3", SCOPE, expected),
        Err(conflict(None))
    );
}

#[test]
fn a_batch_is_made_whole_or_not_at_all() {
    let storage = MemoryStorage::new();
    write("old", "o");
    let mut batch = Batch::new(SCOPE);
    batch
        .write("new", "n")
        .append("new", "m")
        .rename("old", "older")
        .delete("absent");
    let versions = batch.commit().unwrap();
    assert_eq!(versions.len(), 4);
    assert!(versions[0].is_some() && versions[1].is_none());
    let before = storage.files(SCOPE);
    assert_eq!(storage.text("new", SCOPE).as_deref(), Some("nm"));
    let mut failing = Batch::new(SCOPE);
    failing.write("new", "x").rename("absent", "y");
    let error = failing.commit().unwrap_err();
    assert_eq!((error.step, error.error.path()), (Some(1), "absent"));
    for (path, reason) in [
        (
            "new/b",
            "new/b cannot be used as a path: new is not a directory",
        ),
        (
            "../x",
            "../x cannot be used as a path: it has a component . or ..",
        ),
    ] {
        let mut failing = Batch::new(SCOPE);
        failing.write("more", "x").write(path, "y");
        let error = failing.commit().unwrap_err();
        assert_eq!(error.step, Some(1));
        assert!(error.to_string().ends_with(reason), "{error}");
    }
    assert_eq!(storage.files(SCOPE), before);
}

#[test]
fn names_keep_the_rules_of_the_host() {
    let storage = MemoryStorage::new();
    let long = "x".repeat(256);
    for path in [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        "a/../b",
        ".",
        "a\\b",
        "a:b",
        "a\nb",
        "a\u{85}",
        "a.",
        "a ",
        "con",
        "CON.txt",
        "aux .x",
        "com1",
        "lpt³.txt",
        "conin$",
        ".ability-storage",
        ".Ability-Storage/x",
        ".abilit\u{200b}y-storage",
        "abilit~1",
        "abcdef~1",
        &long,
        &"a/".repeat(600),
    ] {
        let error = atomic_write_file(path, "", SCOPE).unwrap_err();
        assert!(
            matches!(error, Error::InvalidPath { .. }),
            "{path:?}: {error}"
        );
        file_exists(path, SCOPE).unwrap_err();
    }
    for path in [
        "console",
        "com10",
        "a b",
        ".hidden",
        "é",
        "abilit",
        "abxyzw~1",
        &long[1..],
    ] {
        atomic_write_file(path, "", SCOPE).unwrap();
    }
    assert_eq!(storage.files(SCOPE).len(), 8);
    write("d/e", "");
    for path in ["d", "d/e/f"] {
        atomic_write_file(path, "", SCOPE).unwrap_err();
    }
}

#[test]
fn limits_hold_and_change_nothing() {
    let storage = MemoryStorage::with_limits(Limits {
        max_file_bytes: 10,
        max_total_bytes: 15,
        max_files: 3,
        max_depth: 2,
        max_value_bytes: 8,
        max_streams: 1,
        text_files_only: true,
    });
    write("a.txt", "12345678");
    let too_large = |limit| Error::TooLarge {
        path: "a.txt".into(),
        limit,
    };
    assert_eq!(
        atomic_write_file("a.txt", "123456789", SCOPE),
        Err(too_large(8))
    );
    assert_eq!(append_file("a.txt", "123", SCOPE), Err(too_large(10)));
    append_file("a.txt", "90", SCOPE).unwrap();
    assert_eq!(read_file("a.txt", SCOPE), Err(too_large(8)), "a reader can");
    write("b.md", "12345");
    for (path, contents) in [("c.csv", "1"), ("b.md", "123456")] {
        let error = atomic_write_file(path, contents, SCOPE).unwrap_err();
        assert!(matches!(error, Error::QuotaExceeded { .. }), "{error}");
    }
    write("c.csv", "");
    let error = atomic_write_file("d.log", "", SCOPE).unwrap_err();
    assert_eq!(
        error.to_string(),
        "d.log was not changed: there would be more than 3 files"
    );
    for (path, reason) in [
        ("a/b/c.txt", "it has more than 2 components"),
        ("a.bin", "it must end in one of .txt, "),
    ] {
        let error = atomic_write_file(path, "", SCOPE).unwrap_err().to_string();
        let said = format!("{path} cannot be used as a path: {reason}");
        assert!(error.starts_with(&said), "{error}");
    }
    let reader = Reader::open("a.txt", SCOPE).unwrap();
    let error = Writer::open("b.md", SCOPE).unwrap_err();
    assert!(matches!(error, Error::QuotaExceeded { .. }), "{error}");
    drop(reader);
    drop(Writer::open("b.md", SCOPE).unwrap());
    assert_eq!(storage.files(SCOPE).len(), 3);
}

#[test]
fn streams_are_whole_or_nothing() {
    let storage = MemoryStorage::new();
    let long = b"0123456789abcdef".repeat(100_000);
    let mut writer = Writer::open_if("big", SCOPE, Precondition::Absent).unwrap();
    writer.write_all(&long).unwrap();
    assert!(storage.files(SCOPE).is_empty());
    let version = writer.commit().unwrap();
    assert_eq!(read_file_versioned("big", SCOPE).unwrap().version, version);
    let mut reader = Reader::open("big", SCOPE).unwrap();
    write("big", "other");
    let mut read = Vec::new();
    reader.read_to_end(&mut read).unwrap();
    assert_eq!((reader.size(), read == long), (1_600_000, true));
    let mut writer = Writer::open_if("big", SCOPE, Precondition::Absent).unwrap();
    writer.write_all(b"x").unwrap();
    assert!(matches!(writer.commit(), Err(Error::Conflict { .. })));
    drop(Writer::open("dropped", SCOPE).unwrap());
    assert_eq!(storage.text("big", SCOPE).as_deref(), Some("other"));
    assert_eq!(storage.files(SCOPE).len(), 1);
}

#[test]
fn another_writer_that_is_faster_loses_nothing() {
    let storage = MemoryStorage::new();
    let counter = Counter::new("c", SCOPE);
    for _ in 0..2 {
        storage.interfere(|| assert!(Counter::new("c", SCOPE).next().is_ok()));
    }
    assert_eq!(counter.next(), Ok(3));
    assert_eq!(storage.text("c", SCOPE).as_deref(), Some("3"));
}

#[test]
fn another_writer_is_neither_counted_nor_failed() {
    let storage = MemoryStorage::new();
    storage.fail_call(1, Failure::NoSpace);
    storage.interfere(|| write("a", "theirs"));
    let error = append_file("a", "mine", SCOPE).unwrap_err();
    assert!(matches!(error, Error::NoSpace { .. }), "{error}");
    assert_eq!(
        (storage.calls(), storage.text("a", SCOPE)),
        (1, Some("theirs".into()))
    );
}

#[test]
fn a_reader_that_failed_does_not_go_on() {
    let storage = MemoryStorage::new();
    write("a", "text");
    let mut reader = Reader::open("a", SCOPE).unwrap();
    storage.fail_call(1, Failure::Unavailable);
    for reason in ["to find no storage", "it can only be dropped"] {
        let error = reader.read(&mut [0; 2]).unwrap_err();
        assert!(error.to_string().ends_with(reason), "{error}");
    }
}

#[test]
fn storages_are_of_their_thread_and_end() {
    let outer = MemoryStorage::new();
    write("a", "outer");
    {
        let _inner = MemoryStorage::new();
        assert_eq!(file_exists("a", SCOPE), Ok(false));
        write("b", "inner");
    }
    assert_eq!(list_files("", SCOPE).unwrap(), ["a"]);
    let elsewhere = std::thread::spawn(|| file_exists("a", SCOPE))
        .join()
        .unwrap_err();
    let said = elsewhere.downcast_ref::<String>().map(String::as_str);
    let said = said.or(elsewhere.downcast_ref::<&str>().copied()).unwrap();
    assert!(
        said.contains("MemoryStorage` first, on the same thread"),
        "{said}"
    );
    drop(outer);
    std::panic::catch_unwind(|| file_exists("a", SCOPE)).unwrap_err();
}

#[cfg(feature = "audit")]
#[test]
fn an_audit_log_is_kept_in_memory() {
    let storage = MemoryStorage::new();
    let mut log = crate::AuditLog::open("log", SCOPE).unwrap();
    log.append("a").unwrap();
    storage.fail_call(1, Failure::Unconfirmed);
    assert!(log.append("b").unwrap_err().is_applied());
    assert_eq!(log.append("c").unwrap().count, 3);
    assert_eq!(crate::AuditLog::verify("log", SCOPE).unwrap(), log.head());
}

#[cfg(feature = "json")]
#[test]
fn a_state_is_kept_in_memory() {
    use crate::State;

    let storage = MemoryStorage::new();
    let mut state = State::<Vec<f64>>::load_or_default("s.json", SCOPE).unwrap();
    state.push(1.5);
    storage.interfere(|| write("s.json", "\u{feff}[9]\r\n"));
    assert!(matches!(
        state.update(|list| list.push(2.5)),
        Err(Error::Conflict { .. })
    ));
    state.reload().unwrap();
    state.update(|list| list.push(2.5)).unwrap();
    let text = storage.text("s.json", SCOPE).unwrap();
    assert_eq!(text, "[\n  9.0,\n  2.5\n]");
    let error = state.update(|list| list.push(f64::NAN)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "s.json was not changed: its new value cannot be written as JSON: [2] is NaN"
    );
    write("s.json", "{\"t\": 1e999}");
    let error = state.reload().unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    assert_eq!(storage.text("s.json", SCOPE).unwrap(), "{\"t\": 1e999}");
}
