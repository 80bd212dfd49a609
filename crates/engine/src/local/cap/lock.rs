//! Locks that die with their process: locks of the system on files.

use super::super::directory::{Id, Lock, SPOILED_MARK, Stat, read_all, write_all};
use super::file::{read_at, write_at};
use super::stat::stat_of_file;
use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// How long a mark is. It is overwritten in place, and taken back by zeros: to cut the
/// file short would make the file system give back a block and take it again.
const MARK_BYTES: usize = 32;

/// The length of a spoiled mark.
const SPOILED_BYTES: u64 = 1;

/// More is never read of a file that somebody else wrote.
const MAX_MARK_BYTES: u64 = 256;

/// A length that is not known.
const UNKNOWN: u64 = u64::MAX;

/// A lock file, whoever holds its lock.
#[derive(Clone, Debug)]
pub(crate) struct LockFile {
    file: Arc<File>,
    /// Which file it is; `None` where files have no ids.
    id: Option<Id>,
}

/// A lock file whose lock is held.
#[derive(Debug)]
pub(crate) struct CapLock {
    file: Arc<File>,
    /// `None` as long as it was not asked for.
    id: OnceLock<Option<Id>>,
    is_held: bool,
    /// The process that holds it. A child of `fork` has it, too, and does not give it back.
    process: u32,
    /// The length of the file, which only the holder changes.
    bytes: AtomicU64,
}

impl LockFile {
    /// Whether what was found at its name is this file.
    pub(super) fn is(&self, found: &Stat) -> bool {
        found.id() == self.id
    }

    /// Its mark; the file has this length.
    pub(super) fn mark(&self, bytes: u64) -> io::Result<Vec<u8>> {
        read_mark(&self.file, bytes)
    }
}

impl CapLock {
    pub(super) fn wait_for(file: File) -> io::Result<Self> {
        retry_interrupted(|| file.lock())?;
        Ok(Self::taken(file))
    }

    pub(super) fn wait_to_share(file: File) -> io::Result<Self> {
        retry_interrupted(|| file.lock_shared())?;
        Ok(Self::taken(file))
    }

    pub(super) fn unless_taken(file: File) -> io::Result<Option<Self>> {
        match file.try_lock() {
            Ok(()) => Ok(Some(Self::taken(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    pub(super) fn wait_again_for(LockFile { file, id }: LockFile) -> io::Result<Self> {
        retry_interrupted(|| file.lock())?;
        Ok(Self::over(file, OnceLock::from(id)))
    }

    /// The same for a lock that others may share.
    pub(super) fn wait_to_share_again(LockFile { file, id }: LockFile) -> io::Result<Self> {
        retry_interrupted(|| file.lock_shared())?;
        Ok(Self::over(file, OnceLock::from(id)))
    }

    fn taken(file: File) -> Self {
        Self::over(Arc::new(file), OnceLock::new())
    }

    fn over(file: Arc<File>, id: OnceLock<Option<Id>>) -> Self {
        Self {
            file,
            id,
            is_held: true,
            process: std::process::id(),
            bytes: AtomicU64::new(UNKNOWN),
        }
    }

    pub(super) fn lock_file(&self) -> io::Result<LockFile> {
        let id = match self.id.get() {
            Some(id) => *id,
            None => {
                let found = stat_of_file(&self.file)?.id();
                *self.id.get_or_init(|| found)
            }
        };
        let file = self.file.clone();
        Ok(LockFile { file, id })
    }

    /// The lock, if its file was found to be like this.
    pub(super) fn found(self, stat: &Stat) -> Self {
        self.bytes.store(stat.size, Ordering::Relaxed);
        self
    }

    fn bytes(&self) -> io::Result<u64> {
        let known = self.bytes.load(Ordering::Relaxed);
        if known != UNKNOWN {
            return Ok(known);
        }
        let bytes = self.file.metadata()?.len();
        self.bytes.store(bytes, Ordering::Relaxed);
        Ok(bytes)
    }
}

impl Lock for CapLock {
    type Idle = LockFile;
    type Watched = LockFile;

    fn release(mut self) -> Option<LockFile> {
        let idle = self.lock_file().ok()?;
        self.file.unlock().ok()?;
        self.is_held = false;
        Some(idle)
    }

    fn mark(&self) -> io::Result<Vec<u8>> {
        read_mark(&self.file, self.bytes()?)
    }

    fn watched(&self) -> io::Result<LockFile> {
        self.lock_file()
    }

    fn set_mark(&self, mark: &[u8]) -> io::Result<()> {
        let mut bytes = [0; MARK_BYTES];
        let place = bytes.get_mut(..mark.len());
        let place = place.ok_or(ErrorKind::InvalidInput)?;
        place.copy_from_slice(mark);
        if self.bytes()? > MARK_BYTES as u64 {
            self.file.set_len(0)?;
        }
        self.bytes.store(UNKNOWN, Ordering::Relaxed);
        write_all(&bytes, 0, |bytes, at| write_at(&self.file, bytes, at))?;
        self.bytes.store(MARK_BYTES as u64, Ordering::Relaxed);
        Ok(())
    }

    fn cut_mark(&self, is_spoiled: bool) -> io::Result<()> {
        let bytes = if is_spoiled { SPOILED_BYTES } else { 0 };
        self.bytes.store(UNKNOWN, Ordering::Relaxed);
        self.file.set_len(bytes)?;
        self.bytes.store(bytes, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for CapLock {
    fn drop(&mut self) {
        // Closing frees it only if nobody has a copy of the descriptor, as a reader of its mark and
        // a child of `fork` have.
        if self.is_held && self.process == std::process::id() {
            let _ = self.file.unlock();
        }
    }
}

fn read_mark(file: &File, bytes: u64) -> io::Result<Vec<u8>> {
    if bytes == SPOILED_BYTES {
        return Ok(SPOILED_MARK.to_vec());
    }
    let mut mark = vec![0; bytes.min(MAX_MARK_BYTES) as usize];
    let read = read_all(&mut mark, 0, |buffer, at| read_at(file, buffer, at))?;
    mark.truncate(read);
    Ok(mark)
}

fn retry_interrupted(mut wait: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    loop {
        match wait() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// As a child of `fork` has one.
    #[test]
    fn a_lock_that_is_dropped_is_free_whoever_has_a_copy_of_its_descriptor() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("lock");
        let open = || {
            let mut options = File::options();
            options.read(true).write(true).create(true).truncate(false);
            options.open(&path).expect("opened")
        };
        let held = CapLock::wait_for(open()).expect("taken");
        let of_child = held.file.try_clone().expect("copied");
        assert!(CapLock::unless_taken(open()).expect("asked").is_none());
        drop(held);
        assert!(CapLock::unless_taken(open()).expect("asked").is_some());
        drop(of_child);
    }

    #[test]
    fn a_child_of_fork_does_not_give_back_a_lock_of_its_parent() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("lock");
        let held = CapLock::wait_for(File::create(&path).expect("made")).expect("taken");
        let of_child = CapLock {
            file: Arc::new(held.file.try_clone().expect("copied")),
            id: OnceLock::new(),
            is_held: true,
            process: 0,
            bytes: AtomicU64::new(UNKNOWN),
        };
        drop(of_child);
        let other = File::open(&path).expect("opened");
        assert!(CapLock::unless_taken(other).expect("asked").is_none());
        drop(held);
    }
}
