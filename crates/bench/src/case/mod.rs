//! What is measured: one module for each case, all of which make tables.

mod append;
mod batch;
mod growth;
mod hour;
mod remote;
mod replace;
mod start;
mod stream;
mod wasm;
mod workload;

use crate::contestant::{Contestant, Store, all};
use crate::counts::{self, Job, Task};
use crate::measure::{About, Entry, Operations, Row, Runner};
use anyhow::Result;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Case {
    /// Durable replaces: sizes, one writer and sixteen.
    Replace,
    /// 370 bytes added to a file of 3.7 MB.
    Append,
    /// 64 files at once against 64 one by one.
    Batch,
    /// An hour of a heavy user.
    Workload,
    /// From inside a guest against native code.
    Wasm,
    /// A new instance of a guest, and what it first asks of the storage.
    Start,
    /// With many files, and with many volumes.
    Growth,
    /// A long file, piece by piece, against `cp`.
    Stream,
    /// A volume on an object store, against one bare request and the local volume.
    Remote,
}

/// What came of a part of a case at one place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Table {
    pub case: Case,
    /// Which part of the case, such as `4 KiB, 1 writer`.
    pub part: String,
    pub place: String,
    /// What one operation is.
    pub operation: String,
    pub rows: Vec<Row>,
}

/// What a case needs to run.
pub struct Bench<'a> {
    pub runner: Runner<'a>,
    pub guests: Option<PathBuf>,
    pub finished: &'a dyn Fn(&Table),
}

impl Case {
    /// Measures, and hands over each table when it is complete.
    pub fn run(self, bench: &Bench<'_>) -> Result<()> {
        match self {
            Self::Replace => replace::run(bench),
            Self::Append => append::run(bench),
            Self::Batch => batch::run(bench),
            Self::Workload => workload::run(bench),
            Self::Wasm => wasm::run(bench),
            Self::Start => start::run(bench),
            Self::Growth => growth::run(bench),
            Self::Stream => stream::run(bench),
            Self::Remote => remote::run(bench),
        }
    }
}

impl Bench<'_> {
    fn contestants(&self) -> Vec<Box<dyn Contestant>> {
        all(self.guests.as_deref())
    }

    fn quick(&self) -> bool {
        self.runner.plan.quick
    }

    fn measure(
        &self,
        case: Case,
        part: &str,
        operation: &str,
        entries: Vec<Entry<'_>>,
    ) -> Result<()> {
        let rounds = self.runner.plan.rounds;
        self.measure_rounds(rounds, case, part, operation, entries)
    }

    fn measure_rounds(
        &self,
        rounds: usize,
        case: Case,
        part: &str,
        operation: &str,
        entries: Vec<Entry<'_>>,
    ) -> Result<()> {
        let place = &self.runner.place.facts().name;
        let what = format!("{place}: {part}");
        let table = Table {
            case,
            part: part.to_owned(),
            place: place.clone(),
            operation: operation.to_owned(),
            rows: self.runner.run(&what, rounds, entries)?,
        };
        (self.finished)(&table);
        Ok(())
    }

    /// Calls of one operation; `None` where they cannot be counted.
    fn calls(&self, contestant: &dyn Contestant, task: Task, bytes: usize) -> Option<f64> {
        let directory = self.runner.place.fresh().ok()?;
        self.runner
            .progress
            .say(&format!("calls of {}", contestant.name()));
        let job = Job {
            contestant: contestant.name().to_owned(),
            task,
            bytes,
            directory: directory.path().to_owned(),
            guests: self.guests.clone(),
            operations: 0,
        };
        counts::calls(&job).ok()
    }
}

/// Replaces a file again and again, in one call a turn, so many times or a multiple of it.
fn repeated<'a>(about: About, store: Box<dyn Store>, bytes: usize, multiple: u64) -> Entry<'a> {
    let mut next = 0;
    let mut entry = Entry::new(about, move |count| {
        store.repeat("file.json", bytes, next, count)?;
        next += count;
        Ok(())
    });
    entry.operations = Operations::MultipleOf(multiple);
    entry
}

/// A directory of its own for each contestant, under one that goes with the case.
fn subdirectory(parent: &Path, name: &str) -> Result<PathBuf> {
    let path = parent.join(name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
    std::fs::create_dir(&path)?;
    Ok(path)
}
