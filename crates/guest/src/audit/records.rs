//! The records of a log, verified one by one in bounded memory.

use crate::audit::chain::{Broken, Head};
use crate::audit::line::{MAX_LINE, Record};
use crate::error::{Error, Result};
use crate::io_error::from_io;
use crate::reader::Reader;
use crate::scope::Scope;
use std::io::{BufRead, Read};

/// The records of an [`AuditLog`](crate::AuditLog), from the first to the last.
///
/// Each is verified before it is given. After an error there are no more.
///
/// ```no_run
/// use ability_storage_guest::{AuditLog, Error, Scope};
///
/// for record in AuditLog::records("audit.log", Scope::Ability)? {
///     let record = record?;
///     println!("{} {}", record.link.time, String::from_utf8_lossy(&record.payload));
/// }
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Records {
    lines: Lines<Reader>,
    ended: bool,
}

impl Records {
    pub(super) fn open(path: String, scope: Scope) -> Result<Self> {
        let reader = Reader::open(path.as_str(), scope)?;
        Ok(Self {
            lines: Lines::new(reader, path),
            ended: false,
        })
    }

    /// The head of the chain up to the last record given.
    pub fn head(&self) -> Head {
        self.lines.head()
    }

    /// Length of the lines that were given, in bytes.
    pub(super) fn size(&self) -> u64 {
        self.lines.size()
    }
}

impl Iterator for Records {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let record = self.lines.next_record().transpose();
        self.ended = !matches!(record, Some(Ok(_)));
        record
    }
}

/// The lines of a log, and the chain so far.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    path: String,
    head: Head,
    size: u64,
    /// Used again for each line.
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// `path` is for messages.
    pub(super) fn new(input: R, path: String) -> Self {
        Self {
            input,
            path,
            head: Head::START,
            size: 0,
            line: Vec::new(),
        }
    }

    pub(super) fn head(&self) -> Head {
        self.head
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The next record, if it follows the one before; none at the end.
    pub(super) fn next_record(&mut self) -> Result<Option<Record>> {
        self.line.clear();
        let length = (&mut self.input)
            .take(MAX_LINE as u64)
            .read_until(b'\n', &mut self.line)
            .map_err(|error| from_io(error, &self.path))?;
        if length == 0 {
            return Ok(None);
        }
        let record = self.verified().map_err(|broken| Error::BrokenChain {
            path: self.path.clone(),
            broken,
        })?;
        self.size += length as u64;
        Ok(Some(record))
    }

    fn verified(&mut self) -> Result<Record, Broken> {
        let record = Record::from_line(&self.line).map_err(|reason| Broken {
            record: self.head.count.saturating_add(1),
            reason,
        })?;
        self.head.follow(&record.link)?;
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    fn log_of(payloads: &[&str]) -> Vec<u8> {
        let mut head = Head::START;
        let mut log = String::new();
        for (payload, time) in payloads.iter().zip(1_764_000_000..) {
            let link = head.link(payload.as_bytes(), time);
            head.follow(&link).unwrap();
            let payload = payload.as_bytes().to_vec();
            log += &Record { link, payload }.to_line();
        }
        log.into_bytes()
    }

    fn read(log: &[u8]) -> Result<Vec<Record>> {
        let mut lines = Lines::new(log, "log".into());
        std::iter::from_fn(|| lines.next_record().transpose()).collect()
    }

    fn broken_at(log: &[u8]) -> u64 {
        match read(log).unwrap_err() {
            Error::BrokenChain { broken, .. } => broken.record,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn records_come_back_in_order() {
        assert_eq!(read(b""), Ok(Vec::new()));
        let log = log_of(&["a", "b\nc", ""]);
        let records = read(&log).unwrap();
        let payloads: Vec<_> = records.iter().map(|record| &record.payload[..]).collect();
        assert_eq!(payloads, [b"a".as_slice(), b"b\nc", b""]);
    }

    #[test]
    fn size_and_head_are_those_of_what_was_read() {
        let log = log_of(&["a", "b"]);
        let mut lines = Lines::new(log.as_slice(), "log".into());
        lines.next_record().unwrap();
        assert_eq!(lines.size(), log_of(&["a"]).len() as u64);
        lines.next_record().unwrap();
        assert_eq!(lines.size(), log.len() as u64);
        assert_eq!(lines.head().count, 2);
    }

    #[test]
    fn a_change_of_any_byte_is_found() {
        let log = log_of(&["a", "b", "c"]);
        for at in 0..log.len() {
            for flip in [1, 0x80] {
                let mut changed = log.clone();
                changed[at] ^= flip;
                read(&changed).unwrap_err();
            }
        }
    }

    #[test]
    fn a_log_cut_off_within_a_record_is_found() {
        let log = log_of(&["a", "b"]);
        let first = log_of(&["a"]).len();
        for cut in 1..log.len() {
            if cut != first {
                let record = 1 + u64::from(cut > first);
                assert_eq!(broken_at(&log[..cut]), record, "cut at {cut}");
            }
        }
    }

    #[test]
    fn a_line_without_end_is_read_no_further_than_it_may_be_long() {
        let mut lines = Lines::new(io::BufReader::new(io::repeat(b'x')), "log".into());
        let error = lines.next_record().unwrap_err();
        assert!(error.to_string().ends_with("its line is too long"));
        assert!(lines.line.capacity() <= 2 * MAX_LINE);
    }

    #[test]
    fn an_error_of_the_reader_is_not_the_end() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                let path = "log".into();
                Err(Error::NotFound { path }.into())
            }
        }
        let mut lines = Lines::new(io::BufReader::new(Failing), "log".into());
        assert_eq!(
            lines.next_record(),
            Err(Error::NotFound { path: "log".into() })
        );
    }
}
