//! What a commit need not write, because it is there already.

use super::super::commit_plan::{Plan, PlannedEffect, Source};
use super::super::directory::{Directory, FileHandle};
use super::super::known_files::Wanted;
use super::super::writer::Writer;
use super::entry::Entry;
use crate::{FilePath, Version};
use std::io;

impl<D: Directory> Writer<D> {
    /// Takes those files out of the plan that are already what they are to become. Returns
    /// the last record that has to be on the disk for that to last.
    pub(super) fn leave_out_current(&self, plan: &mut Plan<'_>) -> u64 {
        let mut counts_on = 0;
        for (path, version) in plan.written() {
            let Some(PlannedEffect::Put(Source::New(contents))) = plan.effects.get(&path) else {
                continue;
            };
            let wanted = Wanted::Bytes(&contents.more);
            if let Some(sequence) = self.record_that_has(&path, version, &wanted) {
                counts_on = counts_on.max(sequence);
                plan.effects.remove(&path);
            }
        }
        counts_on
    }

    /// Whether `path` has what is wanted: by which record, 0 if that is in the file,
    /// durably.
    pub(super) fn record_that_has(
        &self,
        path: &FilePath,
        version: Version,
        wanted: &Wanted<'_>,
    ) -> Option<u64> {
        let sequence = match self.reader.log.entry(path) {
            Some(entry) => {
                let is_current = entry.is(wanted, version) && self.shows(path, &entry, wanted);
                is_current.then_some(entry.sequence)
            }
            None => {
                let unchanged = self.is_unchanged(path, version, wanted);
                unchanged.then_some(0)
            }
        };
        if sequence.is_some() {
            self.observer.unchanged();
        }
        sequence
    }

    /// Whether the file on the disk is what a published entry says; other programs may
    /// have changed it.
    fn shows(&self, path: &FilePath, entry: &Entry, wanted: &Wanted<'_>) -> bool {
        if !entry.is_published() {
            return true;
        }
        let Some(version) = entry.file.as_ref().and_then(|file| file.version) else {
            return false;
        };
        let inode = entry.file.as_ref().and_then(|file| file.beginning.as_ref());
        let inode = inode.map_or(0, |beginning| beginning.inode);
        let shows = || {
            let Some(mut file) = self.reader.tree.open_file(path)? else {
                return Ok(false);
            };
            let stat = file.stat_when_opened()?;
            Ok::<_, io::Error>(
                stat.inode() == inode
                    && stat.links == 1
                    && wanted.is_in(&mut file, stat.size, version)?,
            )
        };
        shows().unwrap_or(false)
    }
}
