//! `AuditLog`: a log in which no record can be changed unseen.
//!
//! Must never add to a chain that it has not verified, and never write anything
//! but whole records at the end.

mod chain;
mod gap;
mod line;
mod records;
mod tail;
#[cfg(test)]
mod tests;

pub use chain::{Broken, Hash, HashError, Head, HeadError, Link};
pub use gap::Break;
pub use line::Record;
pub use records::Records;

use crate::batch::{Batch, Made};
use crate::error::{Error, Result};
use crate::files::FileEnd;
use crate::scope::Scope;
use crate::update::Attempts;
use line::MAX_PAYLOAD;
use std::time::SystemTime;
use tail::{HostFile, LogFile as _, Tail};

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
/// chain, and any other byte of the file breaks its record. The log alone cannot
/// show that its last records are missing, or that someone has written all of it
/// again. Keep the [`Head`] of the last record elsewhere to find that out:
/// [`verify_with_head`](Self::verify_with_head).
///
/// # Several writers
///
/// Any number of writers, in any number of processes, may have a log open. A record
/// is appended on condition that the file still ends where this writer saw it end.
/// If another writer was faster, its records are read and verified, and the append
/// is tried again behind them, for at most a minute.
///
/// # A broken chain
///
/// A log that is broken is never overwritten, and nothing is appended behind the
/// break: [`Error::BrokenChain`]. [`inspect`](Self::inspect) shows where the break is
/// and what is left. [`continue_broken`](Self::continue_broken) leaves everything in
/// its place and appends a record that says where the chain was broken, and whose
/// hash covers all bytes that do not follow it; from there the chain goes on.
/// [`verify`](Self::verify) still reports such a break: a chain with a recorded break
/// is not whole. Keep the head that `continue_broken` gives, and verify with it.
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
    /// Where the chain ends once a batch is committed.
    proposed: Option<((Head, FileEnd), Made)>,
}

/// What is in the file of a log, whole or broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Where the chain ends, as far as it can be followed.
    pub head: Head,
    /// The breaks that [`AuditLog::continue_broken`] has recorded, in their order.
    pub breaks: Vec<Break>,
    /// Where the chain breaks for good, if it does: nothing can be appended before
    /// `continue_broken`.
    pub broken: Option<Broken>,
    /// How many bytes stand behind the last record that follows the chain.
    pub broken_bytes: u64,
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
    /// is. A break that was recorded is passed. Else as [`Reader`](crate::Reader),
    /// without [`Error::NotFound`].
    pub fn open(path: impl Into<String>, scope: Scope) -> Result<Self> {
        let path = path.into();
        match Self::records(path.as_str(), scope) {
            Ok(records) => {
                let mut lines = records.into_lines();
                lines.pass_all()?;
                Ok(Self::at(path, scope, lines.head(), lines.end().clone()))
            }
            Err(Error::NotFound { .. }) => {
                Ok(Self::at(path, scope, Head::START, FileEnd::default()))
            }
            Err(error) => Err(error),
        }
    }

    fn at(path: String, scope: Scope, head: Head, end: FileEnd) -> Self {
        let file = HostFile { path, scope };
        Self {
            tail: Tail { file, head, end },
            proposed: None,
        }
    }

    /// Adds a record of `payload` at the end, durably, with the time of the
    /// host's clock. Returns the new head. Records that other writers have appended
    /// meanwhile come before it.
    ///
    /// # Errors
    ///
    /// [`Error::RecordTooLong`] for a payload longer than
    /// [`MAX_PAYLOAD`](Self::MAX_PAYLOAD); [`Error::LogChanged`] if the file does not have
    /// the records any more that this writer knows of; [`Error::BrokenChain`] if what
    /// another writer has appended does not follow; [`Error::OtherEnd`] if other writers
    /// were faster for a minute. Else as [`append_file`](crate::append_file). After
    /// [`Error::Unconfirmed`] look at [`head`](Self::head): if it counts the record,
    /// that is in the log, but a power cut may undo it.
    pub fn append(&mut self, payload: impl AsRef<[u8]>) -> Result<Head> {
        self.take_made();
        self.proposed = None;
        self.tail.append(payload.as_ref(), unix_time)
    }

    /// Like [`append`](Self::append), as a part of `batch`: made with its other steps, or
    /// not at all.
    ///
    /// [`head`](Self::head) is the new head, which is returned, as soon as the batch is
    /// committed. That is refused if anyone else has appended. For a batch the whole log is
    /// read, and it must not be longer than what one call may carry.
    ///
    /// # Errors
    ///
    /// [`Error::RecordTooLong`], [`Error::LogChanged`] and [`Error::BrokenChain`] as
    /// [`append`](Self::append); [`Error::TooLarge`] if the log is too long for a batch;
    /// [`Error::Other`] if the batch is for another scope.
    pub fn append_in(&mut self, batch: &mut Batch, payload: impl AsRef<[u8]>) -> Result<Head> {
        self.take_made();
        let HostFile { path, scope } = &self.tail.file;
        batch.check_scope(path, *scope)?;
        let contents = batch.read(path)?.unwrap_or_default();
        let (line, tail) = self.tail.next(&contents, payload.as_ref(), unix_time())?;
        batch.append(path.as_str(), line);
        let head = tail.0;
        self.proposed = Some((tail, batch.watch()));
        Ok(head)
    }

    /// Takes over what was proposed, if it is made by now.
    fn take_made(&mut self) {
        let is_made = |(_, made): &mut ((Head, FileEnd), Made)| made.get().is_some();
        if let Some(((head, end), _)) = self.proposed.take_if(is_made) {
            self.tail.head = head;
            self.tail.end = end;
        }
    }

    /// Where the chain ends, as far as this log wrote or read it.
    pub fn head(&self) -> Head {
        match &self.proposed {
            Some(((head, _), made)) if made.get().is_some() => *head,
            _ => self.tail.head,
        }
    }

    /// How many records there are, as far as this log wrote or read them.
    pub fn count(&self) -> u64 {
        self.head().count
    }

    /// Verifies the log at `path`, without opening it to append: that every record
    /// follows the one before. Returns where its chain ends. Records that are missing
    /// from the end are not noticed: see [`verify_with_head`](Self::verify_with_head).
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no file, [`Error::BrokenChain`] if the
    /// chain is broken, also where the break was recorded. Else as
    /// [`Reader`](crate::Reader).
    pub fn verify(path: impl Into<String>, scope: Scope) -> Result<Head> {
        Self::verify_with_head(path, scope, Head::START)
    }

    /// Verifies the log at `path`, and that it still has every record up to `kept`: the
    /// head that [`append`](Self::append) or [`head`](Self::head) gave, and that was kept
    /// where nobody could change it. A break that was recorded before that head is
    /// accepted, one behind it is not. Returns where the chain ends.
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify); [`Error::BrokenChain`] also if the record of `kept` is
    /// missing, or is another one.
    pub fn verify_with_head(path: impl Into<String>, scope: Scope, kept: Head) -> Result<Head> {
        let path = path.into();
        let mut records = Self::records(path.as_str(), scope)?;
        let check = |head: Head, last_break: Option<&Break>| {
            let broken = kept.missing_at(head, last_break)?;
            let path = path.clone();
            Some(Error::BrokenChain { path, broken })
        };
        while let Some(record) = records.next() {
            record?;
            if let Some(error) = check(records.head(), records.last_break()) {
                return Err(error);
            }
        }
        let head = records.head();
        match kept.missing_behind(head) {
            None => Ok(head),
            Some(broken) => Err(Error::BrokenChain { path, broken }),
        }
    }

    /// Reads all of the log at `path` and reports what is there, whether or not its chain
    /// holds.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no file. Else as [`Reader`](crate::Reader).
    pub fn inspect(path: impl Into<String>, scope: Scope) -> Result<Inspection> {
        let mut lines = Self::records(path, scope)?.into_lines();
        let mut breaks: Vec<Break> = Vec::new();
        let broken = loop {
            match lines.next_record() {
                Ok(Some(_)) => {}
                Ok(None) => break None,
                Err(Error::BrokenChain { broken, .. }) => break Some(broken),
                Err(error) => return Err(error),
            }
            if let Some(recorded) = lines.last_break()
                && breaks.last() != Some(recorded)
            {
                breaks.push(recorded.clone());
            }
        };
        Ok(Inspection {
            head: lines.head(),
            breaks,
            broken,
            broken_bytes: lines.gap().map_or(0, |gap| gap.bytes),
        })
    }

    /// Opens a log whose chain is broken, and continues it: everything in the file stays
    /// as it is, and a record is appended that says where the chain was broken. That
    /// record follows the last one that holds, and its hash covers all bytes in between.
    /// A log that is not broken is opened, and nothing is appended.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), without [`Error::BrokenChain`], and as
    /// [`append`](Self::append). After [`Error::Unconfirmed`] the call can be made again.
    pub fn continue_broken(path: impl Into<String>, scope: Scope) -> Result<Self> {
        let path = path.into();
        let mut attempts = Attempts::begin();
        loop {
            let mut lines = match Self::records(path.as_str(), scope) {
                Ok(records) => records.into_lines(),
                Err(Error::NotFound { .. }) => return Self::open(path, scope),
                Err(error) => return Err(error),
            };
            let passed = lines.pass_all();
            let mut log = Self::at(path.clone(), scope, lines.head(), lines.end().clone());
            let Some(gap) = lines.gap() else {
                return passed.map(|()| log);
            };
            let (line, head) = gap.continued(unix_time());
            let tail = &mut log.tail;
            match tail.file.append_if(&line, &tail.end) {
                Ok(()) => {
                    tail.head = head;
                    tail.end.grow(&line);
                    return Ok(log);
                }
                // Another writer was faster, perhaps with the same.
                Err(Error::OtherEnd { .. }) if attempts.pause() => {}
                Err(error) => return Err(error),
            }
        }
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
