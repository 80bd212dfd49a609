//! One flush for all who wait: commits that are written while another is being
//! made durable share the next sync.
//!
//! Nothing may be acknowledged that was written after the sync began. After a sync
//! that failed nothing is durable any more: what the system has lost cannot be told.

use super::lock;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub(super) struct Durable {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The last commit that is written.
    written: u64,
    /// The last that is on the disk, and all before it.
    synced: u64,
    is_syncing: bool,
    failed: Option<String>,
}

impl Durable {
    /// All up to this commit are written.
    pub(super) fn is_written(&self, sequence: u64) {
        let mut state = self.state();
        state.written = state.written.max(sequence);
    }

    /// Waits until this commit, which is written, is on the disk; makes it so with
    /// `sync` if nobody else does.
    pub(super) fn wait(
        &self,
        sequence: u64,
        sync: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        let mut sync = Some(sync);
        let mut state = self.state();
        loop {
            if state.synced >= sequence {
                return Ok(());
            }
            state.check()?;
            if !state.is_syncing
                && let Some(sync) = sync.take()
            {
                state.is_syncing = true;
                let written = state.written;
                drop(state);
                let result = sync();
                state = self.state();
                state.is_syncing = false;
                match &result {
                    Ok(()) => state.synced = state.synced.max(written),
                    Err(error) => state.failed = Some(error.to_string()),
                }
                self.changed.notify_all();
                result?;
                continue;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
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
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
    use std::sync::{Arc, Barrier};

    #[test]
    fn who_waits_together_shares_a_sync() {
        let durable = Arc::new(Durable::default());
        let (began, go_on, all_written) = (Barrier::new(2), Barrier::new(2), Barrier::new(9));
        let syncs = AtomicUsize::new(0);
        durable.is_written(1);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                durable.wait(1, || {
                    syncs.fetch_add(1, Ordering::SeqCst);
                    began.wait();
                    go_on.wait();
                    Ok(())
                })
            });
            began.wait();
            for sequence in 2..10 {
                let (durable, syncs, all_written) = (&durable, &syncs, &all_written);
                scope.spawn(move || {
                    durable.is_written(sequence);
                    all_written.wait();
                    durable.wait(sequence, || {
                        syncs.fetch_add(1, Ordering::SeqCst);
                        Ok(())
                    })
                });
            }
            all_written.wait();
            go_on.wait();
        });
        assert_eq!(syncs.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn what_is_written_after_a_sync_began_is_not_durable_by_it() {
        let durable = Durable::default();
        let syncs = AtomicU64::new(0);
        durable.is_written(1);
        let sync_first = || {
            durable.is_written(2);
            syncs.fetch_add(1, Ordering::SeqCst);
            Ok(())
        };
        durable.wait(1, sync_first).expect("synced");
        let sync_second = || {
            syncs.fetch_add(1, Ordering::SeqCst);
            Ok(())
        };
        durable.wait(2, sync_second).expect("synced");
        assert_eq!(syncs.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn after_a_failure_nothing_more_is_durable() {
        let durable = Durable::default();
        durable.is_written(1);
        let broken = || Err(io::Error::other("a broken disk"));
        durable.wait(1, broken).expect_err("not synced");
        durable.is_written(2);
        durable
            .wait(2, || Ok(()))
            .expect_err("the one before is missing");
    }
}
