//! `Volume`: what any place that holds whole files promises.
//!
//! Nothing that only a directory can do belongs in here: an object store takes
//! the same trait and the same [conformance suite](crate::conformance).

use crate::{Error, FilePath, Result, Version};
use std::time::SystemTime;

/// A place that holds whole files.
///
/// Its promises, whatever it is built on:
///
/// - *whole*: a reader sees one complete version of a file;
/// - *durable*: once [`commit`](Volume::commit) returned `Ok`, a power cut does
///   not undo the change (a volume that is not meant to last, such as
///   [`MemoryVolume`](crate::MemoryVolume), says so);
/// - *ordered*: no older version shows after a newer one was acknowledged;
/// - *honest*: an error says whether the change took place
///   ([`Error::outcome`]);
/// - *unlost*: a precondition is checked and the change made in one step,
///   against all other threads and processes.
///
/// All calls may block on a disk; all may be made from many threads at once.
/// Readers never wait for writers.
pub trait Volume: Send + Sync {
    /// The whole contents of a file of at most `max_bytes` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::TooLarge`] (before anything is read), or
    /// [`Error::Io`].
    fn read(&self, path: &FilePath, max_bytes: u64) -> Result<Snapshot>;

    /// Size and time of last change.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] or [`Error::Io`].
    fn stat(&self, path: &FilePath) -> Result<FileInfo>;

    /// The paths of all files at or under `directory`, of all files if it is
    /// `None`, sorted. Empty if there are none. A file that is created or
    /// removed while the list is made may or may not be in it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    fn list(&self, directory: Option<&FilePath>) -> Result<Vec<FilePath>>;

    /// Makes one change, whole and durable, or none at all.
    ///
    /// Returns the version written: `Some` for a [`Change::Write`] and a
    /// [`Change::Append`], `None` for the others.
    ///
    /// # Errors
    ///
    /// [`Error::Unconfirmed`] if the change was made but may not survive a power
    /// cut; every other error means that nothing was changed.
    fn commit(&self, step: Step) -> Result<Option<Version>>;

    /// Whether there is a file at `path`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    fn exists(&self, path: &FilePath) -> Result<bool> {
        match self.stat(path) {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// A file as it was at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// All bytes of the file.
    pub contents: Vec<u8>,
}

impl Snapshot {
    /// The version of these contents. Hashes them at each call.
    pub fn version(&self) -> Version {
        Version::of(&self.contents)
    }
}

/// What is known of a file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileInfo {
    /// Length in bytes.
    pub size: u64,
    /// When the contents were last changed, by the clock of the host.
    pub modified: SystemTime,
}

/// One change to one volume, and what must be true for it to be made.
#[derive(Clone, Debug)]
pub struct Step {
    /// The change.
    pub change: Change,
    /// What must be true of the file that is written, appended to or deleted;
    /// for a rename, of the target.
    pub precondition: Precondition,
}

/// What a commit does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Makes `contents` the file at `path`. Directories on the way are created.
    Write {
        /// The file to create or replace.
        path: FilePath,
        /// All of its new contents.
        contents: Vec<u8>,
    },
    /// Adds `contents` to the end of the file at `path`, creating it if needed:
    /// all of them or none.
    Append {
        /// The file to create or extend.
        path: FilePath,
        /// What to add.
        contents: Vec<u8>,
    },
    /// Moves the file at `source` to `target`, replacing what is there.
    Rename {
        /// The file to move; it must exist.
        source: FilePath,
        /// Where to move it.
        target: FilePath,
    },
    /// Removes the file at `path`. Removing what is absent succeeds.
    Delete {
        /// The file to remove.
        path: FilePath,
    },
}

impl Change {
    /// The path that the precondition is about: the one whose contents change.
    pub fn target(&self) -> &FilePath {
        match self {
            Change::Write { path, .. } | Change::Append { path, .. } | Change::Delete { path } => {
                path
            }
            Change::Rename { target, .. } => target,
        }
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

/// What must be true of a file at the moment of the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing.
    Any,
    /// There is no file.
    Absent,
    /// There is a file, and its contents are of this version.
    Version(Version),
}

impl Precondition {
    /// Whether a file that has version `found` (`None`: there is no file) is
    /// what this precondition asks for.
    pub fn holds_for(&self, found: Option<Version>) -> bool {
        match self {
            Precondition::Any => true,
            Precondition::Absent => found.is_none(),
            Precondition::Version(version) => found == Some(*version),
        }
    }

    /// Asks for the version that is there only if the answer matters, for it
    /// may cost reading the file.
    pub(crate) fn check(
        &self,
        path: &FilePath,
        find: impl FnOnce() -> Result<Option<Version>>,
    ) -> Result<()> {
        if *self == Precondition::Any {
            return Ok(());
        }
        let found = find()?;
        if self.holds_for(found) {
            return Ok(());
        }
        Err(Error::Conflict {
            path: path.clone(),
            found,
        })
    }
}
