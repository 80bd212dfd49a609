//! Following the log, and reading the volume through it: what a path has at this moment,
//! by the log, or else in the files.
//!
//! A file that is looked at may be checkpointed meanwhile, and replaced. So a reader that
//! opens one looks into the pending state before and after: only if both say the same does
//! it have one version of the file, whole.

use super::super::directory::{Directory, FileHandle, Kind, Stat};
use super::super::occupied;
use super::super::poison::lock;
use super::super::session::{SessionTag, Sessions};
use super::super::tree::Tree;
use super::Sizes;
use super::append_base::{OnDisk, compare_with_log, ends_with_chunks, has_beginning};
use super::entry::Entry;
use super::log_pair::LogPair;
use super::opened_file::{Opened, Pieces, opened_pieces, pieces_behind};
use super::origin;
use super::pending::Pending;
use super::record::Publication;
use crate::{FilePath, Version};
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

/// How often a reader looks again because of commits that came in between.
const LOOKS: usize = 10_000;

/// The part of the log that follows it; all that a volume needs that is only read.
pub(crate) struct LogReader<D: Directory> {
    tree: Arc<Tree<D>>,
    state: Mutex<State<D>>,
    sizes: Sizes,
    /// `None` in a volume that is read-only.
    sessions: OnceLock<Arc<Sessions<D>>>,
}

pub(super) struct State<D: Directory> {
    pub(super) logs: LogPair<D>,
    pub(super) pending: Pending,
    /// Whether a sync of a log file failed: what is in it is on no disk, whatever a later
    /// sync of that file says.
    pub(super) is_suspect: bool,
}

/// What the log says of a path at one moment.
struct Look {
    entry: Option<Arc<Entry>>,
    publications: u64,
    given_up: u64,
}

impl Look {
    fn is_the_same(&self, before: &Look) -> bool {
        match (&self.entry, &before.entry) {
            (None, None) => self.given_up == before.given_up,
            (Some(one), Some(other)) => {
                Arc::ptr_eq(one, other) && self.publications == before.publications
            }
            _ => false,
        }
    }
}

impl<D: Directory> LogReader<D> {
    pub(crate) fn new(tree: Arc<Tree<D>>, root: Arc<D>, sizes: Sizes) -> Self {
        Self {
            tree,
            state: Mutex::new(State {
                logs: LogPair::new(root, None, sizes),
                pending: Pending::default(),
                is_suspect: false,
            }),
            sizes,
            sessions: OnceLock::new(),
        }
    }

    pub(super) fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// The log files and the pending state, with all that any session has written.
    pub(super) fn up_to_date(&self) -> io::Result<MutexGuard<'_, State<D>>> {
        let mut state = self.state();
        let State { logs, pending, .. } = &mut *state;
        logs.follow(pending)?;
        Ok(state)
    }

    /// Applies all that any session has written.
    pub(crate) fn follow(&self) -> io::Result<()> {
        self.up_to_date().map(drop)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State<D>> {
        lock(&self.state)
    }

    /// The file at `path` with its length; `None` if there is none.
    pub(crate) fn open_current(
        &self,
        path: &FilePath,
    ) -> io::Result<Option<(Opened<D::File>, Stat)>> {
        let mut before = self.look(path)?;
        for _ in 0..LOOKS {
            let opened = self.open_as(path, before.entry.as_deref());
            let after = self.look(path)?;
            if after.is_the_same(&before) {
                return opened;
            }
            before = after;
        }
        Err(ErrorKind::ResourceBusy.into())
    }

    /// The file at `path`, if this is what the log says of it.
    pub(super) fn open_as(
        &self,
        path: &FilePath,
        entry: Option<&Entry>,
    ) -> io::Result<Option<(Opened<D::File>, Stat)>> {
        let entry = match entry {
            // In an entry that is published, an outside change of the file counts, too.
            Some(entry) if !entry.is_published() => entry,
            _ => return self.open_on_disk(path),
        };
        let Some(file) = &entry.file else {
            let plain = self.open_plain(path)?;
            return Ok(plain.filter(|(_, stat)| self.is_followed(path, entry, stat)));
        };
        let Some(beginning) = &file.beginning else {
            let pieces = Pieces::of_chunks(file);
            return Ok(Some((Opened::Pieces(pieces), file.stat())));
        };
        if let Some(name) = &beginning.staged
            && let Some(directory) = self.state().logs.directory()?
            && let Some(staged) = directory.open_file(name)?
        {
            let stat = staged.stat_when_opened()?;
            if stat.size == beginning.bytes {
                return Ok(Some((opened_pieces(staged, beginning, file), file.stat())));
            }
            if directory.stat(name)?.is_some() {
                // Another program has changed it under its old name.
                return Ok(Some(pieces_behind(Some((staged, stat)), file)));
            }
            // A checkpoint has given it its place, and has added to it.
        }
        let Some((Opened::File(plain), stat)) = self.open_plain(path)? else {
            // What is to be added makes a new file.
            let adds = file.has_chunks() && entry.publication == Publication::Deferred;
            return Ok(adds.then(|| pieces_behind(None, file)));
        };
        let is_longer = match entry.publication {
            Publication::Immediate => stat.size > file.bytes,
            // What another program added comes before what the log holds.
            Publication::Deferred => false,
        };
        let is_changed = match file.has_chunks() {
            true => matches!(
                compare_with_log(&plain, &stat, beginning, file)?,
                OnDisk::Changed
            ),
            false => !has_beginning(&plain, &stat, beginning)?,
        };
        if is_longer || is_changed {
            let adds = file.has_chunks()
                && entry.publication == Publication::Deferred
                && !ends_with_chunks(&plain, &stat, file)?;
            return Ok(Some(match adds {
                true => pieces_behind(Some((plain, stat)), file),
                false => (Opened::File(plain), stat),
            }));
        }
        Ok(Some((opened_pieces(plain, beginning, file), file.stat())))
    }

    /// Whether another program has made this file where the entry has removed one, or moved it
    /// back there: then it stays.
    pub(super) fn is_followed(&self, path: &FilePath, entry: &Entry, on_disk: &Stat) -> bool {
        if !entry.removes_at_once() {
            return false;
        }
        let home = (self.root_inode(), self.is_copied());
        let state = self.state();
        if state.pending.former_files.has(path, home, on_disk) {
            let renamed = state.pending.staged_file(on_disk.inode());
            drop(state);
            let is_gone = |(target, name): &(FilePath, String)| self.is_gone(target, name);
            return home.1 == Some(false) && renamed.as_ref().is_some_and(is_gone);
        }
        drop(state);
        // A checkpoint may have put a copy into the place of what records name, which a power
        // cut may bring back. Of a session that lives, the removal was made.
        entry.is_before(on_disk) || self.is_living(entry.session)
    }

    /// Whether a file that the log has moved to `target` is not under the name that it was
    /// staged by, and nothing is at `target`: another program has moved it on. What is at
    /// `target` may be a copy of it that a checkpoint has put there.
    fn is_gone(&self, target: &FilePath, name: &str) -> bool {
        let is_gone = || -> io::Result<bool> {
            let Some(directory) = self.state().logs.directory()? else {
                return Ok(false);
            };
            Ok(self.tree.stat(target)?.is_none() && directory.stat(name)?.is_none())
        };
        is_gone().unwrap_or(false)
    }

    fn is_copied(&self) -> Option<bool> {
        let directory = self.state().logs.directory().ok().flatten()?;
        origin::is_copied(&*directory).ok().flatten()
    }

    fn is_living(&self, session: SessionTag) -> bool {
        let sessions = self.sessions.get();
        sessions.is_some_and(|sessions| sessions.is_alive_by_tag(session).unwrap_or(false))
    }

    /// Which sessions live can be asked from now on.
    pub(super) fn share_sessions(&self, sessions: &Arc<Sessions<D>>) {
        // One reader has one writer at a time, and both know the same sessions.
        let _ = self.sessions.set(sessions.clone());
    }

    /// The inode of the directory of the volume; 0 where that is not known.
    pub(super) fn root_inode(&self) -> u64 {
        let id = self.tree.root().id();
        id.ok().flatten().map_or(0, |(_, inode)| inode)
    }

    /// The file at `path`, which the disk governs; `None` if there is none.
    fn open_on_disk(&self, path: &FilePath) -> io::Result<Option<(Opened<D::File>, Stat)>> {
        let opened = self.open_plain(path)?;
        if opened.is_none() {
            occupied::stat_file(&self.tree, path)?;
        }
        Ok(opened)
    }

    fn open_plain(&self, path: &FilePath) -> io::Result<Option<(Opened<D::File>, Stat)>> {
        let Some(file) = self.tree.open_file(path)? else {
            return Ok(None);
        };
        let stat = file.stat_when_opened()?;
        Ok(Some((Opened::File(file), stat)))
    }

    /// What kind of file a path is, with its length; `None` if there is no file. For the
    /// holder of the path's lock, or of the writer lock in a volume whose files follow
    /// later.
    pub(crate) fn stat_current(&self, path: &FilePath) -> io::Result<Option<Stat>> {
        // In an entry that is published, an outside change of the file counts, too.
        let entry = self.entry(path).filter(|entry| !entry.is_published());
        let Some(entry) = entry else {
            return occupied::stat_file(&self.tree, path);
        };
        if entry.publication == Publication::Deferred
            && let Some(plain) = self.stat_beginning(path, &entry)?
            && let Some(file) = &entry.file
        {
            let mode = file.mode.or(plain.mode);
            return Ok(Some(Stat {
                mode,
                ..file.stat()
            }));
        }
        let Some((_, stat)) = self.open_as(path, Some(&entry))? else {
            return Ok(None);
        };
        if stat.mode.is_some() {
            return Ok(Some(stat));
        }
        // What a person made of the permissions counts until it is replaced.
        let mode = self.tree.stat(path)?.and_then(|plain| plain.mode);
        Ok(Some(Stat { mode, ..stat }))
    }

    /// What the disk has at `path`, if the log adds to that, and it is as long as it was when
    /// the log began to.
    pub(super) fn stat_beginning(
        &self,
        path: &FilePath,
        entry: &Entry,
    ) -> io::Result<Option<Stat>> {
        let file = entry.file.as_ref().filter(|file| file.has_chunks());
        let Some(beginning) = file.and_then(|file| file.beginning.as_ref()) else {
            return Ok(None);
        };
        if beginning.staged.is_some() || beginning.inode == 0 {
            return Ok(None);
        }
        let plain = self.tree.stat(path)?;
        Ok(plain.filter(|plain| {
            plain.kind == Kind::File
                && plain.inode() == beginning.inode
                && plain.size == beginning.bytes
        }))
    }

    pub(super) fn entry(&self, path: &FilePath) -> Option<Arc<Entry>> {
        self.state().pending.get(path)
    }

    /// The version of a file that the log has, where it is known.
    pub(crate) fn known_version(&self, path: &FilePath) -> io::Result<Option<Version>> {
        let entry = self.look(path)?.entry;
        let entry = entry.filter(|entry| !entry.is_published());
        Ok(entry.and_then(|entry| entry.file.as_ref()?.version))
    }

    /// Whether the log governs any of these paths, or what is above or beneath them.
    pub(crate) fn governs<'a>(
        &self,
        paths: impl IntoIterator<Item = &'a FilePath>,
    ) -> io::Result<bool> {
        let state = self.up_to_date()?;
        Ok(paths.into_iter().any(|path| state.pending.governs(path)))
    }

    /// The same by what this session has seen so far, without a look at the log files.
    pub(crate) fn is_known_to_govern(&self, path: &FilePath) -> bool {
        self.state().pending.governs(path)
    }

    /// The number of the last record that is known.
    pub(crate) fn last(&self) -> u64 {
        self.state().logs.last()
    }

    fn look(&self, path: &FilePath) -> io::Result<Look> {
        let state = self.up_to_date()?;
        let entry = state.pending.get(path);
        Ok(Look {
            publications: entry.as_ref().map_or(0, |entry| entry.publications()),
            entry,
            given_up: state.pending.given_up(),
        })
    }
}
