//! Some paths on their way into the files: new files are staged and synced together, and
//! the directories that changed are synced once each.

use super::super::directory::{Directory, FileHandle, Stat};
use super::super::locks::Held;
use super::super::poison::lock;
use super::super::stage::{Complete, Staged, sync_all};
use super::super::tree::Place;
use super::LogWriter;
use super::append_base::{
    DurableBy, DurableStat, InPlace, OnDisk, compare_with_log, ends_with_chunks, has_beginning,
};
use super::append_fds::AppendFd;
use super::entry::Entry;
use super::pending_file::{DiskPrefix, File};
use super::record::Publication;
use crate::FilePath;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;

/// How many paths are put into the files at once, at most.
pub(super) const MAX_GROUP: usize = 256;

/// Paths that could not be put into the files, and why.
pub(super) type Failed = BTreeMap<FilePath, io::Error>;

/// A path and what the log has of it.
pub(super) type Path = (FilePath, Arc<Entry>);

/// Some paths on their way into the files.
pub(super) struct Group<'a, D: Directory> {
    log: &'a LogWriter<D>,
    /// New files that are staged and not synced.
    staged: Vec<(Path, Complete<D>)>,
    placed: Vec<Placed<D>>,
    failed: &'a mut Failed,
    /// Keeps the directories as they are. Where commits change them themselves, it is held
    /// while files are removed or get their places, and not while contents are copied or
    /// synced, which may take long.
    structure: Option<Held<'a, D>>,
}

/// A path that is in its place.
struct Placed<D: Directory> {
    path: Path,
    /// The directories to sync.
    place: Option<Place<D>>,
    /// What its file looked like right before it was synced, if it was.
    known: Option<DurableStat>,
}

impl<'a, D: Directory> Group<'a, D> {
    pub(super) fn new(log: &'a LogWriter<D>, failed: &'a mut Failed) -> Self {
        Self {
            log,
            staged: Vec::new(),
            placed: Vec::new(),
            failed,
            structure: None,
        }
    }

    /// Puts what the log has of these paths into the files, durably.
    pub(super) fn put_all(mut self, mut paths: Vec<Path>) {
        // What may have to be copied first.
        paths.sort_by_key(|(_, entry)| entry.is_staged());
        for (path, entry) in paths {
            let put = self.put(&path, &entry);
            self.note(&path, put);
        }
        self.place_staged();
        self.sync_places();
    }

    fn note(&mut self, path: &FilePath, result: io::Result<()>) {
        if let Err(error) = result {
            self.failed.insert(path.clone(), error);
        }
    }

    /// Puts what the log has of a path into its file, but for new files, which are staged.
    fn put(&mut self, path: &FilePath, entry: &Arc<Entry>) -> io::Result<()> {
        let log = self.log;
        let place = match &entry.file {
            None if entry.is_published() || self.is_followed(path, entry) => {
                log.reader.tree.enter(path).ok().flatten()
            }
            None => {
                self.keep_directories()?;
                log.remove(path)?
            }
            Some(file) => return self.put_file(path, entry, file),
        };
        // Its directory may be gone, too.
        let place = match place {
            None => Some(log.reader.tree.lowest(path)?),
            place => place,
        };
        self.was_placed(path, entry, place, None);
        Ok(())
    }

    /// Whether another program has made a file where the entry has removed one.
    fn is_followed(&self, path: &FilePath, entry: &Entry) -> bool {
        let there = self.log.reader.tree.stat(path).ok().flatten();
        there.is_some_and(|there| self.log.reader.log.is_followed(path, entry, &there))
    }

    fn was_placed(
        &mut self,
        path: &FilePath,
        entry: &Arc<Entry>,
        place: Option<Place<D>>,
        known: Option<DurableStat>,
    ) {
        let path = (path.clone(), entry.clone());
        self.placed.push(Placed { path, place, known });
    }

    fn put_file(&mut self, path: &FilePath, entry: &Arc<Entry>, file: &File) -> io::Result<()> {
        let log = self.log;
        let Some(beginning) = &file.beginning else {
            if !entry.is_published() {
                return self.stage(path, entry, None);
            }
            let place = log.reader.tree.enter(path)?;
            self.was_placed(path, entry, place, None);
            return Ok(());
        };
        let mut place = None;
        if let Some(name) = beginning.staged.as_ref().filter(|_| !entry.is_published()) {
            self.keep_directories()?;
            place = Some(log.place_staged(path, name)?);
        }
        // Staged contents are on the disk, and may have been seen in their place.
        let mut known = log.known_base(path).filter(|_| place.is_none());
        if file.has_chunks() {
            known = match self.put_chunks(path, entry, beginning, file)? {
                InPlace::Done(known) => known,
                InPlace::Impossible => return self.stage(path, entry, Some(beginning.bytes)),
            };
            let now = log.reader.tree.stat(path)?;
            let is_there = now.is_some_and(|now| known.is_some_and(|known| known.is_of(&now)));
            if !is_there && entry.publication == Publication::Deferred {
                // What was appended is in a file that has lost its name. The program that did
                // it cannot have seen that, and the log still has it.
                entry.set_published(false);
                return Err(io::Error::other(
                    "another program replaced the file while it was written",
                ));
            }
        }
        // Its name may be from a program that did not sync it.
        let place = match place {
            None => log.reader.tree.enter(path)?,
            place => place,
        };
        self.was_placed(path, entry, place, known);
        Ok(())
    }

    /// Makes the chunks durable in the file at `path`, unless that takes a new file.
    fn put_chunks(
        &self,
        path: &FilePath,
        entry: &Entry,
        beginning: &DiskPrefix,
        file: &File,
    ) -> io::Result<InPlace> {
        let extended = lock(&self.log.appended).take(path);
        let trusted = extended.filter(|extended| extended.opened_at <= beginning.bytes);
        let result = match trusted {
            Some(extended) if self.is_all_in(path, &extended, beginning, file) => {
                let synced = extended.file.stat().and_then(|stat| {
                    let known = self.log.look_at(&*extended.file, &stat)?;
                    extended.file.sync_data()?;
                    Ok(InPlace::Done(Some(known)))
                });
                if synced.is_ok() {
                    lock(&self.log.appended).put(path, extended);
                }
                synced
            }
            _ => {
                let change_stands = self.log.was_cut_by_others(path, entry, file)?;
                if !change_stands {
                    // Readers must not look at the file while it is written once more.
                    entry.set_published(false);
                }
                let publication = entry.publication;
                self.log
                    .rewrite(path, beginning, file, publication, change_stands)
            }
        };
        result.or_else(|error| {
            let there = self.log.reader.tree.open_file(path)?;
            let there = there.ok_or(ErrorKind::NotFound)?;
            if !has_beginning(&there, &there.stat()?, beginning)? {
                return Err(error);
            }
            tracing::warn!(%path, %error, "a file that was appended to could not be synced; a new one takes its place");
            Ok(InPlace::Impossible)
        })
    }

    /// Whether this is the file at `path`, and has all chunks where they belong.
    fn is_all_in(
        &self,
        path: &FilePath,
        extended: &AppendFd<D::File>,
        beginning: &DiskPrefix,
        file: &File,
    ) -> bool {
        let there = self.log.reader.tree.stat(path).ok().flatten();
        let is_there = there.is_some_and(|there| extended.is(&there));
        is_there && holds(&*extended.file, beginning, file).unwrap_or(false)
    }

    /// Stages a new file: the first bytes of what is there, the chunks, and what other
    /// programs have added since.
    fn stage(&mut self, path: &FilePath, entry: &Arc<Entry>, base: Option<u64>) -> io::Result<()> {
        let Some(file) = &entry.file else {
            return Ok(());
        };
        self.structure = None;
        let tree = &self.log.reader.tree;
        let mut mode = file.mode;
        let directory = self.log.directory().clone();
        let name = self.log.staged_name();
        let there = tree.open_file(path)?.zip(base);
        let mut is_changed = false;
        // An attempt that failed, or was killed, may have added them.
        let mut has_chunks = false;
        let mut staged = match there {
            None => Staged::create(directory, name, mode)?,
            Some((there, mut bytes)) => {
                let stat = there.stat()?;
                is_changed = is_changed_by_others(&there, &stat, file)?;
                if is_changed {
                    bytes = stat.size;
                    has_chunks = ends_with_chunks(&there, &stat, file)?;
                }
                mode = mode.or(stat.mode);
                let mut staged = Staged::create(directory, name, mode)?;
                staged.copy_from(&mut Read::take(there, bytes))?;
                staged
            }
        };
        if !has_chunks {
            staged.write(&file.joined_chunks())?;
        }
        if base.is_some() && !is_changed {
            self.copy_rest(path, file, &mut staged)?;
        }
        let mut staged = staged.complete(mode)?;
        staged.set_modified(file.modified)?;
        self.staged.push(((path.clone(), entry.clone()), staged));
        Ok(())
    }

    /// What other programs have added behind all that the log has.
    fn copy_rest(&self, path: &FilePath, file: &File, staged: &mut Staged<D>) -> io::Result<()> {
        let Some(there) = self.log.reader.tree.open_file(path)? else {
            return Ok(());
        };
        let mut at = file.bytes;
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = there.read_all_at(&mut buffer, at)?;
            if read == 0 {
                return Ok(());
            }
            staged.write(&buffer[..read])?;
            at += read as u64;
        }
    }

    fn keep_directories(&mut self) -> io::Result<()> {
        if self.log.publishes_immediately() && self.structure.is_none() {
            self.structure = Some(self.log.locks.structure_exclusive()?);
        }
        Ok(())
    }

    /// Syncs what is staged, and gives each its place.
    fn place_staged(&mut self) {
        let log = self.log;
        if self.staged.is_empty() {
            return;
        }
        self.structure = None;
        let staged = std::mem::take(&mut self.staged);
        let synced = sync_all(staged, log.reader.tree.root());
        if let Err(error) = self.keep_directories() {
            for ((path, _), _) in synced {
                let error = io::Error::new(error.kind(), error.to_string());
                self.note(&path, Err(error));
            }
            return;
        }
        for ((path, entry), synced) in synced {
            let placed = synced.and_then(|mut synced| {
                let place = log.place(&path, |parent| synced.publish(parent, path.name()))?;
                let version = entry.file.as_ref().and_then(|file| file.version);
                log.remember_placed(&path, version, synced.completed());
                Ok(place)
            });
            match placed {
                Ok(place) => self.was_placed(&path, &entry, Some(place), None),
                Err(error) => self.note(&path, Err(error)),
            }
        }
    }

    /// Makes the names durable that the group has changed.
    fn sync_places(&mut self) {
        let mut placed = std::mem::take(&mut self.placed);
        let places = placed.iter_mut().filter_map(|it| it.place.take()).collect();
        if let Err(error) = self.log.reader.tree.sync_names(places) {
            for Placed { path, .. } in placed {
                let error = io::Error::new(error.kind(), error.to_string());
                self.note(&path.0, Err(error));
            }
            return;
        }
        for Placed { path, known, .. } in placed {
            let (path, entry) = path;
            entry.set_published(true);
            if entry.file.is_none() {
                self.log.remove_empty_parents(&path);
            }
            self.log.remember_base(&path, known, DurableBy::File);
        }
    }
}

/// Whether another program has changed a file, so that all of it comes before the chunks.
fn is_changed_by_others(on_disk: &impl FileHandle, stat: &Stat, file: &File) -> io::Result<bool> {
    match &file.beginning {
        Some(beginning) if file.has_chunks() => {
            let there = compare_with_log(on_disk, stat, beginning, file)?;
            Ok(matches!(there, OnDisk::Changed))
        }
        _ => Ok(false),
    }
}

/// Whether all chunks are where they belong in a file.
fn holds(on_disk: &impl FileHandle, beginning: &DiskPrefix, file: &File) -> io::Result<bool> {
    let chunks = file.joined_chunks();
    let mut there = vec![0; chunks.len()];
    let read = on_disk.read_all_at(&mut there, beginning.bytes)?;
    Ok(read == chunks.len() && there == chunks)
}

impl<D: Directory> LogWriter<D> {
    /// Removes the directories that a file left which went, if they are empty now. Where
    /// commits change files themselves, they do this, too.
    fn remove_empty_parents(&self, path: &FilePath) {
        if self.publication == Publication::Immediate || path.parent().is_none() {
            return;
        }
        if let Err(error) = self.reader.tree.remove_empty_parents(path) {
            tracing::debug!(%path, %error, "an empty directory could not be removed");
        }
    }

    /// So that a write of the same contents has nothing to do.
    fn remember_placed(
        &self,
        path: &FilePath,
        version: Option<crate::Version>,
        completed: Option<Stat>,
    ) {
        if let Some(version) = version {
            let now = self.reader.tree.stat(path).ok().flatten();
            self.known_files.remember(path, version, completed, now);
        }
    }
}
