//! `OpenCalls`: whether a volume is open, and how many calls are under way.

use crate::{Error, Result};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What a volume needs for [`Volume::close`](crate::Volume::close): each call
/// [begins](Self::begin) here, and [`close`](Self::close) waits until all that have begun are
/// over.
///
/// ```
/// use ability_storage_engine::{Error, author::OpenCalls};
///
/// let calls = OpenCalls::default();
/// drop(calls.begin()?);
/// calls.close();
/// assert!(matches!(calls.begin(), Err(Error::Closed)));
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Default)]
pub struct OpenCalls {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    calls: u64,
    is_closed: bool,
    /// Whose calls these are: a child of `fork` has none of those of its parent.
    process: u32,
}

/// A call that is under way, until this is dropped.
#[derive(Debug)]
#[must_use = "a call ends when this is dropped"]
pub struct OpenCall<'a> {
    calls: &'a OpenCalls,
    process: u32,
}

impl OpenCalls {
    /// Begins a call.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`].
    pub fn begin(&self) -> Result<OpenCall<'_>> {
        let mut state = self.state();
        if state.is_closed {
            return Err(Error::Closed);
        }
        state.calls += 1;
        Ok(OpenCall {
            calls: self,
            process: state.process,
        })
    }

    /// Lets no call begin from now on, and waits for those that have. Returns whether it was
    /// this call that closed; a second one waits, too. The caller must be in no call.
    pub fn close(&self) -> bool {
        let mut state = self.state();
        let was_closed = std::mem::replace(&mut state.is_closed, true);
        let ended = self.ended.wait_while(state, |state| state.calls > 0);
        drop(ended.unwrap_or_else(PoisonError::into_inner));
        !was_closed
    }

    /// Whether it was closed, as far as that can be told without waiting.
    pub(crate) fn is_closed(&self) -> bool {
        let state = self.state.try_lock();
        state.is_ok_and(|state| state.is_closed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let process = std::process::id();
        if state.process != process {
            state.process = process;
            state.calls = 0;
        }
        state
    }
}

impl Drop for OpenCall<'_> {
    fn drop(&mut self) {
        let state = self.calls.state.lock();
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if state.process != self.process {
            return;
        }
        state.calls -= 1;
        if state.calls == 0 && state.is_closed {
            self.calls.ended.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn close_waits_for_calls_that_have_begun() {
        let calls = OpenCalls::default();
        let call = calls.begin().expect("open");
        let (sender, closed) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| sender.send(calls.close()));
            let refused = || matches!(calls.begin(), Err(Error::Closed));
            while !refused() {
                thread::yield_now();
            }
            let early = closed.recv_timeout(Duration::from_millis(50));
            early.expect_err("a call is under way");
            drop(call);
            assert!(closed.recv().expect("closed"));
        });
        assert!(!calls.close(), "it was closed before");
    }

    #[test]
    fn a_child_of_fork_waits_for_no_call_of_its_parent() {
        let calls = OpenCalls::default();
        let of_parent = calls.begin().expect("open");
        calls.state().process = 0;
        drop(calls.begin().expect("open"));
        assert!(calls.close());
        // It was under way when the parent forked.
        let mut state = calls.state();
        state.process = of_parent.process;
        state.calls = 1;
        drop(state);
        drop(of_parent);
        assert_eq!(calls.state().calls, 0);
    }
}
