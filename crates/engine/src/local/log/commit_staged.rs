//! A commit of one file whose contents are staged before it takes a lock or the turn: they are
//! too long for a record, or a writer has streamed them.

use super::super::commit_plan::Plan;
use super::super::directory::Directory;
use super::super::known_files::Wanted;
use super::super::stage::{Complete, Synced};
use super::super::writer::Writer;
use super::record::Publication;
use super::record_builder::RecordBuilder;
use super::staged_blob::Blob;
use crate::volume::{Change, Precondition};
use crate::{Error, FilePath, Result, Version};
use std::io;
use std::slice;

impl<D: Directory> Writer<D> {
    /// Whether contents are staged before the turn is taken, so that others need not wait:
    /// they are too long for a record, and are not what the log has already.
    pub(super) fn is_staged_first(&self, path: &FilePath, contents: &[u8]) -> bool {
        self.log.publication == Publication::Deferred
            && contents.len() as u64 > self.log.sizes.inline_bytes
            && self
                .reader
                .log
                .entry(path)
                .is_none_or(|entry| !entry.is(&Wanted::Bytes(contents), Version::of(contents)))
    }

    pub(super) fn commit_long_write(
        &self,
        path: &FilePath,
        contents: &[u8],
        precondition: &Precondition,
    ) -> Result<Version> {
        let not_changed = |error| Error::not_changed(path, error);
        self.limits().check_path(path)?;
        self.limits().check_file(path, contents.len() as u64)?;
        // A first look spares staging what cannot succeed.
        self.reader.check(path, precondition)?;
        let mut in_flight = self.accounts.in_flight();
        in_flight.add(self.limits(), path, contents.len() as u64)?;
        let mode = self.reader.mode_of(path).map_err(not_changed)?;
        let staged = self.log.stage(None::<io::Empty>, contents, mode);
        let blob = staged
            .and_then(Complete::sync)
            .and_then(|staged| {
                self.log.sync_names()?;
                Blob::new(staged, contents.len() as u64)
            })
            .map_err(not_changed)?;
        let version = Version::of(contents);
        self.commit_blob(path, precondition, blob, version)?;
        Ok(version)
    }

    /// Commits what a writer staged.
    pub(in crate::local) fn commit_staged(
        &self,
        path: &FilePath,
        precondition: &Precondition,
        staged: Complete<D>,
        version: Version,
    ) -> Result<()> {
        let not_changed = |error| Error::not_changed(path, error);
        let bytes = staged.bytes();
        let is_deferred = self.log.publication == Publication::Deferred;
        if is_deferred && bytes <= self.log.sizes.inline_bytes {
            let contents = staged.read_back().map_err(not_changed)?;
            let write = Change::write(path.clone(), contents);
            let step = write.only_if(*precondition);
            return self.commit(slice::from_ref(&step)).map(drop);
        }
        let staged = staged.sync().map_err(not_changed)?;
        self.commit_synced(path, precondition, staged, bytes, version)
    }

    /// The same of one that is on the disk.
    pub(in crate::local) fn commit_synced(
        &self,
        path: &FilePath,
        precondition: &Precondition,
        staged: Synced<D>,
        bytes: u64,
        version: Version,
    ) -> Result<()> {
        let blob = self.log.adopt(staged, bytes);
        let blob = blob.map_err(|error| Error::not_changed(path, error))?;
        self.commit_blob(path, precondition, blob, version)
    }

    fn commit_blob(
        &self,
        path: &FilePath,
        precondition: &Precondition,
        blob: Blob<D>,
        version: Version,
    ) -> Result<()> {
        let paths = slice::from_ref(path);
        let mut is_mended = false;
        let (mut exclusive, plan) = loop {
            let refusals = self.find_refusals(paths);
            let mut exclusive = self.enter(path, paths)?;
            self.reader.check(path, precondition)?;
            let wanted = Wanted::Staged(blob.bytes());
            if let Some(sequence) = self.record_that_has(path, version, &wanted) {
                drop(exclusive);
                return self.log.confirm(path, sequence);
            }
            let plan = Plan::of_write(path);
            let prepared = self.prepare_places(&mut exclusive, &plan);
            match prepared.and_then(|()| refusals.check(&plan)) {
                Err(error) if !is_mended && self.may_succeed_after_checkpoint(&error) => {
                    drop(exclusive);
                    is_mended = true;
                    self.log.checkpoint_all().map_err(|_| error)?;
                }
                way => break way.map(|()| (exclusive, plan))?,
            }
        };
        let stat = plan.stat(&self.reader, path)?;
        let reservation = self.reserve_over(path, stat, Some(blob.bytes()))?;
        let mut builder = RecordBuilder::new(&self.log);
        builder.add_blob(path, blob, stat, version);
        let written = self.write_record(&mut exclusive, path, builder);
        reservation.keep_if_made(&written);
        self.finish(exclusive, path, written?, paths)
    }
}
