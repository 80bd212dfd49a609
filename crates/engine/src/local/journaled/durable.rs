//! One flush for all who wait: commits that are written while another is being
//! made durable share the next sync.
//!
//! Nothing may be acknowledged that was written after the sync began. After a sync
//! that failed nothing is durable any more: what the system has lost cannot be told.

use super::lock;
use std::io;
use std::sync::{Mutex, MutexGuard};
use std::thread::{self, Thread};

#[derive(Default)]
pub(super) struct Durable {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The last commit that is on the disk, and all before it.
    synced: u64,
    is_syncing: bool,
    failed: Option<String>,
    /// Who waits for which commit. Each is woken when that is on the disk, and not
    /// before, but for one who is to sync next.
    waiting: Vec<(u64, Thread)>,
}

impl Durable {
    /// Waits until this commit, which is written, is on the disk; makes it so with
    /// `sync` if nobody else does. That returns the last commit that was written before
    /// it began.
    pub(super) fn wait(&self, sequence: u64, sync: impl Fn() -> io::Result<u64>) -> io::Result<()> {
        let mut state = self.state();
        loop {
            if state.synced >= sequence {
                return Ok(());
            }
            state.check()?;
            if state.is_syncing {
                let id = thread::current().id();
                if !state.waiting.iter().any(|(_, other)| other.id() == id) {
                    state.waiting.push((sequence, thread::current()));
                }
                drop(state);
                thread::park();
                state = self.state();
                continue;
            }
            state.is_syncing = true;
            drop(state);
            let result = sync();
            let woken = self.state().end_sync(&result);
            woken.iter().for_each(Thread::unpark);
            result?;
            state = self.state();
        }
    }

    /// From now on nothing is known to be on the disk.
    pub(super) fn fail(&self, error: &io::Error) {
        self.state().failed.get_or_insert_with(|| error.to_string());
    }

    /// # Errors
    ///
    /// If something could not be made durable.
    pub(super) fn check(&self) -> io::Result<()> {
        self.state().check()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    /// Returns those who have something to do now.
    fn end_sync(&mut self, result: &io::Result<u64>) -> Vec<Thread> {
        self.is_syncing = false;
        match result {
            Ok(last) => self.synced = self.synced.max(*last),
            Err(error) => self.failed = Some(error.to_string()),
        }
        let synced = self.synced;
        let is_over = self.failed.is_some();
        let is_woken = |(sequence, _): &mut (u64, Thread)| is_over || *sequence <= synced;
        let mut woken: Vec<_> = self.waiting.extract_if(.., is_woken).collect();
        woken.extend(self.waiting.pop());
        woken.into_iter().map(|(_, thread)| thread).collect()
    }

    fn check(&self) -> io::Result<()> {
        match &self.failed {
            None => Ok(()),
            Some(why) => Err(failed(why)),
        }
    }
}

/// What is said once the journal cannot be trusted to reach the disk.
pub(super) fn failed(why: &str) -> io::Error {
    io::Error::other(format!(
        "its journal could not be brought to the disk ({why}); close the volume and open it anew"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    #[test]
    fn who_waits_together_shares_a_sync() {
        let durable = Durable::default();
        let (began, go_on, all_wait) = (Barrier::new(2), Barrier::new(2), Barrier::new(9));
        let syncs = AtomicUsize::new(0);
        let sync_all = || {
            syncs.fetch_add(1, Ordering::SeqCst);
            Ok(9)
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                durable.wait(1, || {
                    syncs.fetch_add(1, Ordering::SeqCst);
                    began.wait();
                    go_on.wait();
                    Ok(1)
                })
            });
            began.wait();
            for sequence in 2..10 {
                let (durable, all_wait) = (&durable, &all_wait);
                scope.spawn(move || {
                    all_wait.wait();
                    durable.wait(sequence, sync_all)
                });
            }
            all_wait.wait();
            go_on.wait();
        });
        assert_eq!(syncs.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn what_is_written_after_a_sync_began_is_not_durable_by_it() {
        let durable = Durable::default();
        let syncs = AtomicU64::new(0);
        durable.wait(1, || Ok(1)).expect("synced");
        let sync_second = || Ok(1 + syncs.fetch_add(1, Ordering::SeqCst));
        durable.wait(2, sync_second).expect("synced");
        assert_eq!(syncs.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn after_a_failure_nothing_more_is_durable() {
        let durable = Durable::default();
        let broken = || Err(io::Error::other("a broken disk"));
        durable.wait(1, broken).expect_err("not synced");
        durable
            .wait(2, || Ok(2))
            .expect_err("the one before is missing");
    }
}
