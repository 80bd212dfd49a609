//! Noting records in files that other programs change, too.

use super::super::Status;
use super::super::files::Contents;
use super::super::records::{Record, Records};
use super::{Answer, Number, Recorder};
use anyhow::Result;

/// The records in files that other programs change, too.
#[derive(Debug)]
pub(super) struct Noted {
    owns: Vec<String>,
    records: Vec<NotedRecord>,
}

#[derive(Debug)]
struct NotedRecord {
    path: String,
    contents: Contents,
    number: Number,
    released: Option<Number>,
}

impl Noted {
    /// What may be left at one moment; `status` and `passed` tell of numbers and of
    /// marks how far they had come.
    pub(super) fn promise(
        &self,
        status: impl Fn(Number) -> Status,
        passed: impl Fn(u64) -> bool,
    ) -> Records {
        let record = |it: &NotedRecord| Record {
            path: it.path.clone(),
            contents: it.contents.clone(),
            group: it.number.0,
            status: status(it.number),
            is_released: it.released.is_some_and(|number| passed(number.begun())),
        };
        Records::new(self.owns.clone(), self.records.iter().map(record).collect())
    }
}

impl Recorder {
    /// Records in the files at and under `owns`, which other programs change, too.
    pub fn records(&self, owns: &[&str]) -> RecordsWriter<'_> {
        let mut history = self.history();
        history.records.push(Noted {
            owns: owns.iter().map(|path| (*path).to_owned()).collect(),
            records: Vec::new(),
        });
        RecordsWriter {
            recorder: self,
            index: history.records.len() - 1,
        }
    }
}

/// Notes records in files that other programs change, too.
#[derive(Debug)]
pub struct RecordsWriter<'a> {
    recorder: &'a Recorder,
    index: usize,
}

impl RecordsWriter<'_> {
    /// Puts records into files, each with the path of its file, all of them or none.
    pub fn add(
        &mut self,
        records: &[(String, Vec<u8>)],
        act: impl FnOnce() -> Result<Answer>,
    ) -> Result<Answer> {
        let number = {
            let mut history = self.recorder.history();
            let number = history.next();
            let noted = records.iter().map(|(path, contents)| NotedRecord {
                path: path.clone(),
                contents: Contents::new(contents),
                number,
                released: None,
            });
            history.records[self.index].records.extend(noted);
            number
        };
        self.recorder.marker.mark(number.begun())?;
        let answer = act()?;
        if let Some(mark) = number.answered(answer) {
            self.recorder.marker.mark(mark)?;
        }
        Ok(answer)
    }

    /// From now on nothing is promised of the records that are in a file now: another
    /// program, or a change of our own, is about to take them away.
    pub fn release(&mut self, path: &str) -> Result<()> {
        let number = {
            let mut history = self.recorder.history();
            let number = history.next();
            let records = history.records[self.index].records.iter_mut();
            for record in records.filter(|it| it.path == path) {
                record.released.get_or_insert(number);
            }
            number
        };
        self.recorder.marker.mark(number.begun())
    }

    /// The records of a file are in another one from now on.
    pub fn moved(&mut self, source: &str, target: &str) {
        let mut history = self.recorder.history();
        let records = history.records[self.index].records.iter_mut();
        for record in records.filter(|it| it.path == source) {
            record.path = target.to_owned();
        }
    }
}
