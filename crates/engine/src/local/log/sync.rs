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
use std::collections::BTreeMap;
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
/// each policy of publication, for it decides what a later change by another program means;
/// and one for each time at which files were removed that other programs may have followed.
/// There is at least one.
pub(super) fn repeated<'a>(
    entries: impl IntoIterator<Item = (&'a FilePath, &'a Arc<Entry>)>,
    former: impl Fn(&FilePath) -> Vec<FormerFile>,
    last: u64,
) -> Vec<Record> {
    let entries: Vec<_> = entries.into_iter().collect();
    // So that none of them seems to be older than it is.
    let latest = entries.iter().map(|(_, entry)| entry.time).max();
    let latest = latest.unwrap_or(SystemTime::UNIX_EPOCH);
    let mut groups: BTreeMap<(Publication, SystemTime), Vec<(FilePath, Effect)>> = BTreeMap::new();
    for (path, entry) in entries {
        let time = match entry.removes_at_once() {
            true => entry.time,
            false => latest,
        };
        let effects = groups.entry((entry.publication, time)).or_default();
        let former = former(path).into_iter();
        effects.extend(former.map(|file| (path.clone(), Effect::Former(file))));
        effects.extend(entry.to_effects(path));
    }
    if groups.is_empty() {
        groups.insert((Publication::default(), latest), Vec::new());
    }
    let numbered = groups.into_iter().zip(last + 1..);
    numbered
        .map(|(((publication, time), effects), sequence)| Record {
            publication,
            time,
            effects,
            ..empty_record(sequence)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::pending::Pending;
    use super::*;
    use std::time::Duration;

    /// A person may have made another file after the first and before the last.
    #[test]
    fn removals_keep_their_times_in_records_that_are_written_again() {
        let mut pending = Pending::default();
        let time = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        for (sequence, path) in [(1, "a"), (2, "b"), (3, "c")] {
            let record = Record {
                time: time(sequence * 100),
                effects: vec![(FilePath::new(path).expect("valid"), Effect::Remove)],
                ..empty_record(sequence)
            };
            pending.apply(0, record);
        }
        let records = repeated(pending.entries(), |_| Vec::new(), 3);
        let times: Vec<_> = records.iter().map(|record| record.time).collect();
        assert_eq!(times, [time(100), time(200), time(300)]);
        let numbers: Vec<_> = records.iter().map(|record| record.sequence).collect();
        assert_eq!(numbers, [4, 5, 6]);
    }
}
