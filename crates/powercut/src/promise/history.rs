//! What was begun and what was acknowledged, noted in the log of the disk while it
//! happens.

mod noted;

use super::lines::Lines;
use super::sequence::{Sequence, State};
use super::{Expectation, Files, Status, Violation};
use crate::disk::Log;
use crate::disk::client::Marker;
use anyhow::{Result, ensure};
use noted::Noted;
pub use noted::RecordsWriter;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Marks below are the laboratory's own.
const FIRST_MARK: u64 = 16;

/// What was said of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is made, and durable.
    Done,
    /// Nothing is changed.
    NotApplied,
    /// It is made or not, and whole if it is.
    Unknown,
}

/// One step of a writer, or one line of a log. Its number makes three marks: that
/// it was begun, that it was acknowledged, and that it was not applied.
#[derive(Clone, Copy, Debug)]
struct Number(u64);

impl Number {
    fn begun(self) -> u64 {
        FIRST_MARK + 3 * self.0
    }

    fn acknowledged(self) -> u64 {
        self.begun() + 1
    }

    fn not_applied(self) -> u64 {
        self.begun() + 2
    }

    fn answered(self, answer: Answer) -> Option<u64> {
        match answer {
            Answer::Done => Some(self.acknowledged()),
            Answer::NotApplied => Some(self.not_applied()),
            Answer::Unknown => None,
        }
    }
}

/// All that happened in one run of a workload.
#[derive(Debug, Default)]
pub struct History {
    steps: u64,
    sequences: Vec<Steps>,
    lines: Vec<(String, Vec<(String, Number)>)>,
    records: Vec<Noted>,
    broken: Vec<Violation>,
}

#[derive(Debug)]
struct Steps {
    owns: Vec<String>,
    before: Files,
    steps: Vec<(Number, Files)>,
}

impl History {
    fn next(&mut self) -> Number {
        self.steps += 1;
        Number(self.steps)
    }

    fn begin(&mut self, sequence: usize, files: Files) -> Number {
        let number = self.next();
        self.sequences[sequence].steps.push((number, files));
        number
    }

    /// Promises that were broken while the workload ran.
    pub fn broken(&self) -> &[Violation] {
        &self.broken
    }

    /// Says that files at and under `owns` are there and do not change.
    pub fn stands_still(&mut self, owns: Vec<String>, files: Files) {
        self.sequences.push(Steps {
            owns,
            before: files,
            steps: Vec::new(),
        });
    }
}

/// The marks of a log, to look up what may be left at each moment.
pub struct Timeline<'a> {
    history: &'a History,
    positions: HashMap<u64, usize>,
}

impl<'a> Timeline<'a> {
    pub fn new(history: &'a History, log: &Log) -> Self {
        Self {
            history,
            positions: log.marks(),
        }
    }

    /// What may be left if the power is cut after the event at `position`.
    pub fn at(&self, position: usize) -> Expectation {
        let passed = |mark: u64| self.positions.get(&mark).is_some_and(|p| *p <= position);
        let status = |number: Number| {
            if passed(number.acknowledged()) {
                Status::Acknowledged
            } else if passed(number.not_applied()) {
                Status::NotApplied
            } else if passed(number.begun()) {
                Status::Begun
            } else {
                Status::NotBegun
            }
        };
        let sequences = self.history.sequences.iter().map(|sequence| {
            let before = State {
                files: sequence.before.clone(),
                status: Status::Acknowledged,
            };
            let after = sequence.steps.iter().map(|(number, files)| State {
                files: files.clone(),
                status: status(*number),
            });
            let states = std::iter::once(before).chain(after).collect();
            Sequence::new(sequence.owns.clone(), states)
        });
        let lines = self.history.lines.iter().map(|(path, lines)| {
            let lines = lines.iter().map(|(line, n)| (line.clone(), status(*n)));
            Lines::new(path.clone(), lines.collect())
        });
        let records = self.history.records.iter();
        let records = records.map(|noted| noted.promise(status, passed));
        Expectation {
            sequences: sequences.collect(),
            lines: lines.collect(),
            records: records.collect(),
        }
    }
}

/// Through which a workload tells what it does.
#[derive(Debug)]
pub struct Recorder {
    marker: Marker,
    history: Mutex<History>,
}

impl Recorder {
    pub fn new(marker: Marker) -> Self {
        Self {
            marker,
            history: Mutex::default(),
        }
    }

    pub fn into_history(self) -> History {
        self.history
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a moment with a mark of the laboratory's own.
    pub fn note(&self, mark: u64) -> Result<()> {
        debug_assert!(mark < FIRST_MARK);
        self.marker.mark(mark)
    }

    /// A writer to whom all files at and under `owns` belong, of which there are
    /// none yet.
    pub fn writer(&self, owns: &[&str]) -> Writer<'_> {
        let mut history = self.history();
        let owns = owns.iter().map(|path| (*path).to_owned()).collect();
        history.stands_still(owns, Files::default());
        Writer {
            recorder: self,
            index: history.sequences.len() - 1,
            files: Files::default(),
        }
    }

    /// Notes that a promise was broken while the workload ran.
    pub fn broke(&self, violation: Violation) {
        self.history().broken.push(violation);
    }

    /// A log that several may append to.
    pub fn log(&self, path: &str) -> LogOfLines<'_> {
        let mut history = self.history();
        history.lines.push((path.to_owned(), Vec::new()));
        LogOfLines {
            recorder: self,
            index: history.lines.len() - 1,
        }
    }
}

/// One who changes files step by step.
#[derive(Debug)]
pub struct Writer<'a> {
    recorder: &'a Recorder,
    index: usize,
    files: Files,
}

impl<'a> Writer<'a> {
    /// What its files are now.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Does one thing that, once it is done, has changed the files like
    /// `change`. If it fails, the recording is worth nothing.
    pub fn step(
        &mut self,
        change: impl FnOnce(&mut Files),
        act: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        let done = || act().map(|()| true);
        self.attempt(change, done).map(drop)
    }

    /// Like [`step`](Self::step), for one who may be stopped in the middle: `act`
    /// tells whether it was acknowledged. If not, the files stay what they were,
    /// until somebody [looks](Self::step_then_look).
    pub fn attempt(
        &mut self,
        change: impl FnOnce(&mut Files),
        act: impl FnOnce() -> Result<bool>,
    ) -> Result<bool> {
        let answer = || {
            Ok(match act()? {
                true => Answer::Done,
                false => Answer::Unknown,
            })
        };
        Ok(self.ask(change, answer)? == Answer::Done)
    }

    /// Like [`step`](Self::step), for a change that may fail: `act` tells what was
    /// answered. The files are what they were unless it is done.
    pub fn ask(
        &mut self,
        change: impl FnOnce(&mut Files),
        act: impl FnOnce() -> Result<Answer>,
    ) -> Result<Answer> {
        let mut after = self.files.clone();
        change(&mut after);
        let number = self.begin(after.clone());
        self.recorder.marker.mark(number.begun())?;
        let answer = act()?;
        if let Some(mark) = number.answered(answer) {
            self.recorder.marker.mark(mark)?;
        }
        if answer == Answer::Done {
            self.files = after;
        }
        Ok(answer)
    }

    /// Like [`step`](Self::step), for one who cannot know beforehand what the
    /// files will be: `act` returns it.
    pub fn step_then_look(&mut self, act: impl FnOnce() -> Result<Files>) -> Result<()> {
        let number = self.begin(Files::default());
        self.recorder.marker.mark(number.begun())?;
        self.files = act()?;
        self.recorder.marker.mark(number.acknowledged())?;
        let mut history = self.recorder.history();
        if let Some((_, files)) = history.sequences[self.index].steps.last_mut() {
            *files = self.files.clone();
        }
        Ok(())
    }

    fn begin(&self, files: Files) -> Number {
        self.recorder.history().begin(self.index, files)
    }

    /// For several threads that make the same sequence of states, each of them
    /// trying to be the one who makes the next.
    pub fn contended(self) -> Contended<'a> {
        Contended { writer: self }
    }
}

/// A sequence of states that several threads make together.
#[derive(Debug)]
pub struct Contended<'a> {
    writer: Writer<'a>,
}

impl Contended<'_> {
    /// Tries to make the state that follows `made` others. `act` tells whether
    /// it was the one who did.
    pub fn attempt(
        &self,
        made: usize,
        files: Files,
        act: impl FnOnce() -> Result<bool>,
    ) -> Result<bool> {
        let number = self.number_of(made, files)?;
        let recorder = self.writer.recorder;
        recorder.marker.mark(number.begun())?;
        let done = act()?;
        if done {
            recorder.marker.mark(number.acknowledged())?;
        }
        Ok(done)
    }

    fn number_of(&self, made: usize, files: Files) -> Result<Number> {
        let mut history = self.writer.recorder.history();
        let steps = &history.sequences[self.writer.index].steps;
        if let Some((number, _)) = steps.get(made) {
            return Ok(*number);
        }
        let follows = made == steps.len();
        ensure!(follows, "a state was seen that nobody began to make");
        Ok(history.begin(self.writer.index, files))
    }
}

/// A log of lines.
#[derive(Clone, Copy, Debug)]
pub struct LogOfLines<'a> {
    recorder: &'a Recorder,
    index: usize,
}

impl LogOfLines<'_> {
    /// Appends a line; `act` gets it with its end.
    pub fn append(&self, line: &str, act: impl FnOnce(&[u8]) -> Result<()>) -> Result<()> {
        let number = {
            let mut history = self.recorder.history();
            let number = history.next();
            history.lines[self.index].1.push((line.to_owned(), number));
            number
        };
        self.recorder.marker.mark(number.begun())?;
        act(format!("{line}\n").as_bytes())?;
        self.recorder.marker.mark(number.acknowledged())
    }
}
