//! What a volume holds and what is on its way into it, against its limits.
//!
//! The files are counted when the number is first needed; from then on commits
//! keep it. It is counted anew before anything is refused, so that files removed
//! by others are noticed, and from time to time, so that files added by others
//! are.

use super::directory::Directory;
use super::tree::Tree;
use crate::limits::refused;
use crate::{Error, FilePath, Limits, Result, Usage};
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Counting anew takes at most this share of the time.
const COUNTING_SHARE: u32 = 50;

/// How long a count is good for at least.
const COUNT_AGE: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(crate) struct Accounts {
    counted: Mutex<Option<Counted>>,
    writers: AtomicUsize,
    in_flight: AtomicU64,
}

#[derive(Clone, Copy)]
struct Counted {
    usage: Usage,
    at: Instant,
    took: Duration,
}

/// How a commit changes what the volume holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Growth {
    /// What it replaces or removes.
    pub(crate) less: Usage,
    /// What it puts there.
    pub(crate) more: Usage,
}

impl Growth {
    pub(crate) fn replace(&mut self, old: Option<u64>, new: Option<u64>) {
        for (usage, bytes) in [(&mut self.less, old), (&mut self.more, new)] {
            usage.files += u64::from(bytes.is_some());
            usage.bytes += bytes.unwrap_or(0);
        }
    }

    fn apply(&self, usage: Usage) -> Usage {
        let change = |now: u64, less: u64, more: u64| (now + more).saturating_sub(less);
        Usage {
            bytes: change(usage.bytes, self.less.bytes, self.more.bytes),
            files: change(usage.files, self.less.files, self.more.files),
        }
    }

    fn undo(&self) -> Self {
        Self {
            less: self.more,
            more: self.less,
        }
    }
}

/// Growth that is allowed and counted already; taken back when dropped, unless
/// [kept](Reservation::keep).
pub(crate) struct Reservation<'a> {
    accounts: &'a Accounts,
    growth: Option<Growth>,
}

/// Bytes that are staged and not yet committed.
pub(crate) struct InFlight {
    accounts: Arc<Accounts>,
    bytes: u64,
}

/// The place of an open writer.
pub(crate) struct WriterPlace {
    accounts: Arc<Accounts>,
}

impl Accounts {
    /// What the volume holds, where `count` counts it.
    pub(crate) fn usage(&self, count: impl Fn() -> io::Result<Usage>) -> io::Result<Usage> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(fresh(&mut counted, count)?.usage)
    }

    pub(crate) fn reserve(
        &self,
        count: impl Fn() -> io::Result<Usage>,
        limits: &Limits,
        path: &FilePath,
        growth: Growth,
    ) -> Result<Reservation<'_>> {
        let not_changed = |error| Error::not_changed(path, error);
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let before = fresh(&mut counted, &count).map_err(not_changed)?;
        let mut usage = before.usage;
        if limits
            .check_usage(path, usage, growth.apply(usage))
            .is_err()
        {
            usage = counted.insert(anew(&count).map_err(not_changed)?).usage;
            limits.check_usage(path, usage, growth.apply(usage))?;
        }
        if let Some(counted) = &mut *counted {
            counted.usage = growth.apply(usage);
        }
        Ok(Reservation {
            accounts: self,
            growth: Some(growth),
        })
    }

    pub(crate) fn open_writer(
        self: &Arc<Self>,
        limits: &Limits,
        path: &FilePath,
    ) -> Result<WriterPlace> {
        let place = WriterPlace {
            accounts: self.clone(),
        };
        // Counted before it is checked, so that two cannot take the last place.
        if self.writers.fetch_add(1, Ordering::Relaxed) < limits.max_writers {
            return Ok(place);
        }
        let limit = limits.max_writers;
        Err(refused(
            path,
            format!("{limit} writers are open, and no more are allowed"),
        ))
    }

    pub(crate) fn in_flight(self: &Arc<Self>) -> InFlight {
        InFlight {
            accounts: self.clone(),
            bytes: 0,
        }
    }
}

impl Reservation<'_> {
    pub(crate) fn keep(mut self) {
        self.growth = None;
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let Some(growth) = self.growth else { return };
        let counted = self.accounts.counted.lock();
        if let Some(counted) = &mut *counted.unwrap_or_else(PoisonError::into_inner) {
            counted.usage = growth.undo().apply(counted.usage);
        }
    }
}

impl InFlight {
    pub(crate) fn add(&mut self, limits: &Limits, path: &FilePath, bytes: u64) -> Result<()> {
        self.bytes += bytes;
        let all = self.accounts.in_flight.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if all <= limits.max_bytes_in_flight {
            return Ok(());
        }
        let limit = limits.max_bytes_in_flight;
        Err(refused(
            path,
            format!("more than {limit} bytes would be on their way at once"),
        ))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.accounts
            .in_flight
            .fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Drop for WriterPlace {
    fn drop(&mut self) {
        self.accounts.writers.fetch_sub(1, Ordering::Relaxed);
    }
}

fn fresh(
    counted: &mut Option<Counted>,
    count: impl Fn() -> io::Result<Usage>,
) -> io::Result<Counted> {
    if let Some(counted) = counted
        && counted.at.elapsed() < COUNT_AGE.max(counted.took * COUNTING_SHARE)
    {
        return Ok(*counted);
    }
    Ok(*counted.insert(anew(count)?))
}

fn anew(count: impl Fn() -> io::Result<Usage>) -> io::Result<Counted> {
    let start = Instant::now();
    let usage = count()?;
    Ok(Counted {
        usage,
        at: start,
        took: start.elapsed(),
    })
}

/// What the files of a volume come to, but for some of them.
pub(crate) fn count<D: Directory>(
    tree: &Tree<D>,
    without: &dyn Fn(&FilePath) -> bool,
) -> io::Result<Usage> {
    let mut usage = Usage::default();
    tree.visit(None, &mut |path, directory, name| {
        if without(&path) {
            return Ok(());
        }
        // What vanishes while it is counted does not count.
        if let Some(stat) = directory.stat(name)? {
            usage.files += 1;
            usage.bytes += stat.size;
        }
        Ok(())
    })?;
    Ok(usage)
}
