//! What a volume reports of its work: events for a log, counters for a monitor.
//! Paths, lengths, outcomes and times; never contents.
//!
//! Implementors of [`Volume`](crate::Volume) use it, so that all volumes report alike.

mod commit_times;
mod host_context;

pub use commit_times::CommitTimes;
pub use host_context::HostContext;

use crate::{Error, FilePath, Outcome, Result, Step};
use commit_times::Clock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// What a volume has done since it was opened, and what it is doing. What a kind of volume
/// does not do stays zero.
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
    /// Commits that are under way now.
    pub in_flight: u64,
    /// Bytes that those commits are to write.
    pub bytes_in_flight: u64,
    /// Records of the log that are not durable in the files themselves yet. They are durable
    /// in the log; if the volume is not closed, its next session puts them into the files.
    pub log_records: u64,
    /// Bytes of contents in those records, and those staged beside the log for them.
    pub log_bytes: u64,
    /// How long the commits took that were made.
    pub commit_times: CommitTimes,
}

/// Counts what becomes of commits, and reports it to the log, with the name of the volume.
#[derive(Debug, Default)]
pub struct Observer {
    volume: String,
    ability: Option<String>,
    commits: AtomicU64,
    bytes: AtomicU64,
    unchanged: AtomicU64,
    conflicts: AtomicU64,
    refusals: AtomicU64,
    unconfirmed: AtomicU64,
    recoveries: AtomicU64,
    in_flight: AtomicU64,
    bytes_in_flight: AtomicU64,
    times: Clock,
}

/// A commit that has begun. It is in flight until this is dropped.
#[derive(Debug)]
#[must_use = "a commit is counted by `Observed::committed`"]
pub struct Observed<'a> {
    observer: &'a Observer,
    path: Option<FilePath>,
    steps: usize,
    bytes: u64,
    start: Instant,
    span: tracing::Span,
}

impl Observed<'_> {
    /// What happens below is part of this commit. The span is within the host's.
    pub fn span(&self) -> tracing::Span {
        self.span.clone()
    }

    fn path(&self) -> &str {
        self.path.as_ref().map_or("", FilePath::as_str)
    }
}

impl Observer {
    /// An observer whose events name a volume, and the ability whose files it holds.
    pub fn named(volume: impl Into<String>, ability: Option<String>) -> Self {
        Self {
            volume: volume.into(),
            ability,
            ..Self::default()
        }
    }

    /// A span that names the volume, within the one that is current. It is of the level of
    /// errors, so that what is reported in it has the names wherever it is reported.
    pub fn span(&self) -> tracing::Span {
        let Self {
            volume, ability, ..
        } = self;
        tracing::error_span!("volume", volume, ability = ability.as_deref())
    }

    /// A commit of these steps, that begins now.
    pub fn batch(&self, steps: &[Step]) -> Observed<'_> {
        let path = steps.first().map(|step| step.change.target().clone());
        let bytes = steps.iter().map(|step| step.change.bytes()).sum();
        self.begin(path, steps.len(), bytes)
    }

    /// A commit of a file that was streamed, that begins now.
    pub fn stream(&self, path: &FilePath, bytes: u64) -> Observed<'_> {
        self.begin(Some(path.clone()), 1, bytes)
    }

    fn begin(&self, path: Option<FilePath>, steps: usize, bytes: u64) -> Observed<'_> {
        add(&self.in_flight, 1);
        add(&self.bytes_in_flight, bytes);
        let Self {
            volume, ability, ..
        } = self;
        Observed {
            observer: self,
            path,
            steps,
            bytes,
            start: Instant::now(),
            span: tracing::error_span!("commit", volume, ability = ability.as_deref()),
        }
    }

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
            in_flight: get(&self.in_flight),
            bytes_in_flight: get(&self.bytes_in_flight),
            commit_times: self.times.times(),
            ..Counters::default()
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
}

impl Observed<'_> {
    /// The commit has come to its end.
    pub fn committed<T>(self, result: &Result<T>) {
        self.span.in_scope(|| self.count(result));
    }

    fn count<T>(&self, result: &Result<T>) {
        let path = self.path();
        let Self {
            observer,
            steps,
            bytes,
            start,
            ..
        } = self;
        let time = start.elapsed();
        let micros = time.as_micros() as u64;
        match result {
            Ok(_) => {
                add(&observer.commits, 1);
                add(&observer.bytes, *bytes);
                observer.times.add(time);
                tracing::debug!(path, steps, bytes, micros, outcome = "applied", "commit");
            }
            Err(error) if error.outcome() == Outcome::Unconfirmed => {
                add(&observer.unconfirmed, 1);
                tracing::warn!(path, steps, bytes, micros, outcome = "unconfirmed", %error, "commit");
            }
            Err(error) if is_conflict(error) => {
                add(&observer.conflicts, 1);
                tracing::debug!(path, steps, bytes, micros, outcome = "conflict", "commit");
            }
            Err(error) => {
                add(&observer.refusals, 1);
                tracing::info!(path, steps, bytes, micros, outcome = "not applied", %error, "commit");
            }
        }
    }
}

impl Drop for Observed<'_> {
    fn drop(&mut self) {
        let Observer {
            in_flight,
            bytes_in_flight,
            ..
        } = self.observer;
        in_flight.fetch_sub(1, Ordering::Relaxed);
        bytes_in_flight.fetch_sub(self.bytes, Ordering::Relaxed);
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
