//! What a commit is asked for: batches of changes.

use super::Precondition;
use crate::{Error, FilePath, Result, Version};
use std::sync::OnceLock;

/// Changes that are made together or not at all.
///
/// ```
/// use ability_storage_engine::{Batch, Change, FilePath, MemoryVolume, Precondition, Volume};
///
/// let volume = MemoryVolume::new();
/// let path = |text| FilePath::new(text);
/// let mut batch = Batch::new();
/// batch.push(Change::write(path("a")?, b"1"));
/// batch.push(Change::write(path("b")?, b"2").only_if(Precondition::Absent));
/// assert_eq!(volume.commit(batch)?.len(), 2);
/// # Ok::<(), ability_storage_engine::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a batch changes nothing before it is committed"]
pub struct Batch {
    steps: Vec<Step>,
    versions: OnceLock<Vec<Option<Version>>>,
}

impl Batch {
    /// A batch without steps.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a step, which takes effect after those added before.
    pub fn push(&mut self, step: impl Into<Step>) {
        self.steps.push(step.into());
        self.versions.take();
    }

    /// The steps in their order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// For each step the version that it writes, as a commit returns them. The first
    /// call hashes all contents.
    pub fn versions(&self) -> &[Option<Version>] {
        self.versions.get_or_init(|| {
            let written = |step: &Step| match &step.change {
                Change::Write { contents, .. } => Some(Version::of(contents)),
                _ => None,
            };
            self.steps.iter().map(written).collect()
        })
    }

    /// The steps in their order, without copying what they bring.
    pub fn into_steps(self) -> Vec<Step> {
        self.steps
    }
}

/// A batch of one.
impl<S: Into<Step>> From<S> for Batch {
    fn from(step: S) -> Self {
        Self::from_iter([step])
    }
}

impl<S: Into<Step>> FromIterator<S> for Batch {
    fn from_iter<I: IntoIterator<Item = S>>(steps: I) -> Self {
        Self {
            steps: steps.into_iter().map(Into::into).collect(),
            versions: OnceLock::new(),
        }
    }
}

/// One change to one volume, and what must be true for it to be made.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use = "a step changes nothing before it is committed"]
pub struct Step {
    /// The change.
    pub change: Change,
    /// What must be true of the file that is written, appended to or deleted;
    /// for a rename, of the target.
    pub precondition: Precondition,
}

/// What a commit does.
///
/// A volume that is asked for a kind of change that it does not know answers
/// [`Error::unsupported`] and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "a change is not made before it is committed"]
pub enum Change {
    /// Makes `contents` the file at `path`. Directories on the way are created.
    /// If they are what the file holds already, it may be left as it is, with its time
    /// of last change.
    #[non_exhaustive]
    Write {
        /// The file to create or replace.
        path: FilePath,
        /// All of its new contents.
        contents: Vec<u8>,
    },
    /// Adds `contents` to the end of the file at `path`, creating it if needed:
    /// all of them or none.
    #[non_exhaustive]
    Append {
        /// The file to create or extend.
        path: FilePath,
        /// What to add.
        contents: Vec<u8>,
    },
    /// Moves the file at `source` to `target`, replacing what is there.
    #[non_exhaustive]
    Rename {
        /// The file to move; it must exist.
        source: FilePath,
        /// Where to move it.
        target: FilePath,
    },
    /// Removes the file at `path`. Removing what is absent succeeds.
    #[non_exhaustive]
    Delete {
        /// The file to remove.
        path: FilePath,
    },
}

impl Change {
    /// [`Change::Write`].
    pub fn write(path: FilePath, contents: impl Into<Vec<u8>>) -> Self {
        let contents = contents.into();
        Change::Write { path, contents }
    }

    /// [`Change::Append`].
    pub fn append(path: FilePath, contents: impl Into<Vec<u8>>) -> Self {
        let contents = contents.into();
        Change::Append { path, contents }
    }

    /// [`Change::Rename`].
    pub fn rename(source: FilePath, target: FilePath) -> Self {
        Change::Rename { source, target }
    }

    /// [`Change::Delete`].
    pub fn delete(path: FilePath) -> Self {
        Change::Delete { path }
    }

    /// The path that the precondition is about: the one whose contents change.
    pub fn target(&self) -> &FilePath {
        match self {
            Change::Write { path, .. } | Change::Append { path, .. } | Change::Delete { path } => {
                path
            }
            Change::Rename { target, .. } => target,
        }
    }

    /// How many bytes it brings.
    pub fn bytes(&self) -> u64 {
        match self {
            Change::Write { contents, .. } | Change::Append { contents, .. } => {
                contents.len() as u64
            }
            Change::Rename { .. } | Change::Delete { .. } => 0,
        }
    }

    /// All paths whose files it changes.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &FilePath> {
        let source = match self {
            Change::Rename { source, .. } => Some(source),
            _ => None,
        };
        source.into_iter().chain([self.target()])
    }

    /// This change with a precondition.
    pub fn only_if(self, precondition: Precondition) -> Step {
        Step {
            change: self,
            precondition,
        }
    }
}

/// A change whatever is there.
impl From<Change> for Step {
    fn from(change: Change) -> Self {
        change.only_if(Precondition::Any)
    }
}

/// No file can move to where its own path is a directory, or into one that has
/// its path: what has to make room is still there.
pub(crate) fn check_move(source: &FilePath, target: &FilePath) -> Result<()> {
    if source == target {
        Ok(())
    } else if target.is_under(source) {
        Err(Error::beneath_a_file(target, source.as_str()))
    } else if source.is_under(target) {
        Err(Error::directory_of_others(target))
    } else {
        Ok(())
    }
}
