//! The records of a log, verified one by one in bounded memory.

use super::gap::{Break, Gap};
use crate::audit::chain::{Broken, Head};
use crate::audit::line::{MAX_LINE, Record};
use crate::error::{Error, Result};
use crate::files::FileEnd;
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

    /// The last recorded break that was passed: it stands before the record that was
    /// given last, or further back.
    pub fn last_break(&self) -> Option<&Break> {
        self.lines.last_break()
    }

    /// The lines, whatever was read of them.
    pub(super) fn into_lines(self) -> Lines<Reader> {
        self.lines
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
    /// How the file ends up to what was read.
    end: FileEnd,
    last_break: Option<Break>,
    /// What stands behind the chain where it breaks; all of it, once there was an error.
    gap: Option<Gap>,
    /// Used again for each line.
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// `path` is for messages.
    pub(super) fn new(input: R, path: String) -> Self {
        Self::after(Head::START, FileEnd::default(), input, path)
    }

    /// Those behind a part of the log that has this head and this end.
    pub(super) fn after(head: Head, end: FileEnd, input: R, path: String) -> Self {
        Self {
            input,
            path,
            head,
            end,
            last_break: None,
            gap: None,
            line: Vec::new(),
        }
    }

    pub(super) fn head(&self) -> Head {
        self.head
    }

    pub(super) fn end(&self) -> &FileEnd {
        &self.end
    }

    pub(super) fn last_break(&self) -> Option<&Break> {
        self.last_break.as_ref()
    }

    pub(super) fn gap(&self) -> Option<&Gap> {
        self.gap.as_ref()
    }

    /// The next record, if it follows the one before, or continues the chain behind what
    /// does not; none at the end.
    pub(super) fn next_record(&mut self) -> Result<Option<Record>> {
        if !self.read_line()? {
            return Ok(None);
        }
        match self.verified() {
            Ok(record) => Ok(Some(record)),
            Err(broken) => self.pass_gap(broken).map(Some),
        }
    }

    /// All records that are left.
    pub(super) fn pass_all(&mut self) -> Result<()> {
        while self.next_record()?.is_some() {}
        Ok(())
    }

    /// The next line, or as much of it as a line may be long; `false` at the end.
    fn read_line(&mut self) -> Result<bool> {
        self.line.clear();
        let length = (&mut self.input)
            .take(MAX_LINE as u64)
            .read_until(b'\n', &mut self.line)
            .map_err(|error| from_io(error, &self.path))?;
        self.end.grow(&self.line);
        Ok(length > 0)
    }

    fn verified(&mut self) -> Result<Record, Broken> {
        let record = Record::from_line(&self.line).map_err(|reason| Broken {
            record: self.head.count.saturating_add(1),
            reason,
        })?;
        self.head.follow(&record.link)?;
        Ok(record)
    }

    /// From a line that does not follow to the record that continues the chain.
    fn pass_gap(&mut self, broken: Broken) -> Result<Record> {
        let mut gap = Gap::new(self.head, broken);
        loop {
            gap.add(&self.line);
            if !self.read_line()? {
                break;
            }
            if let Some((record, recorded)) = gap.continued_by(&self.line) {
                self.head = record.link.head();
                self.last_break = Some(recorded);
                return Ok(record);
            }
        }
        let broken = gap.broken.clone();
        self.gap = Some(gap);
        let path = self.path.clone();
        Err(Error::BrokenChain { path, broken })
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
    fn end_and_head_are_those_of_what_was_read() {
        let log = log_of(&["a", "b"]);
        let mut lines = Lines::new(log.as_slice(), "log".into());
        lines.next_record().unwrap();
        assert_eq!(lines.end(), &FileEnd::of(&log_of(&["a"])));
        lines.next_record().unwrap();
        assert_eq!(lines.end(), &FileEnd::of(&log));
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
        let input = io::repeat(b'x').take(5 * MAX_LINE as u64);
        let mut lines = Lines::new(io::BufReader::new(input), "log".into());
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

    /// The log with a record that continues its chain.
    fn continued(log: &[u8]) -> Vec<u8> {
        let mut lines = Lines::new(log, "log".into());
        lines.pass_all().unwrap_err();
        assert_eq!(lines.end(), &FileEnd::of(log), "all of it was read");
        let (line, head) = lines.gap().unwrap().continued(1_764_000_009);
        let log = [log, &line].concat();
        let mut lines = Lines::new(&log[..], "log".into());
        lines.pass_all().unwrap();
        assert_eq!(lines.head(), head);
        log
    }

    #[test]
    fn a_chain_is_continued_behind_whatever_breaks_it() {
        let log = log_of(&["a", "b", "c"]);
        let [one, two] = [log_of(&["a"]).len(), log_of(&["a", "b"]).len()];
        let torn = vec![b'x'; 2 * MAX_LINE + 7];
        let whole_lines = vec![b'x'; MAX_LINE];
        for (broken, head) in [
            ([&log[..two], &log[one..]].concat(), 2),
            (log[..two - 5].to_vec(), 1),
            (log[..two - 1].to_vec(), 1),
            (log[one..].to_vec(), 0),
            ([&log[..], b"\n"].concat(), 3),
            ([&log[..one], &torn, &log[one..]].concat(), 1),
            ([&log[..one], &whole_lines].concat(), 1),
        ] {
            let log = continued(&broken);
            let mut lines = Lines::new(&log[..], "log".into());
            lines.pass_all().unwrap();
            let recorded = lines.last_break().unwrap();
            assert_eq!((recorded.record, lines.head().count), (head + 1, head + 1));
            assert_eq!(recorded.broken.record, head + 1);
            // A second break, behind the first.
            continued(&[&log[..], b"anything"].concat());
        }
    }

    #[test]
    fn a_recorded_break_cannot_be_changed() {
        let log = log_of(&["a", "b"]);
        let one = log_of(&["a"]).len();
        let log = continued(&[&log[..], &log[one..]].concat());
        for at in 0..log.len() {
            let mut changed = log.clone();
            changed[at] ^= 1;
            read(&changed).unwrap_err();
        }
        for cut in one + 1..log.len() {
            let is_whole = cut == log_of(&["a", "b"]).len();
            assert_eq!(read(&log[..cut]).is_ok(), is_whole, "cut at {cut}");
        }
    }
}
