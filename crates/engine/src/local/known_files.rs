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

use super::directory::{Directory, FileHandle, Stat};
use super::lru::Lru;
use crate::{FilePath, Version};
use std::io;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How many files are remembered at least, of those written last; twice as many at
/// most.
const REMEMBERED: usize = 128;

/// The contents that a write is to give a file.
pub(crate) enum Wanted<'a> {
    Bytes(&'a [u8]),
    /// So many bytes of the version that is asked for, which are staged.
    Staged(u64),
}

/// Files that this session committed, as they were then.
pub(crate) struct KnownFiles {
    files: Mutex<Lru<FilePath, Known>>,
    tells_changes_apart: OnceLock<bool>,
    pub(super) slowest_tick: Duration,
}

/// A file that is durable, with its name.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) version: Version,
    pub(super) stat: Stat,
    pub(super) since: Instant,
    /// Whether no change since can have the same time as `stat`.
    pub(super) is_certain: bool,
}

impl KnownFiles {
    /// No clock of the file system ticks slower than this.
    pub(super) fn new(slowest_tick: Duration) -> Self {
        Self {
            files: Mutex::new(Lru::new(REMEMBERED)),
            tells_changes_apart: OnceLock::new(),
            slowest_tick,
        }
    }

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
            one.id().is_some()
                && one.id() == other.id()
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

    /// Whether the clock of the file system tells all changes apart. Found out once, when it
    /// first matters, by a file of this name.
    pub(super) fn tells_changes_apart(
        &self,
        directory: &impl Directory,
        name: impl FnOnce() -> String,
    ) -> io::Result<bool> {
        if let Some(known) = self.tells_changes_apart.get() {
            return Ok(*known);
        }
        let found = directory.tells_changes_apart(&name())?;
        Ok(*self.tells_changes_apart.get_or_init(|| found))
    }

    /// What is known of a file of this version.
    pub(super) fn get(&self, path: &FilePath, version: Version) -> Option<Known> {
        let known = self.files().get(path).copied();
        known.filter(|known| known.version == version)
    }

    pub(super) fn put(&self, path: &FilePath, known: Known) {
        self.files().put(path.clone(), known);
    }

    pub(super) fn forget(&self, path: &FilePath) {
        self.files().take(path);
    }

    fn files(&self) -> MutexGuard<'_, Lru<FilePath, Known>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wanted<'_> {
    /// Whether these are the contents of a file of so many bytes.
    pub(super) fn is_in(
        &self,
        file: &mut impl FileHandle,
        size: u64,
        version: Version,
    ) -> io::Result<bool> {
        match self {
            Wanted::Bytes(bytes) => has_just(file, bytes),
            Wanted::Staged(bytes) => Ok(*bytes == size && Version::of_reader(file)? == version),
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
