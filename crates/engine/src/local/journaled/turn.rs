//! The turn: who has it, in whatever process, may write records.
//!
//! It is taken for the time of planning and writing one record, never while a record
//! is made durable. Nobody who has it may wait for somebody who waits for it; the
//! order is: turn, settling, syncing, state.

use super::super::directory::{Directory, Lock};
use super::Journaled;
use super::alone::Held;
use super::durable::failed;
use std::io;

pub(super) const WRITER: &str = "writer";

/// Left on the lock by a session that could not bring the journal to the disk. What
/// others read of it may not be there after a power cut, so nobody may add to it
/// before it was recovered.
const FAILED: &[u8] = b"failed";

pub(super) struct Turn<'a, D: Directory> {
    _held: Held<'a, D>,
}

impl<D: Directory> Journaled<D> {
    /// Waits for the turn.
    ///
    /// # Errors
    ///
    /// If the journal cannot be trusted any more, besides those of the system.
    pub(super) fn turn(&self) -> io::Result<Turn<'_, D>> {
        let writing = self.writing()?;
        let held = writing.writer.take(&writing.redo)?;
        self.durable.check().inspect_err(|_| {
            let _ = held.lock().and_then(|lock| lock.set_mark(FAILED));
        })?;
        // A mark has a length of its own: there may be zeros behind it.
        if held.lock()?.mark()?.starts_with(FAILED) {
            return Err(failed("another process met an error of the disk"));
        }
        Ok(Turn { _held: held })
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
