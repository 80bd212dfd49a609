//! Locks across threads and processes: one writer of a path at a time, and the
//! peace that a batch needs in the tree of directories.
//!
//! A lock is a lock file of the system, so it dies with its process. Readers take none, but
//! for a list that checkpoints outrun (`log/look_at_all`), which never waits for it for ever.
//! Locks are taken in this order, which nothing may break:
//!
//! 1. the lock of checkpoints (`log/checkpoint`);
//! 2. path locks, all at once;
//! 3. the structure lock;
//! 4. the writer lock of the log (`log/writer_lock`);
//! 5. the lock for syncs of the log (`log/sync`);
//! 6. the state of the log in memory (`log/reader`).
//!
//! The holder of any of them must not wait for the gate of the sessions.

use super::directory::{Directory, Lock};
use super::fd_cache::FdCache;
use super::layout::STRUCTURE;
use crate::FilePath;
use crate::path::folded;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use unicode_normalization::UnicodeNormalization;

/// How many path locks there are; about one path in 128 shares its lock with a given
/// other. The lock files are created, empty, when first needed. A batch holds at most all
/// of them open, which must leave a process with the usual limits descriptors to work with.
const SHARDS: u64 = 128;

/// How many lock files of each volume are kept open.
const MAX_IDLE_LOCK_FILES: usize = 32;

pub(crate) struct Locks<D: Directory> {
    directory: D,
    /// Locks that nobody holds, to be taken again without opening a file. One of each
    /// at most: while one thread has it, another opens its own, for a lock belongs to
    /// what was opened.
    idle: Mutex<FdCache<String, Idle<D>>>,
}

type Idle<D> = <<D as Directory>::Lock as Lock>::Idle;

/// Some locks, which are kept open when they are given back.
pub(crate) struct Held<'a, D: Directory> {
    locks: Vec<(String, D::Lock)>,
    owner: &'a Locks<D>,
}

impl<D: Directory> Locks<D> {
    pub(crate) fn new(directory: D) -> Self {
        Self {
            directory,
            idle: Mutex::new(FdCache::new(MAX_IDLE_LOCK_FILES)),
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
            let lock = self.take(&shard, D::lock_again, D::lock)?;
            held.locks.push((shard, lock));
        }
        Ok(held)
    }

    /// Takes a lock with what it left here, if that is still good.
    fn take(
        &self,
        name: &str,
        again: impl Fn(&D, &str, Idle<D>) -> io::Result<Option<D::Lock>>,
        anew: impl Fn(&D, &str) -> io::Result<D::Lock>,
    ) -> io::Result<D::Lock> {
        let idle = self.idle().take(name);
        if let Some(idle) = idle
            && let Some(lock) = again(&self.directory, name, idle)?
        {
            return Ok(lock);
        }
        anew(&self.directory, name)
    }

    fn idle(&self) -> MutexGuard<'_, FdCache<String, Idle<D>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn lock_shard(&self, shard: &str) -> io::Result<D::Lock> {
        self.directory.lock(shard)
    }

    /// Whether no session has the lock of any of these paths at this moment.
    pub(crate) fn are_free(&self, paths: &[FilePath]) -> io::Result<bool> {
        let shards: BTreeSet<String> = paths.iter().map(shard_of).collect();
        for shard in shards {
            if self.directory.try_lock(&shard)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
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
    pub(crate) fn structure_shared(&self) -> io::Result<Held<'_, D>> {
        self.structure(D::share_again, D::lock_shared)
    }

    /// To make or remove directories.
    pub(crate) fn structure_exclusive(&self) -> io::Result<Held<'_, D>> {
        self.structure(D::lock_again, D::lock)
    }

    fn structure(
        &self,
        again: impl Fn(&D, &str, Idle<D>) -> io::Result<Option<D::Lock>>,
        anew: impl Fn(&D, &str) -> io::Result<D::Lock>,
    ) -> io::Result<Held<'_, D>> {
        let lock = self.take(STRUCTURE, again, anew)?;
        Ok(Held {
            locks: vec![(STRUCTURE.to_owned(), lock)],
            owner: self,
        })
    }

    /// To remove directories if nobody makes or needs any at this moment; else `None`.
    pub(crate) fn try_structure_exclusive(&self) -> io::Result<Option<D::Lock>> {
        self.directory.try_lock(STRUCTURE)
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

/// What all spellings of `path` have in common that one file system or another takes for
/// the same file. They differ in case, in canonical Unicode normal form, or in characters
/// that do not show.
///
/// Which file systems do that cannot be told from the operating system: ext4 and tmpfs
/// can fold names for each directory, ZFS can normalize them. Two paths that share a key
/// and are two files only share a lock.
pub(crate) fn lock_key(path: &FilePath) -> String {
    let path = path.as_str();
    if path.is_ascii() {
        return folded(path);
    }
    // Folding can undo the normal form, and what it makes can have another one.
    let fold = |name: String| folded(&name).nfd().collect::<String>();
    fold(fold(path.nfd().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_file_share_a_lock() {
        let path = |text| FilePath::new(text).expect("valid");
        for (one, other) in [
            ("A/Ü.md", "a/ü.md"),
            ("\u{17f}o\u{ad}", "SO"),
            ("\u{212a}", "k"),
            ("é", "e\u{301}"),
            ("É", "e\u{301}"),
            ("caf\u{e9}/x", "CAFE\u{301}/X"),
            ("한글", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}"),
            ("ǭ", "o\u{304}\u{328}"),
            ("e\u{301}\u{323}", "e\u{323}\u{301}"),
            ("e\u{301}\u{200d}\u{323}", "ẹ\u{301}"),
            ("α\u{345}\u{301}", "ᾴ"),
            ("Å", "\u{212b}"),
        ] {
            assert_eq!(
                lock_key(&path(one)),
                lock_key(&path(other)),
                "{one} {other}"
            );
            assert_eq!(
                shard_of(&path(one)),
                shard_of(&path(other)),
                "{one} {other}"
            );
        }
        assert_ne!(lock_key(&path("é")), lock_key(&path("è")));
        assert_ne!(lock_key(&path("한")), lock_key(&path("하")));
    }

    #[test]
    fn there_are_as_many_locks_as_a_batch_can_hold() {
        let path = |number: u32| FilePath::new(format!("file-{number}")).expect("valid");
        let shards: std::collections::BTreeSet<_> =
            (0..4_000).map(|number| shard_of(&path(number))).collect();
        assert_eq!(shards.len() as u64, SHARDS);
    }
}
