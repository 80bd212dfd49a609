//! The mark on the sync lock, which says whether a sync of a log file may have failed.
//!
//! The session that gets the error of a sync may be killed before it has done anything about
//! it, and others do not get it. So a session marks the lock with its id before it syncs a log
//! file, and with [`FAILED`] when that has failed. Its id stays there, so that its next sync
//! needs no mark. Where the disk has no space for that, the mark is spoiled during the sync.
//! A session that takes the lock and finds the id of a session that is dead, [`FAILED`] or a
//! spoiled mark puts a new file in the place of the log.

use super::super::directory::{Directory, Lock};
use super::LogWriter;
use super::process_lock::Held;
use crate::error::is_no_space;
use std::io;
use std::sync::atomic::Ordering;

/// A sync has failed. No session has such an id.
const FAILED: &[u8] = b"failed";

impl<D: Directory> LogWriter<D> {
    /// Waits for the sync lock, and looks whether the last sync of a log file succeeded.
    pub(super) fn take_sync(&self) -> io::Result<Held<'_, D>> {
        let held = self.sync.take(&self.directory)?;
        let mark = held.lock()?.mark()?;
        let is_ours = mark == self.session_id.as_bytes();
        self.has_marked.store(is_ours, Ordering::Relaxed);
        if !is_ours && !is_none(&mark) && !self.is_of_living(&mark) {
            self.suspect();
        }
        Ok(held)
    }

    /// Whether a mark is the id of a session that lives. Its last sync succeeded then, or is
    /// marked as failed.
    fn is_of_living(&self, mark: &[u8]) -> bool {
        let id = str::from_utf8(mark);
        // Where that cannot be found out, nobody vouches for its last sync.
        id.is_ok_and(|id| self.sessions.is_alive(id).unwrap_or(false))
    }

    /// Syncs a log file. If that fails, or this process is killed meanwhile, the next session
    /// that takes the lock knows.
    pub(super) fn sync_marked(
        &self,
        held: &Held<'_, D>,
        sync: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        // An earlier sync that failed is not made good by this one.
        let is_suspect = self.reader.log.state().is_suspect;
        let mut is_spoiled = false;
        if !is_suspect && !self.has_marked.load(Ordering::Relaxed) {
            match held.lock()?.set_mark(self.session_id.as_bytes()) {
                // Commits that make room must go on.
                Err(error) if is_no_space(&error) => {
                    held.lock()?.cut_mark(true)?;
                    is_spoiled = true;
                }
                marked => {
                    marked?;
                    self.has_marked.store(true, Ordering::Relaxed);
                }
            }
        }
        let synced = sync();
        if synced.is_ok() && is_spoiled {
            held.lock()?.cut_mark(false)?;
        }
        if synced.is_err() && !is_spoiled {
            self.has_marked.store(false, Ordering::Relaxed);
            let lock = held.lock()?;
            if let Err(error) = lock.set_mark(FAILED).or_else(|_| lock.cut_mark(true)) {
                tracing::warn!(%error, "a failed sync of the log could not be marked for other sessions");
                // Until the log is replaced, or this process ends, none of them syncs it.
                held.keep();
            }
        }
        synced
    }

    /// Says that all syncs of the log files that are in use have succeeded.
    pub(super) fn mark(&self, held: &Held<'_, D>) -> io::Result<()> {
        match held.lock()?.set_mark(self.session_id.as_bytes()) {
            // No mark says the same, and takes no space.
            Err(error) if is_no_space(&error) => held.lock()?.cut_mark(false),
            marked => {
                marked?;
                self.has_marked.store(true, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    /// Takes back the mark of this session, which ends, unless another session has the lock.
    /// If it stays, another session writes the log once more.
    pub(super) fn take_back_mark(&self) {
        if !self.has_marked.swap(false, Ordering::Relaxed) {
            return;
        }
        let taken = self.sync.try_take(&self.directory);
        let taken_back = taken.and_then(|held| {
            let Some(held) = held else { return Ok(()) };
            let lock = held.lock()?;
            match lock.mark()? == self.session_id.as_bytes() {
                true => clear(lock),
                false => Ok(()),
            }
        });
        if let Err(error) = taken_back {
            tracing::debug!(%error, "the mark of this session on the sync lock stays");
        }
    }

    /// Forgets that a sync of the log failed: no session has the volume open, and the log is
    /// going to be replaced.
    pub(super) fn forget_marks(&self) -> io::Result<()> {
        let held = self.sync.take(&self.directory)?;
        let lock = held.lock()?;
        match is_none(&lock.mark()?) {
            true => Ok(()),
            false => clear(lock),
        }
    }
}

/// Takes the mark back, also on a disk without space.
fn clear(lock: &impl Lock) -> io::Result<()> {
    match lock.set_mark(b"") {
        Err(error) if is_no_space(&error) => lock.cut_mark(false),
        cleared => cleared,
    }
}

/// A mark has a length of its own: there may be zeros behind it, or nothing else.
fn is_none(mark: &[u8]) -> bool {
    mark.iter().all(|byte| *byte == 0)
}
