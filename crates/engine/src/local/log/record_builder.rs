//! From a plan to a record: what it makes of each path, as effects.
//!
//! What is not part of the record is staged, and on the disk under its name, when the
//! record is complete. Nothing is written to the log here.

use super::super::commit_plan::{Plan, PlannedContents, PlannedEffect, Source};
use super::super::directory::{Directory, Stat};
use super::super::process_fds::budget;
use super::super::stage::{Complete, sync_all};
use super::former_file::FormerFile;
use super::record::{Contents, Effect, Publication, Put};
use super::staged_blob::Blob;
use super::{LogWriter, Opened};
use crate::{Error, FilePath, Result, Version};
use std::io::{self, Read};
use std::time::SystemTime;

/// A record while it is built.
pub(super) struct RecordBuilder<'a, D: Directory> {
    log: &'a LogWriter<D>,
    time: SystemTime,
    pub(super) effects: Vec<(FilePath, Effect)>,
    pub(super) blobs: Vec<Blob<D>>,
    inline_bytes: u64,
    /// Contents that are staged and not synced, with the number of the effect that is to
    /// name them.
    unsynced: Vec<(Unsynced, Complete<D>)>,
}

struct Unsynced {
    effect: usize,
    bytes: u64,
}

/// What a file gets besides its contents.
#[derive(Clone, Copy, Default)]
struct Attributes {
    mode: Option<u32>,
    modified: Option<SystemTime>,
    version: Option<Version>,
}

impl<'a, D: Directory> RecordBuilder<'a, D> {
    pub(super) fn new(log: &'a LogWriter<D>) -> Self {
        Self {
            log,
            time: SystemTime::now(),
            effects: Vec::new(),
            blobs: Vec::new(),
            inline_bytes: 0,
            unsynced: Vec::new(),
        }
    }

    /// Adds all effects of a plan.
    pub(super) fn add_all(&mut self, plan: &Plan<'_>) -> Result<()> {
        for (path, effect) in &plan.effects {
            match effect {
                PlannedEffect::Remove => {
                    self.add_former(path, plan.stat(&self.log.reader, path)?);
                    self.effects.push((path.clone(), Effect::Remove));
                }
                PlannedEffect::Put(source) => {
                    let before = plan.stat(&self.log.reader, path)?;
                    let attributes = Attributes {
                        mode: before.and_then(|stat| stat.mode),
                        version: plan.version_of(path),
                        ..Attributes::default()
                    };
                    let added = self.add(path, source, before, attributes);
                    added.map_err(|error| plan.blame(path, Error::not_changed(path, error)))?;
                }
            }
        }
        // The process that removed it may not have made that durable.
        let absent = plan.absent.iter();
        self.effects
            .extend(absent.map(|path| (path.clone(), Effect::Remove)));
        let first = plan.effects.keys().next();
        self.finish().map_err(|error| match first {
            Some(path) if plan.effects.len() == 1 => {
                plan.blame(path, Error::not_changed(path, error))
            }
            _ => Error::not_possible(first, "new contents of the volume cannot be staged", error),
        })
    }

    /// Adds a file that is staged already.
    pub(super) fn add_blob(
        &mut self,
        path: &FilePath,
        blob: Blob<D>,
        before: Option<Stat>,
        version: Version,
    ) {
        self.add_former(path, before);
        let attributes = Attributes {
            mode: before.and_then(|stat| stat.mode),
            version: Some(version),
            ..Attributes::default()
        };
        self.put(path, blob.contents(), attributes);
        self.blobs.push(blob);
    }

    /// Names the file that is replaced or removed, where the files follow at once.
    fn add_former(&mut self, path: &FilePath, before: Option<Stat>) {
        let Some(mut before) = before else { return };
        if self.log.publication == Publication::Deferred {
            return;
        }
        if before.stamp.is_none()
            && let Ok(Some(on_disk)) = self.log.reader.tree.stat(path)
        {
            // The process that was to put it there may have been killed, before that or after.
            before = on_disk;
        }
        if let Some(former) = FormerFile::of(self.log.reader.log.root_inode(), &before) {
            self.effects.push((path.clone(), Effect::Former(former)));
        }
    }

    fn add(
        &mut self,
        path: &FilePath,
        source: &Source<'_>,
        seen: Option<Stat>,
        attributes: Attributes,
    ) -> io::Result<()> {
        if let Source::New(PlannedContents { base, more }) = source
            && base.as_ref() == Some(path)
            && let Some(append) = self.log.append_in_place(path, seen, more)?
        {
            self.inline_bytes += more.len() as u64;
            self.effects.push((path.clone(), Effect::Append(append)));
            return Ok(());
        }
        self.add_former(path, seen);
        match source {
            Source::New(PlannedContents { base: None, more }) => {
                self.put_new(path, None, more, attributes)
            }
            Source::New(PlannedContents {
                base: Some(base),
                more,
            }) => self.put_from(path, base, more, attributes),
            Source::Existing(base) => self.move_from(path, base),
        }
    }

    /// A file that moves gets a second name among the staged ones, or goes into the record.
    fn move_from(&mut self, path: &FilePath, base: &FilePath) -> io::Result<()> {
        let stat = self.log.reader.log.stat_current(base)?;
        let attributes = Attributes {
            mode: stat.and_then(|stat| stat.mode),
            modified: stat.map(|stat| stat.modified),
            version: None,
        };
        let size = stat.map_or(0, |stat| stat.size);
        if !self.is_inline(size)
            && self.log.reader.log.entry(base).is_none()
            && let Some((linked, bytes)) = self.log.link(base)?
        {
            return self.put_staged(path, linked, bytes, attributes);
        }
        self.put_from(path, base, &[], attributes)
    }

    /// A file of what is at `base`, and more.
    fn put_from(
        &mut self,
        path: &FilePath,
        base: &FilePath,
        more: &[u8],
        attributes: Attributes,
    ) -> io::Result<()> {
        let current = self.log.reader.log.open_current(base)?;
        let (opened, stat) = current.ok_or(io::ErrorKind::NotFound)?;
        if !self.is_inline(stat.size + more.len() as u64) {
            return self.put_new(path, Some(opened), more, attributes);
        }
        let mut contents = Vec::with_capacity(stat.size as usize + more.len());
        opened.take(stat.size).read_to_end(&mut contents)?;
        contents.extend_from_slice(more);
        self.put_new(path, None, &contents, attributes)
    }

    fn put_new(
        &mut self,
        path: &FilePath,
        base: Option<Opened<D::File>>,
        more: &[u8],
        attributes: Attributes,
    ) -> io::Result<()> {
        if base.is_none() && self.is_inline(more.len() as u64) {
            self.inline_bytes += more.len() as u64;
            self.put(path, Contents::Inline(more.into()), attributes);
            return Ok(());
        }
        let staged = self.log.stage(base, more, attributes.mode)?;
        let bytes = staged.bytes();
        self.put_staged(path, staged, bytes, attributes)
    }

    fn put_staged(
        &mut self,
        path: &FilePath,
        staged: Complete<D>,
        bytes: u64,
        attributes: Attributes,
    ) -> io::Result<()> {
        let effect = self.effects.len();
        // Until it is synced, nothing names it.
        self.put(path, Contents::Inline(Vec::new().into()), attributes);
        self.unsynced.push((Unsynced { effect, bytes }, staged));
        match self.unsynced.len() < budget() {
            true => Ok(()),
            false => self.sync_staged(),
        }
    }

    fn put(&mut self, path: &FilePath, contents: Contents, attributes: Attributes) {
        let put = Put {
            contents,
            mode: attributes.mode,
            modified: attributes.modified.unwrap_or(self.time),
            version: attributes.version,
        };
        self.effects.push((path.clone(), Effect::Put(put)));
    }

    fn sync_staged(&mut self) -> io::Result<()> {
        let unsynced = std::mem::take(&mut self.unsynced);
        for (Unsynced { effect, bytes }, synced) in sync_all(unsynced, self.log.reader.tree.root())
        {
            let blob = Blob::new(synced?, bytes)?;
            if let Some((_, Effect::Put(put))) = self.effects.get_mut(effect) {
                put.contents = blob.contents();
            }
            self.blobs.push(blob);
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.sync_staged()?;
        match self.blobs.is_empty() {
            true => Ok(()),
            false => self.log.sync_names(),
        }
    }

    fn is_inline(&self, bytes: u64) -> bool {
        let sizes = self.log.sizes;
        self.log.publication == Publication::Deferred
            && bytes <= sizes.inline_bytes
            && self.inline_bytes + bytes <= sizes.record_bytes
            // Staged contents have their space, or are refused.
            && self.log.has_space_for(self.inline_bytes + bytes)
    }
}
