//! `LocalVolume`: a directory whose files change whole, durably or not at all.
//!
//! | module | holds |
//! |---|---|
//! | `layout` | every name on the disk, and the format file |
//! | `directory` | the seam: the system calls that a volume makes |
//! | `cap` | those calls, through `cap-std` |
//! | `durability` | what a commit survives |
//! | `tree` | finding, making, syncing and walking directories; keeps those open that were used last |
//! | `walk` | going through directories with few of them open |
//! | `unreadable` | directories that may not be read |
//! | `dir_sync` | one sync of a directory for many commits |
//! | `unique_name` | names that were never given before |
//! | `session` | what an opened volume has to itself, and which sessions live |
//! | `locks` | one writer of a path at a time |
//! | `journal_mode` | all sessions have the volume open in the same way |
//! | `lru` | a bounded memory of what was needed last |
//! | `process_fds` | how many descriptors all volumes of the process may keep open |
//! | `fd_cache` | descriptors that stay open to be used again |
//! | `idle_sleep` | idle volumes sleep, so that they need few descriptors |
//! | `poison` | mutexes that go on after a panic |
//! | `stage` | new contents on their way into the volume |
//! | `direct` | the protocol for one write, rename or delete; `skip_write` in it: contents that the file has already |
//! | `commit_plan` | what the steps of a commit make of each path |
//! | `log` | commits through the log: appends, batches, and all of a journaled volume |
//! | `session_start` | beginning a session: what dead ones left is removed, and the log recovered |
//! | `occupied` | paths that something has which is not a file |
//! | `reader` | what it takes to read, and reading |
//! | `writer` | what it takes to write, and which protocol a commit takes |
//! | `stream` | writing piece by piece |
//! | `root_removed` | noticing that the directory was removed |
//! | `known_files` | a memory of durable files, so that equal contents are not written again |
//! | `commit_growth` | how many bytes and files a commit adds; `usage` decides whether there is room |
//! | `usage` | what there is and what is reserved, against the limits |
//! | `options` | how a volume is to be opened, and the defaults |
//!
//! Only `direct`, `log::apply`, `log::checkpoint_group` and `log::delete_on_full_disk` change files
//! of the volume.

mod cap;
mod commit_growth;
mod commit_plan;
#[cfg(test)]
mod crash_tests;
mod dir_sync;
#[cfg(test)]
mod dir_sync_tests;
mod direct;
mod directory;
mod durability;
#[cfg(test)]
mod fault_tests;
mod fd_cache;
mod idle_sleep;
mod journal_mode;
mod known_files;
#[cfg(test)]
mod known_files_tests;
pub(crate) mod layout;
#[cfg(test)]
mod lock_tests;
mod locks;
mod log;
mod lru;
mod occupied;
mod options;
mod poison;
mod process_fds;
mod reader;
mod root_removed;
mod session;
mod session_start;
#[cfg(test)]
mod sim;
mod stage;
mod stream;
#[cfg(test)]
pub(crate) mod testing;
mod tree;
mod unique_name;
mod unreadable;
mod usage;
mod walk;
mod writer;

use crate::author::{OpenCall, OpenCalls};
use crate::observe::{Counters, HostContext, Observer};
use crate::volume::Writer as VolumeWriter;
use crate::volume::{Batch, FileInfo, Reader as VolumeReader, Snapshot, Usage, Volume};
use crate::{Error, FilePath, Result, Version};
use cap::CapDirectory;
use directory::{Directory, unless_absent};
pub use durability::Durability;
use idle_sleep::Sleeper;
use known_files::KnownFiles;
use log::LogReader;
pub use options::LocalVolumeOptions;
use reader::Reader;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use stream::LocalWriter;
use tree::Tree;
use usage::Accounts;
use writer::Writer;

/// A directory of the host as a volume. Its files are plain files that any
/// program can read at any time; `.ability-storage/` in it belongs to the
/// volume.
///
/// Several processes may have one directory open as a volume at once. A process
/// that opens it removes what processes that died left behind.
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
    sleeper: Arc<Sleeper<CapDirectory>>,
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
        let sleeper = Sleeper::open(root, options).map_err(unavailable)?;
        Ok(LocalVolume { sleeper })
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
        self.sleeper.is_journaled()
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

    /// The volume, awake, for one call.
    fn local(&self) -> Result<Awake<'_>> {
        let lasting = self.sleeper.lasting();
        let call = lasting.calls.begin()?;
        let awake = self.sleeper.awake();
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

fn not_in_the_files(error: io::Error) -> Error {
    let what = "not all that is committed could be put into the files; it stays durable in the log of the volume";
    Error::unavailable(what, error)
}

impl Drop for LocalVolume {
    fn drop(&mut self) {
        self.sleeper.end();
    }
}

impl fmt::Debug for LocalVolume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalVolume")
            .field("root", &self.sleeper.lasting().root)
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
                let observed = self.sleeper.lasting().observer.batch(batch.steps());
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
        let lasting = self.sleeper.lasting();
        let syncs = lasting.root.syncs();
        match self.sleeper.if_awake() {
            Some(local) => local.counters(syncs),
            None => lasting.observer.counters(syncs),
        }
    }

    fn close(&self) -> Result<()> {
        match self.sleeper.lasting().calls.close() {
            true => self.sleeper.close().map_err(not_in_the_files),
            false => Ok(()),
        }
    }
}

/// What an open volume keeps from one session to the next.
pub(crate) struct Lasting<D: Directory> {
    root: Arc<D>,
    tree: Arc<Tree<D>>,
    accounts: Arc<Accounts>,
    observer: Arc<Observer>,
    /// The host's, of when the volume was opened.
    context: HostContext,
    calls: Arc<OpenCalls>,
    known_files: Arc<KnownFiles>,
    options: LocalVolumeOptions,
}

impl<D: Directory> Lasting<D> {
    fn new(root: D, options: LocalVolumeOptions) -> Self {
        let root = Arc::new(root);
        let observer = Observer::named(options.name.clone(), options.ability.clone());
        Self {
            tree: Arc::new(Tree::new(root.clone(), options.durability)),
            root,
            accounts: Arc::default(),
            context: HostContext::within(observer.span()),
            observer: Arc::new(observer),
            calls: Arc::default(),
            known_files: Arc::new(KnownFiles::new(options.tuning.slowest_tick)),
            options,
        }
    }
}

/// A volume over any [`Directory`], for the time of one session.
pub(crate) struct Local<D: Directory> {
    reader: Arc<Reader<D>>,
    accounts: Arc<Accounts>,
    observer: Arc<Observer>,
    /// `None` if the volume is read-only.
    writer: Option<Arc<Writer<D>>>,
}

impl<D: Directory> Local<D> {
    #[cfg(test)]
    fn open(root: D, options: LocalVolumeOptions) -> io::Result<Self> {
        Self::begin(&Lasting::new(root, options))
    }

    /// Begins a session, unless the volume is read-only.
    fn begin(lasting: &Lasting<D>) -> io::Result<Self> {
        let Lasting {
            root,
            tree,
            options,
            ..
        } = lasting;
        let log = LogReader::new(tree.clone(), root.clone(), options.tuning.sizes);
        let reader = Arc::new(Reader {
            tree: tree.clone(),
            log: Arc::new(log),
            limits: options.limits.clone(),
        });
        let writer = if options.read_only {
            if let Some(private) = unless_absent(root.open_dir(layout::PRIVATE_DIR))? {
                layout::check_readable(&private)?;
            }
            None
        } else {
            Some(Arc::new(session_start::begin(&reader, lasting)?))
        };
        Ok(Self {
            reader,
            accounts: lasting.accounts.clone(),
            observer: lasting.observer.clone(),
            writer,
        })
    }

    fn is_journaled(&self) -> bool {
        let writer = self.writer.as_ref();
        writer.is_some_and(|writer| !writer.log.publishes_immediately())
    }

    /// Puts all that is committed into the files, durably.
    fn checkpoint(&self) -> io::Result<()> {
        match &self.writer {
            Some(writer) => writer.log.checkpoint_all(),
            None => Ok(()),
        }
    }

    fn warn_of_no_sleep(&self, error: &io::Error) {
        let what =
            "an idle volume keeps its descriptors, for its log could not be put into its files";
        if let Some(writer) = &self.writer {
            writer.log.warn(what, None, error);
        }
    }

    /// Does so for the last time.
    fn finish(&self) -> io::Result<()> {
        match &self.writer {
            Some(writer) => writer.log.close(),
            None => Ok(()),
        }
    }

    /// Does so for the last time before the session ends, unless another session would have
    /// to be waited for. Returns whether it was done.
    fn try_finish(&self) -> io::Result<bool> {
        match &self.writer {
            Some(writer) => writer.log.try_finish(),
            None => Ok(true),
        }
    }

    fn commit(&self, batch: Batch) -> Result<Vec<Option<Version>>> {
        let observed = self.observer.batch(batch.steps());
        let _span = observed.span().entered();
        let result = match &self.writer {
            Some(writer) => writer
                .commit(batch.steps())
                .map_err(|error| writer.change_error(error)),
            None => Err(self.reader.read_error(Error::ReadOnly)),
        };
        observed.committed(&result);
        result
    }

    fn writer(&self, path: &FilePath) -> Result<Box<dyn VolumeWriter>> {
        let Some(writer) = &self.writer else {
            self.reader.limits.check_path(path)?;
            return Err(self.reader.read_error(Error::ReadOnly));
        };
        let stream = LocalWriter::open(writer.clone(), path);
        let stream = stream.map_err(|error| writer.change_error(error))?;
        Ok(Box::new(stream))
    }

    fn counters(&self, syncs: u64) -> Counters {
        let lag = self.reader.log.lag();
        Counters {
            log_records: lag.records,
            log_bytes: lag.bytes,
            ..self.observer.counters(syncs)
        }
    }

    fn usage(&self) -> Result<Usage> {
        let usage = self.accounts.usage(&self.reader.inventory());
        usage.map_err(|source| {
            Error::unavailable("the files of the volume cannot be counted", source)
        })
    }
}
