//! The turn: who has it, in whatever process, may write records.
//!
//! It is taken for the time of planning and writing one record, never while a record
//! is made durable. Nobody who has it may wait for somebody who waits for it; the
//! order is: turn, settling, syncing, state.

use super::super::directory::{Directory, Lock};
use super::alone::Held;
use super::durable::failed;
use super::{Journaled, State};
use std::io;

pub(super) const WRITER: &str = "writer";

/// Left on the lock by a session that could not bring the journal to the disk. What
/// others read of it may not be there after a power cut, so nobody may add to it
/// before it was recovered.
const FAILED: &[u8] = b"failed";

pub(super) struct Turn<'a, D: Directory> {
    held: Held<'a, D>,
}

impl<D: Directory> Turn<'_, D> {
    /// Stands for this turn, and those of other threads right before it.
    pub(super) fn number(&self) -> u64 {
        self.held.times()
    }
}

impl<D: Directory> Journaled<D> {
    /// Waits for the turn, and follows the logs: nobody else writes before it is given
    /// back.
    ///
    /// # Errors
    ///
    /// If the journal cannot be trusted any more, besides those of the system.
    pub(super) fn turn(&self) -> io::Result<Turn<'_, D>> {
        let writing = self.writing()?;
        let held = writing.writer.take(&writing.redo)?;
        let turn = Turn { held };
        self.durable.check().inspect_err(|_| {
            let _ = turn.held.lock().and_then(|lock| lock.set_mark(FAILED));
        })?;
        let mut state = self.state();
        if state.logs.is_followed_in(turn.number()) {
            return Ok(turn);
        }
        // A mark has a length of its own: there may be zeros behind it.
        if turn.held.lock()?.mark()?.starts_with(FAILED) {
            return Err(failed("another process met an error of the disk"));
        }
        let State { logs, view } = &mut *state;
        logs.follow_in(turn.number(), view)?;
        drop(state);
        Ok(turn)
    }

    /// From now on nobody adds to the journal, until it was recovered.
    pub(super) fn fail(&self, error: &io::Error) {
        self.durable.fail(error);
        // Leaves the mark for others.
        let _ = self.turn();
    }
}

/// Lets records be written again. Nobody else has the volume open.
pub(super) fn reset<D: Directory>(redo: &D) -> io::Result<()> {
    let lock = redo.lock(WRITER)?;
    if !lock.mark()?.is_empty() {
        lock.set_mark(b"")?;
    }
    Ok(())
}
