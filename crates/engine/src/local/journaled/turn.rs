//! The turn: who has it, in whatever process, may write records.
//!
//! It is taken for the time of planning and writing one record, never while a record
//! is made durable. Nobody who has it may wait for somebody who waits for it; the
//! order is: turn, settling, state.

use super::super::directory::{Directory, Lock};
use super::Journaled;
use super::durable::failed;
use super::lock;
use std::io;
use std::sync::{Mutex, MutexGuard};

const LOCK: &str = "writer";

/// Left on the lock by a session that could not bring the journal to the disk. What
/// others read of it may not be there after a power cut, so nobody may add to it
/// before it was recovered.
const FAILED: &[u8] = b"failed";

pub(super) struct Writer<D: Directory> {
    /// The lock while nobody in this process has the turn, to be taken again without
    /// opening a file.
    in_process: Mutex<Option<Idle<D>>>,
}

type Idle<D> = <<D as Directory>::Lock as Lock>::Idle;

pub(super) struct Turn<'a, D: Directory> {
    in_process: MutexGuard<'a, Option<Idle<D>>>,
    /// `None` when it is given back.
    lock: Option<D::Lock>,
}

impl<D: Directory> Default for Writer<D> {
    fn default() -> Self {
        Self {
            in_process: Mutex::default(),
        }
    }
}

impl<D: Directory> Drop for Turn<'_, D> {
    fn drop(&mut self) {
        *self.in_process = self.lock.take().and_then(Lock::release);
    }
}

impl<D: Directory> Journaled<D> {
    /// Waits for the turn.
    ///
    /// # Errors
    ///
    /// If the journal cannot be trusted any more, besides those of the system.
    pub(super) fn turn(&self) -> io::Result<Turn<'_, D>> {
        let writing = self.writing()?;
        let mut in_process = lock(&writing.writer.in_process);
        let lock = match in_process.take().map(D::lock_again).transpose()?.flatten() {
            Some(lock) => lock,
            None => writing.redo.lock(LOCK)?,
        };
        let checked = self.durable.check().inspect_err(|_| {
            let _ = lock.set_mark(FAILED);
        });
        // A mark has a length of its own: there may be zeros behind it.
        let is_failed = lock.mark().map(|mark| mark.starts_with(FAILED));
        let turn = Turn {
            in_process,
            lock: Some(lock),
        };
        checked?;
        if is_failed? {
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
