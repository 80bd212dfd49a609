//! When records are settled: some time after the first of them, or when a log is full,
//! or when the volume is closed.
//!
//! A thread is there only while there is something to settle, so that a thousand
//! volumes that are open and idle have none.

use super::super::directory::Directory;
use super::{Journaled, lock};
use std::io;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub(super) struct Background {
    /// `None`: nothing is settled before it must be.
    after: Option<Duration>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// When the first record that is not settled has to be.
    due: Option<Instant>,
    is_running: bool,
    is_closing: bool,
}

impl Background {
    pub(super) fn new(after: Option<Duration>) -> Self {
        Self {
            after,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// There is something to settle. Whether a thread has to be started for it.
    fn is_needed(&self) -> bool {
        let Some(after) = self.after else {
            return false;
        };
        let mut state = lock(&self.state);
        if state.due.is_some() || state.is_closing {
            return false;
        }
        state.due = Some(Instant::now() + after);
        !std::mem::replace(&mut state.is_running, true)
    }

    /// Waits until something is due; `false` if there is nothing more to do.
    fn wait(&self) -> bool {
        let mut state = lock(&self.state);
        loop {
            let now = Instant::now();
            match state.due {
                Some(due) if due <= now && !state.is_closing => {
                    state.due = None;
                    return true;
                }
                Some(due) if !state.is_closing => {
                    let waited = self.changed.wait_timeout(state, due - now);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                _ => {
                    state.is_running = false;
                    self.changed.notify_all();
                    return false;
                }
            }
        }
    }

    /// There is no thread.
    fn gave_up(&self) {
        let mut state = lock(&self.state);
        state.is_running = false;
        state.due = None;
    }

    /// Ends the thread, if there is one.
    fn close(&self) {
        let mut state = lock(&self.state);
        state.is_closing = true;
        self.changed.notify_all();
        while state.is_running {
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<D: Directory> Journaled<D> {
    /// Settles everything, and nothing by itself from now on.
    pub(crate) fn close(&self) -> io::Result<()> {
        let Some(writing) = &self.writing else {
            return Ok(());
        };
        writing.background.close();
        self.settle_all()
    }

    /// There is something to settle.
    pub(super) fn settle_later(&self) {
        let Some(writing) = &self.writing else { return };
        if !writing.background.is_needed() {
            return;
        }
        let spawned = self.me.upgrade().map(|me| {
            let named = std::thread::Builder::new().name("ability-settle".to_owned());
            named.spawn(move || me.settle_when_due())
        });
        if let Some(Err(error)) = spawned {
            tracing::warn!(%error, "no thread to settle the journal; it is done when it is full");
            writing.background.gave_up();
        }
    }

    fn settle_when_due(&self) {
        let Some(writing) = &self.writing else { return };
        let background = &writing.background;
        while background.wait() {
            if let Err(error) = self.settle_in_turn() {
                tracing::warn!(%error, "the journal could not be settled; it will be tried again");
                let again = background.is_needed();
                debug_assert!(!again, "this thread is running");
            }
        }
    }
}
