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

    /// Makes all changes of a batch, whole and durable, or none at all.
    ///
    /// The steps take effect in their order: each sees what those before it
    /// did, and so does its precondition. Several steps may name one path; after
    /// the commit it is as the last of them left it, and no reader sees what was
    /// in between. No reader of this volume sees some of the changes without the
    /// others.
    ///
    /// Returns for each step the version that it wrote: `Some` for a
    /// [`Change::Write`], `None` for the others.
    ///
    /// # Errors
    ///
    /// [`Error::Unconfirmed`] if the changes were made but may not survive a
    /// power cut, [`Error::InDoubt`] if it cannot be known whether they were made;
    /// every other error means that nothing was changed. An error
    /// about one step of several is an [`Error::Step`] that names it.
    fn commit(&self, batch: Batch) -> Result<Vec<Option<Version>>>;

    /// Begins to write the file at `path` piece by piece.
    ///
    /// # Errors
    ///
    /// [`Error::QuotaExceeded`] if too many writers are open, [`Error::ReadOnly`],
    /// [`Error::NoSpace`] or [`Error::Io`].
    fn writer(&self, path: &FilePath) -> Result<Box<dyn Writer>>;

    /// Begins to read the file at `path` piece by piece.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] or [`Error::Io`].
    fn reader(&self, path: &FilePath) -> Result<Box<dyn Reader>>;

    /// How much the volume holds, as far as it knows: what other processes or
    /// people added may be missing for a while.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`].
    fn usage(&self) -> Result<Usage>;

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

/// A file that is being written. Nobody sees it before
/// [`commit`](Writer::commit); dropping it leaves nothing.
pub trait Writer: Send {
    /// Adds to the end of what was written so far.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`], [`Error::QuotaExceeded`], [`Error::NoSpace`] or
    /// [`Error::Io`]; the writer is then of no more use.
    fn write(&mut self, contents: &[u8]) -> Result<()>;

    /// Makes what was written the file at the path, as a [`Change::Write`] does,
    /// and returns its version.
    ///
    /// # Errors
    ///
    /// As [`Volume::commit`].
    fn commit(self: Box<Self>, precondition: Precondition) -> Result<Version>;
}

/// A file that is being read: one version of it, whatever happens to its path
/// meanwhile.
pub trait Reader: Send {
    /// Length of the file in bytes.
    fn size(&self) -> u64;

    /// The next bytes, at most `max_bytes` of them and possibly fewer; none at
    /// the end.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    fn read(&mut self, max_bytes: usize) -> Result<Vec<u8>>;
}

/// How much a volume holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// The lengths of all files, in bytes.
    pub bytes: u64,
    /// The number of files.
    pub files: u64,
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

impl FileInfo {
    /// For who implements a [`Volume`].
    pub fn new(size: u64, modified: SystemTime) -> Self {
        Self { size, modified }
    }
}

/// Changes that are made together or not at all.
///
/// ```
/// use ability_storage_engine::{Batch, Change, FilePath, MemoryVolume, Precondition, Volume};
///
/// let volume = MemoryVolume::new();
/// let path = |text| FilePath::new(text);
/// let mut batch = Batch::new();
/// batch.push(Change::Write { path: path("a")?, contents: b"1".to_vec() });
/// batch.push(Change::Write { path: path("b")?, contents: b"2".to_vec() }.only_if(Precondition::Absent));
/// assert_eq!(volume.commit(batch)?.len(), 2);
/// # Ok::<(), ability_storage_engine::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Batch {
    steps: Vec<Step>,
}

impl Batch {
    /// A batch without steps.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a step, which takes effect after those added before.
    pub fn push(&mut self, step: impl Into<Step>) {
        self.steps.push(step.into());
    }

    /// The steps in their order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// For each step the version that it writes, as a commit returns them. Hashes all
    /// contents at each call.
    pub fn versions(&self) -> Vec<Option<Version>> {
        let written = |step: &Step| match &step.change {
            Change::Write { contents, .. } => Some(Version::of(contents)),
            _ => None,
        };
        self.steps.iter().map(written).collect()
    }

    /// The steps in their order, without copying what they bring.
    pub fn into_steps(self) -> Vec<Step> {
        self.steps
    }
}

/// A batch of one.
impl<S: Into<Step>> From<S> for Batch {
    fn from(step: S) -> Self {
        Self {
            steps: vec![step.into()],
        }
    }
}

impl<S: Into<Step>> FromIterator<S> for Batch {
    fn from_iter<I: IntoIterator<Item = S>>(steps: I) -> Self {
        Self {
            steps: steps.into_iter().map(Into::into).collect(),
        }
    }
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
    /// If they are what the file holds already, it may be left as it is, with its time
    /// of last change.
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
