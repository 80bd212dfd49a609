//! Checkpoints: what the records of a log file say comes into the files, durably, and then
//! the records are given up.
//!
//! 1. of every path that the file of the log has records about, what the log has *now* is
//!    looked up, and the log is synced: no file may show half of a commit that a power cut
//!    would take back, and no record may be given up for a later one that it would take back;
//! 2. what was looked up is put into the files and synced, removals first;
//! 3. what cannot be put there is carried over into the other file of the log, in a new
//!    record: it stays governed by the log, and keeps no other path from its place;
//! 4. the file of the log is begun again, and synced.
//!
//! All of it can be done again from any point: a record says what a path becomes, not what
//! is done to it, and the last one about a path counts.

use super::super::directory::{Directory, FileHandle, unless_absent};
use super::super::poison::lock;
use super::super::process_fds::budget;
use super::super::session::NOBODY;
use super::checkpoint_group::{Failed, Group, MAX_GROUP, Path};
use super::log_file::LogSlot;
use super::process_lock::Held;
use super::record::{Publication, payload_bytes};
use super::sync::repeated;
use super::writer_lock::WriterGuard;
use super::{CommitError, LogWriter};
use crate::FilePath;
use crate::error::is_no_space;
use std::io;

impl<D: Directory> LogWriter<D> {
    /// Puts all that is committed into the files, durably. Commits go on meanwhile.
    pub(crate) fn checkpoint_all(&self) -> io::Result<()> {
        let alone = self.checkpoint.take(&self.directory)?;
        self.checkpoint_both(&alone)
    }

    /// The same, unless another thread or process has a lock that it takes. Returns whether
    /// it was made. A process that was stopped may keep its locks for any time.
    pub(super) fn try_checkpoint_all(&self) -> io::Result<bool> {
        if self.has_nothing_to_checkpoint()? {
            return Ok(true);
        }
        let Some(alone) = self.checkpoint.try_take(&self.directory)? else {
            return Ok(false);
        };
        if !self.are_locks_free()? {
            return Ok(false);
        }
        self.checkpoint_both(&alone)?;
        Ok(true)
    }

    /// Whether all that any session has committed is in the files, durably.
    pub(super) fn has_nothing_to_checkpoint(&self) -> io::Result<bool> {
        let state = self.reader.log.up_to_date()?;
        Ok(state.pending.is_empty() && !state.is_suspect)
    }

    /// Whether all locks are free at this moment that a checkpoint takes besides its own.
    fn are_locks_free(&self) -> io::Result<bool> {
        if self.writer.try_take(&self.directory)?.is_none()
            || self.sync.try_take(&self.directory)?.is_none()
        {
            return Ok(false);
        }
        if self.publication == Publication::Deferred {
            return Ok(true);
        }
        let state = self.reader.log.state();
        let paths: Vec<FilePath> = state
            .pending
            .entries()
            .map(|(path, _)| path.clone())
            .collect();
        drop(state);
        Ok(self.locks.are_free(&paths)? && self.locks.try_structure_exclusive()?.is_some())
    }

    fn checkpoint_both(&self, _alone: &Held<'_, D>) -> io::Result<()> {
        *lock(&self.stuck) = None;
        for _ in 0..2 {
            let state = self.reader.log.up_to_date()?;
            let other = 1 - state.logs.in_use();
            let is_free = state.pending.is_untouched(other);
            drop(state);
            if !is_free {
                self.checkpoint_file(other)?;
            }
            match self.close_in_use()? {
                Some(closed) => self.checkpoint_file(closed)?,
                None => break,
            }
        }
        lock(&self.appended).close_unused();
        let stuck = lock(&self.stuck).take();
        match stuck {
            None => Ok(()),
            Some((path, error)) => Err(io::Error::new(
                error.kind(),
                format!("{path} cannot be put into its place, and stays in the log: {error}"),
            )),
        }
    }

    /// Puts what one file of the log has into the files, unless it is in use.
    pub(super) fn checkpoint_one(&self, which: LogSlot) -> io::Result<()> {
        let _alone = self.checkpoint.take(&self.directory)?;
        self.checkpoint_file(which)
    }

    /// A commit was so long that its record is not to stay.
    pub(super) fn checkpoint_soon(&self, paths: &[FilePath]) {
        if let Err(error) = self.checkpoint_all() {
            self.warn(
                "a long commit is durable, but its checkpoint failed; it will be tried again",
                paths.first(),
                &error,
            );
        }
    }

    /// Lets the other file, which no record counts in, take the next records. Returns the
    /// one that was in use; `None` if there is nothing in it, or something in the other.
    fn close_in_use(&self) -> io::Result<Option<LogSlot>> {
        let turn = self.turn()?;
        let state = self.reader.log.state();
        let (full, other) = (state.logs.in_use(), 1 - state.logs.in_use());
        if state.pending.is_untouched(full) || !state.pending.is_untouched(other) {
            return Ok(None);
        }
        drop(state);
        let is_short = self.is_short_of_space();
        // Records in the other one count on those in this one.
        let _synced = self.sync_log_in(&turn)?;
        let mut state = self.reader.log.state();
        state.logs.switch(is_short)?;
        let record = self.record(state.logs.last() + 1, NOBODY);
        match state.logs.write(turn.number(), &record) {
            Ok(_) => Ok(Some(full)),
            Err(CommitError::NotApplied(error)) => Err(error),
            Err(CommitError::Unconfirmed(error)) => {
                state.is_suspect = true;
                Err(error)
            }
        }
    }

    fn checkpoint_file(&self, which: LogSlot) -> io::Result<()> {
        let state = self.reader.log.up_to_date()?;
        if state.logs.in_use() == which || state.pending.is_untouched(which) {
            return Ok(());
        }
        let mut paths: Vec<FilePath> = state.pending.touched(which).into_iter().collect();
        drop(state);
        // Older records in the other file, which a killed process has given up without a sync,
        // must not come back when those in this one are gone.
        self.sync_given_up()?;
        paths.sort_unstable();
        let mut failed = self.put_into_files(paths)?;
        if failed.values().any(is_no_space) && self.remove_all()? {
            failed = self.put_into_files(failed.into_keys().collect())?;
        }
        for (path, error) in &failed {
            self.warn("a committed file could not be put into its place; it stays in the log, and will be tried again", Some(path), error);
        }
        let given_up = self.give_up(which, &failed);
        if given_up.is_err() {
            self.count_as_waiting(which);
        }
        *lock(&self.stuck) = failed.into_iter().next();
        match given_up {
            // There is no space to carry over what is stuck, so it stays where it is.
            Err(error) if is_no_space(&error) && lock(&self.stuck).is_some() => Ok(()),
            given_up => given_up,
        }
    }

    /// Removes all files from the disk that the log has no more, to make room. Whether there
    /// were any.
    fn remove_all(&self) -> io::Result<bool> {
        let state = self.reader.log.state();
        let entries = state.pending.entries();
        let removed = entries.filter(|(_, entry)| entry.file.is_none() && !entry.is_published());
        let paths: Vec<FilePath> = removed.map(|(path, _)| path.clone()).collect();
        drop(state);
        // What fails is tried again with the records that say so.
        self.put_into_files(paths.clone())?;
        Ok(!paths.is_empty())
    }

    fn put_into_files(&self, paths: Vec<FilePath>) -> io::Result<Failed> {
        let mut failed = Failed::new();
        let entries = self.entries(&paths);
        let (gone, there): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .partition(|(_, entry)| entry.file.is_none());
        for kind in [gone, there] {
            for group in kind.chunks(budget().min(MAX_GROUP)) {
                let paths: Vec<FilePath> = group.iter().map(|(path, _)| path.clone()).collect();
                self.put_group(&paths, &mut failed)?;
            }
        }
        Ok(failed)
    }

    fn entries(&self, paths: &[FilePath]) -> Vec<Path> {
        let state = self.reader.log.state();
        let entry = |path: &FilePath| Some((path.clone(), state.pending.get(path)?));
        paths.iter().filter_map(entry).collect()
    }

    fn put_group(&self, paths: &[FilePath], failed: &mut Failed) -> io::Result<()> {
        // Where commits change files, none must do so meanwhile.
        let is_immediate = self.publication == Publication::Immediate;
        let held = is_immediate.then(|| self.locks.lock_all(paths));
        let held = held.transpose()?;
        self.reader.log.follow()?;
        let entries = self.entries(paths);
        let newest = entries.iter().map(|(_, entry)| entry.sequence).max();
        self.wait_durable(newest.unwrap_or_default())?;
        Group::new(self, failed).put_all(entries);
        drop(held);
        Ok(())
    }

    /// Records that could not be given up still count, for all sessions alike, in a volume
    /// whose files follow later.
    fn count_as_waiting(&self, which: LogSlot) {
        let state = self.reader.log.state();
        for path in state.pending.touched(which) {
            let entry = state.pending.get(&path);
            let entry = entry.filter(|entry| entry.publication == Publication::Deferred);
            if let Some(entry) = entry {
                entry.set_published(false);
            }
        }
    }

    /// Gives up all records of a file of the log, but for what failed, which is carried
    /// over.
    fn give_up(&self, which: LogSlot, failed: &Failed) -> io::Result<()> {
        let turn = self.turn()?;
        if self.reader.log.state().logs.in_use() == which {
            return Ok(());
        }
        self.carry_over(&turn, failed)?;
        let is_short_of_space = failed.values().any(is_no_space) || self.is_short_of_space();
        let held = self.take_sync()?;
        let mut state = self.reader.log.state();
        let file = state.logs.begin_again(which);
        drop(state);
        let synced = file.and_then(|file| self.sync_marked(&held, || file.sync_data()));
        let mut state = self.reader.log.state();
        match synced {
            Ok(()) => state.logs.was_given_up(which, is_short_of_space),
            Err(error) => {
                // What it held may come back after a power cut; another file must not.
                tracing::warn!(%error, "a file of the log could not be given up; another takes its place");
                state.logs.replace_given_up(which)?;
                if !state.is_suspect {
                    self.mark(&held)?;
                }
            }
        }
        let superseded = state.pending.give_up(which);
        drop(state);
        self.remove_staged(superseded);
        Ok(())
    }

    /// Removes staged contents that no record names. What stays goes when the volume is
    /// opened again.
    fn remove_staged(&self, names: Vec<String>) {
        for name in names {
            if let Err(error) = unless_absent(self.directory.remove_file(&name)) {
                tracing::debug!(name, %error, "staged contents that were replaced could not be removed");
            }
        }
    }

    pub(super) fn carry_over(&self, turn: &WriterGuard<'_, D>, failed: &Failed) -> io::Result<()> {
        let paths: Vec<FilePath> = failed.keys().cloned().collect();
        let entries = self.entries(&paths);
        if entries.is_empty() {
            return Ok(());
        }
        let state = self.reader.log.state();
        let entries = entries.iter().map(|(path, entry)| (path, entry));
        let former = |path: &FilePath| state.pending.former_files.of(path);
        let records = repeated(entries, former, state.logs.last());
        drop(state);
        for mut record in records {
            let mut state = self.make_room(turn, payload_bytes(&record.effects))?;
            // Making room may have put a new log file, with records, in the place of the old.
            record.sequence = state.logs.last() + 1;
            let which = state.logs.write(turn.number(), &record)?;
            state.pending.carry_over(which, record);
        }
        self.sync_log_in(turn).map(drop)
    }
}
