//! The draft of a record: what a plan makes of each path, as effects.
//!
//! What is too long for the record is staged, and on the disk under its name, when the
//! draft is done. Nothing is written to the journal here.

use super::super::Local;
use super::super::append::{FENCE_BYTES, fence, fence_of};
use super::super::batch::{Contents as NewContents, Effect as Planned, Plan, Source};
use super::super::directory::{Directory, FileHandle, Stat};
use super::effects::{Contents, Effect, Extension, Put};
use super::large::Large;
use super::{ALL_INLINE_BYTES, INLINE_BYTES, Journaled, Opened, lock};
use crate::{Error, FilePath, Result, Version};
use std::io::{self, Read};
use std::time::SystemTime;

/// What a record is made of while it is planned.
pub(super) struct Draft<'a, D: Directory> {
    local: &'a Local<D>,
    journaled: &'a Journaled<D>,
    pub(super) time: SystemTime,
    pub(super) effects: Vec<(FilePath, Effect)>,
    pub(super) large: Vec<Large<D>>,
    inline_bytes: u64,
}

impl<'a, D: Directory> Draft<'a, D> {
    pub(super) fn new(local: &'a Local<D>, journaled: &'a Journaled<D>) -> Self {
        Self {
            local,
            journaled,
            time: SystemTime::now(),
            effects: Vec::new(),
            large: Vec::new(),
            inline_bytes: 0,
        }
    }

    pub(super) fn of(
        local: &'a Local<D>,
        journaled: &'a Journaled<D>,
        plan: &Plan,
    ) -> Result<Self> {
        let mut draft = Self::new(local, journaled);
        for (path, effect) in &plan.effects {
            match effect {
                Planned::Remove => draft.effects.push((path.clone(), Effect::Remove)),
                Planned::Put(source) => {
                    let added = draft.add(path, source);
                    added.map_err(|error| plan.blame(path, Error::not_changed(path, error)))?;
                }
            }
        }
        // Whoever removed it may not have made that durable.
        let absent = plan.absent.iter();
        draft
            .effects
            .extend(absent.map(|path| (path.clone(), Effect::Remove)));
        if !draft.large.is_empty() {
            let synced = journaled.sync_names();
            let first = plan.effects.keys().next();
            synced.map_err(|error| {
                Error::not_possible(first, "its long files cannot be staged", error)
            })?;
        }
        Ok(draft)
    }

    fn add(&mut self, path: &FilePath, source: &Source) -> io::Result<()> {
        match source {
            Source::New(NewContents { base: None, more }) => {
                let mode = self.local.mode_of(path)?;
                self.put_new(path, None, more, mode, None)
            }
            Source::New(NewContents {
                base: Some(base),
                more,
            }) => {
                if base == path && self.is_inline(more.len() as u64) {
                    return self.append(path, more);
                }
                let mode = self.local.mode_of(path)?;
                self.put_from(path, base, more, mode, None)
            }
            Source::Existing(base) => {
                let stat = self.local.stat_file(base)?;
                let (mode, modified) = match stat {
                    Some(stat) => (stat.mode, Some(stat.modified)),
                    None => (None, None),
                };
                let size = stat.map_or(0, |stat| stat.size);
                if !self.is_inline(size)
                    && self.journaled.entry(base).is_none()
                    && let Some(large) = self.journaled.link_large(base)?
                {
                    self.put(path, large.contents(), mode, modified, None);
                    self.large.push(large);
                    return Ok(());
                }
                self.put_from(path, base, &[], mode, modified)
            }
        }
    }

    /// A file of what is at `base`, and more.
    fn put_from(
        &mut self,
        path: &FilePath,
        base: &FilePath,
        more: &[u8],
        mode: Option<u32>,
        modified: Option<SystemTime>,
    ) -> io::Result<()> {
        let current = self.journaled.open_current(base)?;
        let (opened, stat) = current.ok_or(io::ErrorKind::NotFound)?;
        if !self.is_inline(stat.size + more.len() as u64) {
            return self.put_new(path, Some(opened), more, mode, modified);
        }
        let mut contents = Vec::with_capacity(stat.size as usize + more.len());
        opened.take(stat.size).read_to_end(&mut contents)?;
        contents.extend_from_slice(more);
        self.put_new(path, None, &contents, mode, modified)
    }

    fn put_new(
        &mut self,
        path: &FilePath,
        base: Option<Opened<D::File>>,
        more: &[u8],
        mode: Option<u32>,
        modified: Option<SystemTime>,
    ) -> io::Result<()> {
        let contents = if base.is_none() && self.is_inline(more.len() as u64) {
            self.inline_bytes += more.len() as u64;
            Contents::Inline(more.into())
        } else {
            let large = self.journaled.stage_large(base, more, mode)?;
            let contents = large.contents();
            self.large.push(large);
            contents
        };
        self.put(path, contents, mode, modified, None);
        Ok(())
    }

    pub(super) fn put(
        &mut self,
        path: &FilePath,
        contents: Contents,
        mode: Option<u32>,
        modified: Option<SystemTime>,
        version: Option<Version>,
    ) {
        let put = Put {
            contents,
            mode,
            modified: modified.unwrap_or(self.time),
            version,
        };
        self.effects.push((path.clone(), Effect::Put(put)));
    }

    /// More for the file that is at `path`.
    fn append(&mut self, path: &FilePath, more: &[u8]) -> io::Result<()> {
        let is_shown = self.journaled.entry(path).is_some();
        let current = self.journaled.open_current(path)?;
        let (opened, stat) = current.ok_or(io::ErrorKind::NotFound)?;
        let fence = match &opened {
            Opened::File(file) => {
                if !is_shown {
                    // It may be from a program that did not sync it.
                    self.journaled.make_base_durable(path, file, stat)?;
                }
                fence(file, stat.size)?
            }
            Opened::Pieces(_) => fence_of(&tail(opened, stat.size)?),
        };
        self.inline_bytes += more.len() as u64;
        let extension = Extension {
            offset: stat.size,
            fence,
            more: more.into(),
        };
        self.effects.push((path.clone(), Effect::Append(extension)));
        Ok(())
    }

    fn is_inline(&self, bytes: u64) -> bool {
        bytes <= INLINE_BYTES && self.inline_bytes + bytes <= ALL_INLINE_BYTES
    }
}

impl<D: Directory> Journaled<D> {
    /// Makes a file of the volume durable, contents and name, unless it is known to be.
    fn make_base_durable(&self, path: &FilePath, file: &D::File, stat: Stat) -> io::Result<()> {
        let known = (stat.size, stat.modified);
        let bases = &self.writing()?.bases;
        if lock(bases).get(path) == Some(&known) {
            return Ok(());
        }
        self.tree.settle_file(path, file)?;
        lock(bases).put(path.clone(), known);
        Ok(())
    }
}

/// The end of a file, as much of it as a fence stands for.
fn tail(mut opened: Opened<impl FileHandle>, bytes: u64) -> io::Result<Vec<u8>> {
    let mut tail = Vec::new();
    if let Opened::Pieces(pieces) = &mut opened {
        pieces.skip(bytes.saturating_sub(FENCE_BYTES));
    }
    opened.read_to_end(&mut tail)?;
    Ok(tail)
}
