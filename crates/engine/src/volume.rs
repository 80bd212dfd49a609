//! `Volume`: what any place that holds whole files promises.
//!
//! Nothing that only a directory can do belongs in here: an object store takes
//! the same trait and the same [conformance suite](crate::author).

use crate::{Error, FilePath, Result, Version};
use std::fmt;
use std::sync::{Arc, OnceLock};
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
/// Readers never wait for writers. Dropping a volume may block as well.
///
/// References, `Box` and `Arc` of a volume are volumes. What changes how a volume
/// behaves is a layer over any of them, such as [`ReadOnly`](crate::ReadOnly) and
/// [`Counted`](crate::Counted). The module [`author`](crate::author) has what helps to
/// implement one.
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

/// Makes methods of a [`Volume`] that another volume answers: those that are named, or
/// all.
///
/// ```
/// use ability_storage_engine::author::delegate;
/// use ability_storage_engine::{Batch, Error, Result, Version, Volume};
///
/// struct Full<V>(V);
///
/// impl<V: Volume> Volume for Full<V> {
///     delegate!(self => self.0; read, stat, list, writer, reader, usage, exists);
///
///     fn commit(&self, batch: Batch) -> Result<Vec<Option<Version>>> {
///         match batch.steps().first() {
///             Some(step) => Err(Error::quota_exceeded(step.change.target(), "it is full")),
///             None => Ok(Vec::new()),
///         }
///     }
/// }
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __delegate_volume {
    ($self:ident => $to:expr) => {
        $crate::__delegate_volume! {
            $self => $to; read, stat, list, commit, writer, reader, usage, exists
        }
    };
    ($self:ident => $to:expr; $($method:ident),+) => {
        $($crate::__delegate_volume! { @ $method $self $to })+
    };
    (@ read $self:ident $to:expr) => {
        fn read(&$self, path: &$crate::FilePath, max_bytes: u64) -> $crate::Result<$crate::Snapshot> {
            $crate::Volume::read(&$to, path, max_bytes)
        }
    };
    (@ stat $self:ident $to:expr) => {
        fn stat(&$self, path: &$crate::FilePath) -> $crate::Result<$crate::FileInfo> {
            $crate::Volume::stat(&$to, path)
        }
    };
    (@ list $self:ident $to:expr) => {
        fn list(&$self, directory: Option<&$crate::FilePath>) -> $crate::Result<Vec<$crate::FilePath>> {
            $crate::Volume::list(&$to, directory)
        }
    };
    (@ commit $self:ident $to:expr) => {
        fn commit(&$self, batch: $crate::Batch) -> $crate::Result<Vec<Option<$crate::Version>>> {
            $crate::Volume::commit(&$to, batch)
        }
    };
    (@ writer $self:ident $to:expr) => {
        fn writer(&$self, path: &$crate::FilePath) -> $crate::Result<Box<dyn $crate::Writer>> {
            $crate::Volume::writer(&$to, path)
        }
    };
    (@ reader $self:ident $to:expr) => {
        fn reader(&$self, path: &$crate::FilePath) -> $crate::Result<Box<dyn $crate::Reader>> {
            $crate::Volume::reader(&$to, path)
        }
    };
    (@ usage $self:ident $to:expr) => {
        fn usage(&$self) -> $crate::Result<$crate::Usage> {
            $crate::Volume::usage(&$to)
        }
    };
    (@ exists $self:ident $to:expr) => {
        fn exists(&$self, path: &$crate::FilePath) -> $crate::Result<bool> {
            $crate::Volume::exists(&$to, path)
        }
    };
}

impl<T: Volume + ?Sized> Volume for &T {
    __delegate_volume!(self => **self);
}

impl<T: Volume + ?Sized> Volume for Box<T> {
    __delegate_volume!(self => **self);
}

impl<T: Volume + ?Sized> Volume for Arc<T> {
    __delegate_volume!(self => **self);
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
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) contents: Vec<u8>,
    version: OnceLock<Version>,
}

impl Snapshot {
    /// A file with these contents.
    pub fn new(contents: impl Into<Vec<u8>>) -> Self {
        Self {
            contents: contents.into(),
            version: OnceLock::new(),
        }
    }

    /// All bytes of the file.
    pub fn contents(&self) -> &[u8] {
        &self.contents
    }

    /// All bytes of the file, without copying them.
    pub fn into_contents(self) -> Vec<u8> {
        self.contents
    }

    /// The version of the contents. The first call hashes them.
    pub fn version(&self) -> Version {
        *self.version.get_or_init(|| Version::of(&self.contents))
    }
}

impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        self.contents == other.contents
    }
}

impl Eq for Snapshot {}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.contents.len();
        f.debug_struct("Snapshot")
            .field("bytes", &bytes)
            .finish_non_exhaustive()
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
    pub(crate) fn new(size: u64, modified: SystemTime) -> Self {
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

/// What must be true of a file at the moment of the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
        Err(Error::conflict(path, found))
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
