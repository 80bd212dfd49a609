//! Whether the laboratory would find out: its log must be what happened to the disk,
//! and a disk that ignores a flush must be caught.

use super::checker::{Checker, Findings, OnViolation};
use crate::crash::{Cut, Kept, positions};
use crate::disk::Event;
use crate::look::Look;
use crate::promise::history::Timeline;
use crate::recording::Recording;
use anyhow::Result;

/// Looks at what would be left, at each acknowledgement, by a disk that did not do
/// what the last flush asked for.
pub fn disk_that_ignores_a_flush(
    checker: &mut Checker,
    recording: &Recording,
    look: &Look,
) -> Result<Findings> {
    let events = recording.log.events();
    let marks = positions(recording).into_iter();
    let marks = marks.filter(|position| matches!(events[*position], Event::Mark(_)));
    let cuts: Vec<_> = marks
        .map(|position| Cut {
            position,
            kept: Kept::NotTheLastFlush,
        })
        .collect();
    let timeline = Timeline::new(&recording.history, &recording.log);
    checker.check(recording, &cuts, look, &timeline, OnViolation::Stop)
}
