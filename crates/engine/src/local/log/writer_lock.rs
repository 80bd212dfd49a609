//! The turn to write records, which one thread of all processes has at a time.
//!
//! It is taken for the time of writing one record, and of planning it in a volume whose
//! files follow later; never while a record is made durable. For the order of locks see
//! [`locks`](crate::local::locks).
//!
//! The lock is marked with the id of the session that had the turn last. A session that
//! finds its own knows that no other has written to the log files since, and need not look
//! at them.

use super::super::directory::{Directory, Lock};
use super::LogWriter;
use super::log_pair::Turns;
use super::log_reader::State;
use super::process_lock::Held;
use crate::error::is_no_space;
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
        self.follow_in(&turn, &mut state)?;
        let is_suspect = state.is_suspect;
        drop(state);
        if is_suspect {
            self.replace_suspect()?;
        }
        Ok(turn)
    }

    /// Follows the log, if another session may have written since this one did.
    fn follow_in(&self, turn: &WriterGuard<'_, D>, state: &mut State<D>) -> io::Result<()> {
        if state.logs.is_followed_in(turn.number()) {
            return Ok(());
        }
        let lock = turn.held.lock()?;
        let had_last = lock.mark()? == self.session_id.as_bytes();
        let State { logs, pending, .. } = state;
        if !had_last {
            // Whatever fails, others may have written since the last turn of this session.
            logs.lose_turn();
            // Before anything is written.
            set_mark(lock, &self.session_id)?;
            logs.watch_turns(Turns {
                directory: self.directory.clone(),
                lock: lock.watched()?,
                session: self.session_id.clone(),
            });
        }
        logs.follow_in(turn.number(), had_last, pending)
    }
}

/// Marks the lock as that of this session. Without a mark, where the disk has no space for
/// one, each session looks at the log files.
fn set_mark(lock: &impl Lock, session: &str) -> io::Result<()> {
    match lock.set_mark(session.as_bytes()) {
        Err(error) if is_no_space(&error) => lock.cut_mark(false),
        marked => marked,
    }
}
