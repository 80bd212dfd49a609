//! Appends: a record in the journal of the path's lock, one flush, and the file
//! itself extended without one.
//!
//! Each path lock has a journal of its own, and only who holds the lock writes
//! to it. So an append that a process left undone is found by the next to take
//! the lock, in whatever process, before it writes; and a commit that replaces
//! a file can [settle](Appends::settle) its appends first, so that no record
//! outlives the file that it was for. Nothing may replace, move or remove a
//! file without that.
//!
//! A record counts for a file only if what stands before its place is what stood
//! there: a person who edits the file by hand does not get old lines into new
//! text.

mod intent;

use super::directory::{Access, Directory, FileHandle, unless_absent};
use super::journal::{Journal, Position};
use super::locks::{Locks, shard_of};
use super::record::Generation;
use super::tree::Tree;
use crate::FilePath;
pub(crate) use intent::{Append, FENCE_BYTES, fence, fence_of};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How often a reader looks again when the journal changes under it.
const LOOKS: usize = 64;

const JOURNALS: &str = "journals";

pub(crate) struct Appends<D> {
    private: Arc<D>,
    directory: D,
    known: Mutex<HashMap<String, Known>>,
}

/// A journal as this session left it.
#[derive(Clone, Default)]
struct Known {
    position: Position,
    /// The files that its records are for. Each was synced before its first.
    paths: HashSet<FilePath>,
}

/// Why an append was not made, or not for sure.
pub(crate) enum AppendError {
    NotApplied(io::Error),
    Unconfirmed(io::Error),
}

impl<D: Directory> Appends<D> {
    pub(crate) fn new(private: Arc<D>) -> io::Result<Self> {
        let directory = private.open_or_create_dir(JOURNALS, Access::Private)?;
        Ok(Self::over(private, directory))
    }

    /// Only to read; `None` if nothing was ever appended.
    pub(crate) fn existing(private: Arc<D>) -> io::Result<Option<Self>> {
        let directory = unless_absent(private.open_dir(JOURNALS))?;
        Ok(directory.map(|directory| Self::over(private, directory)))
    }

    fn over(private: Arc<D>, directory: D) -> Self {
        Self {
            private,
            directory,
            known: Mutex::default(),
        }
    }

    /// Adds `contents` to the end of `file`, which is at `path` and `size` bytes
    /// long. The caller holds the path's lock.
    pub(crate) fn append(
        &self,
        tree: &Tree<D>,
        path: &FilePath,
        file: &D::File,
        size: u64,
        contents: &[u8],
    ) -> Result<(), AppendError> {
        let shard = shard_of(path);
        let result = self.append_in(tree, &shard, path, file, size, contents);
        if result.is_err() {
            self.known().remove(&shard);
        }
        result
    }

    fn append_in(
        &self,
        tree: &Tree<D>,
        shard: &str,
        path: &FilePath,
        file: &D::File,
        size: u64,
        contents: &[u8],
    ) -> Result<(), AppendError> {
        let not_applied = AppendError::NotApplied;
        let (mut journal, mut paths) = self.journal(tree, shard).map_err(not_applied)?;
        let append = Append {
            path: Cow::Borrowed(path),
            offset: size,
            fence: fence(file, size).map_err(not_applied)?,
            contents,
        };
        let record = append.encode();
        let base_is_durable = paths.contains(path);
        if !journal.has_room_for(record.len()) {
            sync_files(tree, &paths).map_err(not_applied)?;
            paths.clear();
            journal.begin_anew();
            journal.reserve(record.len()).map_err(not_applied)?;
        }
        if !base_is_durable {
            // What stands before the first append may be from a program that did
            // not sync it, and so may its name be.
            tree.settle_file(path, file).map_err(not_applied)?;
        }
        let before = journal.position();
        if let Err(error) = journal.append(&record) {
            if self.void(shard, before).is_ok() {
                return Err(not_applied(error));
            }
            // The record may be on the disk, so it must show.
            let _ = append.apply(file);
            return Err(AppendError::Unconfirmed(error));
        }
        if let Err(error) = append.apply(file) {
            let taken_back = file.set_len(size).and_then(|()| self.void(shard, before));
            return Err(match taken_back {
                Ok(()) => not_applied(error),
                Err(_) => AppendError::Unconfirmed(error),
            });
        }
        paths.insert(path.clone());
        if Journal::<D::File>::is_outsize(record.len()) {
            // Every reader of the path would have to look through it. If it cannot
            // be settled now, it will be later.
            let settled = sync_files(tree, &paths).and_then(|()| {
                journal.retire()?;
                paths.clear();
                journal.shrink()
            });
            if let Err(error) = settled {
                tracing::warn!(%path, %error, "a long append is made, but its journal was not settled");
                self.known().remove(shard);
                return Ok(());
            }
        }
        let position = journal.position();
        self.known()
            .insert(shard.to_owned(), Known { position, paths });
        Ok(())
    }

    /// Makes the record behind `position` not count. On a descriptor of its own:
    /// one whose sync failed says nothing any more.
    fn void(&self, shard: &str, position: Position) -> io::Result<()> {
        let file = self.directory.open_file_to_change(shard)?;
        let file = file.ok_or(ErrorKind::NotFound)?;
        Journal::open_at(file, position)?.void_next()
    }

    /// Makes sure that the file at `path` holds all appends that were made to it,
    /// also one whose process died before it got there. The caller holds the
    /// path's lock.
    pub(crate) fn catch_up(&self, tree: &Tree<D>, path: &FilePath) -> io::Result<()> {
        let shard = shard_of(path);
        let Some(file) = self.directory.open_file_to_change(&shard)? else {
            return Ok(());
        };
        let known = self.known().get(&shard).cloned();
        self.bring_up_to_date(tree, file, known)?;
        Ok(())
    }

    /// Puts the appends to `path` on the disk in the file itself, and makes
    /// their records not count. The caller holds the path's lock.
    pub(crate) fn settle(&self, tree: &Tree<D>, path: &FilePath) -> io::Result<()> {
        self.settle_shard(tree, &shard_of(path))
    }

    fn settle_shard(&self, tree: &Tree<D>, shard: &str) -> io::Result<()> {
        let Some(file) = self.directory.open_file_to_change(shard)? else {
            return Ok(());
        };
        let known = self.known().remove(shard);
        let (mut journal, paths) = self.bring_up_to_date(tree, file, known)?;
        if journal.position().is_empty() {
            return Ok(());
        }
        sync_files(tree, &paths)?;
        journal.retire()
    }

    /// Makes all appends of this session part of their files for good.
    pub(crate) fn close(&self, tree: &Tree<D>, locks: &Locks<D>) -> io::Result<()> {
        let shards: Vec<String> = self.known().keys().cloned().collect();
        for shard in shards {
            let _lock = locks.lock_shard(&shard)?;
            self.settle_shard(tree, &shard)?;
        }
        Ok(())
    }

    /// Makes good for all appends whose process is gone. Those whose lock is
    /// taken are in the care of its holder. Returns how many journals there were.
    pub(crate) fn recover(&self, tree: &Tree<D>, locks: &Locks<D>) -> io::Result<usize> {
        let mut recovered = 0;
        for entry in self.directory.entries()? {
            let shard = entry.name;
            let Some(_lock) = locks.try_lock_shard(&shard)? else {
                continue;
            };
            let Some(file) = self.directory.open_file_to_change(&shard)? else {
                continue;
            };
            let mut journal = Journal::open(file)?;
            let mut records = Vec::new();
            journal.scan(|payload| {
                records.push(payload.to_vec());
                Ok(())
            })?;
            if records.is_empty() {
                // Somebody may have died while it grew.
                journal.shrink()?;
                continue;
            }
            journal.sync()?;
            let mut paths = HashSet::new();
            for record in &records {
                let append = Append::decode(record)?;
                append.roll_forward(tree)?;
                paths.insert(append.path.into_owned());
            }
            sync_files(tree, &paths)?;
            journal.retire()?;
            journal.shrink()?;
            tracing::info!(files = paths.len(), "rolled appends forward");
            recovered += 1;
        }
        Ok(recovered)
    }

    /// The length of the file at `path` as a reader is to see it, where `find`
    /// tells what it has: less, if that is the middle of an append that is being
    /// made.
    pub(crate) fn whole_length(
        &self,
        path: &FilePath,
        mut find: impl FnMut() -> io::Result<u64>,
    ) -> io::Result<u64> {
        let shard = shard_of(path);
        for _ in 0..LOOKS {
            let before = self.generation(&shard)?;
            let found = find()?;
            let (places, after) = self.places(&shard, path)?;
            if before == after {
                return Ok(cut(found, &places));
            }
        }
        find()
    }

    fn generation(&self, shard: &str) -> io::Result<Option<Generation>> {
        match self.directory.open_file(shard)? {
            Some(file) => Journal::open(file)?.first_generation(),
            None => Ok(None),
        }
    }

    /// The places in the file at `path` that the records of a journal are for, and
    /// the generation that the journal had afterwards.
    fn places(
        &self,
        shard: &str,
        path: &FilePath,
    ) -> io::Result<(Vec<Range<u64>>, Option<Generation>)> {
        let mut places = Vec::new();
        let Some(file) = self.directory.open_file(shard)? else {
            return Ok((places, None));
        };
        let mut journal = Journal::open(file)?;
        journal.scan(|payload| {
            let append = Append::decode(payload)?;
            if *append.path == *path {
                places.push(append.place());
            }
            Ok(())
        })?;
        Ok((places, journal.first_generation()?))
    }

    /// The journal of a shard, made if need be, and the files it has records for.
    fn journal(
        &self,
        tree: &Tree<D>,
        shard: &str,
    ) -> io::Result<(Journal<D::File>, HashSet<FilePath>)> {
        let known = self.known().get(shard).cloned();
        if let Some(known) = known
            && let Some(file) = self.directory.open_file_to_change(shard)?
        {
            return self.bring_up_to_date(tree, file, Some(known));
        }
        let file = match self.directory.open_file_to_change(shard)? {
            Some(file) => file,
            None => {
                drop(self.directory.create_file(shard, Access::Private)?);
                let file = self.directory.open_file_to_change(shard)?;
                file.ok_or(ErrorKind::NotFound)?
            }
        };
        let (mut journal, paths) = self.bring_up_to_date(tree, file, None)?;
        journal.reserve(0)?;
        // Whoever made the journal may have died before its name was durable.
        self.directory.sync()?;
        self.private.sync()?;
        tree.root().sync()?;
        Ok((journal, paths))
    }

    /// If others wrote to the journal, the last of them may have died before its
    /// append was in the file; all before were.
    fn bring_up_to_date(
        &self,
        tree: &Tree<D>,
        file: D::File,
        known: Option<Known>,
    ) -> io::Result<(Journal<D::File>, HashSet<FilePath>)> {
        let Known { position, paths } = known.unwrap_or_default();
        let mut journal = Journal::open_at(file, position)?;
        if journal.is_at_position()? {
            return Ok((journal, paths));
        }
        let mut paths = HashSet::new();
        let mut last = None;
        journal.scan(|payload| {
            paths.insert(Append::decode(payload)?.path.into_owned());
            last = Some(payload.to_vec());
            Ok(())
        })?;
        if let Some(last) = last {
            let last = Append::decode(&last)?;
            if !last.is_applied(tree)? {
                journal.sync()?;
                last.roll_forward(tree)?;
            }
        }
        Ok((journal, paths))
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What of a length is not the middle of an append.
fn cut(found: u64, places: &[Range<u64>]) -> u64 {
    let torn = |place: &&Range<u64>| place.start < found && found < place.end;
    places.iter().find(torn).map_or(found, |place| place.start)
}

/// Makes the contents of all of them durable.
pub(crate) fn sync_files<D: Directory>(
    tree: &Tree<D>,
    paths: &HashSet<FilePath>,
) -> io::Result<()> {
    for path in paths {
        if let Some(file) = tree.open_to_change(path)? {
            file.sync()?;
        }
    }
    Ok(())
}
