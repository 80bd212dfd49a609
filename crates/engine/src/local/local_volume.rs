//! `LocalVolume`: what a host holds of a volume in a directory.

use super::cap::CapDirectory;
use super::idle_sleep::{self, Sleeper};
use super::options::LocalVolumeOptions;
use super::per_process::PerProcess;
use super::{Local, not_in_the_files, root_removed};
use crate::author::OpenCall;
use crate::observe::Counters;
use crate::volume::{
    Batch, FileInfo, Reader as VolumeReader, Snapshot, Usage, Volume, Writer as VolumeWriter,
};
use crate::{Error, FilePath, Result, Version};
use std::fmt;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

/// A directory of the host as a volume. Its files are plain files that any
/// program can read at any time; `.ability-storage/` in it belongs to the
/// volume.
///
/// Several processes may have one directory open as a volume at once. A process
/// that opens it removes what processes that died left behind.
///
/// A child of `fork` that runs no other program may use a volume of its parent: its first call
/// begins a session of its own. Writers that were open are refused there. As long as such a child
/// lives, it keeps what its parent had locked at the moment of the fork, so that nobody gets these
/// locks if the parent is killed; a host that forks should do so before it opens volumes.
///
/// What is not a regular file is not part of the volume and not listed: symbolic links are
/// never followed. It is not absent either: to read, write, rename or delete a path that a
/// symbolic link, a pipe, a socket or a device has is an [`Error::NotRegular`], so that nothing
/// is replaced that could not be read.
///
/// ```
/// use ability_storage_engine::{Change, FilePath, LocalVolume, Precondition, Volume};
///
/// let directory = tempfile::tempdir()?;
/// let volume = LocalVolume::open(directory.path())?;
/// let path = FilePath::new("settings.json")?;
///
/// let write = Change::write(path.clone(), b"{}");
/// volume.commit(write.only_if(Precondition::Absent).into())?;
/// assert_eq!(std::fs::read(directory.path().join("settings.json"))?, b"{}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct LocalVolume {
    sleeper: PerProcess<Arc<Sleeper<CapDirectory>>>,
}

impl LocalVolumeOptions {
    /// Opens the directory at `path`, which must exist.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if it does not exist, cannot be written to, or is
    /// on a file system without locks.
    pub fn open(self, path: impl AsRef<Path>) -> Result<LocalVolume> {
        let path = path.as_ref();
        let what = || format!("the directory {} could not be opened", path.display());
        let unavailable = |error| Error::unavailable(what(), error);
        idle_sleep::make_room();
        let root = CapDirectory::open(path, self.durability).map_err(unavailable)?;
        let mut options = self;
        options.name = path.display().to_string();
        let shares_quota = options.shared_quota().is_some();
        if shares_quota {
            options.directory = path.canonicalize().map_err(unavailable)?;
        }
        let sleeper = Sleeper::open(root, options).map_err(unavailable)?;
        let sleeper = PerProcess::new(sleeper);
        let volume = LocalVolume { sleeper };
        if shares_quota {
            volume.usage()?;
        }
        Ok(volume)
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

    /// Whether commits go into a [journal](LocalVolumeOptions::journaled) first.
    pub fn is_journaled(&self) -> bool {
        self.sleeper().is_journaled()
    }

    /// Puts all that is committed into the files themselves, and makes that durable:
    /// for a backup, say, or before another program reads them.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if that is not possible for some file; what is committed
    /// stays so.
    pub fn checkpoint(&self) -> Result<()> {
        let local = self.local()?;
        let _span = local.observer.span().entered();
        local.checkpoint().map_err(not_in_the_files)
    }

    /// To open a directory with options that are not the defaults.
    pub fn options() -> LocalVolumeOptions {
        LocalVolumeOptions::default()
    }

    /// That of this process.
    fn sleeper(&self) -> &Arc<Sleeper<CapDirectory>> {
        self.sleeper.get(|parents| Arc::new(parents.in_child()))
    }

    /// The volume, awake, for one call.
    fn local(&self) -> Result<Awake<'_>> {
        let sleeper = self.sleeper();
        let lasting = sleeper.lasting();
        let call = lasting.calls.begin()?;
        let awake = sleeper.awake();
        let local = awake.map_err(|error| root_removed::wake_error(&*lasting.root, error))?;
        Ok(Awake { local, _call: call })
    }
}

/// A volume that is awake, for one call.
struct Awake<'a> {
    // Before the call, whose end a `close` waits for.
    local: Arc<Local<CapDirectory>>,
    _call: OpenCall<'a>,
}

impl Deref for Awake<'_> {
    type Target = Local<CapDirectory>;

    fn deref(&self) -> &Self::Target {
        &self.local
    }
}

impl Drop for LocalVolume {
    fn drop(&mut self) {
        if let Some(sleeper) = self.sleeper.if_made() {
            sleeper.end();
        }
        self.sleeper.keep_parents();
    }
}

impl fmt::Debug for LocalVolume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalVolume")
            .field("root", &self.sleeper().lasting().root)
            .finish_non_exhaustive()
    }
}

impl Volume for LocalVolume {
    fn read(&self, path: &FilePath, max_bytes: u64) -> Result<Snapshot> {
        let local = self.local()?;
        let reader = &local.reader;
        let snapshot = reader.read(path, max_bytes);
        snapshot.map_err(|error| reader.read_error(error))
    }

    fn stat(&self, path: &FilePath) -> Result<FileInfo> {
        let local = self.local()?;
        let reader = &local.reader;
        reader.stat(path).map_err(|error| reader.read_error(error))
    }

    fn list(&self, directory: Option<&FilePath>) -> Result<Vec<FilePath>> {
        let local = self.local()?;
        let _span = local.observer.span().entered();
        let reader = &local.reader;
        let files = reader.list(directory);
        let files = files.map_err(|error| reader.read_error(error))?;
        if files.is_empty() {
            reader.check_presence()?;
        }
        Ok(files)
    }

    fn commit(&self, batch: Batch) -> Result<Vec<Option<Version>>> {
        match self.local() {
            Ok(local) => local.commit(batch),
            Err(error) => {
                let observed = self.sleeper().lasting().observer.batch(batch.steps());
                let result = Err(error);
                observed.committed(&result);
                result
            }
        }
    }

    fn writer(&self, path: &FilePath) -> Result<Box<dyn VolumeWriter>> {
        let local = self.local()?;
        let _span = local.observer.span().entered();
        local.writer(path)
    }

    fn reader(&self, path: &FilePath) -> Result<Box<dyn VolumeReader>> {
        let local = self.local()?;
        let reader = &local.reader;
        reader
            .reader(path)
            .map_err(|error| reader.read_error(error))
    }

    fn usage(&self) -> Result<Usage> {
        let local = self.local()?;
        let _span = local.observer.span().entered();
        let usage = local.usage();
        usage.map_err(|error| local.reader.read_error(error))
    }

    fn counters(&self) -> Counters {
        let sleeper = self.sleeper();
        let lasting = sleeper.lasting();
        let syncs = lasting.root.syncs();
        match sleeper.if_awake() {
            Some(local) => local.counters(syncs),
            None => lasting.observer.counters(syncs),
        }
    }

    fn close(&self) -> Result<()> {
        let sleeper = self.sleeper();
        match sleeper.lasting().calls.close() {
            true => sleeper.close().map_err(not_in_the_files),
            false => Ok(()),
        }
    }
}
