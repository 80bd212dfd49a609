//! Room in the log files for the next records: the file in use grows, or the other one, whose
//! records were given up, takes its place.

use super::super::directory::{Directory, FileHandle};
use super::LogWriter;
use super::log_file::LogSlot;
use super::log_reader::State;
use super::process_lock::Held;
use super::writer_lock::WriterGuard;
use crate::error::is_no_space;
use std::io;
use std::sync::MutexGuard;

impl<D: Directory> LogWriter<D> {
    /// Sees to it that there is room for a record of this payload, without waiting for a
    /// checkpoint: the file in use grows, if the other still has records that count. Returns
    /// the state of the log, for the record to be written.
    pub(super) fn make_room(
        &self,
        turn: &WriterGuard<'_, D>,
        payload_bytes: usize,
    ) -> io::Result<MutexGuard<'_, State<D>>> {
        let mut state = self.reader.log.state();
        if state.logs.has_room_for(payload_bytes)? {
            return Ok(state);
        }
        let other = 1 - state.logs.in_use();
        let is_free = state.pending.is_untouched(other);
        drop(state);
        let is_short = self.is_short_of_space();
        // Records in the other file count on those in this one, and no other session syncs
        // a file while it grows.
        let held = self.sync_log_in(turn)?;
        let mut state = self.reader.log.state();
        if is_free {
            state.logs.switch(is_short)?;
            self.checkpointer.make_due();
        }
        drop(state);
        let grown = self.grow(&held, payload_bytes, is_short);
        if grown.is_err() && is_free {
            // Others go on in the file that was in use.
            self.reader.log.state().logs.switch_back();
        }
        grown?;
        Ok(self.reader.log.state())
    }

    /// Makes the file in use longer, durably, if it has no room for a record of this payload.
    fn grow(&self, held: &Held<'_, D>, payload_bytes: usize, is_short: bool) -> io::Result<()> {
        let mut state = self.reader.log.state();
        let bytes = state.logs.bytes_in_use()?;
        state.logs.grow_for(payload_bytes, is_short)?;
        if state.logs.bytes_in_use()? == bytes {
            return Ok(());
        }
        let file = state.logs.descriptor_to_sync()?;
        drop(state);
        let grown = self.sync_marked(held, || file.sync());
        grown.inspect_err(|error| {
            let mut state = self.reader.log.state();
            // All records were on the disk before, so no space for more says nothing of them.
            let is_full = is_no_space(error);
            let is_cleared = is_full && self.mark(held).is_ok();
            state.is_suspect = !is_cleared;
            state.logs.cut(bytes);
        })
    }

    /// Waits, holding no lock, while the log is so full that a checkpoint is due.
    pub(super) fn await_room(&self) -> io::Result<()> {
        match self.full_slot()? {
            Some(which) => self.checkpoint_one(which),
            None => Ok(()),
        }
    }

    /// Waits for the turn, when there is room in the log. While that is waited for, no lock is
    /// held.
    pub(super) fn turn_with_room(&self) -> io::Result<WriterGuard<'_, D>> {
        // In the turn, no other thread that is about to write asks for the state of the log.
        let turn = self.turn()?;
        let Some(which) = self.full_slot()? else {
            return Ok(turn);
        };
        drop(turn);
        self.checkpoint_one(which)?;
        self.turn()
    }

    /// The file of the log that a checkpoint is due for: it has records that count, and the
    /// other is full, or as long as a log file may get. What others have written since the log
    /// was last followed does not count: it can still grow.
    fn full_slot(&self) -> io::Result<Option<LogSlot>> {
        let mut state = self.reader.log.state();
        if state.pending.is_empty() {
            return Ok(None);
        }
        let other = 1 - state.logs.in_use();
        let is_crowded = !state.pending.is_untouched(other)
            // Without the writer lock nothing may be made.
            && state.logs.are_made()
            && (!state.logs.has_room_for(0)? || state.logs.is_at_most()?);
        Ok(is_crowded.then_some(other))
    }
}
