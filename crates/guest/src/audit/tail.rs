//! The end of a log: appending behind it, and following what other writers append.
//!
//! Must never append behind a record that was not verified, and never repeat an append
//! that may have been made.

use super::chain::Head;
use super::line::{MAX_PAYLOAD, Record};
use super::records::Lines;
use crate::error::{Error, Outcome, Result};
use crate::files::{self, FileEnd};
use crate::io_error::from_io;
use crate::reader::Reader;
use crate::scope::Scope;
use crate::update::Attempts;
use std::io::{BufRead, Read};

/// A file, as the end of a log needs it. A trait only so that logs can be tested
/// without a host.
pub(super) trait LogFile {
    type Input: BufRead;

    fn path(&self) -> &str;
    /// What stands behind the first `offset` bytes; `None` if the file is shorter than
    /// that, or there is none.
    fn read_from(&self, offset: u64) -> Result<Option<Self::Input>>;
    fn append_if(&mut self, line: &[u8], end: &FileEnd) -> Result<()>;
    /// Lets other writers finish; `false` if it has been tried for too long.
    fn pause(&self, attempts: &mut Attempts) -> bool;
}

#[derive(Debug)]
pub(super) struct HostFile {
    pub(super) path: String,
    pub(super) scope: Scope,
}

impl LogFile for HostFile {
    type Input = Reader;

    fn path(&self) -> &str {
        &self.path
    }

    fn read_from(&self, offset: u64) -> Result<Option<Reader>> {
        match Reader::open(&*self.path, self.scope) {
            Ok(reader) if reader.size() < offset => Ok(None),
            Ok(mut reader) => {
                reader.skip(offset)?;
                Ok(Some(reader))
            }
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn append_if(&mut self, line: &[u8], end: &FileEnd) -> Result<()> {
        files::append_file_if(&self.path, line, self.scope, end)
    }

    fn pause(&self, attempts: &mut Attempts) -> bool {
        attempts.pause()
    }
}

/// The end of a verified log.
#[derive(Debug)]
pub(super) struct Tail<F> {
    pub(super) file: F,
    pub(super) head: Head,
    /// How the file ends of which `head` is the head.
    pub(super) end: FileEnd,
}

impl<F: LogFile> Tail<F> {
    /// The line of the next record where the file holds `contents`, and where the chain
    /// ends behind it.
    pub(super) fn next(
        &self,
        contents: &[u8],
        payload: &[u8],
        time: u64,
    ) -> Result<(String, (Head, FileEnd))> {
        self.check_payload(payload)?;
        let path = self.file.path();
        let known = usize::try_from(self.end.size)
            .ok()
            .and_then(|size| contents.split_at_checked(size))
            .filter(|(known, _)| known.ends_with(&self.end.last_bytes));
        let Some((_, behind)) = known else {
            return Err(Error::LogChanged { path: path.into() });
        };
        let mut lines = Lines::after(self.head, self.end.clone(), behind, path.into());
        lines.pass_all()?;
        let record = Record {
            link: lines.head().link(payload, time),
            payload: payload.to_vec(),
        };
        let line = record.to_line();
        let mut end = lines.end().clone();
        end.grow(line.as_bytes());
        Ok((line, (record.link.head(), end)))
    }

    fn check_payload(&self, payload: &[u8]) -> Result<()> {
        if payload.len() <= MAX_PAYLOAD {
            return Ok(());
        }
        Err(Error::RecordTooLong {
            path: self.file.path().to_owned(),
            limit: MAX_PAYLOAD,
        })
    }

    /// Appends a record behind the last one, whoever wrote that.
    pub(super) fn append(&mut self, payload: &[u8], time: impl Fn() -> u64) -> Result<Head> {
        self.check_payload(payload)?;
        let mut attempts = Attempts::begin();
        loop {
            let record = Record {
                link: self.head.link(payload, time()),
                payload: payload.to_vec(),
            };
            let line = record.to_line();
            match self.file.append_if(line.as_bytes(), &self.end) {
                Ok(()) => {
                    self.add(&record, &line);
                    return Ok(self.head);
                }
                Err(conflict @ Error::OtherEnd { .. }) => {
                    if !self.file.pause(&mut attempts) {
                        return Err(conflict);
                    }
                    self.follow()?;
                }
                Err(error) => {
                    // It is in the file mostly, and the next record follows it.
                    if error.outcome() != Outcome::NotApplied && self.is_next(&line) {
                        self.add(&record, &line);
                    }
                    return Err(error);
                }
            }
        }
    }

    fn add(&mut self, record: &Record, line: &str) {
        self.head = record.link.head();
        self.end.grow(line.as_bytes());
    }

    /// Reads and verifies what other writers have appended.
    fn follow(&mut self) -> Result<()> {
        let path = self.file.path().to_owned();
        let Some(input) = self.behind_end()? else {
            return Err(Error::LogChanged { path });
        };
        let mut lines = Lines::after(self.head, self.end.clone(), input, path);
        let followed = lines.pass_all();
        // What was verified need not be read again.
        if followed.is_ok() {
            self.head = lines.head();
            self.end = lines.end().clone();
        }
        followed
    }

    /// Whether the file goes on with this line. It was appended on condition that it
    /// comes next, so it is there or nowhere.
    fn is_next(&self, line: &str) -> bool {
        let Ok(Some(mut input)) = self.behind_end() else {
            return false;
        };
        let mut next = vec![0; line.len()];
        input.read_exact(&mut next).is_ok() && next == line.as_bytes()
    }

    /// What stands behind the records that are known; `None` if the file does not have
    /// them any more.
    fn behind_end(&self) -> Result<Option<F::Input>> {
        let FileEnd { size, last_bytes } = &self.end;
        let offset = size.saturating_sub(last_bytes.len() as u64);
        let Some(mut input) = self.file.read_from(offset)? else {
            return Ok(None);
        };
        let mut found = Vec::new();
        (&mut input)
            .take(last_bytes.len() as u64)
            .read_to_end(&mut found)
            .map_err(|error| from_io(error, self.file.path()))?;
        Ok((found == *last_bytes).then_some(input))
    }
}
