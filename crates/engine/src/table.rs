//! `Table`: the files of a volume that knows all of them, and what a batch makes
//! of them.
//!
//! For volumes that hold a list of their files and replace it as a whole, as
//! [`MemoryVolume`](crate::MemoryVolume) does and one on an object store. What a
//! batch means is decided here, once; what a file is made of is theirs
//! ([`Entry`]). Nothing here may wait for a disk or a network.

use crate::volume::check_move;
use crate::{Error, FilePath, Limits, Precondition, Result, Usage, Version};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// What a [`Table`] has to know of a file.
pub trait Entry: Clone {
    /// What an append adds to a file.
    type Addition;

    /// Length of the file in bytes.
    fn size(&self) -> u64;

    /// The version of its contents.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being found out.
    fn version(&self) -> Result<Version>;

    /// The file that `before` becomes with something added to its end; what is added
    /// is all of it if there was no file.
    fn appended(before: Option<&Self>, addition: Self::Addition) -> Self;

    /// Whether nothing is to be done to make this file `wanted`. Default: `false`.
    fn is_already(&self, wanted: &Self) -> bool {
        let _ = wanted;
        false
    }
}

/// A [`Change`](crate::Change) in the words of a table.
#[derive(Clone, Debug)]
pub enum Edit<E: Entry> {
    /// Makes `file` the file at `path`.
    Put {
        /// The file to create or replace.
        path: FilePath,
        /// What it is to be.
        file: E,
    },
    /// Adds to the end of the file at `path`, creating it if needed.
    Append {
        /// The file to create or extend.
        path: FilePath,
        /// What to add.
        addition: E::Addition,
    },
    /// Moves the file at `source` to `target`, replacing what is there.
    Rename {
        /// The file to move; it must exist.
        source: FilePath,
        /// Where to move it.
        target: FilePath,
    },
    /// Removes the file at `path`, if there is one.
    Delete {
        /// The file to remove.
        path: FilePath,
    },
}

impl<E: Entry> Edit<E> {
    /// The path that a precondition is about: the one whose contents change.
    pub fn target(&self) -> &FilePath {
        match self {
            Edit::Put { path, .. } | Edit::Append { path, .. } | Edit::Delete { path } => path,
            Edit::Rename { target, .. } => target,
        }
    }

    /// All paths whose files it changes.
    pub fn paths(&self) -> impl Iterator<Item = &FilePath> {
        let source = match self {
            Edit::Rename { source, .. } => Some(source),
            _ => None,
        };
        source.into_iter().chain([self.target()])
    }

    /// As [`Limits::check_change`], which is asked of every change first.
    fn check(&self, limits: &Limits) -> Result<()> {
        match self {
            Edit::Put { path, file } => {
                limits.check_path(path)?;
                limits.check_file(path, file.size())
            }
            Edit::Append { path, .. } => limits.check_path(path),
            Edit::Rename { target, .. } => limits.check_path(target),
            Edit::Delete { .. } => Ok(()),
        }
    }
}

/// All files of a volume.
#[derive(Clone, Debug)]
pub struct Table<E> {
    files: BTreeMap<FilePath, E>,
    bytes: u64,
}

impl<E> Default for Table<E> {
    fn default() -> Self {
        Self {
            files: BTreeMap::new(),
            bytes: 0,
        }
    }
}

impl<E: Entry> Table<E> {
    /// The file at `path`.
    pub fn get(&self, path: &FilePath) -> Option<&E> {
        self.files.get(path)
    }

    /// The file at `path`, to learn more of it: its length must stay what it is.
    pub fn get_mut(&mut self, path: &FilePath) -> Option<&mut E> {
        self.files.get_mut(path)
    }

    /// The file at `path`, or the error that there is none.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`].
    pub fn find(&self, path: &FilePath) -> Result<&E> {
        self.get(path).ok_or_else(|| Error::not_found(path))
    }

    /// All files, in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&FilePath, &E)> {
        self.files.iter()
    }

    /// The paths at or under `directory`, of all files if it is `None`, sorted.
    pub fn list(&self, directory: Option<&FilePath>) -> Vec<FilePath> {
        let Some(directory) = directory else {
            return self.files.keys().cloned().collect();
        };
        let itself = self.files.contains_key(directory);
        let itself = itself.then(|| directory.clone());
        itself
            .into_iter()
            .chain(self.beneath(directory).cloned())
            .collect()
    }

    /// How much it holds.
    pub fn usage(&self) -> Usage {
        Usage {
            bytes: self.bytes,
            files: self.files.len() as u64,
        }
    }

    /// Makes all edits in their order, each if its precondition holds after those
    /// before it, or none. Returns the paths whose files are not as they were.
    ///
    /// # Errors
    ///
    /// As [`Volume::commit`](crate::Volume::commit); the table is then as it was.
    pub fn play(
        &mut self,
        edits: impl IntoIterator<Item = (Edit<E>, Precondition)>,
        limits: &Limits,
    ) -> Result<BTreeSet<FilePath>> {
        let before = self.usage();
        let mut undo = Vec::new();
        match self.play_all(edits, limits, before, &mut undo) {
            Ok(()) => Ok(undo.into_iter().map(|(path, _)| path).collect()),
            Err(error) => {
                for (path, file) in undo.into_iter().rev() {
                    self.set(path, file);
                }
                Err(error)
            }
        }
    }

    fn play_all(
        &mut self,
        edits: impl IntoIterator<Item = (Edit<E>, Precondition)>,
        limits: &Limits,
        before: Usage,
        undo: &mut Vec<(FilePath, Option<E>)>,
    ) -> Result<()> {
        let mut deciders = BTreeMap::new();
        let mut steps = 0;
        let mut failure = None;
        for (edit, precondition) in edits {
            // The others are only counted: an error names a step only if there are more.
            if failure.is_none() {
                deciders.insert(edit.target().clone(), steps);
                let played = self.play_one(edit, precondition, limits, undo);
                failure = played.err().map(|error| (steps, error));
            }
            steps += 1;
        }
        if failure.is_none() {
            failure = deciders.into_iter().find_map(|(path, index)| {
                let checked = self.check_result(&path, limits, before);
                checked.err().map(|error| (index, error))
            });
        }
        match failure {
            None => Ok(()),
            Some((_, error)) if steps == 1 => Err(error),
            Some((index, error)) => Err(Error::Step {
                index,
                source: Box::new(error),
            }),
        }
    }

    fn play_one(
        &mut self,
        edit: Edit<E>,
        precondition: Precondition,
        limits: &Limits,
        undo: &mut Vec<(FilePath, Option<E>)>,
    ) -> Result<()> {
        edit.check(limits)?;
        let found = self.get(edit.target());
        precondition.check(edit.target(), || found.map(E::version).transpose())?;
        let mut change = |table: &mut Self, path: FilePath, file| {
            let before = table.set(path.clone(), file);
            undo.push((path, before));
        };
        match edit {
            Edit::Put { path, file } => {
                if !found.is_some_and(|found| found.is_already(&file)) {
                    change(self, path, Some(file));
                }
            }
            Edit::Append { path, addition } => {
                let whole = E::appended(found, addition);
                limits.check_file(&path, whole.size())?;
                change(self, path, Some(whole));
            }
            Edit::Rename { source, target } => {
                let file = self.find(&source)?.clone();
                check_move(&source, &target)?;
                if source != target {
                    change(self, source, None);
                    change(self, target, Some(file));
                }
            }
            Edit::Delete { path } => {
                if found.is_some() {
                    change(self, path, None);
                }
            }
        }
        Ok(())
    }

    /// Whether what a batch left at `path` may stay there.
    fn check_result(&self, path: &FilePath, limits: &Limits, before: Usage) -> Result<()> {
        if !self.files.contains_key(path) {
            return Ok(());
        }
        let mut ancestors = path.ancestors();
        if let Some(ancestor) = ancestors.find(|path| self.files.contains_key(path)) {
            return Err(Error::beneath_a_file(path, ancestor.as_str()));
        }
        if self.beneath(path).next().is_some() {
            return Err(Error::directory_of_others(path));
        }
        limits.check_usage(path, before, self.usage())
    }

    /// The files for which `path` is a directory.
    fn beneath<'a>(&'a self, path: &FilePath) -> impl Iterator<Item = &'a FilePath> + use<'a, E> {
        let start = format!("{path}/");
        let from = (Bound::Included(start.as_str()), Bound::Unbounded);
        let files = self.files.range::<str, _>(from).map(|(path, _)| path);
        files.take_while(move |path| path.as_str().starts_with(&start))
    }

    fn set(&mut self, path: FilePath, file: Option<E>) -> Option<E> {
        let more = file.as_ref().map_or(0, E::size);
        let before = match file {
            Some(file) => self.files.insert(path, file),
            None => self.files.remove(&path),
        };
        let less = before.as_ref().map_or(0, E::size);
        // What a stranger wrote into a list of files may add up to anything.
        self.bytes = self.bytes.wrapping_add(more).wrapping_sub(less);
        before
    }
}

/// As they are read from where the volume keeps them.
impl<E: Entry> FromIterator<(FilePath, E)> for Table<E> {
    fn from_iter<I: IntoIterator<Item = (FilePath, E)>>(files: I) -> Self {
        let mut table = Self::default();
        for (path, file) in files {
            table.set(path, Some(file));
        }
        table
    }
}
