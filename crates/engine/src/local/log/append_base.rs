//! The files on the disk that appends add to: whether such a file still is what the log says,
//! whichever program wrote to it, and whether it is durable, as it has to be before a record
//! counts on it.

use super::super::directory::{Directory, FileHandle, Stamp, Stat};
use super::super::poison::lock;
use super::LogWriter;
use super::pending_file::{DiskPrefix, File};
use crate::FilePath;
use std::io;
use std::time::SystemTime;

/// How much of what stands before an append its record vouches for, in bytes.
pub(super) const FENCE_BYTES: u64 = 256;

/// Of how many files it is remembered that they are on the disk, at least.
pub(super) const KNOWN_BASES: usize = 128;

/// A file whose contents and name are on the disk, as long as it looks like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DurableStat {
    size: u64,
    modified: SystemTime,
    stamp: Option<Stamp>,
    /// What its last bytes were, where the clock of the file system does not tell every
    /// change. An edit further before its end cannot take back an append.
    end: Option<[u8; 32]>,
}

impl DurableStat {
    /// Whether it is of this file, whatever that looks like now.
    pub(super) fn is_of(&self, stat: &Stat) -> bool {
        let id = |stamp: Stamp| stamp.id();
        self.stamp.map(id) == stat.stamp.map(id)
    }

    /// Where the clock of the file system tells every change.
    pub(super) fn of(stat: &Stat) -> Self {
        Self {
            size: stat.size,
            modified: stat.modified,
            stamp: stat.stamp,
            end: None,
        }
    }
}

/// What a file that is known is durable by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DurableBy {
    /// It is on the disk itself, and so is its name.
    File,
    /// What the log has of its path makes it so. It is nothing without those records.
    Log,
}

/// What became of an append in the file that is there.
pub(super) enum InPlace {
    /// It is on the disk, and this is what the file looked like right before the sync; `None`
    /// if there is no file any more.
    Done(Option<DurableStat>),
    /// It takes a new file.
    Impossible,
}

/// What is in the place of an append.
pub(super) enum OnDisk {
    /// Parts of it, zeros or nothing: what a kill or a power cut leaves.
    Ours,
    /// All of it, and perhaps more behind it: another session may show it.
    Whole,
    /// What another program made of the file.
    Changed,
}

impl<D: Directory> LogWriter<D> {
    /// What a file looks like that is on the disk, or is about to be.
    pub(super) fn look_at(&self, file: &impl FileHandle, stat: &Stat) -> io::Result<DurableStat> {
        let end = match self.tells_changes_apart() {
            true => None,
            false => Some(fence(file, stat.size)?),
        };
        Ok(DurableStat {
            end,
            ..DurableStat::of(stat)
        })
    }

    /// Makes a file of the volume durable, contents and name, unless it is known to be.
    /// `false` if only a copy of it can be made durable.
    pub(super) fn make_base_durable(
        &self,
        path: &FilePath,
        file: &D::File,
        stat: &Stat,
    ) -> io::Result<bool> {
        let known = self.look_at(file, stat)?;
        if lock(&self.bases).get(path) == Some(&(known, DurableBy::File)) {
            return Ok(true);
        }
        // A descriptor that has been open longer reports more errors.
        let kept = lock(&self.appended).get(path);
        let kept = kept.filter(|kept| kept.is(stat));
        if !self.sync_foreign(kept.as_ref().map_or(file, |kept| &kept.file))? {
            return Ok(false);
        }
        let tree = &self.reader.tree;
        tree.sync_names(tree.enter(path)?.into_iter().collect())?;
        self.remember_base(path, Some(known), DurableBy::File);
        Ok(true)
    }

    pub(super) fn tells_changes_apart(&self) -> bool {
        let apart = self
            .known_files
            .tells_changes_apart(&*self.directory, || self.staged_name());
        apart.unwrap_or_else(|error| {
            tracing::debug!(%error, "the clock of the file system is taken for a coarse one");
            false
        })
    }

    /// Makes the contents of a file durable that another program may have written. `false`
    /// if an earlier sync of it has failed: the system may have dropped what it could not
    /// write, and no later sync reports that. Then only a copy can be made durable.
    pub(in crate::local) fn sync_foreign(&self, file: &D::File) -> io::Result<bool> {
        let id = file.stat()?.id();
        if let Some(id) = id
            && lock(&self.doubtful).get(&id).is_some()
        {
            return Ok(false);
        }
        let synced = file.sync();
        if let (Some(id), Err(_)) = (id, &synced) {
            lock(&self.doubtful).put(id, ());
        }
        synced.map(|()| true)
    }

    /// What the file at `path` looked like when it was known to be durable, if it was.
    pub(super) fn known_base(&self, path: &FilePath) -> Option<DurableStat> {
        lock(&self.bases).get(path).map(|(known, _)| *known)
    }

    /// Whether the file at `path` is known to be durable as it looks now, be it by the log.
    pub(super) fn is_base(&self, path: &FilePath, known: &DurableStat) -> bool {
        self.known_base(path).as_ref() == Some(known)
    }

    /// What the file at `path` looked like right before a sync of it and of its name, or
    /// when the log had all that was not synced. What it looks like afterwards may be of
    /// another program.
    pub(super) fn remember_base(&self, path: &FilePath, known: Option<DurableStat>, by: DurableBy) {
        let mut bases = lock(&self.bases);
        match known {
            Some(known) => bases.put(path.clone(), (known, by)),
            None => drop(bases.take(path)),
        }
    }
}

/// Whether the file on the disk is all that the log has of a path, so that an append can
/// continue it.
pub(super) fn is_as_in_log(
    on_disk: &impl FileHandle,
    stat: &Stat,
    file: &File,
) -> io::Result<bool> {
    if stat.size != file.bytes {
        return Ok(false);
    }
    match &file.beginning {
        None => {
            let chunks = file.joined_chunks();
            let mut there = vec![0; chunks.len()];
            let read = on_disk.read_all_at(&mut there, 0)?;
            Ok(read == chunks.len() && there == chunks)
        }
        // Nothing tells whether it was edited in place.
        Some(beginning) if beginning.fence.is_none() => Ok(false),
        Some(beginning) => {
            let there = compare_with_log(on_disk, stat, beginning, file)?;
            Ok(matches!(there, OnDisk::Whole))
        }
    }
}

/// Whether the file on the disk begins with what was there when an append to it was
/// recorded. The inode tells quickly; a copy of the volume has others.
pub(super) fn has_beginning(
    on_disk: &impl FileHandle,
    stat: &Stat,
    beginning: &DiskPrefix,
) -> io::Result<bool> {
    if stat.size < beginning.bytes {
        return Ok(false);
    }
    if beginning.inode != 0 && beginning.inode == stat.inode() {
        return Ok(true);
    }
    match beginning.fence {
        Some(expected) => Ok(fence(on_disk, beginning.bytes)? == expected),
        // Nothing was added to it.
        None => Ok(true),
    }
}

/// What is in the file where the chunks belong.
pub(super) fn compare_with_log(
    on_disk: &impl FileHandle,
    stat: &Stat,
    beginning: &DiskPrefix,
    file: &File,
) -> io::Result<OnDisk> {
    if stat.size < beginning.bytes {
        return Ok(OnDisk::Changed);
    }
    let expected = beginning.fence.unwrap_or_default();
    if fence(on_disk, beginning.bytes)? != expected {
        return Ok(OnDisk::Changed);
    }
    if stat.size == beginning.bytes && file.bytes > beginning.bytes {
        // Nothing is there yet, however much the log has.
        return Ok(OnDisk::Ours);
    }
    let chunks = file.joined_chunks();
    let mut there = vec![0; chunks.len()];
    let read = on_disk.read_all_at(&mut there, beginning.bytes)?;
    there.truncate(read);
    if there == chunks {
        return Ok(OnDisk::Whole);
    }
    let mut pairs = there.iter().zip(&chunks);
    let is_ours = pairs.all(|(there, ours)| there == ours || *there == 0);
    Ok(match is_ours {
        true => OnDisk::Ours,
        false => OnDisk::Changed,
    })
}

/// Whether a file that another program has changed has all chunks at its end already.
pub(super) fn ends_with_chunks(
    on_disk: &impl FileHandle,
    stat: &Stat,
    file: &File,
) -> io::Result<bool> {
    let chunks = file.joined_chunks();
    let start = stat.size.saturating_sub(chunks.len() as u64);
    let mut end = vec![0; chunks.len().min(stat.size as usize)];
    let read = on_disk.read_all_at(&mut end, start)?;
    Ok(read == chunks.len() && end == chunks)
}

/// Stands for what is in the file right before `offset`.
pub(super) fn fence(file: &impl FileHandle, offset: u64) -> io::Result<[u8; 32]> {
    let mut before = vec![0; offset.min(FENCE_BYTES) as usize];
    let start = offset - before.len() as u64;
    let read = file.read_all_at(&mut before, start)?;
    Ok(fence_of(&before[..read]))
}

/// Stands for these bytes, which are all that is before an append or the last
/// [`FENCE_BYTES`] of it.
pub(super) fn fence_of(before: &[u8]) -> [u8; 32] {
    *blake3::hash(before).as_bytes()
}
