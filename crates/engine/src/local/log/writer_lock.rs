//! The turn to write records, which one thread of all processes has at a time.
//!
//! It is taken for the time of writing one record, and of planning it in a volume whose
//! files follow later; never while a record is made durable. For the order of locks see
//! [`locks`](crate::local::locks).

use super::super::directory::Directory;
use super::LogWriter;
use super::log_reader::State;
use super::process_lock::Held;
use std::io;

pub(super) struct WriterGuard<'a, D: Directory> {
    held: Held<'a, D>,
}

impl<D: Directory> WriterGuard<'_, D> {
    /// Stands for this turn, and those of other threads right before it.
    pub(super) fn number(&self) -> u64 {
        self.held.times()
    }
}

impl<D: Directory> LogWriter<D> {
    /// Waits for the turn, and follows the log: no other thread or process writes before it
    /// is given back.
    ///
    /// # Errors
    ///
    /// If a log file that could not be synced cannot be replaced, besides those of the
    /// system.
    pub(super) fn turn(&self) -> io::Result<WriterGuard<'_, D>> {
        let held = self.writer.take(&self.directory)?;
        let turn = WriterGuard { held };
        let mut state = self.reader.log.state();
        if !state.logs.is_followed_in(turn.number()) {
            let State { logs, pending, .. } = &mut *state;
            logs.follow_in(turn.number(), pending)?;
        }
        let is_suspect = state.is_suspect;
        drop(state);
        if is_suspect {
            self.replace_suspect()?;
        }
        Ok(turn)
    }
}
