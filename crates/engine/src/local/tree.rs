//! The directories of a volume: finding the one that a file is in, and making
//! those that are missing.
//!
//! The way down is walked one component at a time and never through a symbolic
//! link, so that no link leads out of the volume or into the private directory.

use super::directory::{Access, Directory, Kind};
use crate::path::PRIVATE_DIR;
use crate::{Error, FilePath, Result};
use std::collections::HashSet;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) struct Tree<D> {
    root: Arc<D>,
    /// Directories whose own name is known to be on the disk. One that is not
    /// in here may have been made by a process that died before it synced.
    durable: Mutex<HashSet<FilePath>>,
}

/// A directory of the volume, and the directories above it whose names are not
/// yet known to be on the disk.
pub(crate) struct Place<D> {
    pub(crate) directory: Arc<D>,
    unsettled: Vec<Unsettled<D>>,
}

struct Unsettled<D> {
    parent: Arc<D>,
    path: FilePath,
}

impl<D: Directory> Tree<D> {
    pub(crate) fn new(root: D) -> Self {
        Self {
            root: Arc::new(root),
            durable: Mutex::default(),
        }
    }

    pub(crate) fn root(&self) -> &D {
        &self.root
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
        for component in path.components() {
            directory = match directory.open_dir(component) {
                Ok(next) => Arc::new(next),
                Err(error) if is_absent(&error) => return Ok(None),
                Err(error) => return Err(error),
            };
        }
        Ok(Some(directory))
    }

    /// The directory that `path` is in, made if it does not exist.
    pub(crate) fn make(&self, path: &FilePath) -> Result<Place<D>> {
        let mut place = Place {
            directory: self.root.clone(),
            unsettled: Vec::new(),
        };
        let Some(parent) = path.parent() else {
            return Ok(place);
        };
        let mut so_far = String::new();
        for component in parent.components() {
            so_far.push_str(component);
            let next = place
                .directory
                .open_or_create_dir(component, Access::Usual)
                .map_err(|error| match error.kind() {
                    ErrorKind::NotADirectory => Error::beneath_a_file(path, &so_far),
                    _ => Error::not_changed(path, error),
                })?;
            let above = std::mem::replace(&mut place.directory, Arc::new(next));
            let made = FilePath::new(so_far.as_str())?;
            if !self.is_durable(&made) {
                place.unsettled.push(Unsettled {
                    parent: above,
                    path: made,
                });
            }
            so_far.push('/');
        }
        Ok(place)
    }

    /// Step 5 of the commit: makes the names in a place durable, and the place
    /// itself all the way up.
    pub(crate) fn settle(&self, place: Place<D>) -> io::Result<()> {
        place.directory.sync()?;
        for unsettled in place.unsettled.into_iter().rev() {
            unsettled.parent.sync()?;
            self.durable
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(unsettled.path);
        }
        Ok(())
    }

    /// Makes it durable that `path` is absent: syncs the lowest directory on the
    /// way to it that exists.
    pub(crate) fn settle_absence(&self, path: &FilePath) -> io::Result<()> {
        let mut ancestor = path.clone();
        while let Some(parent) = ancestor.parent() {
            if let Some(directory) = self.find_directory(&parent)? {
                return directory.sync();
            }
            ancestor = parent;
        }
        self.root.sync()
    }

    /// Removes the directory `name` if there is no file in it, however deep.
    /// Directories that deleted files leave must not keep their name from a
    /// file.
    pub(crate) fn remove_empty(&self, parent: &D, name: &str, path: &FilePath) -> io::Result<()> {
        self.durable
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|durable| !durable.is_under(path));
        remove_empty(parent, name)
    }

    /// All files at or under `directory`, sorted.
    pub(crate) fn files(&self, directory: Option<&FilePath>) -> io::Result<Vec<FilePath>> {
        let mut files = Vec::new();
        let mut pending = Vec::new();
        match directory {
            None => pending.push((self.root.clone(), String::new())),
            Some(path) => {
                let Some(parent) = self.find(path)? else {
                    return Ok(files);
                };
                match parent.stat(path.name())?.map(|stat| stat.kind) {
                    Some(Kind::File) => files.push(path.clone()),
                    Some(Kind::Directory) => {
                        let found = self.find_directory(path)?;
                        pending.extend(found.map(|found| (found, format!("{path}/"))));
                    }
                    _ => {}
                }
            }
        }
        while let Some((directory, prefix)) = pending.pop() {
            for entry in directory.entries()? {
                if prefix.is_empty() && entry.name == PRIVATE_DIR {
                    continue;
                }
                // What no guest could name is not part of the volume.
                let Ok(path) = FilePath::new(format!("{prefix}{}", entry.name)) else {
                    continue;
                };
                match entry.kind {
                    Kind::File => files.push(path),
                    Kind::Directory => match directory.open_dir(&entry.name) {
                        Ok(child) => pending.push((Arc::new(child), format!("{path}/"))),
                        Err(error) if is_absent(&error) => {}
                        Err(error) => return Err(error),
                    },
                    Kind::Other => {}
                }
            }
        }
        files.sort_unstable();
        Ok(files)
    }

    fn is_durable(&self, path: &FilePath) -> bool {
        self.durable
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(path)
    }
}

/// Whether a directory is not there, or what is there is none.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn remove_empty<D: Directory>(parent: &D, name: &str) -> io::Result<()> {
    let directory = parent.open_dir(name)?;
    let entries = directory.entries()?;
    if entries.iter().any(|entry| entry.kind != Kind::Directory) {
        return Err(ErrorKind::DirectoryNotEmpty.into());
    }
    for entry in entries {
        remove_empty(&directory, &entry.name)?;
    }
    parent.remove_dir(name)
}
