//! What a batch comes to: its steps played through in their order, each on what those
//! before it left, without changing anything.
//!
//! What a batch means is decided here, once, for all volumes. What a file is, and where
//! it is found, is theirs ([`Files`]).

pub use crate::volume::Tail;
use crate::volume::check_move;
use crate::{Error, FilePath, Limits, Precondition, Result, Version};
use std::collections::BTreeMap;

/// The files of a volume as they are before a batch.
pub trait Files {
    /// What the volume knows of a file, or of one that a batch is to make.
    type File;
    /// What an append adds to a file.
    type Addition;

    /// The file at `path`.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being found out.
    fn find(&self, path: &FilePath) -> Result<Option<Self::File>>;

    /// The version of the contents of the file at `path`.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being found out.
    fn version(&self, path: &FilePath) -> Result<Option<Version>>;

    /// The version of a file that a step before has put at `path`.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being found out.
    fn version_of(&self, path: &FilePath, file: &Self::File) -> Result<Option<Version>>;

    /// The length and the last `max_bytes` bytes of the file at `path`, for
    /// [`Precondition::EndsWith`]. It must not read the rest of the file.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being found out.
    fn tail(&self, path: &FilePath, max_bytes: u64) -> Result<Option<Tail>>;

    /// The same of a file that a step before has put at `path`.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being found out.
    fn tail_of(&self, path: &FilePath, file: &Self::File, max_bytes: u64) -> Result<Option<Tail>>;

    /// The length in bytes of a file that is to be put at `path`.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being found out.
    fn size_of(&self, path: &FilePath, file: &Self::File) -> Result<u64>;

    /// The file that `before` becomes with something added to its end; what is added is
    /// all of it if there was no file.
    fn appended(&self, before: Option<Self::File>, addition: Self::Addition) -> Self::File;
}

/// A [`Change`](crate::Change) in the words of a volume: what a file and an addition are
/// is said by [`Files`].
#[derive(Clone, Debug)]
pub enum Edit<F, A> {
    /// Makes `file` the file at `path`.
    Put {
        /// The file to create or replace.
        path: FilePath,
        /// What it is to be.
        file: F,
    },
    /// Adds to the end of the file at `path`, creating it if needed.
    Append {
        /// The file to create or extend.
        path: FilePath,
        /// What to add.
        addition: A,
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

impl<F, A> Edit<F, A> {
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
}

/// Which step of a batch decided what becomes of a path, to name it in an error.
#[derive(Clone, Debug, Default)]
pub struct Deciders {
    steps: BTreeMap<FilePath, usize>,
    /// Which step it was is no news if there is only one.
    is_single: bool,
}

impl Deciders {
    /// The paths that steps decided about, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &FilePath> {
        self.steps.keys()
    }

    /// The step that decided about `path`, counted from zero.
    pub fn step(&self, path: &FilePath) -> Option<usize> {
        self.steps.get(path).copied()
    }

    /// An error about a path, as one about the step that decided about it.
    pub fn blame(&self, path: &FilePath, error: Error) -> Error {
        match self.step(path) {
            Some(step) => self.in_step(step, error),
            None => error,
        }
    }

    fn in_step(&self, step: usize, error: Error) -> Error {
        if self.is_single {
            error
        } else {
            Error::in_step(step, error)
        }
    }
}

/// What a batch comes to.
#[derive(Clone, Debug)]
pub struct Outcome<F> {
    /// For each path that the batch touches what is there in the end; `None` for no file.
    pub files: BTreeMap<FilePath, Option<F>>,
    /// Which step decided about each of them.
    pub deciders: Deciders,
}

/// Plays all edits in their order, each if its precondition holds after those before it.
///
/// # Errors
///
/// Those of the first step that cannot be made, as
/// [`Volume::commit`](crate::Volume::commit) tells them.
pub fn play<V: Files>(
    volume: &V,
    edits: impl IntoIterator<
        Item = (Edit<V::File, V::Addition>, Precondition),
        IntoIter: ExactSizeIterator,
    >,
    limits: &Limits,
) -> Result<Outcome<V::File>> {
    let edits = edits.into_iter();
    let mut player = Player {
        volume,
        limits,
        files: BTreeMap::new(),
        deciders: Deciders {
            steps: BTreeMap::new(),
            is_single: edits.len() == 1,
        },
    };
    for (step, (edit, precondition)) in edits.enumerate() {
        let played = player.play(step, edit, &precondition);
        played.map_err(|error| player.deciders.in_step(step, error))?;
    }
    Ok(Outcome {
        files: player.files,
        deciders: player.deciders,
    })
}

struct Player<'a, V: Files> {
    volume: &'a V,
    limits: &'a Limits,
    /// What the paths have so far that a step has touched.
    files: BTreeMap<FilePath, Option<V::File>>,
    deciders: Deciders,
}

impl<V: Files> Player<'_, V> {
    fn play(
        &mut self,
        step: usize,
        edit: Edit<V::File, V::Addition>,
        precondition: &Precondition,
    ) -> Result<()> {
        self.check(&edit)?;
        let target = edit.target();
        precondition.check(
            target,
            || self.version(target),
            |max_bytes| self.tail(target, max_bytes),
        )?;
        match edit {
            Edit::Put { path, file } => self.set(step, path, Some(file)),
            Edit::Append { path, addition } => {
                let before = self.take(&path)?;
                let whole = self.volume.appended(before, addition);
                self.limits
                    .check_file(&path, self.volume.size_of(&path, &whole)?)?;
                self.set(step, path, Some(whole));
            }
            Edit::Rename { source, target } => {
                let file = self.take(&source)?;
                let file = file.ok_or_else(|| Error::not_found(&source))?;
                check_move(&source, &target)?;
                self.set(step, source, None);
                self.set(step, target, Some(file));
            }
            Edit::Delete { path } => self.set(step, path, None),
        }
        Ok(())
    }

    /// As [`Limits::check_change`], which is asked of every change first.
    fn check(&self, edit: &Edit<V::File, V::Addition>) -> Result<()> {
        match edit {
            Edit::Put { path, file } => {
                self.limits.check_path(path)?;
                self.limits
                    .check_file(path, self.volume.size_of(path, file)?)
            }
            Edit::Append { path, .. } => self.limits.check_path(path),
            Edit::Rename { target, .. } => self.limits.check_path(target),
            Edit::Delete { .. } => Ok(()),
        }
    }

    fn version(&self, path: &FilePath) -> Result<Option<Version>> {
        match self.files.get(path) {
            None => self.volume.version(path),
            Some(None) => Ok(None),
            Some(Some(file)) => self.volume.version_of(path, file),
        }
    }

    fn tail(&self, path: &FilePath, max_bytes: u64) -> Result<Option<Tail>> {
        match self.files.get(path) {
            None => self.volume.tail(path, max_bytes),
            Some(None) => Ok(None),
            Some(Some(file)) => self.volume.tail_of(path, file, max_bytes),
        }
    }

    /// What a path has so far; the caller sets what it has from now on.
    fn take(&mut self, path: &FilePath) -> Result<Option<V::File>> {
        match self.files.remove(path) {
            Some(state) => Ok(state),
            None => self.volume.find(path),
        }
    }

    fn set(&mut self, step: usize, path: FilePath, file: Option<V::File>) {
        self.deciders.steps.insert(path.clone(), step);
        self.files.insert(path, file);
    }
}
