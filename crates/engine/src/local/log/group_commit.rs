//! Group commit: one flush for all that wait. Commits that are written while another is
//! being made durable share the next sync.
//!
//! Nothing may be acknowledged that was written after the sync began.

use super::super::poison::lock;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, Thread};

#[derive(Default)]
pub(super) struct GroupCommit {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The last record that is on the disk, and all before it.
    synced: u64,
    is_syncing: bool,
    failure: Option<Failure>,
    /// Threads, and the record that each waits for. Each is woken when that is on the
    /// disk, and not before, but for one that is to sync next.
    waiting: Vec<(u64, Thread)>,
}

/// A sync that failed, and could not be made good.
#[derive(Clone)]
struct Failure {
    /// The last record that it was for.
    last: u64,
    error: Arc<io::Error>,
}

/// Why a sync did not make durable all records up to `last`.
pub(super) struct SyncError {
    pub(super) last: u64,
    pub(super) error: io::Error,
}

impl GroupCommit {
    /// Waits until this record, which is written, is on the disk; makes it so with
    /// `sync` if no other thread does. That returns the last record that was written
    /// before it began.
    pub(super) fn wait(
        &self,
        sequence: u64,
        sync: impl Fn() -> Result<u64, SyncError>,
    ) -> io::Result<()> {
        let mut state = self.state();
        loop {
            if state.synced >= sequence {
                return Ok(());
            }
            state.check(sequence)?;
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
            let woken = self.state().end_sync(result);
            woken.iter().for_each(Thread::unpark);
            state = self.state();
        }
    }

    /// All up to this record is on the disk.
    pub(super) fn is_durable(&self, sequence: u64) {
        let mut state = self.state();
        state.synced = state.synced.max(sequence);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    /// Returns the threads that have something to do now.
    fn end_sync(&mut self, result: Result<u64, SyncError>) -> Vec<Thread> {
        self.is_syncing = false;
        match result {
            Ok(last) => self.synced = self.synced.max(last),
            Err(SyncError { last, error }) => {
                let error = Arc::new(error);
                self.failure = Some(Failure { last, error });
            }
        }
        let synced = self.synced;
        let failed = self.failure.as_ref().map_or(0, |failure| failure.last);
        let is_over = |(sequence, _): &mut (u64, Thread)| *sequence <= synced.max(failed);
        let mut woken: Vec<_> = self.waiting.extract_if(.., is_over).collect();
        woken.extend(self.waiting.pop());
        woken.into_iter().map(|(_, thread)| thread).collect()
    }

    fn check(&self, sequence: u64) -> io::Result<()> {
        match &self.failure {
            // Each caller gets the cause, with its number if the system gave one.
            Some(Failure { last, error }) if sequence <= *last => Err(match error.raw_os_error() {
                Some(number) => io::Error::from_raw_os_error(number),
                None => io::Error::new(error.kind(), error.clone()),
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    #[test]
    fn waiting_commits_share_a_sync() {
        let group = GroupCommit::default();
        let (began, go_on, all_wait) = (Barrier::new(2), Barrier::new(2), Barrier::new(9));
        let syncs = AtomicUsize::new(0);
        let sync_all = || {
            syncs.fetch_add(1, Ordering::SeqCst);
            Ok(9)
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                group.wait(1, || {
                    syncs.fetch_add(1, Ordering::SeqCst);
                    began.wait();
                    go_on.wait();
                    Ok(1)
                })
            });
            began.wait();
            for sequence in 2..10 {
                let (group, all_wait) = (&group, &all_wait);
                scope.spawn(move || {
                    all_wait.wait();
                    group.wait(sequence, sync_all)
                });
            }
            all_wait.wait();
            go_on.wait();
        });
        assert_eq!(syncs.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_sync_does_not_cover_later_records() {
        let group = GroupCommit::default();
        let syncs = AtomicU64::new(0);
        group.wait(1, || Ok(1)).expect("synced");
        let sync_second = || Ok(1 + syncs.fetch_add(1, Ordering::SeqCst));
        group.wait(2, sync_second).expect("synced");
        assert_eq!(syncs.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_failure_is_about_the_records_before_it() {
        let group = GroupCommit::default();
        let broken = || {
            let error = io::Error::other("a broken disk");
            Err(SyncError { last: 1, error })
        };
        group.wait(1, broken).expect_err("not synced");
        group.wait(2, || Ok(2)).expect("the disk works again");
    }
}
