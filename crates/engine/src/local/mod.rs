//! `LocalVolume`: a directory whose files change whole, durably or not at all.
//!
//! | module | holds |
//! |---|---|
//! | `directory` | the seam: the system calls that a volume makes |
//! | `cap` | those calls, through `cap-std` |
//! | `durability` | what a commit survives |
//! | `tree` | finding, making, settling and walking directories |
//! | `settling` | one sync of a directory for many commits |
//! | `unique` | names that nobody has given before |
//! | `session` | what an opened volume has to itself; finding dead ones |
//! | `locks` | one writer of a path at a time |
//! | `recent` | a bounded memory of what was needed last |
//! | `kept` | descriptors to use again |
//! | `exclusion` | working under locks, after finishing what others left |
//! | `stage` | new contents on their way into the volume |
//! | `commit` | the protocol for one change, step by step |
//! | `moving` | renaming and deleting |
//! | `record`, `journal` | records that are on the disk after one flush |
//! | `append` | growing a file in place, by way of a journal |
//! | `batch` | many changes as one, by way of a journal |
//! | `journaled` | the other way: all commits through one journal, the files later |
//! | `overlay` | what readers see while a batch is published |
//! | `read` | what is there |
//! | `presence` | noticing that the directory was removed |
//! | `writer` | writing piece by piece |
//! | `unchanged` | what need not be written, for it is there |
//! | `usage` | what there is, against the limits |
//! | `options` | how a volume is to be opened |
//!
//! Nothing outside `commit`, `moving`, `append` and `batch`, or in a journaled volume
//! `journaled`, may change a file of the volume.

mod append;
mod batch;
mod cap;
mod commit;
#[cfg(test)]
mod crash_tests;
mod directory;
mod durability;
mod exclusion;
#[cfg(test)]
mod fault_tests;
mod journal;
mod journaled;
mod kept;
#[cfg(test)]
mod lock_tests;
mod locks;
mod moving;
mod options;
mod overlay;
mod presence;
mod read;
mod recent;
mod record;
mod session;
mod settling;
#[cfg(test)]
mod settling_tests;
#[cfg(test)]
mod sim;
mod stage;
#[cfg(test)]
pub(crate) mod testing;
mod tree;
mod unchanged;
#[cfg(test)]
mod unchanged_tests;
mod unique;
mod usage;
mod writer;

use crate::observe::{Counters, Observed, Observer};
use crate::path::PRIVATE_DIR;
use crate::volume::{Batch, FileInfo, Reader, Snapshot, Step, Usage, Volume, Writer};
use crate::{Error, FilePath, Limits, Result, Version};
use append::Appends;
use batch::Journals;
use cap::CapDirectory;
use commit::Writing;
use directory::{Access, Directory, unless_absent};
pub use durability::Durability;
use journaled::{Journaled, Mode};
use locks::Locks;
pub use options::LocalVolumeOptions;
use overlay::Overlay;
use session::{Dead, Sessions};
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tree::Tree;
use unchanged::Unchanged;
use usage::Accounts;
use writer::LocalWriter;

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
/// volume.commit(write.only_if(Precondition::Absent).into())?;
/// assert_eq!(std::fs::read(directory.path().join("settings.json"))?, b"{}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct LocalVolume {
    local: Arc<Local<CapDirectory>>,
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
        self.local.writing.is_some() && self.local.journaled.is_some()
    }

    /// Puts all that is committed into the files themselves, and makes that durable:
    /// for a backup, say, or before another program reads them. Has nothing to do in a
    /// volume that is not [journaled](LocalVolumeOptions::journaled).
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]; what is committed stays so.
    pub fn settle(&self) -> Result<()> {
        match &self.local.journaled {
            Some(journaled) if self.is_journaled() => journaled
                .settle_all()
                .map_err(|error| Error::unavailable("its journal could not be settled", error)),
            _ => Ok(()),
        }
    }

    /// What this volume has done since it was opened.
    pub fn counters(&self) -> Counters {
        let local = &self.local;
        local.observer.counters(local.tree.root().syncs())
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
        let snapshot = self.local.read(path, max_bytes);
        snapshot.map_err(|error| self.local.read_error(error))
    }

    fn stat(&self, path: &FilePath) -> Result<FileInfo> {
        let info = self.local.stat(path);
        info.map_err(|error| self.local.read_error(error))
    }

    fn list(&self, directory: Option<&FilePath>) -> Result<Vec<FilePath>> {
        let files = self.local.list(directory);
        let files = files.map_err(|error| self.local.read_error(error))?;
        if files.is_empty() {
            self.local.check_presence()?;
        }
        Ok(files)
    }

    fn commit(&self, batch: Batch) -> Result<Vec<Option<Version>>> {
        self.local.commit(batch)
    }

    fn writer(&self, path: &FilePath) -> Result<Box<dyn Writer>> {
        let writer = LocalWriter::open(self.local.clone(), path);
        let writer = writer.map_err(|error| self.local.change_error(error))?;
        Ok(Box::new(writer))
    }

    fn reader(&self, path: &FilePath) -> Result<Box<dyn Reader>> {
        let reader = self.local.reader(path);
        reader.map_err(|error| self.local.read_error(error))
    }

    fn usage(&self) -> Result<Usage> {
        let usage = self.local.usage();
        usage.map_err(|error| self.local.read_error(error))
    }
}

/// A volume over any [`Directory`].
pub(crate) struct Local<D: Directory> {
    tree: Tree<D>,
    limits: Limits,
    durability: Durability,
    accounts: Arc<Accounts>,
    overlay: Overlay,
    observer: Observer,
    unchanged: Arc<Unchanged>,
    /// `None` if the volume is read-only and nothing was ever appended.
    appends: Option<Arc<Appends<D>>>,
    /// `None` if the volume is read-only.
    writing: Option<Writing<D>>,
    /// `None` if each commit is published at once.
    journaled: Option<Arc<Journaled<D>>>,
    /// Says to others which of the two it is.
    _mode: Option<Mode<D::Lock>>,
}

impl<D: Directory> Local<D> {
    fn open(root: D, options: LocalVolumeOptions) -> io::Result<Self> {
        let root = Arc::new(root);
        let tree = Tree::new(root.clone(), options.durability);
        let accounts = Arc::new(Accounts::default());
        let observer = Observer::default();
        let mut local = Self {
            tree,
            limits: options.limits,
            durability: options.durability,
            accounts,
            overlay: Overlay::default(),
            observer,
            unchanged: Arc::default(),
            appends: None,
            writing: None,
            journaled: None,
            _mode: None,
        };
        if options.read_only {
            local.appends = Self::appends_to_read(&root)?.map(Arc::new);
            local.journaled = Some(Journaled::open_to_read(&local.tree, root));
            return Ok(local);
        }
        let Local {
            tree,
            accounts,
            observer,
            ..
        } = &local;
        let (writing, mode) = Self::begin_writing(tree, accounts, observer, options.journaled)?;
        match mode {
            Mode::Plain(_) => local.appends = Some(writing.appends.clone()),
            Mode::Journaled(_) => {
                let staging = writing.session.directory().clone();
                let settle_after = options.settle_after;
                let unchanged = local.unchanged.clone();
                let journaled =
                    Journaled::open(&local.tree, root, staging, unchanged, settle_after)?;
                local.journaled = Some(journaled);
            }
        }
        local.writing = Some(writing);
        local._mode = Some(mode);
        Ok(local)
    }

    fn begin_writing(
        tree: &Tree<D>,
        accounts: &Arc<Accounts>,
        observer: &Observer,
        journaled: bool,
    ) -> io::Result<(Writing<D>, Mode<D::Lock>)> {
        let _span = tracing::debug_span!("recovery").entered();
        let private = tree
            .root()
            .open_or_create_dir(PRIVATE_DIR, Access::Private)?;
        let private = Arc::new(private);
        let sessions = Arc::new(Sessions::open(private.clone())?);
        let locks = Locks::new(private.open_or_create_dir("locks", Access::Private)?);
        let appends = Arc::new(Appends::new(private.clone())?);

        let gate = sessions.gate()?;
        for id in sessions.ids()? {
            if let Some(dead) = sessions.dead(&gate, &id)? {
                batch::recover(tree, &locks, &dead.directory)?;
                remove_dead(&sessions, &id, dead);
                observer.recovered();
            }
        }
        for _ in 0..appends.recover(tree, &locks)? {
            observer.recovered();
        }
        let (mode, settled) = journaled::enter(tree, &*private, &locks, journaled)?;
        if settled {
            observer.recovered();
        }
        let writing = Writing {
            session: sessions.begin(&gate)?,
            sessions,
            locks,
            appends,
            journals: Journals::default(),
            accounts: accounts.clone(),
        };
        Ok((writing, mode))
    }

    fn appends_to_read(root: &Arc<D>) -> io::Result<Option<Appends<D>>> {
        match unless_absent(root.open_dir(PRIVATE_DIR))? {
            Some(private) => Appends::existing(Arc::new(private)),
            None => Ok(None),
        }
    }

    fn commit(&self, batch: Batch) -> Result<Vec<Option<Version>>> {
        let observed = Observed::batch(batch.steps());
        let _span = observed.span().entered();
        let result = self.commit_steps(batch.into_steps());
        let result = result.map_err(|error| self.change_error(error));
        self.observer.committed(observed, &result);
        result
    }

    fn commit_steps(&self, mut steps: Vec<Step>) -> Result<Vec<Option<Version>>> {
        let writing = self.writing.as_ref().ok_or(Error::ReadOnly)?;
        if let Some(journaled) = &self.journaled {
            return self.commit_journaled(journaled, writing, steps);
        }
        if steps.len() > 1 {
            return self.commit_batch(writing, steps);
        }
        let version = steps.pop().map(|step| self.commit_one(writing, step));
        Ok(version.transpose()?.into_iter().collect())
    }

    fn usage(&self) -> Result<Usage> {
        let usage = self.accounts.usage(&self.inventory());
        usage.map_err(|source| Error::unavailable("its files cannot be counted", source))
    }
}

impl<D: Directory> Drop for Local<D> {
    fn drop(&mut self) {
        let Some(writing) = &self.writing else { return };
        if let Some(journaled) = &self.journaled {
            if let Err(error) = journaled.close() {
                tracing::warn!(%error, "the journal could not be settled; the next to open the volume will");
            }
            return;
        }
        if let Err(error) = self.finish_stuck(writing) {
            tracing::warn!(%error, "a batch could not be finished; the next to open the volume will");
            writing.session.leave_to_recovery();
        }
        if let Err(error) = writing.appends.close(&self.tree, &writing.locks) {
            tracing::warn!(%error, "appends could not be settled; the next to open the volume will");
        }
    }
}

/// What cannot be removed now is in nobody's way, and will be tried again.
fn remove_dead<D: Directory>(sessions: &Sessions<D>, id: &str, dead: Dead<D>) {
    match sessions.remove_dead(id, dead) {
        Ok(()) => tracing::info!(session = id, "removed what a dead session left"),
        Err(error) => {
            tracing::warn!(session = id, %error, "what a dead session left could not be removed");
        }
    }
}
