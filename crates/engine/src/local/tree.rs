//! The directories of a volume: finding the one that a file is in, making those
//! that are missing, and walking through all.
//!
//! The way down is walked one component at a time and never through a symbolic
//! link, so that no link leads out of the volume or into the private directory.
//! Who makes or removes directories holds the structure lock.

mod visit;

use super::dir_sync::DirSync;
use super::directory::{Access, Directory, Id, Kind, Stat, unless_absent};
use super::durability::Durability;
use super::fd_cache::FdCache;
use super::lru::Lru;
use super::unreadable::Unreadable;
pub(crate) use super::walk::files_that_go;
use super::walk::{self, Walk};
use crate::{Error, FilePath};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// From how many directories on it is better to sync the whole file system.
const MANY_DIRECTORIES: usize = 8;

/// How many directories of each volume are kept open.
const MAX_OPEN_DIRECTORIES: usize = 16;

/// How many directories at least are remembered to have their names on the disk; at most
/// twice as many.
const MIN_DURABLE: usize = 4_096;

pub(crate) struct Tree<D> {
    root: Arc<D>,
    durability: Durability,
    /// Directories whose own name is known to be on the disk, and which they were. One
    /// that is not in here may have been made by a process that died before it synced, or
    /// was forgotten: it costs one more sync of the directory above.
    durable: Mutex<Lru<FilePath, Option<Id>>>,
    /// Directories that were needed last. Whoever takes one from here looks whether it
    /// is still the one of that name.
    open: Mutex<FdCache<FilePath, Arc<D>>>,
    dir_sync: DirSync,
    unreadable: Arc<Unreadable>,
}

/// A directory of the volume, and the directories above it whose names are not
/// yet known to be on the disk.
pub(crate) struct Place<D> {
    pub(crate) directory: Arc<D>,
    /// `None` for the top of the volume.
    pub(crate) path: Option<FilePath>,
    unsettled: Vec<(Arc<D>, FilePath, Option<Id>)>,
}

/// Why there is no way to a path.
#[derive(Debug)]
pub(crate) enum LookupError {
    /// What has this path is not a directory.
    Blocked(FilePath),
    Io(io::Error),
}

impl LookupError {
    pub(crate) fn into_error(self, path: &FilePath) -> Error {
        match self {
            LookupError::Blocked(at) => Error::beneath_a_file(path, at.as_str()),
            LookupError::Io(error) => Error::not_changed(path, error),
        }
    }
}

impl From<LookupError> for io::Error {
    fn from(no_way: LookupError) -> Self {
        match no_way {
            LookupError::Blocked(at) => {
                io::Error::new(ErrorKind::NotADirectory, format!("{at} is not a directory"))
            }
            LookupError::Io(error) => error,
        }
    }
}

impl<D: Directory> Tree<D> {
    pub(crate) fn new(root: Arc<D>, durability: Durability) -> Self {
        Self {
            root,
            durability,
            durable: Mutex::new(Lru::new(MIN_DURABLE)),
            open: Mutex::new(FdCache::new(MAX_OPEN_DIRECTORIES)),
            dir_sync: DirSync::default(),
            unreadable: Arc::default(),
        }
    }

    /// The same directories once more, for another thread to look at.
    pub(crate) fn to_look_at(&self) -> Self {
        Self {
            unreadable: self.unreadable.clone(),
            ..Self::new(self.root.clone(), self.durability)
        }
    }

    pub(crate) fn root(&self) -> &D {
        &self.root
    }

    /// Closes the directories that are open for later use.
    pub(crate) fn close_kept(&self) {
        self.open().retain(|_| false);
    }

    /// The directory that `path` is in; `None` if it does not exist.
    pub(crate) fn find(&self, path: &FilePath) -> io::Result<Option<Arc<D>>> {
        match path.parent() {
            None => Ok(Some(self.root.clone())),
            Some(parent) => self.find_directory(&parent),
        }
    }

    /// The directory `path` itself; `None` if there is none.
    pub(crate) fn find_directory(&self, path: &FilePath) -> io::Result<Option<Arc<D>>> {
        let mut directory = self.root.clone();
        for at in path.ancestors().chain([path.clone()]) {
            directory = match self.open_dir(&directory, &at) {
                Ok(next) => next,
                Err(error) if is_absent(&error) => return Ok(None),
                Err(error) => return Err(error),
            };
        }
        Ok(Some(directory))
    }

    /// Opens the directory at `path`, which is in `above`, or takes the handle that is
    /// open. A handle stays good for a directory that was moved, out of the volume
    /// even, so it counts only while the directory has its name.
    fn open_dir(&self, above: &D, path: &FilePath) -> io::Result<Arc<D>> {
        let open = self.open().get(path);
        if let Some(open) = open {
            let stat = above.stat(path.name())?;
            let there = stat.filter(|stat| stat.kind == Kind::Directory);
            let there = there.and_then(|stat| stat.id());
            if there.is_some() && there == open.id()? {
                return Ok(open);
            }
            self.open().take(path);
        }
        let opened = Arc::new(above.open_dir(path.name())?);
        if opened.id()?.is_some() {
            self.open().put(path.clone(), opened.clone());
        }
        Ok(opened)
    }

    /// What is at `path`; `None` if nothing is.
    pub(crate) fn stat(&self, path: &FilePath) -> io::Result<Option<Stat>> {
        match self.find(path)? {
            Some(parent) => parent.stat(path.name()),
            None => Ok(None),
        }
    }

    /// The file at `path`; `None` if there is none.
    pub(crate) fn open_file(&self, path: &FilePath) -> io::Result<Option<D::File>> {
        match self.find(path)? {
            Some(parent) => parent.open_file(path.name()),
            None => Ok(None),
        }
    }

    /// The file at `path`, to change it in place; `None` if there is none.
    pub(crate) fn open_to_change(&self, path: &FilePath) -> io::Result<Option<D::File>> {
        match self.find(path)? {
            Some(parent) => parent.open_file_to_change(path.name()),
            None => Ok(None),
        }
    }

    /// The place of `path`, if its directories exist; `None` if one is missing.
    pub(crate) fn enter(&self, path: &FilePath) -> Result<Option<Place<D>>, LookupError> {
        self.descend(path, |directory, at| {
            unless_absent(self.open_dir(directory, at))
        })
    }

    /// The place of `path`; makes the directories that are missing. The caller
    /// holds the structure lock.
    pub(crate) fn make(&self, path: &FilePath) -> Result<Place<D>, LookupError> {
        let made = self.descend(path, |directory, at| {
            if let Some(there) = unless_absent(directory.open_dir(at.name()))? {
                return Ok(Some(Arc::new(there)));
            }
            let made = directory.open_or_create_dir(at.name(), Access::Usual)?;
            // Systems give the number of a removed directory to the next one.
            self.durable().take(at);
            Ok(Some(Arc::new(made)))
        })?;
        made.ok_or_else(|| LookupError::Io(ErrorKind::NotFound.into()))
    }

    fn descend(
        &self,
        path: &FilePath,
        open: impl Fn(&D, &FilePath) -> io::Result<Option<Arc<D>>>,
    ) -> Result<Option<Place<D>>, LookupError> {
        let mut place = Place {
            directory: self.root.clone(),
            path: path.parent(),
            unsettled: Vec::new(),
        };
        for at in path.ancestors() {
            let next = match open(&place.directory, &at) {
                Ok(Some(next)) => next,
                Ok(None) => return Ok(None),
                Err(error) if error.kind() == ErrorKind::NotADirectory => {
                    return Err(LookupError::Blocked(at));
                }
                Err(error) => return Err(LookupError::Io(error)),
            };
            let id = next.id().map_err(LookupError::Io)?;
            let above = std::mem::replace(&mut place.directory, next);
            if self.durable().get(&at) != Some(&id) {
                place.unsettled.push((above, at, id));
            }
        }
        Ok(Some(place))
    }

    /// Makes a place itself durable, from the top down. To be done before a file
    /// is put there: a file that has left its old place must not be in a directory
    /// that a power cut takes away.
    pub(crate) fn anchor(&self, place: &mut Place<D>) -> io::Result<()> {
        for (above, path, id) in std::mem::take(&mut place.unsettled) {
            self.sync(&above)?;
            self.durable().put(path, id);
        }
        Ok(())
    }

    /// Makes durable all changes that were made to names in this directory before.
    pub(crate) fn sync(&self, directory: &D) -> io::Result<()> {
        if self.durability == Durability::None {
            return Ok(());
        }
        self.dir_sync.sync(directory)
    }

    /// Makes the names in these places durable.
    pub(crate) fn sync_names(&self, mut places: Vec<Place<D>>) -> io::Result<()> {
        places.iter_mut().try_for_each(|place| self.anchor(place))?;
        let directories: BTreeMap<Option<FilePath>, Arc<D>> = places
            .into_iter()
            .map(|place| (place.path, place.directory))
            .collect();
        if directories.len() < MANY_DIRECTORIES || self.root.sync_file_system().is_err() {
            for directory in directories.values() {
                self.sync(directory)?;
            }
        }
        Ok(())
    }

    /// Makes it durable that `path` is absent.
    pub(crate) fn sync_absence(&self, path: &FilePath) -> io::Result<()> {
        let place = self.lowest(path)?;
        self.sync(&place.directory)
    }

    /// The lowest directory on the way to `path` that exists: to sync it makes durable that
    /// `path` is absent.
    pub(crate) fn lowest(&self, path: &FilePath) -> io::Result<Place<D>> {
        let mut ancestors: Vec<FilePath> = path.ancestors().collect();
        let mut lowest = (self.root.clone(), None);
        while let Some(ancestor) = ancestors.pop() {
            if let Some(directory) = self.find_directory(&ancestor)? {
                lowest = (directory, Some(ancestor));
                break;
            }
        }
        let (directory, path) = lowest;
        Ok(Place {
            directory,
            path,
            unsettled: Vec::new(),
        })
    }

    /// Removes the directory at `path` if there is no file in it, however deep.
    /// Directories that deleted files leave must not keep their name from a
    /// file. The caller holds the structure lock.
    pub(crate) fn remove_empty(&self, parent: &D, path: &FilePath) -> io::Result<()> {
        self.durable().retain(|durable| !durable.is_under(path));
        self.open().retain(|open| !open.is_under(path));
        walk::remove_empty(parent, path.name())
    }

    /// Removes the directory that `path` is in, the one above that and so on, as long as
    /// they are empty, but never the top. The caller holds the structure lock exclusively.
    ///
    /// Nothing is made durable: a power cut may bring an empty directory back.
    pub(crate) fn remove_empty_parents(&self, path: &FilePath) -> io::Result<()> {
        let ancestors: Vec<FilePath> = path.ancestors().collect();
        let mut walk = Walk::new(&*self.root);
        let mut depth = 0;
        for above in ancestors.iter().take(ancestors.len().saturating_sub(1)) {
            match walk.enter(depth, above.name()) {
                Err(error) if is_absent(&error) => break,
                result => result?,
            }
            depth += 1;
        }
        for directory in ancestors.iter().take(depth + 1).rev() {
            walk.back_to(depth)?;
            match walk.here().remove_dir(directory.name()) {
                Err(error) if is_absent(&error) => {}
                Err(error) if is_in_use(&error) => return Ok(()),
                result => result?,
            }
            self.durable().take(directory);
            self.open().take(directory);
            depth = depth.saturating_sub(1);
        }
        Ok(())
    }

    fn durable(&self) -> MutexGuard<'_, Lru<FilePath, Option<Id>>> {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> MutexGuard<'_, FdCache<FilePath, Arc<D>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn dir_sync(&self) -> &DirSync {
        &self.dir_sync
    }
}

/// Whether a directory is not there, or what is there is none.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Whether a directory cannot be removed because something is in it, or because a program
/// works in it.
fn is_in_use(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists | ErrorKind::ResourceBusy
    )
}

pub(crate) fn is_directory<D: Directory>(parent: &D, name: &str) -> bool {
    matches!(parent.stat(name), Ok(Some(stat)) if stat.kind == Kind::Directory)
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
