//! What is shown to a person who waits longer than one does without wondering. On
//! standard error: a spinner on a terminal, else one line.

use crate::complain;
use indicatif::ProgressBar;
use std::borrow::Cow;
use std::io::{IsTerminal, stderr};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_millis(500);
const FRAME: Duration = Duration::from_millis(100);

/// Longer where each line stays, as in the log of a container.
const PATIENCE_OF_LOGS: Duration = Duration::from_secs(2);

/// Does `work`, and shows `message` with a spinner while it takes long.
pub fn while_waiting<R>(message: String, work: impl FnOnce() -> R) -> R {
    let (done, wait) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if !stderr().is_terminal() {
                if is_long(&wait, PATIENCE_OF_LOGS) {
                    complain(format_args!("{message}; this takes some seconds"));
                }
            } else if is_long(&wait, PATIENCE) {
                let spinner = ProgressBar::new_spinner().with_message(message);
                spinner.enable_steady_tick(FRAME);
                let _ = wait.recv();
                spinner.finish_and_clear();
            }
        });
        let result = work();
        drop(done);
        result
    })
}

fn is_long(wait: &Receiver<()>, patience: Duration) -> bool {
    wait.recv_timeout(patience) == Err(RecvTimeoutError::Timeout)
}

/// A line for what takes long and goes on before a person's eyes, from its start to
/// the moment it is dropped.
pub struct Line(ProgressBar);

impl Line {
    /// Draws nothing if standard error is no terminal.
    pub fn begin() -> Self {
        let spinner = ProgressBar::new_spinner();
        spinner.enable_steady_tick(FRAME);
        Self(spinner)
    }

    /// Says where it has come to.
    pub fn say(&self, text: impl Into<Cow<'static, str>>) {
        self.0.set_message(text);
    }

    /// Does what writes lines of its own, without tearing this one.
    pub fn aside<R>(&self, write: impl FnOnce() -> R) -> R {
        self.0.suspend(write)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
