//! From a plan to a record: what it makes of each path, as effects.
//!
//! What is not part of the record is staged, and on the disk under its name, when the
//! record is complete. Nothing is written to the log here.

use super::super::descriptors::budget;
use super::super::directory::{Directory, FileHandle, Stat};
use super::super::effects::{Plan, PlannedContents, PlannedEffect, Source};
use super::super::session::SessionTag;
use super::super::stage::{Complete, sync_all};
use super::base::{FENCE_BYTES, KnownBase, fence, fence_of, has_beginning, is_as_in_log};
use super::entry::Entry;
use super::record::{Append, Contents, Effect, Publication, Put};
use super::staged_blob::Blob;
use super::{LogWriter, Opened};
use crate::{Error, FilePath, Result, Version};
use std::io::{self, Read};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// How long a process that was killed takes at most to give back its locks.
const LONGEST_DEATH: Duration = Duration::from_millis(200);

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

/// How an append relates to what the log says of its path.
enum Base<F> {
    /// It adds to that.
    Log { inode: u64, fence: [u8; 32] },
    /// It adds to the file on the disk, which is as the log has it.
    Published(F),
    /// It adds to the file on the disk, which has to be made durable first.
    Disk(F),
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
                PlannedEffect::Remove => self.effects.push((path.clone(), Effect::Remove)),
                PlannedEffect::Put(source) => {
                    let before = plan.stat(&self.log.reader, path)?;
                    let attributes = Attributes {
                        mode: before.and_then(|stat| stat.mode),
                        version: plan.version_of(path),
                        ..Attributes::default()
                    };
                    let added = self.add(path, source, attributes);
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
            _ => Error::not_possible(first, "its contents cannot be staged", error),
        })
    }

    /// Adds a file that is staged already.
    pub(super) fn add_blob(
        &mut self,
        path: &FilePath,
        blob: Blob<D>,
        mode: Option<u32>,
        version: Version,
    ) {
        let attributes = Attributes {
            mode,
            version: Some(version),
            ..Attributes::default()
        };
        self.put(path, blob.contents(), attributes);
        self.blobs.push(blob);
    }

    fn add(
        &mut self,
        path: &FilePath,
        source: &Source<'_>,
        attributes: Attributes,
    ) -> io::Result<()> {
        match source {
            Source::New(PlannedContents { base: None, more }) => {
                self.put_new(path, None, more, attributes)
            }
            Source::New(PlannedContents {
                base: Some(base),
                more,
            }) => {
                if base == path && self.append(path, more)? {
                    return Ok(());
                }
                self.put_from(path, base, more, attributes)
            }
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

    /// More for the file that is at `path`. `false` if the file must not be extended in
    /// place: it has a second name, which keeps what it was.
    fn append(&mut self, path: &FilePath, more: &[u8]) -> io::Result<bool> {
        let reader = &self.log.reader.log;
        let entry = reader.entry(path);
        let current = reader.open_as(path, entry.as_deref())?;
        let (opened, stat) = current.ok_or(io::ErrorKind::NotFound)?;
        if matches!(opened, Opened::File(_)) && stat.links > 1 {
            return Ok(false);
        }
        let Some((base, stat)) = self.base_of(path, entry.as_deref(), opened, stat)? else {
            return Ok(false);
        };
        let (continues, inode, fence) = match base {
            Base::Log { inode, fence } => (true, inode, fence),
            Base::Published(file) => (true, stat.inode(), fence(&file, stat.size)?),
            Base::Disk(file) => {
                if !self.log.make_base_durable(path, &file, &stat)? {
                    return Ok(false);
                }
                (false, stat.inode(), fence(&file, stat.size)?)
            }
        };
        self.inline_bytes += more.len() as u64;
        let append = Append {
            offset: stat.size,
            fence,
            continues,
            inode,
            more: more.into(),
        };
        self.effects.push((path.clone(), Effect::Append(append)));
        Ok(true)
    }

    /// What an append to `path` builds on, which was opened as the log has it.
    fn base_of(
        &self,
        path: &FilePath,
        entry: Option<&Entry>,
        opened: Opened<D::File>,
        stat: Stat,
    ) -> io::Result<Option<(Base<D::File>, Stat)>> {
        let file = entry.and_then(|entry| entry.file.as_ref().map(|file| (entry, file)));
        let Some((entry, file)) = file else {
            return Ok(match opened {
                Opened::File(plain) => Some((Base::Disk(plain), stat)),
                Opened::Pieces(_) => None,
            });
        };
        match opened {
            Opened::File(plain) => {
                let is_known = self.log.is_base(path, &KnownBase::of(&stat));
                let continues = (entry.is_published() && is_known && stat.size == file.bytes)
                    || is_as_in_log(&plain, &stat, file)?;
                let base = match continues {
                    true => Base::Published(plain),
                    false => Base::Disk(plain),
                };
                Ok(Some((base, stat)))
            }
            Opened::Pieces(mut pieces) => {
                let is_deferred = entry.publication == Publication::Deferred;
                match self.changed_file(path, entry)? {
                    None if stat.size == file.bytes => {}
                    Some(base @ (Base::Published(_), _)) => return Ok(Some(base)),
                    // What is there and what the log adds to it are both to be kept.
                    _ if is_deferred => return Ok(None),
                    changed => return Ok(changed),
                }
                pieces.skip(stat.size.saturating_sub(FENCE_BYTES));
                let mut tail = Vec::new();
                pieces.read_to_end(&mut tail)?;
                let beginning = file.beginning.as_ref();
                let base = Base::Log {
                    inode: beginning.map_or(0, |beginning| beginning.inode),
                    fence: fence_of(&tail),
                };
                Ok(Some((base, stat)))
            }
        }
    }

    /// The file on the disk, if it has all that the log has, or if another program has
    /// changed it since it had: what the log does not find there was there.
    fn changed_file(
        &self,
        path: &FilePath,
        entry: &Entry,
    ) -> io::Result<Option<(Base<D::File>, Stat)>> {
        let Some(plain) = self.log.reader.tree.open_file(path)? else {
            return Ok(None);
        };
        let stat = plain.stat()?;
        if let Some(file) = &entry.file
            && is_as_in_log(&plain, &stat, file)?
        {
            return Ok(Some((Base::Published(plain), stat)));
        }
        let was_published = entry.publication == Publication::Immediate
            && entry.session != self.log.session
            && self.log.sessions.is_alive_by_tag(entry.session)
            && !(is_unfinished(&plain, &stat, entry)?
                && (is_older(&stat, entry) || self.is_dying(entry.session)));
        let beginning = entry.file.as_ref().and_then(|file| file.beginning.as_ref());
        let has_beginning = match beginning {
            Some(beginning) if beginning.staged.is_none() => {
                has_beginning(&plain, &stat, beginning)?
            }
            _ => true,
        };
        let is_changed = was_published || !has_beginning;
        Ok(is_changed.then_some((Base::Disk(plain), stat)))
    }

    /// Whether a session ends within a moment. A process that is killed gives back its locks
    /// one after the other: that of a path may be free before that of its session is.
    fn is_dying(&self, session: SessionTag) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < LONGEST_DEATH {
            if !self.log.sessions.is_alive_by_tag(session) {
                return true;
            }
            thread::sleep(LONGEST_DEATH / 20);
        }
        false
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

/// Whether the file on the disk was last changed before the append was recorded, so that it
/// was never published. Clocks of file systems are behind that of the system, not ahead.
fn is_older(stat: &Stat, entry: &Entry) -> bool {
    let file = entry.file.as_ref().filter(|file| file.has_chunks());
    file.is_some_and(|file| file.beginning.is_some() && stat.modified <= file.modified)
}

/// Whether the file on the disk is what a session leaves that was killed while it published
/// an append: some of the bytes are missing. Another program may have cut it just there.
fn is_unfinished(on_disk: &impl FileHandle, stat: &Stat, entry: &Entry) -> io::Result<bool> {
    let Some(file) = &entry.file else {
        return Ok(false);
    };
    let Some(beginning) = &file.beginning else {
        return Ok(stat.size < file.bytes);
    };
    if stat.size < beginning.bytes || stat.size >= file.bytes {
        return Ok(beginning.staged.is_some());
    }
    let chunks = file.joined_chunks();
    let mut there = vec![0; (stat.size - beginning.bytes) as usize];
    let read = on_disk.read_all_at(&mut there, beginning.bytes)?;
    Ok(beginning.staged.is_some() || chunks.starts_with(&there[..read]))
}
