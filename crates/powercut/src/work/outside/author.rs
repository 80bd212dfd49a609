//! A program whose records must be there, whatever others do to its files.

use crate::promise::history::RecordsWriter;
use crate::promise::{Answer, Kind, Violation};
use crate::recording::Site;
use crate::work::contents::contents;
use crate::work::desk::{append, open, path, rename, write};
use ability_storage_engine::{Batch, Change, Error, LocalVolume, Outcome, Volume};
use anyhow::{Result, bail};
use std::sync::Arc;

/// Longer than any file of the workload.
const MOST_BYTES: u64 = 16 << 20;

/// What the log of a batch is, and the file that goes with it.
const BOOK: (&str, &str) = ("book/log", "book/head");

pub struct Author<'a> {
    site: &'a Site<'a>,
    volume: Option<Arc<LocalVolume>>,
    records: RecordsWriter<'a>,
    version: u64,
}

impl<'a> Author<'a> {
    pub fn new(site: &'a Site<'a>, owns: &[&str]) -> Result<Self> {
        Ok(Self {
            site,
            volume: Some(open(site)?),
            records: site.recorder.records(owns),
            version: 0,
        })
    }

    /// Of the records that are in a file now nothing is promised any more.
    pub fn release(&mut self, path: &str) -> Result<()> {
        self.records.release(path)
    }

    fn broke(&self, kind: Kind, what: String) {
        let what = what + " (while the workload ran)";
        self.site.recorder.broke(Violation::new(kind, what));
    }

    /// Closes the volume, and opens it again.
    pub fn reopen(&mut self) -> Result<()> {
        self.volume = None;
        match open(self.site) {
            Ok(volume) => self.volume = Some(volume),
            Err(error) => {
                self.broke(
                    Kind::Unusable,
                    format!("the volume cannot be opened: {error:#}"),
                );
                bail!("a volume cannot be opened: {error:#}");
            }
        }
        Ok(())
    }

    fn next(&mut self, path: &str, bytes: usize) -> (String, Vec<u8>) {
        self.version += 1;
        let name = path.replace('/', " ");
        (
            path.to_owned(),
            contents(&name, self.version, bytes.max(50)),
        )
    }

    pub fn append(&mut self, path: &str, bytes: usize) -> Result<()> {
        let record = self.next(path, bytes);
        let change = append(path, &record.1)?;
        if self.commit(&[change], std::slice::from_ref(&record))? {
            self.check_end(path, &record.1);
        }
        Ok(())
    }

    pub fn write(&mut self, path: &str, bytes: usize) -> Result<()> {
        let record = self.next(path, bytes);
        let change = write(path, &record.1)?;
        self.release(path)?;
        if self.commit(&[change], std::slice::from_ref(&record))? {
            self.check_end(path, &record.1);
        }
        Ok(())
    }

    /// A line in a log and the file that it is about, as one.
    pub fn book(&mut self, bytes: usize) -> Result<()> {
        let (log, head) = BOOK;
        let records = [self.next(log, bytes), self.next(head, 2 * bytes)];
        let changes = [append(log, &records[0].1)?, write(head, &records[1].1)?];
        self.release(head)?;
        if self.commit(&changes, &records)? {
            self.check_end(log, &records[0].1);
            self.check_end(head, &records[1].1);
        }
        Ok(())
    }

    /// Moves a log out of the way, over the one before.
    pub fn turn(&mut self, path: &str) -> Result<()> {
        let old = format!("{path}.old");
        self.release(&old)?;
        self.records.moved(path, &old);
        self.commit(&[rename(path, &old)?], &[])?;
        Ok(())
    }

    /// Whether it was done; else a promise is broken, for nothing is wrong here.
    fn commit(&mut self, changes: &[Change], records: &[(String, Vec<u8>)]) -> Result<bool> {
        let Some(volume) = self.volume.clone() else {
            return Ok(false);
        };
        let batch: Batch = changes.iter().cloned().collect();
        let mut said = None;
        let answer = self.records.add(records, || {
            let done = volume.commit(batch);
            said = done.as_ref().err().map(|error| format!("{error:?}"));
            Ok(match done.map_err(|error| error.outcome()) {
                Ok(_) => Answer::Done,
                Err(Outcome::NotApplied) => Answer::NotApplied,
                // Also of what a later version may answer, nothing is certain.
                Err(_) => Answer::Unknown,
            })
        })?;
        if let Some(said) = said {
            self.broke(Kind::Unusable, format!("a commit failed: {said}"));
        }
        Ok(answer == Answer::Done)
    }

    /// What was just acknowledged is what readers see at the end of the file.
    fn check_end(&self, name: &str, record: &[u8]) {
        let Some(volume) = &self.volume else { return };
        let read = path(name).map(|path| volume.read(&path, MOST_BYTES));
        let plain = std::fs::read(self.site.directory.join(name)).unwrap_or_default();
        let has = match plain.ends_with(record) {
            true => "has",
            false => "lacks",
        };
        let lacks = |what: &str| {
            format!("{name} {what} what was just acknowledged, the plain file {has} it")
        };
        match read {
            Ok(Ok(read)) if read.contents().ends_with(record) => {}
            Ok(Ok(read)) => {
                let whole = read.contents().windows(record.len()).any(|it| it == record);
                let what = match whole {
                    true => "does not end with",
                    false => "lacks",
                };
                self.broke(Kind::Lost, lacks(what));
            }
            Ok(Err(Error::NotFound { .. })) => {
                self.broke(Kind::Missing, lacks("is not there, nor is"))
            }
            Ok(Err(error)) => self.broke(Kind::Unreadable, format!("{name}: {error}")),
            Err(error) => self.broke(Kind::Unreadable, format!("{name}: {error}")),
        }
    }
}
