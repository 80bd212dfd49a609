//! `AuditLog`: a log in which no record can be changed unseen.
//!
//! Must never add to a chain that it has not verified, and never write anything
//! but whole records at the end.

mod chain;
mod line;
mod records;

pub use chain::{Broken, Hash, HashError, Head, Link};
pub use line::Record;
pub use records::Records;

use crate::error::{Error, Result};
use crate::files;
use crate::scope::Scope;
use line::MAX_PAYLOAD;
use std::time::SystemTime;

/// A log in which no record can be changed unseen. Needs the feature `audit`.
///
/// Each record is one line of a text file, and names the SHA-256 hash of the one
/// before. A record that [`append`](Self::append) acknowledged is there after a
/// kill or a power cut, whole and in its place. To append costs the same however
/// long the log is; to open it reads all of it once, in bounded memory.
///
/// ```no_run
/// use ability_storage_guest::{AuditLog, Error, Scope};
///
/// let mut log = AuditLog::open("audit.log", Scope::Ability)?;
/// let head = log.append("the door was unlocked")?;
/// println!("record {} with hash {}", head.count, head.hash);
/// # Ok::<(), Error>(())
/// ```
///
/// # What it shows, and what it cannot
///
/// Whatever is changed, removed or inserted before the last record breaks the
/// chain, and any other byte of the file breaks its record. A log that is broken
/// is never added to and never overwritten: [`Error::BrokenChain`]. The log alone
/// cannot show that its last records are missing, or that someone has written
/// all of it anew; who must know that keeps a [`Head`] where others cannot write.
///
/// # One writer
///
/// A log has one writer at a time. Before it appends, the log looks whether its
/// file is as long as it left it; where someone else has added to it, that is
/// [`Error::LogChanged`], nothing is written, and the log can be opened anew.
/// That costs next to nothing, but it is no lock: of two that append within the
/// same moment both succeed, and their records no longer follow each other. What
/// both wrote is there, and the log is [`Error::BrokenChain`] from then on. So
/// give each writer a log of its own.
///
/// # The file
///
/// A line is `<sequence> <time> <previous> <hash> <payload>`, for example:
///
/// ```text
/// 1 1764000000 0000…0000 7586…dea2 the door was unlocked
/// 2 1764000060 7586…dea2 41c0…93ab the door was locked
/// ```
///
/// `sequence` counts from 1; `time` is in seconds since 1970; hashes are 64
/// lowercase hexadecimal digits. `hash` is that of the record as [`Link::hash`]
/// defines it. The payload stands there as it is, except for `\\` for a
/// backslash and `\xNN` for each byte that is not UTF-8, or that belongs to a
/// control character, U+2028 or U+2029.
#[derive(Debug)]
pub struct AuditLog {
    tail: Tail<HostFile>,
}

impl AuditLog {
    /// The longest payload of a record: 64 KiB.
    pub const MAX_PAYLOAD: usize = MAX_PAYLOAD;

    /// Opens the log at `path`, after verifying all that is there. If there is no
    /// file, the log is empty, and its first record creates it.
    ///
    /// # Errors
    ///
    /// [`Error::BrokenChain`] if the chain does not hold: the file is left as it
    /// is. Else as [`Reader`](crate::Reader), without [`Error::NotFound`].
    pub fn open(path: impl Into<String>, scope: Scope) -> Result<Self> {
        let path = path.into();
        let (head, size) = match Self::records(path.as_str(), scope) {
            Ok(mut records) => {
                records.by_ref().try_for_each(|record| record.map(drop))?;
                (records.head(), records.size())
            }
            Err(Error::NotFound { .. }) => (Head::START, 0),
            Err(error) => return Err(error),
        };
        Ok(Self {
            tail: Tail {
                file: HostFile { path, scope },
                head,
                size,
            },
        })
    }

    /// Adds a record of `payload` at the end, durably, with the time of the
    /// host's clock. Returns the new head.
    ///
    /// # Errors
    ///
    /// [`Error::RecordTooLong`] for a payload longer than
    /// [`MAX_PAYLOAD`](Self::MAX_PAYLOAD), [`Error::LogChanged`] if someone else
    /// changed the file. Else as [`append_file`](crate::append_file). After
    /// [`Error::Unconfirmed`] look at [`head`](Self::head): if it counts the record,
    /// that is in the log, but a power cut may undo it.
    pub fn append(&mut self, payload: impl AsRef<[u8]>) -> Result<Head> {
        self.tail.append(payload.as_ref(), unix_time())
    }

    /// Where the chain ends, as far as this log wrote or read it.
    pub fn head(&self) -> Head {
        self.tail.head
    }

    /// How many records there are, as far as this log wrote or read them.
    pub fn count(&self) -> u64 {
        self.tail.head.count
    }

    /// Verifies the log at `path`, without opening it to append. Returns where
    /// its chain ends, to compare it with a head that was kept elsewhere.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no file, [`Error::BrokenChain`] if the
    /// chain does not hold. Else as [`Reader`](crate::Reader).
    pub fn verify(path: impl Into<String>, scope: Scope) -> Result<Head> {
        let mut records = Self::records(path, scope)?;
        records.by_ref().try_for_each(|record| record.map(drop))?;
        Ok(records.head())
    }

    /// The records of the log at `path`, each verified as it is read.
    ///
    /// # Errors
    ///
    /// As [`Reader::open`](crate::Reader::open).
    pub fn records(path: impl Into<String>, scope: Scope) -> Result<Records> {
        Records::open(path.into(), scope)
    }
}

fn unix_time() -> u64 {
    // A clock before 1970 is no reason to lose a record.
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// A file, as the end of a log needs it. A trait only so that logs can be tested
/// without a host.
trait LogFile {
    fn path(&self) -> &str;
    /// Its length; 0 if there is none.
    fn size(&self) -> Result<u64>;
    fn append(&mut self, line: &[u8]) -> Result<()>;
}

#[derive(Debug)]
struct HostFile {
    path: String,
    scope: Scope,
}

impl LogFile for HostFile {
    fn path(&self) -> &str {
        &self.path
    }

    fn size(&self) -> Result<u64> {
        match files::stat_file(&self.path, self.scope) {
            Ok(info) => Ok(info.size),
            Err(Error::NotFound { .. }) => Ok(0),
            Err(error) => Err(error),
        }
    }

    fn append(&mut self, line: &[u8]) -> Result<()> {
        files::append_file(&self.path, line, self.scope)
    }
}

/// The end of a verified log.
#[derive(Debug)]
struct Tail<F> {
    file: F,
    head: Head,
    /// Length of the file of which `head` is the head.
    size: u64,
}

impl<F: LogFile> Tail<F> {
    fn append(&mut self, payload: &[u8], time: u64) -> Result<Head> {
        let path = || self.file.path().to_owned();
        if payload.len() > MAX_PAYLOAD {
            return Err(Error::RecordTooLong {
                path: path(),
                limit: MAX_PAYLOAD,
            });
        }
        if self.file.size()? != self.size {
            return Err(Error::LogChanged { path: path() });
        }
        let record = Record {
            link: self.head.link(payload, time),
            payload: payload.to_vec(),
        };
        let line = record.to_line();
        let result = self.file.append(line.as_bytes());
        let size = self.size + line.len() as u64;
        let is_added = match &result {
            Ok(()) => true,
            // It is in the file mostly, and the next record follows it.
            Err(error) if error.is_applied() => self.file.size().is_ok_and(|now| now == size),
            Err(_) => false,
        };
        if is_added {
            self.head = Head {
                count: record.link.sequence,
                hash: record.link.hash(),
            };
            self.size = size;
        }
        result.map(|()| self.head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::records::Lines;

    /// A log file in memory, whose next append fails with `failure`.
    #[derive(Default)]
    struct MemoryFile {
        contents: Vec<u8>,
        failure: Option<Error>,
        /// Whether what fails as `Unconfirmed` is not made.
        is_lost: bool,
    }

    impl LogFile for MemoryFile {
        fn path(&self) -> &str {
            "log"
        }

        fn size(&self) -> Result<u64> {
            Ok(self.contents.len() as u64)
        }

        fn append(&mut self, line: &[u8]) -> Result<()> {
            let failure = self.failure.take();
            if failure
                .as_ref()
                .is_none_or(|error| error.is_applied() && !self.is_lost)
            {
                self.contents.extend_from_slice(line);
            }
            failure.map_or(Ok(()), Err)
        }
    }

    fn open(file: MemoryFile) -> Result<Tail<MemoryFile>> {
        let mut lines = Lines::new(file.contents.as_slice(), "log".into());
        while lines.next_record()?.is_some() {}
        let (head, size) = (lines.head(), lines.size());
        Ok(Tail { file, head, size })
    }

    fn log_of(payloads: &[&str]) -> Tail<MemoryFile> {
        let mut log = open(MemoryFile::default()).unwrap();
        for (payload, time) in payloads.iter().zip(1_764_000_000..) {
            log.append(payload.as_bytes(), time).unwrap();
        }
        log
    }

    #[test]
    fn what_is_appended_verifies_and_continues() {
        let log = log_of(&["a", "", "c\nd"]);
        assert_eq!(log.head.count, 3);
        let (head, size) = (log.head, log.size);
        let mut again = open(log.file).unwrap();
        assert_eq!((again.head, again.size), (head, size));
        assert_eq!(again.append(b"e", 0).unwrap().count, 4);
        assert_eq!(open(again.file).unwrap().head.count, 4);
    }

    #[test]
    fn what_was_not_applied_can_be_repeated() {
        let mut log = log_of(&["a"]);
        let head = log.head;
        log.file.failure = Some(Error::NoSpace { path: "log".into() });
        log.append(b"b", 0).unwrap_err();
        assert_eq!(log.head, head);
        assert_eq!(log.append(b"b", 0).unwrap().count, 2);
        assert_eq!(open(log.file).unwrap().head.count, 2);
    }

    #[test]
    fn what_is_unconfirmed_is_in_the_chain() {
        let mut log = log_of(&["a"]);
        log.file.failure = Some(Error::Unconfirmed {
            path: "log".into(),
            reason: "input/output error".into(),
        });
        assert!(log.append(b"b", 0).unwrap_err().is_applied());
        assert_eq!(log.head.count, 2);
        log.append(b"c", 0).unwrap();
        assert_eq!(open(log.file).unwrap().head.count, 3);
    }

    #[test]
    fn unknown_appends_are_counted_only_if_they_are_in_the_file() {
        let mut log = log_of(&["a"]);
        log.file.is_lost = true;
        log.file.failure = Some(Error::Unconfirmed {
            path: "log".into(),
            reason: "log may have been changed, or not, for the answer was lost: reset".into(),
        });
        assert!(log.append(b"b", 0).unwrap_err().is_applied());
        assert_eq!(log.head.count, 1);
        log.append(b"c", 0).unwrap();
        assert_eq!(open(log.file).unwrap().head.count, 2);
    }

    #[test]
    fn a_second_writer_is_noticed_before_it_does_harm() {
        let mut log = log_of(&["a"]);
        let mut other = open(MemoryFile {
            contents: log.file.contents.clone(),
            ..MemoryFile::default()
        })
        .unwrap();
        other.append(b"b", 0).unwrap();
        log.file.contents = other.file.contents.clone();
        let changed = Error::LogChanged { path: "log".into() };
        assert_eq!(log.append(b"c", 0), Err(changed.clone()));
        assert_eq!(log.file.contents, other.file.contents);
        // Opened anew, it goes on.
        open(log.file).unwrap().append(b"c", 0).unwrap();
        // So is a file that is gone.
        other.file.contents.clear();
        assert_eq!(other.append(b"d", 0), Err(changed));
        assert!(other.file.contents.is_empty());
    }

    #[test]
    fn records_of_two_at_once_are_found() {
        let start = log_of(&["a"]).file.contents;
        let lines = ["b", "c"].map(|payload| {
            let contents = start.clone();
            let file = MemoryFile {
                contents,
                ..MemoryFile::default()
            };
            let mut log = open(file).unwrap();
            log.append(payload.as_bytes(), 0).unwrap();
            log.file.contents[start.len()..].to_vec()
        });
        let both = MemoryFile {
            contents: [start, lines.concat()].concat(),
            ..MemoryFile::default()
        };
        let error = open(both).map(|_| ()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "log was left as it is, because its chain is broken at record 3: its sequence is 2"
        );
    }

    #[test]
    fn a_payload_has_a_longest_length() {
        let mut log = log_of(&[]);
        log.append(&[0; MAX_PAYLOAD], 0).unwrap();
        let error = log.append(&[0; MAX_PAYLOAD + 1], 0).unwrap_err();
        assert!(matches!(error, Error::RecordTooLong { .. }), "{error}");
        assert_eq!(open(log.file).unwrap().head.count, 1);
    }
}
