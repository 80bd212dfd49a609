//! Rounds: all contestants of a case in turns, each turn in another order.
//!
//! Must never time what a contestant does not do itself: before each turn the file
//! system is synced, so that nobody writes back what another left dirty.

use crate::contestant::{Contestant, Guarantees, Kind};
use crate::place::Place;
use crate::progress::Progress;
use crate::statistics::Spread;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often more than once it is tried how many operations fit into a turn.
const CALIBRATIONS: usize = 2;

/// How long is measured.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub rounds: usize,
    /// Of one contestant in one round, about.
    pub turn: Duration,
    pub quick: bool,
}

/// What the reader of a table is told of a row before any number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct About {
    pub name: String,
    /// Whose it is; the same as the name unless it has several rows in the table.
    pub contestant: String,
    pub kind: Kind,
    pub guarantees: Guarantees,
}

impl About {
    pub fn contestant(contestant: &dyn Contestant) -> Self {
        Self::named(contestant.name(), contestant)
    }

    pub fn named(name: impl Into<String>, contestant: &dyn Contestant) -> Self {
        Self {
            name: name.into(),
            contestant: contestant.name().to_owned(),
            kind: contestant.kind(),
            guarantees: contestant.guarantees(),
        }
    }
}

/// How many operations a turn has.
#[derive(Clone, Copy, Debug)]
pub enum Operations {
    /// As many as fit, a multiple of this.
    MultipleOf(u64),
    /// Always so many.
    Exactly(u64),
}

type Run<'a> = Box<dyn FnMut(u64) -> Result<Duration> + 'a>;

/// Something that is measured.
pub struct Entry<'a> {
    pub about: About,
    pub operations: Operations,
    /// System calls that could concern files, for each operation.
    pub calls: Option<f64>,
    /// Does so many operations, and says how long they took.
    pub run: Run<'a>,
}

impl<'a> Entry<'a> {
    /// Whose operations are done one after the other by `run`, which is told how many.
    pub fn new(about: About, mut run: impl FnMut(u64) -> Result<()> + 'a) -> Self {
        Self {
            about,
            operations: Operations::MultipleOf(1),
            calls: None,
            run: Box::new(move |count| {
                let started = Instant::now();
                run(count)?;
                Ok(started.elapsed())
            }),
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    #[serde(flatten)]
    pub about: About,
    /// Microseconds for an operation.
    pub microseconds: Spread,
    /// The same, round by round.
    pub rounds: Vec<f64>,
    pub operations_per_round: u64,
    /// Of the device, for an operation.
    pub flushes: Option<f64>,
    pub calls: Option<f64>,
}

/// Measures.
pub struct Runner<'a> {
    pub plan: Plan,
    pub place: &'a Place,
    pub progress: &'a Progress,
    pub stop: &'a AtomicBool,
}

struct Turns {
    operations: u64,
    microseconds: Vec<f64>,
    flushes: Option<u64>,
}

/// What a run ends with that was stopped.
#[derive(Debug)]
pub struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped")
    }
}

impl std::error::Error for Stopped {}

impl Runner<'_> {
    pub fn run(&self, what: &str, rounds: usize, mut entries: Vec<Entry<'_>>) -> Result<Vec<Row>> {
        let steps = entries.len() * (rounds + 1);
        self.progress.begin(what, steps);
        let mut turns = Vec::new();
        for entry in &mut entries {
            let operations = self.calibrate(entry)?;
            turns.push(Turns {
                operations,
                microseconds: Vec::new(),
                flushes: self.place.flushes().map(|_| 0),
            });
            self.progress.step();
        }
        for round in 0..rounds {
            for turn in 0..entries.len() {
                let index = (turn + round) % entries.len();
                self.turn(&mut entries[index], &mut turns[index])?;
                self.progress.step();
            }
        }
        entries
            .into_iter()
            .zip(turns)
            .map(|(entry, turns)| self.row(entry, turns))
            .collect()
    }

    /// Warms up until it is known how many operations fill a turn.
    fn calibrate(&self, entry: &mut Entry<'_>) -> Result<u64> {
        let step = match entry.operations {
            Operations::Exactly(count) => {
                self.go(entry, count)?;
                return Ok(count);
            }
            Operations::MultipleOf(step) => step,
        };
        let mut count = step;
        while self.go(entry, count)? * 4 < self.plan.turn {
            count *= 2;
        }
        // The fastest of some: one that was disturbed would make all turns too short.
        let mut fastest = self.go(entry, count)?;
        let more = if self.plan.quick { 0 } else { CALIBRATIONS };
        for _ in 0..more {
            fastest = fastest.min(self.go(entry, count)?);
        }
        let fits = self.plan.turn.as_secs_f64() / fastest.as_secs_f64();
        let steps = (count as f64 * fits / step as f64).round();
        Ok((steps as u64).max(1) * step)
    }

    fn turn(&self, entry: &mut Entry<'_>, turns: &mut Turns) -> Result<()> {
        self.place.settle()?;
        let before = self.place.flushes();
        let elapsed = self.go(entry, turns.operations)?;
        let after = self.place.flushes();
        let microseconds = elapsed.as_secs_f64() * 1e6 / turns.operations as f64;
        turns.microseconds.push(microseconds);
        turns.flushes = match (turns.flushes, before, after) {
            (Some(sum), Some(before), Some(after)) => Some(sum + (after - before)),
            _ => None,
        };
        Ok(())
    }

    fn go(&self, entry: &mut Entry<'_>, count: u64) -> Result<Duration> {
        if self.stop.load(Ordering::Relaxed) {
            bail!(Stopped);
        }
        (entry.run)(count).with_context(|| entry.about.name.clone())
    }

    fn row(&self, entry: Entry<'_>, turns: Turns) -> Result<Row> {
        let operations = turns.operations * turns.microseconds.len() as u64;
        Ok(Row {
            microseconds: Spread::of(&turns.microseconds).context("there was no round")?,
            rounds: turns.microseconds,
            operations_per_round: turns.operations,
            flushes: turns.flushes.map(|sum| sum as f64 / operations as f64),
            calls: entry.calls,
            about: entry.about,
        })
    }
}
