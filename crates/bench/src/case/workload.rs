//! An hour of a heavy user, as fast as it goes.

use super::hour::{Hour, WRITES};
use super::{Bench, Case, subdirectory};
use crate::measure::{About, Entry, Operations};
use anyhow::Result;

/// Writes in a turn: an eighth of an hour, any of which is like the whole.
const TURN: u64 = WRITES as u64 / 8;

pub fn run(bench: &Bench<'_>) -> Result<()> {
    let directory = bench.runner.place.fresh()?;
    let hour = Hour::new();
    let contestants = bench.contestants();
    let mut entries = Vec::new();
    for contestant in contestants.iter().filter(|it| !it.kind().is_guest()) {
        let store = contestant.prepare(&subdirectory(directory.path(), contestant.name())?)?;
        hour.begin(&*store)?;
        let hour = &hour;
        let mut next = 1;
        let mut entry = Entry::new(About::contestant(&**contestant), move |count| {
            hour.replay(&*store, next, count)?;
            next += count;
            Ok(())
        });
        entry.operations = Operations::Exactly(TURN);
        entries.push(entry);
    }
    bench.measure(
        Case::Workload,
        "an hour of a heavy user",
        "one write of the hour's 880",
        entries,
    )
}
