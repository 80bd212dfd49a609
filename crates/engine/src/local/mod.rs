//! `LocalVolume`: a directory whose files change whole, durably or not at all.
//!
//! | module | holds |
//! |---|---|
//! | `directory` | the seam: the system calls that a volume makes |
//! | `cap` | those calls, through `cap-std` |
//! | `tree` | finding, making and listing directories |
//! | `session` | what an opened volume has to itself; the sweep of dead ones |
//! | `locks` | one writer of a path at a time |
//! | `stage` | new contents on their way into the volume |
//! | `commit` | the protocol, step by step |
//! | `read` | what is there |
//!
//! Nothing outside `commit` may change a file of the volume.

mod cap;
mod commit;
mod directory;
mod locks;
mod read;
mod session;
mod stage;
mod tree;

use crate::path::PRIVATE_DIR;
use crate::volume::{FileInfo, Snapshot, Step, Volume};
use crate::{Error, FilePath, Limits, Result, Version};
use cap::CapDirectory;
use directory::{Access, Directory};
use locks::PathLocks;
use session::Session;
use std::fmt;
use std::io;
use std::path::Path;
use tree::Tree;

/// A directory of the host as a volume. Its files are plain files that any
/// program can read at any time; `.ability-storage/` in it belongs to the
/// volume.
///
/// Several processes may have one directory open as a volume at once. A process
/// that opens it removes what processes that died left behind.
///
/// What is not a regular file is not part of the volume: symbolic links are
/// never followed, and a write to a path where one is replaces it.
///
/// ```
/// use ability_storage_engine::{Change, FilePath, LocalVolume, Precondition, Volume};
///
/// let directory = tempfile::tempdir()?;
/// let volume = LocalVolume::open(directory.path())?;
/// let path = FilePath::new("settings.json")?;
///
/// let write = Change::Write { path: path.clone(), contents: b"{}".to_vec() };
/// volume.commit(write.only_if(Precondition::Absent))?;
/// assert_eq!(std::fs::read(directory.path().join("settings.json"))?, b"{}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct LocalVolume {
    local: Local<CapDirectory>,
}

/// How a [`LocalVolume`] is to be opened.
#[derive(Clone, Debug, Default)]
pub struct LocalVolumeOptions {
    limits: Limits,
    read_only: bool,
}

impl LocalVolumeOptions {
    /// What the volume may hold. Default: [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether the volume is for reading only; then nothing is written to the
    /// directory, not even `.ability-storage/`, and [`Volume::commit`] answers
    /// [`Error::ReadOnly`]. Default: `false`.
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// Opens the directory at `path`, which must exist.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if it does not exist, cannot be written to, or is
    /// on a file system without locks.
    pub fn open(self, path: impl AsRef<Path>) -> Result<LocalVolume> {
        let path = path.as_ref();
        let unavailable = |source| Error::Unavailable {
            what: format!("the directory {} could not be opened", path.display()),
            source,
        };
        let root = CapDirectory::open(path).map_err(unavailable)?;
        let local = Local::open(root, self).map_err(unavailable)?;
        Ok(LocalVolume { local })
    }
}

impl LocalVolume {
    /// Opens the directory at `path`, which must exist, with default options.
    ///
    /// # Errors
    ///
    /// See [`LocalVolumeOptions::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::options().open(path)
    }

    /// To open a directory with options that are not the defaults.
    pub fn options() -> LocalVolumeOptions {
        LocalVolumeOptions::default()
    }
}

impl fmt::Debug for LocalVolume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalVolume")
            .field("root", self.local.tree.root())
            .finish_non_exhaustive()
    }
}

impl Volume for LocalVolume {
    fn read(&self, path: &FilePath, max_bytes: u64) -> Result<Snapshot> {
        self.local.read(path, max_bytes)
    }

    fn stat(&self, path: &FilePath) -> Result<FileInfo> {
        self.local.stat(path)
    }

    fn list(&self, directory: Option<&FilePath>) -> Result<Vec<FilePath>> {
        self.local.list(directory)
    }

    fn commit(&self, step: Step) -> Result<Option<Version>> {
        self.local.commit(step)
    }
}

/// A volume over any [`Directory`].
struct Local<D: Directory> {
    tree: Tree<D>,
    limits: Limits,
    /// `None` if the volume is read-only.
    writing: Option<Writing<D>>,
}

/// What it takes to write.
struct Writing<D: Directory> {
    session: Session<D>,
    locks: PathLocks<D>,
}

impl<D: Directory> Local<D> {
    fn open(root: D, options: LocalVolumeOptions) -> io::Result<Self> {
        let writing = if options.read_only {
            None
        } else {
            Some(Writing::begin(&root)?)
        };
        Ok(Self {
            tree: Tree::new(root),
            limits: options.limits,
            writing,
        })
    }
}

impl<D: Directory> Writing<D> {
    fn begin(root: &D) -> io::Result<Self> {
        let private = root.open_or_create_dir(PRIVATE_DIR, Access::Private)?;
        Ok(Self {
            session: Session::begin(&private)?,
            locks: PathLocks::new(private.open_or_create_dir("locks", Access::Private)?),
        })
    }
}
