//! What is counted, what commits have reserved, and whether there is room for more.
//!
//! The files are counted when the number is first needed; from then on commits keep it.
//! Programs that are not the volume add and remove files, too, so it is counted again from
//! time to time, and before anything is refused unless that was done within a second.
//!
//! No count is made under the mutex of the accounts, and only one at a time. While it is
//! made, commits go on with what was known before. A count may have seen a commit that
//! goes on at the same time, or not; so what is known is a range. Commits are allowed by
//! its upper end, so that no limit is exceeded. What the lower end would allow is not
//! refused before it is counted once more.
//!
//! What is reserved is a sum of its own, which no count changes.

use super::super::directory::Directory;
use super::ledger::{Counted, Ledger, Reserved};
use super::under_way::{InFlight, UnderWay, WriterPlace};
use super::{Growth, Inventory, minus};
use crate::observe::HostContext;
use crate::quota::Share;
use crate::{Error, FilePath, Limits, Outcome, Result, Usage};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// How many counts are made or waited for before a refusal that is in doubt. The first may
/// have begun before; commits that go on may leave each in doubt.
const MAX_RECOUNTS: u32 = 2;

/// The longest count that a commit makes itself unless it would be refused.
const SHORT_COUNT: Duration = Duration::from_millis(5);

const EVERYTHING: Usage = Usage {
    bytes: u64::MAX,
    files: u64::MAX,
};

#[derive(Default)]
pub(crate) struct Accounts {
    ledger: Mutex<Ledger>,
    /// Notified when a count ends.
    count_ended: Condvar,
    /// Whether the count that is being made is to end early.
    stops_counting: AtomicBool,
    under_way: Arc<UnderWay>,
    /// Of a quota for several volumes.
    share: Option<Share>,
}

/// A count that is being made. The accounts get to know when it ends, however it does.
struct Counting {
    accounts: Weak<Accounts>,
    began: Instant,
    found: Option<Usage>,
}

/// Growth that is allowed; given back when dropped, unless [kept](Reservation::keep).
pub(crate) struct Reservation<'a> {
    accounts: &'a Accounts,
    growth: Growth,
    /// How many counts had ended when it was made.
    counts: u64,
    is_kept: bool,
}

impl Accounts {
    /// Accounts of a volume that has a share in a quota.
    pub(crate) fn with_share(share: Share) -> Self {
        Self {
            share: Some(share),
            ..Self::default()
        }
    }

    pub(crate) fn usage<D: Directory>(
        self: &Arc<Self>,
        inventory: &Inventory<'_, D>,
    ) -> io::Result<Usage> {
        Ok(self.current(inventory)?.1.high)
    }

    /// Reserves what a commit adds.
    pub(crate) fn reserve<D: Directory>(
        self: &Arc<Self>,
        inventory: &Inventory<'_, D>,
        limits: &Limits,
        path: &FilePath,
        growth: Growth,
    ) -> Result<Reservation<'_>> {
        let not_changed = |error| Error::not_changed(path, error);
        let mut recounts = 0;
        let mut has_counted_closed = self.share.is_none();
        loop {
            let (mut ledger, counted) = self.current(inventory).map_err(not_changed)?;
            let check = |known: Usage, reserved: &Reserved| {
                // So that what comes on top shows even at the largest number.
                let most = minus(EVERYTHING, growth.net().more);
                let before = reserved.on_top_of(known);
                let before = Usage {
                    bytes: before.bytes.min(most.bytes),
                    files: before.files.min(most.files),
                };
                limits.check_usage(path, before, growth.apply(before))
            };
            let allowed = check(counted.high, &ledger.reserved);
            let reserved = allowed.and_then(|()| self.reserve_share(path, &growth));
            let Err(refused) = reserved else {
                ledger.reserved.add(&growth);
                return Ok(Reservation {
                    accounts: self,
                    growth,
                    counts: ledger.counts,
                    is_kept: false,
                });
            };
            let is_in_doubt = check(counted.low, &ledger.reserved).is_ok();
            let is_sure = !is_in_doubt && !counted.is_to_be_checked();
            if is_sure || recounts == MAX_RECOUNTS {
                return Err(refused);
            }
            if !has_counted_closed {
                has_counted_closed = true;
                drop(ledger);
                self.count_closed();
                continue;
            }
            recounts += 1;
            if is_in_doubt {
                ledger = self.wait_for_a_count(ledger, &counted);
            }
            let is_counted = ledger.counted.is_some_and(|now| now.ended > counted.ended);
            if !is_counted {
                self.count_again(ledger, inventory).map_err(not_changed)?;
            }
        }
    }

    /// # Errors
    ///
    /// If too many writers are open.
    pub(crate) fn open_writer(&self, limits: &Limits, path: &FilePath) -> Result<WriterPlace> {
        self.under_way.open_writer(limits, path)
    }

    pub(crate) fn in_flight(&self) -> InFlight {
        self.under_way.in_flight()
    }

    fn reserve_share(&self, path: &FilePath, growth: &Growth) -> Result<()> {
        let share = self.share.as_ref();
        share.map_or(Ok(()), |share| share.reserve(path, growth.net().more))
    }

    /// Counts the volumes that share the quota and are not open. What cannot be counted
    /// counts as before.
    fn count_closed(&self) {
        let Some(share) = &self.share else { return };
        for closed in share.quota().closed_to_count() {
            match super::super::count(&closed.volume) {
                Ok(usage) => share.quota().set_closed(closed, usage),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    share.quota().set_closed(closed, Usage::default());
                }
                Err(error) => {
                    let volume = closed.volume.display();
                    tracing::debug!(%volume, %error, "a volume that shares a quota is not counted");
                }
            }
        }
    }

    /// A commit that reserved this is over, or a count: the caller has the ledger.
    fn tell_quota(&self, ledger: &Ledger, more: Usage) {
        if let Some(share) = &self.share {
            share.end(more, ledger.counted.map(|counted| counted.high));
        }
    }

    /// After a fork: no thread of the parent ends a count here, and nothing that it has
    /// reserved is made.
    ///
    /// Several volumes may share the accounts: the first does it for all.
    pub(crate) fn forget_parents(&self) {
        if !self.under_way.forget_parents() {
            return;
        }
        let mut ledger = self.ledger();
        ledger.counting = None;
        ledger.reserved = Reserved::default();
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known, after a count if there was none, or if the last one was long ago and
    /// the next is quick. Another one that is due is made in a thread of its own.
    fn current<D: Directory>(
        self: &Arc<Self>,
        inventory: &Inventory<'_, D>,
    ) -> io::Result<(MutexGuard<'_, Ledger>, Counted)> {
        loop {
            let mut ledger = self.ledger();
            if let Some(counted) = ledger.counted {
                let is_good = !counted.is_old() || ledger.counting.is_some();
                let is_long = counted.took > SHORT_COUNT;
                if is_good || (is_long && self.count_aside(&mut ledger, inventory)) {
                    return Ok((ledger, counted));
                }
            }
            self.count_again(ledger, inventory)?;
        }
    }

    /// Counts, or waits for the count that is being made.
    fn count_again<D: Directory>(
        self: &Arc<Self>,
        mut ledger: MutexGuard<'_, Ledger>,
        inventory: &Inventory<'_, D>,
    ) -> io::Result<()> {
        if ledger.counting.is_some() {
            let is_counting = |ledger: &mut Ledger| ledger.counting.is_some();
            let waited = self.count_ended.wait_while(ledger, is_counting);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
            return Ok(());
        }
        let mut counting = self.begin_count(&mut ledger);
        drop(ledger);
        counting.found = Some(inventory.count(&|| true)?);
        Ok(())
    }

    /// Waits until it may be counted again, or somebody has counted since.
    fn wait_for_a_count<'a>(
        &'a self,
        ledger: MutexGuard<'a, Ledger>,
        counted: &Counted,
    ) -> MutexGuard<'a, Ledger> {
        let counts = ledger.counts;
        let waited = self
            .count_ended
            .wait_timeout_while(ledger, counted.rest(), |ledger| ledger.counts == counts);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Counts in a thread of its own, which ends early if the volume is closed. Returns
    /// whether there is one.
    fn count_aside<D: Directory>(
        self: &Arc<Self>,
        ledger: &mut Ledger,
        inventory: &Inventory<'_, D>,
    ) -> bool {
        let accounts = Arc::downgrade(self);
        let tree = inventory.tree.to_look_at();
        let log = inventory.log.clone();
        let name = "ability-storage-count".to_owned();
        // Begun before the thread starts, which waits for the mutex when it has ended.
        let began = Instant::now();
        let context = HostContext::current();
        let count = move || {
            let mut counting = Counting {
                accounts: accounts.clone(),
                began,
                found: None,
            };
            let inventory = Inventory {
                tree: &tree,
                log: &log,
            };
            let is_wanted = |accounts: Arc<Self>| !accounts.stops_counting.load(Ordering::Relaxed);
            let goes_on = || accounts.upgrade().is_some_and(is_wanted);
            counting.found = inventory.count(&goes_on).ok();
            // All is closed when the accounts get to know.
            drop((tree, log));
        };
        let counting = std::thread::Builder::new().name(name);
        let counting = counting.spawn(move || context.run(count));
        if counting.is_ok() {
            ledger.counting = Some(Growth::default());
        }
        counting.is_ok()
    }

    /// Ends the count that is being made in a thread of its own, if there is one. When this
    /// returns, the thread has closed its files.
    pub(crate) fn stop_count(&self) {
        self.stops_counting.store(true, Ordering::Relaxed);
        let is_counting = |ledger: &mut Ledger| ledger.counting.is_some();
        let stopped = self.count_ended.wait_while(self.ledger(), is_counting);
        self.stops_counting.store(false, Ordering::Relaxed);
        drop(stopped.unwrap_or_else(PoisonError::into_inner));
    }

    fn begin_count(self: &Arc<Self>, ledger: &mut Ledger) -> Counting {
        ledger.counting = Some(Growth::default());
        Counting {
            accounts: Arc::downgrade(self),
            began: Instant::now(),
            found: None,
        }
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        let Some(accounts) = self.accounts.upgrade() else {
            return;
        };
        let mut ledger = accounts.ledger();
        let is_stopped = accounts.stops_counting.load(Ordering::Relaxed);
        match self.found {
            // What was known before has been kept up by all commits since.
            None if is_stopped => ledger.counting = None,
            found => ledger.end_count(found, self.began.elapsed()),
        }
        accounts.tell_quota(&ledger, Usage::default());
        drop(ledger);
        accounts.count_ended.notify_all();
    }
}

impl Reservation<'_> {
    /// What is made and only not known to be durable counts, too.
    pub(crate) fn keep_if_made<T>(self, result: &Result<T>) {
        match result {
            Err(error) if error.outcome() == Outcome::NotApplied => {}
            _ => self.keep(),
        }
    }

    pub(crate) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let mut ledger = self.accounts.ledger();
        ledger.reserved.take_back(&self.growth);
        if self.is_kept {
            ledger.keep(&self.growth, self.counts);
        }
        self.accounts.tell_quota(&ledger, self.growth.net().more);
    }
}

#[cfg(test)]
#[path = "accounts_tests.rs"]
mod tests;
