//! What a volume holds and what is on its way into it, against its limits.
//!
//! The files are counted when the number is first needed; from then on commits
//! keep it. It is counted anew before anything is refused, so that files removed
//! by others are noticed, and from time to time, so that files added by others
//! are. Where that takes long, commits go on meanwhile with what was known before: no
//! commit but the first may wait for a count, unless it would be refused.

use super::directory::Directory;
use super::journaled::Journaled;
use super::tree::Tree;
use crate::{Error, FilePath, Limits, Outcome, Result, Usage};
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Counting anew takes at most this share of the time.
const COUNTING_SHARE: u32 = 50;

/// How long a count is good for at least.
const COUNT_AGE: Duration = Duration::from_secs(1);

/// The longest count that a commit waits for.
const SHORT_COUNT: Duration = Duration::from_millis(5);

#[derive(Default)]
pub(crate) struct Accounts {
    counted: Mutex<Option<Counted>>,
    counts: AtomicU64,
    writers: AtomicUsize,
    in_flight: AtomicU64,
}

#[derive(Clone, Copy)]
struct Counted {
    usage: Usage,
    at: Instant,
    took: Duration,
    /// While another count is made aside.
    aside: Option<Aside>,
}

/// A count that has not ended.
#[derive(Clone, Copy)]
struct Aside {
    number: u64,
    /// What was committed since it began.
    growth: Growth,
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

    fn add(&mut self, other: &Self) {
        for (sum, more) in [(&mut self.less, other.less), (&mut self.more, other.more)] {
            sum.files += more.files;
            sum.bytes += more.bytes;
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

/// All that is to be counted: the files, and what a journal says of them.
pub(crate) struct Inventory<'a, D: Directory> {
    pub(crate) tree: &'a Tree<D>,
    pub(crate) journaled: Option<&'a Arc<Journaled<D>>>,
}

impl Accounts {
    pub(crate) fn usage<D: Directory>(
        self: &Arc<Self>,
        inventory: &Inventory<'_, D>,
    ) -> io::Result<Usage> {
        Ok(self.fresh(&mut self.counted(), inventory)?.usage)
    }

    pub(crate) fn reserve<D: Directory>(
        self: &Arc<Self>,
        inventory: &Inventory<'_, D>,
        limits: &Limits,
        path: &FilePath,
        growth: Growth,
    ) -> Result<Reservation<'_>> {
        let not_changed = |error| Error::not_changed(path, error);
        let mut counted = self.counted();
        let before = self.fresh(&mut counted, inventory).map_err(not_changed)?;
        let mut usage = before.usage;
        if limits
            .check_usage(path, usage, growth.apply(usage))
            .is_err()
        {
            usage = counted.insert(count(inventory).map_err(not_changed)?).usage;
            limits.check_usage(path, usage, growth.apply(usage))?;
        }
        if let Some(counted) = &mut *counted {
            counted.grow(&growth);
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
        let open = self.writers.fetch_add(1, Ordering::Relaxed);
        limits.check_writers(path, open)?;
        Ok(place)
    }

    pub(crate) fn in_flight(self: &Arc<Self>) -> InFlight {
        InFlight {
            accounts: self.clone(),
            bytes: 0,
        }
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
        self.growth = None;
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let Some(growth) = self.growth else { return };
        if let Some(counted) = &mut *self.accounts.counted() {
            counted.grow(&growth.undo());
        }
    }
}

impl InFlight {
    pub(crate) fn add(&mut self, limits: &Limits, path: &FilePath, bytes: u64) -> Result<()> {
        self.bytes += bytes;
        let all = self.accounts.in_flight.fetch_add(bytes, Ordering::Relaxed) + bytes;
        limits.check_in_flight(path, all)
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

impl Accounts {
    fn counted(&self) -> MutexGuard<'_, Option<Counted>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A count that is fresh enough, or will soon be.
    fn fresh<D: Directory>(
        self: &Arc<Self>,
        counted: &mut Option<Counted>,
        inventory: &Inventory<'_, D>,
    ) -> io::Result<Counted> {
        if let Some(counted) = counted {
            let is_old = counted.at.elapsed() >= COUNT_AGE.max(counted.took * COUNTING_SHARE);
            if is_old && counted.took > SHORT_COUNT && counted.aside.is_none() {
                self.count_aside(counted, inventory);
            }
            if !is_old || counted.aside.is_some() {
                return Ok(*counted);
            }
        }
        Ok(*counted.insert(count(inventory)?))
    }

    /// Counts in a thread of its own, which ends early if the volume is closed.
    fn count_aside<D: Directory>(
        self: &Arc<Self>,
        counted: &mut Counted,
        inventory: &Inventory<'_, D>,
    ) {
        let number = self.counts.fetch_add(1, Ordering::Relaxed);
        let (accounts, tree) = (Arc::downgrade(self), inventory.tree.to_look_at());
        let journaled = inventory.journaled.cloned();
        let name = "ability-storage-count".to_owned();
        let counting = std::thread::Builder::new().name(name).spawn(move || {
            let inventory = Inventory {
                tree: &tree,
                journaled: journaled.as_ref(),
            };
            let result = count_while(&inventory, &|| accounts.strong_count() > 0);
            if let Some(accounts) = accounts.upgrade() {
                accounts.end_count(number, result);
            }
        });
        // Without a thread, who comes next counts.
        if counting.is_ok() {
            let growth = Growth::default();
            counted.aside = Some(Aside { number, growth });
        }
    }

    fn end_count(&self, number: u64, result: io::Result<Counted>) {
        let mut counted = self.counted();
        // Whoever counted anew in the meantime came later.
        let aside = counted.as_ref().and_then(|counted| counted.aside);
        let Some(Aside { growth, .. }) = aside.filter(|aside| aside.number == number) else {
            return;
        };
        *counted = result.ok().map(|mut new| {
            // What was committed meanwhile may be in it or not: rather twice than not at
            // all, for it is counted anew before anything is refused.
            let with = growth.apply(new.usage);
            new.usage.bytes = new.usage.bytes.max(with.bytes);
            new.usage.files = new.usage.files.max(with.files);
            new
        });
    }
}

impl Counted {
    fn grow(&mut self, growth: &Growth) {
        self.usage = growth.apply(self.usage);
        if let Some(aside) = &mut self.aside {
            aside.growth.add(growth);
        }
    }
}

fn count<D: Directory>(inventory: &Inventory<'_, D>) -> io::Result<Counted> {
    count_while(inventory, &|| true)
}

fn count_while<D: Directory>(
    inventory: &Inventory<'_, D>,
    goes_on: &dyn Fn() -> bool,
) -> io::Result<Counted> {
    let start = Instant::now();
    let files =
        |without: &dyn Fn(&FilePath) -> bool| usage_of_files(inventory.tree, without, goes_on);
    let usage = match inventory.journaled {
        Some(journaled) => journaled.usage(files)?,
        None => files(&|_| false)?,
    };
    Ok(Counted {
        usage,
        at: start,
        took: start.elapsed(),
        aside: None,
    })
}

/// What the files on the disk come to, but for some of them.
fn usage_of_files<D: Directory>(
    tree: &Tree<D>,
    without: &dyn Fn(&FilePath) -> bool,
    goes_on: &dyn Fn() -> bool,
) -> io::Result<Usage> {
    let mut usage = Usage::default();
    tree.visit(None, &mut |path, directory, name| {
        if !goes_on() {
            return Err(ErrorKind::Interrupted.into());
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::durability::Durability;
    use crate::local::sim::SimDisk;
    use crate::local::testing::{file, open, write};

    fn usage(files: u64, bytes: u64) -> Usage {
        Usage { files, bytes }
    }

    /// As if the last count had taken long, and long ago.
    fn is_slow(accounts: &Accounts) {
        if let Some(counted) = &mut *accounts.counted() {
            counted.took = SHORT_COUNT * 2;
            counted.at -= COUNT_AGE * 2;
        }
    }

    fn wait_for_the_count(accounts: &Accounts) {
        while accounts
            .counted()
            .is_some_and(|counted| counted.aside.is_some())
        {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_long_count_is_made_aside_and_corrects_the_number() {
        let disk = SimDisk::new();
        let (volume, other) = (open(&disk).expect("opened"), open(&disk).expect("opened"));
        let commit = |volume: &crate::local::Local<_>, path: &str| {
            volume.commit(write(path, b"1234").into()).expect("made");
        };
        commit(&volume, "a");
        commit(&other, "b");
        is_slow(&volume.accounts);
        commit(&volume, "c");
        wait_for_the_count(&volume.accounts);
        let found = volume.usage().expect("known");
        assert!(found == usage(3, 12) || found == usage(4, 16), "{found:?}");
        is_slow(&volume.accounts);
        volume.usage().expect("known");
        wait_for_the_count(&volume.accounts);
        assert_eq!(volume.usage().expect("known"), usage(3, 12));
    }

    #[test]
    fn what_is_committed_during_a_count_is_not_lost() {
        let disk = SimDisk::new();
        let tree = Tree::new(Arc::new(disk.start().0), Durability::Full);
        let inventory = Inventory {
            tree: &tree,
            journaled: None,
        };
        let accounts = Arc::new(Accounts::default());
        let limits = Limits::default().max_files(3);
        let grow = || {
            let mut growth = Growth::default();
            growth.replace(None, Some(5));
            accounts.reserve(&inventory, &limits, &file("x"), growth)
        };
        grow().expect("allowed").keep();
        let began = accounts.counted().expect("counted");
        if let Some(counted) = &mut *accounts.counted() {
            let growth = Growth::default();
            counted.aside = Some(Aside { number: 7, growth });
        }
        grow().expect("allowed").keep();
        drop(grow().expect("allowed"));
        let result = Counted {
            usage: usage(1, 5),
            ..began
        };
        accounts.end_count(
            6,
            Ok(Counted {
                usage: usage(9, 9),
                ..result
            }),
        );
        accounts.end_count(7, Ok(result));
        assert_eq!(accounts.counted().expect("counted").usage, usage(2, 10));
    }
}
