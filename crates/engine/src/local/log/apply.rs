//! Putting what the log says of a path into the files. All of it can be done again from
//! any point with the same result.
//!
//! A staged name is never used twice, so a file that is no longer staged was put into its
//! place.

use super::super::directory::{Directory, FileHandle, Kind, Stat, unless_absent};
use super::super::poison::lock;
use super::super::tree::{LookupError, Place, is_directory};
use super::LogWriter;
use super::append_base::{
    DurableBy, DurableStat, FENCE_BYTES, InPlace, OnDisk, compare_with_log, ends_with_chunks,
};
use super::append_fds::AppendFd;
use super::checkpoint_group::Failed;
use super::pending_file::{DiskPrefix, File};
use super::record::{Append, Contents, Effect, Publication, StagedBlob};
use crate::{FilePath, Version};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl<D: Directory> LogWriter<D> {
    /// Puts the effects of a record into the files, unsynced: other programs see them from
    /// now on. The caller holds the locks of all paths, so what the log has of them is this
    /// record, perhaps in a new log file under another number. What cannot be put there stays
    /// in the log.
    pub(super) fn publish(&self, effects: &[(FilePath, Effect)]) {
        let mut failed = Failed::new();
        let mut effects: Vec<_> = effects.iter().collect();
        // Removals first: they may make room for directories, or for files where
        // directories were.
        effects.sort_by_key(|(_, effect)| matches!(effect, Effect::Put(_) | Effect::Append(_)));
        for (path, effect) in effects {
            if matches!(effect, Effect::Former(_)) {
                continue;
            }
            let Some(entry) = self.reader.log.entry(path) else {
                continue;
            };
            match self.publish_one(path, effect, entry.file.as_ref()) {
                Ok(()) => entry.set_published(true),
                Err(error) => {
                    self.warn("a commit is durable in the log, but its file could not be changed; it will be tried again", Some(path), &error);
                    failed.insert(path.clone(), error);
                }
            }
        }
        if failed.is_empty() {
            return;
        }
        // So that other sessions do not take these files for published.
        let carried = self.turn().and_then(|turn| self.carry_over(&turn, &failed));
        if let Err(error) = carried {
            self.warn(
                "that a file could not be changed could not be noted in the log",
                None,
                &error,
            );
        }
    }

    fn publish_one(&self, path: &FilePath, effect: &Effect, file: Option<&File>) -> io::Result<()> {
        match (effect, file) {
            (Effect::Remove, _) => self.remove(path).map(drop),
            (Effect::Put(put), _) => {
                if let Contents::Staged(blob) = &put.contents {
                    self.place_staged(path, &blob.name)?;
                    self.remember_published(path, blob, put.version);
                }
                Ok(())
            }
            (Effect::Append(append), Some(file)) => self.extend(path, append, file),
            (Effect::Append(_), None) | (Effect::Former(_), _) => Ok(()),
        }
    }

    /// So that a write of the same contents has nothing to do, and an append need not sync
    /// what it adds to.
    fn remember_published(&self, path: &FilePath, blob: &StagedBlob, version: Option<Version>) {
        let now = self.reader.tree.stat(path).ok().flatten();
        let now = now.filter(|now| now.inode() == blob.inode && now.size == blob.bytes);
        // Nothing but a look at its contents tells an edit by a coarse clock.
        let known = now.filter(|_| self.tells_changes_apart());
        self.remember_base(path, known.as_ref().map(DurableStat::of), DurableBy::Log);
        if let Some(version) = version {
            self.known_files.remember(path, version, now, now);
        }
    }

    /// Adds an append to the file that is in its place, without a sync.
    fn extend(&self, path: &FilePath, append: &Append, file: &File) -> io::Result<()> {
        let beginning = file.beginning.as_ref().filter(|it| !it.is_placed);
        let staged = beginning.and_then(|it| it.staged.as_ref());
        if let Some(name) = staged {
            self.place_staged(path, name)?;
        }
        let stat = self.reader.tree.stat(path)?;
        let stat = stat.filter(|stat| stat.kind == Kind::File);
        let stat = stat.ok_or(ErrorKind::NotFound)?;
        let (extended, stat) = self.extended(path, stat)?;
        let is_known =
            staged.is_some() || self.is_base(path, &self.look_at(&*extended.file, &stat)?);
        let is_ours = |beginning: &DiskPrefix| {
            let there = compare_with_log(&*extended.file, &stat, beginning, file)?;
            Ok::<_, io::Error>(!matches!(there, OnDisk::Changed))
        };
        match &file.beginning {
            _ if stat.size == append.offset => {
                extended.file.write_all_at(&append.more, append.offset)?;
            }
            // What came before may have been left out.
            Some(beginning) if is_ours(beginning)? => {
                let chunks = file.joined_chunks();
                extended.file.write_all_at(&chunks, beginning.bytes)?;
            }
            // Another program has made it longer or shorter since the record was built.
            _ => extended.file.write_all_at(&append.more, stat.size)?,
        }
        if !is_known {
            // What another program has changed since the record was built is on no disk, and
            // after a power cut the record says nothing of what that leaves.
            extended.file.sync()?;
        }
        let known = match is_known {
            true => Some(self.look_at(&*extended.file, &extended.file.stat()?)?),
            false => None,
        };
        self.remember_base(path, known, DurableBy::Log);
        Ok(())
    }

    /// A descriptor to extend the file at `path` by, which is this one, and what that looks
    /// like now.
    fn extended(&self, path: &FilePath, stat: Stat) -> io::Result<(Arc<AppendFd<D::File>>, Stat)> {
        let kept = lock(&self.appended).get(path);
        if let Some(kept) = kept.filter(|kept| kept.is(&stat)) {
            return Ok((kept, stat));
        }
        let file = self.reader.tree.open_to_change(path)?;
        let file = file.ok_or(ErrorKind::NotFound)?;
        let stat = file.stat_when_opened()?;
        let (id, opened_at) = (stat.id(), stat.size);
        let extended = Arc::new(AppendFd {
            file: Arc::new(file),
            id,
            opened_at,
        });
        lock(&self.appended).put(path, extended.clone());
        Ok((extended, stat))
    }

    /// Removes the file at `path`, if there is one. Returns the directory to sync.
    pub(super) fn remove(&self, path: &FilePath) -> io::Result<Option<Place<D>>> {
        drop(lock(&self.appended).take(path));
        let place = match self.reader.tree.enter(path) {
            Ok(Some(place)) => place,
            // Its directory may have made room for a file already.
            Ok(None) | Err(LookupError::Blocked(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let stat = place.directory.stat(path.name())?;
        if stat.is_some_and(|stat| stat.kind == Kind::File) {
            unless_absent(place.directory.remove_file(path.name()))?;
        }
        Ok(Some(place))
    }

    /// Gives a staged file its place, unless it has it already. Returns the directory to
    /// sync.
    pub(super) fn place_staged(&self, path: &FilePath, name: &str) -> io::Result<Place<D>> {
        self.place(path, |place| {
            match self.directory.stat(name)?.map(|stat| stat.kind) {
                None => Ok(()),
                Some(Kind::File) => self.directory.rename(name, place, path.name()),
                Some(_) => Err(io::Error::other("a staged name is not a file")),
            }
        })
    }

    /// Lets `rename` put a file into the directory of `path`, which is made if need be and
    /// durable itself before.
    pub(super) fn place(
        &self,
        path: &FilePath,
        mut rename: impl FnMut(&D) -> io::Result<()>,
    ) -> io::Result<Place<D>> {
        drop(lock(&self.appended).take(path));
        let tree = &self.reader.tree;
        let mut place = tree.make(path)?;
        tree.anchor(&mut place)?;
        if is_directory(&*place.directory, path.name()) {
            tree.remove_empty(&place.directory, path)?;
        }
        rename(&place.directory)?;
        Ok(place)
    }

    /// Makes sure that the file at `path` has all chunks behind the beginning, on the disk,
    /// whatever was written back before. Not in place if readers of other sessions would see
    /// a file that has lost its end; not at all if another program has cut the file, and the
    /// `change_stands`.
    pub(super) fn rewrite(
        &self,
        path: &FilePath,
        beginning: &DiskPrefix,
        file: &File,
        publication: Publication,
        change_stands: bool,
    ) -> io::Result<InPlace> {
        let Some(on_disk) = self.reader.tree.open_to_change(path)? else {
            tracing::warn!(%path, "a file that was appended to was removed by another program");
            return Ok(match publication {
                Publication::Immediate => InPlace::Done(None),
                // What was appended, it cannot have seen.
                Publication::Deferred => InPlace::Impossible,
            });
        };
        let stat = on_disk.stat_when_opened()?;
        let chunks = file.joined_chunks();
        let is_alone = self.is_alone.load(Ordering::Relaxed);
        let mut found = compare_with_log(&on_disk, &stat, beginning, file)?;
        if is_alone && matches!(found, OnDisk::Changed) && is_lost(&on_disk, &stat, beginning)? {
            // What stood before was on no disk, but what was acknowledged is kept.
            tracing::warn!(%path, "what another program wrote before an append did not reach the disk");
            found = OnDisk::Ours;
        }
        if change_stands {
            found = OnDisk::Changed;
        }
        let stays = matches!(found, OnDisk::Changed) && publication == Publication::Immediate;
        if stat.links > 1 && !stays {
            // The other name keeps what it was.
            return Ok(InPlace::Impossible);
        }
        match found {
            OnDisk::Whole if !is_alone => return Ok(InPlace::Impossible),
            // What another program has added behind it stays.
            OnDisk::Whole | OnDisk::Ours if stat.size > file.bytes => {
                return Ok(InPlace::Impossible);
            }
            OnDisk::Whole | OnDisk::Ours => {
                // Blocks whose first write-back failed must not be used again.
                if stat.size > beginning.bytes {
                    on_disk.set_len(beginning.bytes)?;
                }
                on_disk.write_all_at(&chunks, beginning.bytes)?;
            }
            // What was appended comes behind that, once.
            OnDisk::Changed if publication == Publication::Deferred => {
                if !ends_with_chunks(&on_disk, &stat, file)? {
                    on_disk.write_all_at(&chunks, stat.size)?;
                }
            }
            OnDisk::Changed => {
                tracing::warn!(%path, "a file that was appended to was changed by another program; what that made of it stays");
            }
        }
        let known = self.look_at(&on_disk, &on_disk.stat()?)?;
        on_disk.sync()?;
        Ok(InPlace::Done(Some(known)))
    }
}

/// Whether there are only zeros where the file ended before an append, as a power cut leaves
/// them in the place of what was never written back.
fn is_lost(file: &impl FileHandle, stat: &Stat, beginning: &DiskPrefix) -> io::Result<bool> {
    if stat.size < beginning.bytes || beginning.bytes == 0 {
        return Ok(false);
    }
    let mut before = vec![0; beginning.bytes.min(FENCE_BYTES) as usize];
    let start = beginning.bytes - before.len() as u64;
    let read = file.read_all_at(&mut before, start)?;
    Ok(before[..read].iter().all(|byte| *byte == 0))
}
