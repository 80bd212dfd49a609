//! Nothing changed, nothing written: a write of what is in the file already, and is
//! known to be on the disk, is acknowledged as it is.
//!
//! A session remembers of the files that it wrote last what they were when the commit
//! was settled. A later write of the same contents looks, under the path's lock,
//! whether all is still so. Each look has its reason:
//!
//! - *the version is the one that was committed*: what only happens to be in the file
//!   may be another's, written a moment ago and on no disk;
//! - *same file, size, times and number of names*: another process may have put
//!   another file there, with the same contents in the end, and died before it was
//!   durable; a program may have changed the file in place and back. The time of the
//!   last change of any kind is what no program can set;
//! - *only one name*: a second one (a hard link) is somebody's copy of the file as it
//!   is, which a write must leave alone from now on;
//! - *the bytes are the same*: so that a wrong answer about times costs no data;
//! - *the clock of the file system is fine enough*, see below.
//!
//! Where two changes in quick succession can have the same time, the first such write
//! syncs the file and its directory once more, long enough after the commit for every
//! later change to show.
//!
//! Anything that is not as remembered is written as usual. Nothing here may
//! acknowledge what a power cut could undo.

use super::commit::Writing;
use super::directory::{Directory, FileHandle, Stat};
use super::recent::Recent;
use super::unique;
use super::{Durability, Local};
use crate::volume::Precondition;
use crate::{Error, FilePath, Result, Version};
use std::io;
use std::slice;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How many files are remembered at least, of those written last; twice as many at
/// most.
const REMEMBERED: usize = 128;

/// No clock of a file system that keeps the promises ticks slower than this. Tests
/// want it to be over soon.
const SLOWEST_TICK: Duration = Duration::from_secs(if cfg!(test) { 0 } else { 2 });

/// The contents that a write is to give a file.
pub(crate) enum Wanted<'a> {
    Bytes(&'a [u8]),
    /// So many bytes of the version that is asked for, which are staged.
    Staged(u64),
}

/// Files that this session committed, as they were then.
pub(crate) struct Unchanged {
    files: Mutex<Recent<FilePath, Known>>,
    tells_changes_apart: OnceLock<bool>,
}

/// A file that is durable, with its name.
#[derive(Clone, Copy)]
struct Known {
    version: Version,
    stat: Stat,
    since: Instant,
    /// Whether no change since can have the same time as `stat`.
    is_certain: bool,
}

impl Default for Unchanged {
    fn default() -> Self {
        Self {
            files: Mutex::new(Recent::new(REMEMBERED)),
            tells_changes_apart: OnceLock::new(),
        }
    }
}

impl Unchanged {
    /// Remembers a file of this version that was published and settled at `path`, if it
    /// is `now` what it was when it was `completed`: nobody wrote to it since, or put
    /// another one there.
    pub(super) fn remember(
        &self,
        path: &FilePath,
        version: Version,
        completed: Option<Stat>,
        now: Option<Stat>,
    ) {
        let same_file = |one: &Stat, other: &Stat| {
            let id = |stat: &Stat| stat.stamp.map(|stamp| stamp.id());
            id(one).is_some()
                && id(one) == id(other)
                && one.modified == other.modified
                && one.size == other.size
        };
        let stat = now.filter(|now| completed.is_some_and(|completed| same_file(now, &completed)));
        match stat {
            Some(stat) => {
                let known = Known {
                    version,
                    stat,
                    since: Instant::now(),
                    is_certain: false,
                };
                self.put(path, known);
            }
            None => self.forget(path),
        }
    }

    /// What is known of a file of this version.
    fn get(&self, path: &FilePath, version: Version) -> Option<Known> {
        let known = self.files().get(path).copied();
        known.filter(|known| known.version == version)
    }

    fn put(&self, path: &FilePath, known: Known) {
        self.files().put(path.clone(), known);
    }

    fn forget(&self, path: &FilePath) {
        self.files().take(path);
    }

    fn files(&self) -> MutexGuard<'_, Recent<FilePath, Known>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Directory> Local<D> {
    /// Remembers a file as [`Unchanged::remember`] says.
    pub(super) fn remember(&self, path: &FilePath, version: Version, completed: Option<Stat>) {
        if self.durability != Durability::None {
            let now = self.tree.stat(path).ok().flatten();
            self.unchanged.remember(path, version, completed, now);
        }
    }

    /// Whether a write of this version has nothing to do. Takes the path's lock only
    /// if that may be so.
    pub(super) fn has_nothing_to_do(
        &self,
        writing: &Writing<D>,
        path: &FilePath,
        precondition: &Precondition,
        version: Version,
        wanted: &Wanted<'_>,
    ) -> Result<bool> {
        if self.unchanged.get(path, version).is_none() {
            return Ok(false);
        }
        let not_changed = |error| Error::not_changed(path, error);
        let unchanged = self.locked(writing, slice::from_ref(path), |held| {
            self.appends_settled(writing, held, path)
                .map_err(not_changed)?;
            precondition.check(path, || self.version(path))?;
            Ok(self.is_unchanged(writing, path, version, wanted))
        })?;
        if unchanged {
            self.observer.unchanged();
        }
        Ok(unchanged)
    }

    /// Whether the file at `path` is what is wanted, durably. The caller holds its
    /// lock, and its appends are settled. Whatever goes wrong here will show again when
    /// the file is written.
    pub(super) fn is_unchanged(
        &self,
        writing: &Writing<D>,
        path: &FilePath,
        version: Version,
        wanted: &Wanted<'_>,
    ) -> bool {
        let Some(known) = self.unchanged.get(path, version) else {
            return false;
        };
        let looked = self.look(writing, path, known, wanted);
        let is_unchanged = looked.unwrap_or_else(|error| {
            tracing::debug!(%path, %error, "a file is written though it may be unchanged");
            false
        });
        if !is_unchanged {
            self.unchanged.forget(path);
        }
        is_unchanged
    }

    fn look(
        &self,
        writing: &Writing<D>,
        path: &FilePath,
        known: Known,
        wanted: &Wanted<'_>,
    ) -> io::Result<bool> {
        let Ok(Some(place)) = self.tree.enter(path) else {
            return Ok(false);
        };
        let Some(mut file) = place.directory.open_file(path.name())? else {
            return Ok(false);
        };
        let now = Instant::now();
        if file.stat()? != known.stat || known.stat.links != 1 {
            return Ok(false);
        }
        if !wanted.is_in(&mut file, &known)? {
            return Ok(false);
        }
        if known.is_certain || self.tells_changes_apart(writing)? {
            return Ok(true);
        }
        file.sync()?;
        self.tree.settle(vec![place])?;
        let is_certain = now.duration_since(known.since) >= SLOWEST_TICK;
        self.unchanged.put(
            path,
            Known {
                is_certain,
                ..known
            },
        );
        Ok(true)
    }

    /// Found out once, when it first matters.
    fn tells_changes_apart(&self, writing: &Writing<D>) -> io::Result<bool> {
        if let Some(known) = self.unchanged.tells_changes_apart.get() {
            return Ok(*known);
        }
        let directory = writing.session.directory();
        let found = directory.tells_changes_apart(&unique::name())?;
        Ok(*self.unchanged.tells_changes_apart.get_or_init(|| found))
    }
}

impl Wanted<'_> {
    fn is_in(&self, file: &mut impl FileHandle, known: &Known) -> io::Result<bool> {
        match self {
            Wanted::Bytes(bytes) => has_just(file, bytes),
            Wanted::Staged(bytes) => {
                Ok(*bytes == known.stat.size && Version::of_reader(file)? == known.version)
            }
        }
    }
}

/// Whether a file consists of these bytes.
fn has_just(file: &impl FileHandle, bytes: &[u8]) -> io::Result<bool> {
    // Room for one byte more, which must not be there.
    let mut buffer = vec![0; bytes.len().min(CHUNK_BYTES) + 1];
    let mut chunks = bytes.chunks(CHUNK_BYTES).peekable();
    let mut offset = 0;
    if chunks.peek().is_none() {
        return Ok(file.read_all_at(&mut buffer, 0)? == 0);
    }
    while let Some(chunk) = chunks.next() {
        let more = usize::from(chunks.peek().is_none());
        let read = file.read_all_at(&mut buffer[..chunk.len() + more], offset)?;
        if read != chunk.len() || buffer[..read] != *chunk {
            return Ok(false);
        }
        offset += read as u64;
    }
    Ok(true)
}

const CHUNK_BYTES: usize = 64 << 10;
