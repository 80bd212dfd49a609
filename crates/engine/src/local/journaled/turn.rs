//! The turn: who has it, in whatever process, may write records.
//!
//! It is taken for the time of planning and writing one record, never while a record
//! is made durable. Nobody who has it may wait for somebody who waits for it; the
//! order is: turn, settling, state.

use super::super::directory::{Directory, Lock};
use super::Journaled;
use super::durable::failed;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

const LOCK: &str = "writer";

/// Left on the lock by a session that could not bring the journal to the disk. What
/// others read of it may not be there after a power cut, so nobody may add to it
/// before it was recovered.
const FAILED: &[u8] = b"failed";

#[derive(Default)]
pub(super) struct Writer {
    in_process: Mutex<()>,
}

pub(super) struct Turn<'a, D: Directory> {
    _in_process: MutexGuard<'a, ()>,
    lock: D::Lock,
}

impl<D: Directory> Journaled<D> {
    /// Waits for the turn.
    ///
    /// # Errors
    ///
    /// If the journal cannot be trusted any more, besides those of the system.
    pub(super) fn turn(&self) -> io::Result<Turn<'_, D>> {
        let writing = self.writing()?;
        let in_process = writing.writer.in_process.lock();
        let turn: Turn<'_, D> = Turn {
            _in_process: in_process.unwrap_or_else(PoisonError::into_inner),
            lock: writing.redo.lock(LOCK)?,
        };
        if let Err(error) = self.durable.check() {
            let _ = turn.lock.set_mark(FAILED);
            return Err(error);
        }
        if turn.lock.mark()? == FAILED {
            return Err(failed("another process met an error of the disk"));
        }
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
    let lock = redo.lock(LOCK)?;
    if !lock.mark()?.is_empty() {
        lock.set_mark(b"")?;
    }
    Ok(())
}
