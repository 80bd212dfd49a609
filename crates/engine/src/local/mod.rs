//! `LocalVolume`: a directory whose files change whole, durably or not at all.
//!
//! | module | holds |
//! |---|---|
//! | `local_volume` | [`LocalVolume`], which is asleep or awake, open or closed |
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
//! | `per_process` | what a child of `fork` has to itself |
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
mod local_volume;
#[cfg(test)]
mod lock_tests;
mod locks;
mod log;
mod lru;
mod occupied;
mod options;
mod per_process;
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

use crate::author::OpenCalls;
use crate::observe::{Counters, HostContext, Observer};
use crate::volume::{Batch, Usage, Writer as VolumeWriter};
use crate::{Error, FilePath, Result, Version};
use cap::CapDirectory;
use directory::{Directory, unless_absent};
pub use durability::Durability;
use known_files::KnownFiles;
pub use local_volume::LocalVolume;
use log::LogReader;
pub use options::LocalVolumeOptions;
use reader::Reader;
use std::io;
use std::path::Path;
use std::sync::Arc;
use stream::LocalWriter;
use tree::Tree;
pub(crate) use usage::Accounts;
use writer::Writer;

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
        Self::over(Arc::new(root), options)
    }

    /// The same for a child of `fork`, which uses nothing of its parent that a thread of that
    /// may have held.
    fn in_child(&self) -> Self {
        let lasting = Self::over(self.root.clone(), self.options.clone());
        lasting.accounts.forget_parents();
        if self.calls.is_closed() {
            lasting.calls.close();
        }
        lasting
    }

    fn over(root: Arc<D>, options: LocalVolumeOptions) -> Self {
        let observer = Observer::named(options.name.clone(), options.ability.clone());
        Self {
            tree: Arc::new(Tree::new(root.clone(), options.durability)),
            root,
            accounts: options.accounts(),
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

/// Counts a volume that is not open here.
pub(crate) fn count(path: &Path) -> io::Result<Usage> {
    let options = LocalVolumeOptions::default().read_only(true);
    let root = CapDirectory::open(path, options.durability)?;
    let local = Local::begin(&Lasting::new(root, options))?;
    local.accounts.usage(&local.reader.inventory())
}

/// Makes the directory of a volume, for the group too if it shares the directory above.
pub(crate) fn create_directory(above: &Path, name: &str) -> io::Result<()> {
    let above = CapDirectory::open(above, LocalVolumeOptions::default().durability)?;
    above.create_dir(name, directory::Access::Usual)
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

fn not_in_the_files(error: io::Error) -> Error {
    let what = "not all that is committed could be put into the files; it stays durable in the log of the volume";
    Error::unavailable(what, error)
}
