//! Logs with a file in memory, and with the storage in memory.

use super::line::MAX_PAYLOAD;
use super::records::Lines;
use super::tail::{LogFile, Tail};
use super::*;
use crate::testing::{Failure, MemoryStorage};
use crate::{Outcome, append_file, append_file_if, atomic_write_file};
use std::io::Cursor;

/// A log file in memory, whose next append fails with `failure`.
#[derive(Default)]
struct MemoryFile {
    contents: Vec<u8>,
    failure: Option<Error>,
    /// Whether what fails as `Unconfirmed` is not made.
    is_lost: bool,
}

impl LogFile for MemoryFile {
    type Input = Cursor<Vec<u8>>;

    fn path(&self) -> &str {
        "log"
    }

    fn read_from(&self, offset: u64) -> Result<Option<Self::Input>> {
        let rest = self.contents.get(offset as usize..);
        Ok(rest.map(|rest| Cursor::new(rest.to_vec())))
    }

    fn append_if(&mut self, line: &[u8], end: &FileEnd) -> Result<()> {
        if FileEnd::of(&self.contents) != *end {
            return Err(Error::OtherEnd { path: "log".into() });
        }
        let failure = self.failure.take();
        if failure
            .as_ref()
            .is_none_or(|error| error.outcome() != Outcome::NotApplied && !self.is_lost)
        {
            self.contents.extend_from_slice(line);
        }
        failure.map_or(Ok(()), Err)
    }

    fn pause(&self, attempts: &mut Attempts) -> bool {
        attempts.pause()
    }
}

fn open(file: MemoryFile) -> Result<Tail<MemoryFile>> {
    let mut lines = Lines::new(file.contents.as_slice(), "log".into());
    lines.pass_all()?;
    let (head, end) = (lines.head(), lines.end().clone());
    Ok(Tail { file, head, end })
}

fn of(contents: &[u8]) -> MemoryFile {
    MemoryFile {
        contents: contents.to_vec(),
        ..MemoryFile::default()
    }
}

fn append(log: &mut Tail<MemoryFile>, payload: &[u8]) -> Result<Head> {
    log.append(payload, || 1_764_000_000)
}

fn log_of(payloads: &[&str]) -> Tail<MemoryFile> {
    let mut log = open(MemoryFile::default()).unwrap();
    for payload in payloads {
        append(&mut log, payload.as_bytes()).unwrap();
    }
    log
}

#[test]
fn what_is_appended_verifies_and_continues() {
    let log = log_of(&["a", "", "c\nd"]);
    assert_eq!(log.head.count, 3);
    let (head, end) = (log.head, log.end);
    let mut again = open(log.file).unwrap();
    assert_eq!((again.head, &again.end), (head, &end));
    assert_eq!(append(&mut again, b"e").unwrap().count, 4);
    assert_eq!(open(again.file).unwrap().head.count, 4);
}

#[test]
fn what_was_not_applied_can_be_repeated() {
    let mut log = log_of(&["a"]);
    let head = log.head;
    log.file.failure = Some(Error::NoSpace { path: "log".into() });
    append(&mut log, b"b").unwrap_err();
    assert_eq!(log.head, head);
    assert_eq!(append(&mut log, b"b").unwrap().count, 2);
    assert_eq!(open(log.file).unwrap().head.count, 2);
}

fn unconfirmed() -> Error {
    Error::Unconfirmed {
        path: "log".into(),
        reason: "input/output error".into(),
    }
}

#[test]
fn what_is_unconfirmed_is_in_the_chain() {
    let mut log = log_of(&["a"]);
    log.file.failure = Some(unconfirmed());
    assert!(append(&mut log, b"b").unwrap_err().is_applied());
    assert_eq!(log.head.count, 2);
    append(&mut log, b"c").unwrap();
    assert_eq!(open(log.file).unwrap().head.count, 3);
}

#[test]
fn unknown_appends_are_counted_only_if_they_are_in_the_file() {
    let mut log = log_of(&["a"]);
    for is_lost in [true, false] {
        let count = log.head.count;
        log.file.is_lost = is_lost;
        log.file.failure = Some(Error::Unconfirmed {
            path: "log".into(),
            reason: "log may have been changed, or not: the answer was lost".into(),
        });
        let error = append(&mut log, b"b").unwrap_err();
        assert_eq!(error.outcome(), Outcome::Unknown);
        assert!(!error.is_applied());
        assert_eq!(log.head.count, count + u64::from(!is_lost));
    }
    append(&mut log, b"c").unwrap();
    assert_eq!(open(log.file).unwrap().head.count, 3);
}

#[test]
fn records_of_other_writers_come_first() {
    let mut log = log_of(&["a"]);
    let mut other = open(of(&log.file.contents)).unwrap();
    // Longer than what is compared, and the same from there on.
    let long = [b'x'; 1_000];
    append(&mut other, b"b").unwrap();
    append(&mut other, &long).unwrap();
    log.file.contents = other.file.contents.clone();
    assert_eq!(append(&mut log, &long).unwrap().count, 4);
    assert!(log.file.contents.starts_with(&other.file.contents));
    other.file.contents = log.file.contents.clone();
    assert_eq!(append(&mut other, b"e").unwrap().count, 5);
    assert_eq!(open(other.file).unwrap().head.count, 5);
}

#[test]
fn a_log_that_lost_records_is_not_added_to() {
    let log = log_of(&["a", "b"]);
    let one = log_of(&["a"]).file.contents;
    let other = log_of(&["a", "B"]).file.contents;
    for contents in [&b""[..], &one, &other] {
        let mut log = Tail {
            file: of(contents),
            head: log.head,
            end: log.end.clone(),
        };
        let changed = Error::LogChanged { path: "log".into() };
        assert_eq!(append(&mut log, b"c"), Err(changed));
        assert_eq!(log.file.contents, contents);
    }
}

#[test]
fn what_does_not_follow_is_not_added_to() {
    let mut log = log_of(&["a"]);
    let start = log.file.contents.clone();
    let other = log_of(&["A", "b"]).file.contents;
    log.file.contents = [&start[..], &other[start.len()..]].concat();
    let before = log.file.contents.clone();
    let error = append(&mut log, b"c").unwrap_err();
    assert!(matches!(error, Error::BrokenChain { .. }), "{error}");
    assert_eq!((log.head.count, log.file.contents), (1, before));
}

#[test]
fn a_payload_has_a_longest_length() {
    let mut log = log_of(&[]);
    append(&mut log, &[0; MAX_PAYLOAD]).unwrap();
    let error = append(&mut log, &[0; MAX_PAYLOAD + 1]).unwrap_err();
    assert!(matches!(error, Error::RecordTooLong { .. }), "{error}");
    assert_eq!(open(log.file).unwrap().head.count, 1);
}

const SCOPE: Scope = Scope::Ability;

fn fill(payloads: &[&str]) -> AuditLog {
    let mut log = AuditLog::open("log", SCOPE).unwrap();
    for payload in payloads {
        log.append(payload).unwrap();
    }
    log
}

fn broken(result: Result<Head>) -> String {
    match result {
        Err(Error::BrokenChain { broken, .. }) => broken.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn writers_that_take_turns_share_a_log() {
    let storage = MemoryStorage::new();
    let mut logs = [fill(&[]), fill(&[]), fill(&[])];
    for round in 0..5 {
        for (writer, log) in logs.iter_mut().enumerate() {
            let head = log.append(format!("{writer} {round}")).unwrap();
            assert_eq!(head.count, 3 * round + writer as u64 + 1);
        }
    }
    storage.interfere(|| {
        fill(&["in between"]);
    });
    assert_eq!(logs[2].append("last").unwrap().count, 17);
    assert_eq!(AuditLog::verify("log", SCOPE).unwrap(), logs[2].head());
}

#[test]
fn an_unconfirmed_record_is_counted_if_it_is_there() {
    let storage = MemoryStorage::new();
    let mut log = fill(&["a"]);
    storage.fail_call(1, Failure::Unconfirmed);
    assert!(log.append("b").unwrap_err().is_applied());
    assert_eq!(log.count(), 2);
    assert_eq!(log.append("c").unwrap().count, 3);
    assert_eq!(AuditLog::verify("log", SCOPE).unwrap(), log.head());
}

#[test]
fn a_kept_head_shows_what_is_missing() {
    let _storage = MemoryStorage::new();
    let mut log = fill(&["a", "b"]);
    let kept = log.head();
    let (two, text) = (kept, crate::read_file("log", SCOPE).unwrap());
    let verify = |kept| AuditLog::verify_with_head("log", SCOPE, kept);
    assert_eq!(verify(kept), Ok(two));
    let three = log.append("c").unwrap();
    assert_eq!(verify(kept), Ok(three));
    assert_eq!(verify(three), Ok(three));

    atomic_write_file("log", &text, SCOPE).unwrap();
    assert_eq!(AuditLog::verify("log", SCOPE), Ok(two));
    assert_eq!(
        broken(verify(three)),
        "broken at record 3: it is missing, for the head that was kept counts 3 records"
    );
    fill(&["C", "d"]);
    assert!(broken(verify(three)).starts_with("broken at record 3: its hash is "));
    atomic_write_file("log", "", SCOPE).unwrap();
    assert!(broken(verify(two)).starts_with("broken at record 1: it is missing"));
}

#[test]
fn a_broken_log_is_shown_and_continued() {
    let _storage = MemoryStorage::new();
    let mut log = fill(&["a", "b"]);
    let before = log.head();
    append_file("log", "3 nonsense\n4 more", SCOPE).unwrap();
    assert!(matches!(log.append("c"), Err(Error::BrokenChain { .. })));
    let text = crate::read_file("log", SCOPE).unwrap();
    let found = AuditLog::inspect("log", SCOPE).unwrap();
    assert_eq!((found.head, found.broken_bytes), (before, 17));
    assert_eq!(found.broken.unwrap().record, 3);

    let mut log = AuditLog::continue_broken("log", SCOPE).unwrap();
    let kept = log.head();
    assert_eq!(kept.count, 3);
    assert!(crate::read_file("log", SCOPE).unwrap().starts_with(&text));
    let end = log.append("c").unwrap();
    assert_eq!(fill(&[]).head(), end, "it can be opened again");

    let found = AuditLog::inspect("log", SCOPE).unwrap();
    assert_eq!((found.head, found.broken), (end, None));
    assert_eq!((found.breaks.len(), found.breaks[0].record), (1, 3));
    assert_eq!(found.breaks[0].bytes, 19);
    assert_eq!(
        broken(AuditLog::verify("log", SCOPE)),
        "broken at record 3: its line is not one of an audit log; record 3 says so"
    );
    let verify = |kept| AuditLog::verify_with_head("log", SCOPE, kept);
    broken(verify(before));
    assert_eq!(verify(kept), Ok(end));
}

#[test]
fn a_whole_log_is_opened_by_a_call_that_continues() {
    let storage = MemoryStorage::new();
    assert_eq!(AuditLog::continue_broken("log", SCOPE).unwrap().count(), 0);
    let head = fill(&["a"]).head();
    let calls = storage.files(SCOPE);
    let log = AuditLog::continue_broken("log", SCOPE).unwrap();
    assert_eq!((log.head(), storage.files(SCOPE)), (head, calls));
}

#[test]
fn two_that_continue_at_once_record_one_break() {
    let storage = MemoryStorage::new();
    fill(&["a"]);
    append_file("log", "nonsense\n", SCOPE).unwrap();
    storage.interfere(|| {
        AuditLog::continue_broken("log", SCOPE).unwrap();
    });
    let log = AuditLog::continue_broken("log", SCOPE).unwrap();
    let found = AuditLog::inspect("log", SCOPE).unwrap();
    assert_eq!((log.count(), found.breaks.len()), (2, 1));
}

#[test]
fn an_append_can_ask_how_the_file_ends() {
    let storage = MemoryStorage::new();
    let mut end = FileEnd::default();
    append_file_if("log", "one", SCOPE, &end).unwrap();
    let other_end = Err(Error::OtherEnd { path: "log".into() });
    assert_eq!(append_file_if("log", "x", SCOPE, &end), other_end);
    end.grow(b"one");
    append_file_if("log", "two", SCOPE, &end).unwrap();
    assert_eq!(storage.text("log", SCOPE).unwrap(), "onetwo");
    end.last_bytes = b"enotwo".to_vec();
    end.size = 6;
    assert_eq!(append_file_if("log", "x", SCOPE, &end), other_end);
    storage.set_read_only(true);
    let error = append_file_if("log", "x", SCOPE, &end).unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
}
