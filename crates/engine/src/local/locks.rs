//! Locks across threads and processes: one writer of a path at a time, and the
//! peace that a batch needs in the tree of directories.
//!
//! A lock is a lock file of the system, so it dies with its process. Readers
//! never take one. The order, which nothing may break: path locks, all at once;
//! then the structure lock. Who holds any of them must not wait for the gate of
//! the sessions.

use super::directory::{Directory, Lock};
use super::kept::Kept;
use super::unique;
use crate::FilePath;
use crate::path::folded;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many path locks there are; about one path in so many shares its lock with
/// a given other. The lock files are created, empty, when first needed.
const SHARDS: u64 = 256;

const STRUCTURE: &str = "structure";

/// How many lock files of each volume are kept open.
const KEPT: usize = 32;

pub(crate) struct Locks<D: Directory> {
    directory: D,
    /// Locks that nobody holds, to be taken again without opening a file. One of each
    /// at most: while one thread has it, another opens its own, for a lock belongs to
    /// what was opened.
    idle: Mutex<Kept<String, Idle<D>>>,
}

type Idle<D> = <<D as Directory>::Lock as Lock>::Idle;

/// The locks of some paths. Their marks name a session whose batch over these
/// paths was published and not finished.
pub(crate) struct Held<'a, D: Directory> {
    locks: Vec<(String, D::Lock)>,
    owner: &'a Locks<D>,
}

impl<D: Directory> Locks<D> {
    pub(crate) fn new(directory: D) -> Self {
        Self {
            directory,
            idle: Mutex::new(Kept::new(KEPT)),
        }
    }

    pub(crate) fn lock_all<'a>(
        &self,
        paths: impl IntoIterator<Item = &'a FilePath>,
    ) -> io::Result<Held<'_, D>> {
        // Sorted, so that two who want the same locks cannot wait for each other.
        let shards: BTreeMap<String, ()> =
            paths.into_iter().map(|path| (shard_of(path), ())).collect();
        let mut held = Held {
            locks: Vec::with_capacity(shards.len()),
            owner: self,
        };
        for (shard, ()) in shards {
            let lock = self.lock_again(&shard)?;
            held.locks.push((shard, lock));
        }
        Ok(held)
    }

    fn lock_again(&self, shard: &str) -> io::Result<D::Lock> {
        let idle = self.idle().take(shard);
        if let Some(idle) = idle
            && let Some(lock) = D::lock_again(idle)?
        {
            return Ok(lock);
        }
        self.directory.lock(shard)
    }

    fn idle(&self) -> MutexGuard<'_, Kept<String, Idle<D>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lock_shard(&self, shard: &str) -> io::Result<D::Lock> {
        self.directory.lock(shard)
    }

    pub(crate) fn try_lock_shard(&self, shard: &str) -> io::Result<Option<D::Lock>> {
        self.directory.try_lock(shard)
    }

    /// Whether nobody has this lock, which says how a volume is open.
    pub(crate) fn is_free(&self, mode: &str) -> io::Result<bool> {
        Ok(self.directory.try_lock(mode)?.is_some())
    }

    /// Takes it, with all others who open the volume in this way.
    pub(crate) fn share(&self, mode: &str) -> io::Result<D::Lock> {
        self.directory.lock_shared(mode)
    }

    /// While it is held, no directory of the volume is made or removed.
    pub(crate) fn structure_shared(&self) -> io::Result<D::Lock> {
        self.directory.lock_shared(STRUCTURE)
    }

    /// To make or remove directories.
    pub(crate) fn structure_exclusive(&self) -> io::Result<D::Lock> {
        self.directory.lock(STRUCTURE)
    }
}

impl<D: Directory> Held<'_, D> {
    /// The session that left a batch over these paths unfinished, if one did.
    pub(crate) fn unfinished(&self) -> io::Result<Option<String>> {
        for (_, lock) in &self.locks {
            // A power cut may leave anything of a mark. Then whoever opened the
            // volume has finished all batches, and the mark means nothing.
            let mark = String::from_utf8(lock.mark()?).unwrap_or_default();
            if unique::is_name(&mark) {
                return Ok(Some(mark));
            }
        }
        Ok(None)
    }

    /// Whether there may be a record in the journal of appends of this path's lock.
    pub(crate) fn may_have_appends(&self, path: &FilePath) -> io::Result<bool> {
        Ok(!self.lock_of(path)?.is_blank()?)
    }

    /// To be called before such a record is written, so that the next to hold the lock
    /// looks for it.
    pub(crate) fn will_have_appends(&self, path: &FilePath) -> io::Result<()> {
        let lock = self.lock_of(path)?;
        match lock.is_blank()? {
            true => lock.set_mark(b""),
            false => Ok(()),
        }
    }

    fn lock_of(&self, path: &FilePath) -> io::Result<&D::Lock> {
        let shard = shard_of(path);
        let place = self.locks.binary_search_by(|(held, _)| held.cmp(&shard));
        let (_, lock) = place
            .ok()
            .and_then(|place| self.locks.get(place))
            .ok_or_else(|| io::Error::other("the lock of a path is not held"))?;
        Ok(lock)
    }

    /// Takes back what says that this session left a batch unfinished, and nothing
    /// that says so of another.
    pub(crate) fn forget(&self, session: &str) -> io::Result<()> {
        for (_, lock) in &self.locks {
            if lock.mark()? == session.as_bytes() {
                lock.set_mark(b"")?;
            }
        }
        Ok(())
    }

    /// Says which session is publishing a batch over these paths; `""` that none
    /// is.
    pub(crate) fn set_unfinished(&self, session: &str) -> io::Result<()> {
        self.locks
            .iter()
            .try_for_each(|(_, lock)| lock.set_mark(session.as_bytes()))
    }
}

impl<D: Directory> Drop for Held<'_, D> {
    fn drop(&mut self) {
        for (shard, lock) in self.locks.drain(..) {
            if let Some(idle) = lock.release() {
                self.owner.idle().put(shard, idle);
            }
        }
    }
}

/// The name of the lock of a path.
pub(crate) fn shard_of(path: &FilePath) -> String {
    let hash = blake3::hash(lock_key(path).as_bytes());
    let number = hash
        .as_bytes()
        .iter()
        .take(8)
        .fold(0u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("{:02x}", number % SHARDS)
}

/// Two spellings that one file system takes for the same file must share a
/// lock: those that differ in case and, on macOS, in Unicode normal form.
fn lock_key(path: &FilePath) -> String {
    let folded = folded(path.as_str());
    if cfg!(target_os = "macos") && !folded.is_ascii() {
        return path.parent().map_or_else(String::new, |p| lock_key(&p));
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_file_share_a_lock() {
        let path = |text| FilePath::new(text).expect("valid");
        assert_eq!(shard_of(&path("A/Ü.md")), shard_of(&path("a/ü.md")));
        assert_eq!(shard_of(&path("\u{17f}o\u{ad}")), shard_of(&path("SO")));
    }
}
