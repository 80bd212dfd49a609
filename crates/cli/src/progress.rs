//! A spinner for what takes longer than a person waits without wondering. On
//! standard error, and only if that is a terminal.

use indicatif::ProgressBar;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_millis(500);
const FRAME: Duration = Duration::from_millis(100);

/// Does `work`, and shows `message` with a spinner while it takes long.
pub fn while_waiting<R>(message: String, work: impl FnOnce() -> R) -> R {
    let (done, wait) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if wait.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                // Draws nothing if standard error is no terminal.
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
