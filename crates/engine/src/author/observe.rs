//! What a volume reports of its work: events for a log, counters for a monitor.
//! Paths, lengths, outcomes and times; never contents.
//!
//! Implementors of [`Volume`](crate::Volume) use it, so that all volumes report alike.

use crate::{Error, FilePath, Outcome, Result, Step};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// What a volume has done since it was opened. What a kind of volume does not do stays
/// zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Commits that were made, batches as one.
    pub commits: u64,
    /// Bytes that those commits wrote.
    pub bytes: u64,
    /// Writes among those commits for which nothing was written: the contents were in
    /// the file already, and on the disk. A batch counts each of its files.
    pub unchanged: u64,
    /// Commits that were not made because a precondition did not hold.
    pub conflicts: u64,
    /// Commits that were not made for any other reason.
    pub refusals: u64,
    /// Commits that were made but could not be confirmed.
    pub unconfirmed: u64,
    /// Dead sessions of others that were removed, and logs that were put into the files when
    /// the volume was opened.
    pub recoveries: u64,
    /// Calls that make something durable: `fsync`, `fdatasync` and the like. A
    /// device may see more flushes than that.
    pub syncs: u64,
}

/// Counts what becomes of commits, and reports it to the log.
#[derive(Debug, Default)]
pub struct Observer {
    commits: AtomicU64,
    bytes: AtomicU64,
    unchanged: AtomicU64,
    conflicts: AtomicU64,
    refusals: AtomicU64,
    unconfirmed: AtomicU64,
    recoveries: AtomicU64,
}

/// A commit that has begun.
#[derive(Debug)]
#[must_use = "a commit is counted by `Observer::committed`"]
pub struct Observed {
    path: Option<FilePath>,
    steps: usize,
    bytes: u64,
    start: Instant,
}

impl Observed {
    /// A commit of these steps, that begins now.
    pub fn batch(steps: &[Step]) -> Self {
        Self {
            path: steps.first().map(|step| step.change.target().clone()),
            steps: steps.len(),
            bytes: steps.iter().map(|step| step.change.bytes()).sum(),
            start: Instant::now(),
        }
    }

    /// A commit of a file that was streamed, that begins now.
    pub fn stream(path: &FilePath, bytes: u64) -> Self {
        Self {
            path: Some(path.clone()),
            steps: 1,
            bytes,
            start: Instant::now(),
        }
    }

    /// What happens below is part of this commit.
    pub fn span(&self) -> tracing::Span {
        let Self { steps, bytes, .. } = self;
        tracing::debug_span!("commit", path = self.path(), steps, bytes)
    }

    fn path(&self) -> &str {
        self.path.as_ref().map_or("", FilePath::as_str)
    }
}

impl Observer {
    /// All that was counted so far. The caller counts `syncs`.
    pub fn counters(&self, syncs: u64) -> Counters {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            commits: get(&self.commits),
            bytes: get(&self.bytes),
            unchanged: get(&self.unchanged),
            conflicts: get(&self.conflicts),
            refusals: get(&self.refusals),
            unconfirmed: get(&self.unconfirmed),
            recoveries: get(&self.recoveries),
            syncs,
        }
    }

    /// A write of a commit was of what the file held already.
    pub fn unchanged(&self) {
        add(&self.unchanged, 1);
    }

    /// What a dead session had left was put in order.
    pub fn recovered(&self) {
        add(&self.recoveries, 1);
    }

    /// A commit has come to its end.
    pub fn committed<T>(&self, observed: Observed, result: &Result<T>) {
        let path = observed.path();
        let Observed {
            steps,
            bytes,
            start,
            ..
        } = observed;
        let micros = start.elapsed().as_micros() as u64;
        match result {
            Ok(_) => {
                add(&self.commits, 1);
                add(&self.bytes, bytes);
                tracing::debug!(path, steps, bytes, micros, outcome = "applied", "commit");
            }
            Err(error) if error.outcome() == Outcome::Unconfirmed => {
                add(&self.unconfirmed, 1);
                tracing::warn!(path, steps, bytes, micros, outcome = "unconfirmed", %error, "commit");
            }
            Err(error) if is_conflict(error) => {
                add(&self.conflicts, 1);
                tracing::debug!(path, steps, bytes, micros, outcome = "conflict", "commit");
            }
            Err(error) => {
                add(&self.refusals, 1);
                tracing::info!(path, steps, bytes, micros, outcome = "not applied", %error, "commit");
            }
        }
    }
}

fn add(counter: &AtomicU64, number: u64) {
    counter.fetch_add(number, Ordering::Relaxed);
}

fn is_conflict(error: &Error) -> bool {
    match error {
        Error::Step { source, .. } => is_conflict(source),
        error => matches!(error, Error::Conflict { .. }),
    }
}
