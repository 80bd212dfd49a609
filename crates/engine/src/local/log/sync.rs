//! Making records durable.
//!
//! After a sync that failed, no later one of the same file says anything: the system may
//! have reported the error already, and have dropped what it could not write. Then all that
//! the log holds goes into a new file, which takes the name of the old one, before any
//! commit is acknowledged.

use super::super::directory::{Directory, FileHandle};
use super::super::session::SessionTag;
use super::LogWriter;
use super::entry::Entry;
use super::former_file::FormerFile;
use super::group_commit::SyncError;
use super::log_pair::empty_record;
use super::process_lock::Held;
use super::record::{Effect, Publication, Record};
use super::writer_lock::WriterGuard;
use crate::FilePath;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

/// How often the log is synced because of others that could not, or were killed.
const TRIES: usize = 8;

impl<D: Directory> LogWriter<D> {
    /// Waits until all up to this record is on the disk.
    pub(super) fn wait_durable(&self, sequence: u64) -> io::Result<()> {
        self.group.wait(sequence, || self.sync_for_group())
    }

    fn sync_for_group(&self) -> Result<u64, SyncError> {
        let synced = self.sync_log().map(|(_held, last)| last);
        synced
            .or_else(|error| self.make_good(error))
            .map_err(|error| SyncError {
                last: self.reader.log.last(),
                error,
            })
    }

    /// Makes all records durable that there are, also those of others. No other session
    /// syncs a log file before what is returned is dropped. Returns the number of the last
    /// record that is durable by it.
    pub(super) fn sync_log(&self) -> io::Result<(Held<'_, D>, u64)> {
        let held = self.take_sync()?;
        let mut state = self.reader.log.state();
        if state.is_suspect {
            let what = "an earlier sync of the log failed, or the process was killed that made it";
            return Err(io::Error::other(what));
        }
        let last = state.logs.last();
        let file = state.logs.descriptor_to_sync()?;
        drop(state);
        self.sync_marked(&held, || file.sync_data())
            .inspect_err(|_| self.suspect())?;
        Ok((held, last))
    }

    /// The same as [`sync_log`](Self::sync_log), with a new file in the place of the log if
    /// an earlier sync has failed. The caller has the turn.
    pub(super) fn sync_log_in(&self, _turn: &WriterGuard<'_, D>) -> io::Result<Held<'_, D>> {
        let mut tries = TRIES;
        loop {
            tries -= 1;
            match self.sync_log() {
                // Another session may be killed in a sync right after this one has replaced
                // the log.
                Err(_) if tries > 0 && self.reader.log.state().is_suspect => {
                    self.replace_suspect()?;
                }
                synced => return synced.map(|(held, _)| held),
            }
        }
    }

    pub(in crate::local) fn suspect(&self) {
        self.reader.log.state().is_suspect = true;
    }

    /// Puts a new file in the place of the one that could not be synced. Returns the number
    /// of the last record, which is durable then.
    fn make_good(&self, error: io::Error) -> io::Result<u64> {
        tracing::warn!(%error, "the log could not be synced; what it holds is written to a new file");
        self.suspect();
        // Taking the turn does it.
        let turn = self.turn()?;
        let last = self.reader.log.state().logs.last();
        drop(turn);
        Ok(last)
    }

    /// Writes all that the log holds into a new file, in the place of the one in use, and
    /// another in the place of the one that was given up, if it was. The caller has the turn.
    pub(super) fn replace_suspect(&self) -> io::Result<()> {
        let held = self.sync.take(&self.directory)?;
        let mut state = self.reader.log.state();
        let which = state.logs.in_use();
        let former = |path: &FilePath| state.pending.former_files.of(path);
        let records = repeated(state.pending.entries(), former, state.logs.last());
        state.logs.replace(which, &records)?;
        if state.pending.is_untouched(1 - which) {
            state.logs.replace_given_up(1 - which)?;
        }
        self.mark(&held)?;
        state.is_suspect = false;
        self.group.is_durable(state.logs.last());
        for record in records {
            state.pending.carry_over(which, record);
        }
        Ok(())
    }

    pub(super) fn record(&self, sequence: u64, session: SessionTag) -> Record {
        Record {
            session,
            publication: self.publication,
            time: SystemTime::now(),
            ..empty_record(sequence)
        }
    }

    /// Makes sure that no record which others gave up can come back after a power cut. To
    /// be called before a path that the disk governs is changed without a record.
    pub(crate) fn sync_given_up(&self) -> io::Result<()> {
        let doubtful = self.reader.log.state().logs.begun_again_by_others()?;
        if doubtful.is_empty() {
            return Ok(());
        }
        let held = self.take_sync()?;
        for (which, file) in doubtful {
            if self.reader.log.state().is_suspect {
                break;
            }
            match self.sync_marked(&held, || file.sync_data()) {
                Ok(()) => self.reader.log.state().logs.were_synced(which),
                Err(error) => {
                    tracing::warn!(%error, "the log could not be synced; what it holds is written to a new file");
                    self.suspect();
                }
            }
        }
        drop(held);
        let is_suspect = self.reader.log.state().is_suspect;
        // Taking the turn puts new files in their places.
        match is_suspect {
            true => self.turn().map(drop),
            false => Ok(()),
        }
    }
}

/// Records that say once more what these paths have, with the numbers after `last`: one for
/// each policy of publication, for it decides what a later change by another program means.
/// There is at least one.
pub(super) fn repeated<'a>(
    entries: impl IntoIterator<Item = (&'a FilePath, &'a Arc<Entry>)>,
    former: impl Fn(&FilePath) -> Vec<FormerFile>,
    last: u64,
) -> Vec<Record> {
    let mut effects: [Vec<(FilePath, Effect)>; 2] = Default::default();
    // So that none of them seems to be older than it is.
    let mut time = SystemTime::UNIX_EPOCH;
    for (path, entry) in entries {
        let is_deferred = entry.publication == Publication::Deferred;
        let effects = &mut effects[usize::from(is_deferred)];
        let former = former(path).into_iter();
        effects.extend(former.map(|file| (path.clone(), Effect::Former(file))));
        effects.extend(entry.to_effects(path));
        time = time.max(entry.time);
    }
    let [immediate, deferred] = effects;
    let mut records = vec![
        (Publication::Immediate, immediate),
        (Publication::Deferred, deferred),
    ];
    records.retain(|(_, effects)| !effects.is_empty());
    if records.is_empty() {
        records.push((Publication::default(), Vec::new()));
    }
    let numbered = records.into_iter().zip(last + 1..);
    numbered
        .map(|((publication, effects), sequence)| Record {
            publication,
            time,
            effects,
            ..empty_record(sequence)
        })
        .collect()
}
