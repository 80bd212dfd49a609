//! One sync of a directory for all commits that wait for one.
//!
//! At any time one sync of a directory runs, and one group of commits waits for the
//! next. A commit that made its changes to names before a sync *begins* may count on
//! it; one that comes while a sync runs must not, for the sync may have passed what
//! it changed, and joins the group that waits. If a sync fails, it fails for all that
//! counted on it.

use super::directory::{Directory, Id};
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

#[derive(Default)]
pub(crate) struct DirSync {
    directories: Mutex<HashMap<Id, Entry>>,
}

/// A directory that somebody is about to sync. Its handle is open as long as the entry
/// is there, so that no other directory gets its id.
#[derive(Default)]
struct Entry {
    rounds: Arc<Rounds>,
    users: usize,
}

#[derive(Default)]
struct Rounds {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    is_running: bool,
    waiting: usize,
    /// Of the sync that begins next.
    next: Arc<OnceLock<Outcome>>,
}

/// How a sync ended. An error is told to several, so all that is kept of it is the number
/// that the system gave it, or else what it says.
type Outcome = Result<(), Failure>;

#[derive(Clone)]
enum Failure {
    OfSystem(i32),
    Other(io::ErrorKind, String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(number) => Failure::OfSystem(number),
            None => Failure::Other(error.kind(), error.to_string()),
        }
    }
}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::OfSystem(number) => io::Error::from_raw_os_error(number),
            Failure::Other(kind, what) => io::Error::new(kind, what),
        }
    }
}

impl DirSync {
    /// Makes durable all changes that were made to names in this directory before the
    /// call.
    pub(crate) fn sync<D: Directory>(&self, directory: &D) -> io::Result<()> {
        match directory.id() {
            Ok(Some(id)) => self.share(id, || directory.sync()),
            _ => directory.sync(),
        }
    }

    pub(super) fn share(&self, id: Id, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let rounds = self.join(id);
        let result = rounds.sync(sync);
        self.leave(id);
        result
    }

    fn join(&self, id: Id) -> Arc<Rounds> {
        let mut directories = self.directories();
        let entry = directories.entry(id).or_default();
        entry.users += 1;
        entry.rounds.clone()
    }

    fn leave(&self, id: Id) {
        let mut directories = self.directories();
        if let Some(entry) = directories.get_mut(&id) {
            entry.users -= 1;
            if entry.users == 0 {
                directories.remove(&id);
            }
        }
    }

    fn directories(&self) -> MutexGuard<'_, HashMap<Id, Entry>> {
        self.directories
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// How many calls of [`sync`](Self::sync) for this directory wait while another sync of
    /// it runs. Each of them has joined a group.
    #[cfg(test)]
    pub(crate) fn waiting(&self, id: Id) -> usize {
        let rounds = self
            .directories()
            .get(&id)
            .map(|entry| entry.rounds.clone());
        rounds.map_or(0, |rounds| rounds.state().waiting)
    }
}

impl Rounds {
    fn sync(&self, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let mut state = self.state();
        let round = state.next.clone();
        while state.is_running {
            state.waiting += 1;
            state = self
                .ended
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
            if let Some(outcome) = round.get() {
                return told(outcome);
            }
        }
        state.is_running = true;
        // Who comes from now on waits for the next.
        state.next = Arc::default();
        drop(state);
        let ended = Ended { rounds: self };
        let outcome = sync().map_err(Failure::from);
        let result = told(round.get_or_init(|| outcome));
        drop(ended);
        result
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets the others go on, whatever became of the sync.
struct Ended<'a> {
    rounds: &'a Rounds,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        let mut state = self.rounds.state();
        state.is_running = false;
        if state.waiting > 0 {
            self.rounds.ended.notify_all();
        }
    }
}

fn told(outcome: &Outcome) -> io::Result<()> {
    outcome.clone().map_err(io::Error::from)
}
