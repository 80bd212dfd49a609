//! `Volume`: what any place that holds whole files promises.
//!
//! Nothing that only a directory can do belongs in here: an object store takes
//! the same trait and the same [conformance suite](crate::author).

// First, for the macro that is in it.
#[macro_use]
mod delegate;

mod batch;
mod file_end;
mod precondition;
mod snapshot;

pub(crate) use batch::check_move;
pub use batch::{Batch, Change, Step};
pub use file_end::{FileEnd, Tail};
pub use precondition::Precondition;
pub use snapshot::Snapshot;

use crate::{Counters, Error, FilePath, Result, Version};
use std::sync::Arc;
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
/// - *no lost updates*: a precondition is checked and the change made in one step,
///   against all other threads and processes.
///
/// All calls may block on a disk; all may be made from many threads at once.
/// Readers never wait for writers. Dropping a volume may block as well; to learn whether all
/// went well in the end, [`close`](Volume::close) it.
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
    /// [`Error::NotFound`], [`Error::NotRegular`], [`Error::TooLarge`] (before anything is
    /// read), or [`Error::Io`].
    fn read(&self, path: &FilePath, max_bytes: u64) -> Result<Snapshot>;

    /// Size and time of last change.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::NotRegular`] or [`Error::Io`].
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
    /// [`Error::NotFound`], [`Error::NotRegular`] or [`Error::Io`].
    fn reader(&self, path: &FilePath) -> Result<Box<dyn Reader>>;

    /// How much the volume holds, as far as it knows: what other processes or
    /// people added may be missing for a while.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`].
    fn usage(&self) -> Result<Usage>;

    /// What this volume has done since it was opened, and what it is doing. A volume that
    /// does not count is put beneath a [`Counted`](crate::Counted).
    fn counters(&self) -> Counters;

    /// Closes the volume, for all that share it: it waits for calls that are under way, and
    /// puts all that is committed into the files themselves. Every call after that, and the
    /// commit of every writer that is still open, is an [`Error::Closed`]; a reader that is
    /// open can be read to its end. To close it again does nothing.
    ///
    /// Dropping a volume does the same, but has nobody to tell what fails.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if something that is committed could not be put into its file.
    /// It is durable all the same, and the next to open the volume finds it. The volume is
    /// closed in this case, too.
    fn close(&self) -> Result<()>;

    /// Whether there is a file at `path`.
    ///
    /// # Errors
    ///
    /// [`Error::NotRegular`]: what is not a file is not absent either. [`Error::Io`].
    fn exists(&self, path: &FilePath) -> Result<bool> {
        match self.stat(path) {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
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

    /// Leaves out the next `bytes` bytes, or all that are left if there are fewer. As it
    /// stands here it reads them; a reader that can do without should.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    fn skip(&mut self, mut bytes: u64) -> Result<()> {
        while bytes > 0 {
            let piece = self.read(bytes.min(MAX_SKIPPED_BYTES) as usize)?;
            if piece.is_empty() {
                break;
            }
            bytes = bytes.saturating_sub(piece.len() as u64);
        }
        Ok(())
    }
}

/// How many bytes a [`Reader`] that cannot skip reads at a time.
const MAX_SKIPPED_BYTES: u64 = 64 << 10;

/// How much a volume holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// The lengths of all files, in bytes.
    pub bytes: u64,
    /// The number of files.
    pub files: u64,
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
