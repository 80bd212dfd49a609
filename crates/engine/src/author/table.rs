//! `Table`: the files of a volume that knows all of them.
//!
//! For volumes that hold a list of their files and replace it as a whole, as
//! [`MemoryVolume`](crate::MemoryVolume) does and one on an object store. What a file is
//! made of is theirs ([`Entry`]). Nothing here may wait for a disk or a network.

use super::plan::{self, Edit, Files, Tail};
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

    /// Its length and its last `max_bytes` bytes, found without reading the rest.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being found out.
    fn tail(&self, max_bytes: u64) -> Result<Tail>;

    /// The file that `before` becomes with something added to its end; what is added
    /// is all of it if there was no file.
    fn appended(before: Option<&Self>, addition: Self::Addition) -> Self;

    /// Whether nothing is to be done to make this file `wanted`. Default: `false`.
    fn is_already(&self, wanted: &Self) -> bool {
        let _ = wanted;
        false
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
        edits: impl IntoIterator<
            Item = (Edit<E, E::Addition>, Precondition),
            IntoIter: ExactSizeIterator,
        >,
        limits: &Limits,
    ) -> Result<BTreeSet<FilePath>> {
        let usage = self.usage();
        let outcome = plan::play(self, edits, limits)?;
        let mut before = BTreeMap::new();
        for (path, file) in outcome.files {
            if self.is_to_change(&path, file.as_ref()) {
                let replaced = self.set(path.clone(), file);
                before.insert(path, replaced);
            }
        }
        let refused = before.keys().find_map(|path| {
            let checked = self.check_result(path, limits, usage);
            checked
                .err()
                .map(|error| outcome.deciders.blame(path, error))
        });
        match refused {
            None => Ok(before.into_keys().collect()),
            Some(error) => {
                for (path, file) in before {
                    self.set(path, file);
                }
                Err(error)
            }
        }
    }

    fn is_to_change(&self, path: &FilePath, wanted: Option<&E>) -> bool {
        match (self.get(path), wanted) {
            (None, None) => false,
            (Some(file), Some(wanted)) => !file.is_already(wanted),
            _ => true,
        }
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

impl<E: Entry> Files for Table<E> {
    type File = E;
    type Addition = E::Addition;

    fn find(&self, path: &FilePath) -> Result<Option<E>> {
        Ok(self.get(path).cloned())
    }

    fn version(&self, path: &FilePath) -> Result<Option<Version>> {
        self.get(path).map(E::version).transpose()
    }

    fn version_of(&self, _: &FilePath, file: &E) -> Result<Option<Version>> {
        file.version().map(Some)
    }

    fn tail(&self, path: &FilePath, max_bytes: u64) -> Result<Option<Tail>> {
        self.get(path).map(|file| file.tail(max_bytes)).transpose()
    }

    fn tail_of(&self, _: &FilePath, file: &E, max_bytes: u64) -> Result<Option<Tail>> {
        file.tail(max_bytes).map(Some)
    }

    fn size_of(&self, _: &FilePath, file: &E) -> Result<u64> {
        Ok(file.size())
    }

    fn appended(&self, before: Option<E>, addition: E::Addition) -> E {
        E::appended(before.as_ref(), addition)
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
