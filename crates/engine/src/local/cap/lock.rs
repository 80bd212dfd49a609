//! Locks that die with their process: locks of the system on files.

use super::super::directory::{Lock, MarkReader, SPOILED_MARK, read_all, write_all};
use super::file::{read_at, write_at};
use super::stat::links_of_std;
use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How long a mark is. It is overwritten in place, and taken back by zeros: to cut the
/// file short would make the file system give back a block and take it again.
const MARK_BYTES: usize = 32;

/// The length of a spoiled mark.
const SPOILED_BYTES: u64 = 1;

/// More is never read of a file that somebody else wrote.
const MAX_MARK_BYTES: u64 = 256;

/// A length that is not known.
const UNKNOWN: u64 = u64::MAX;

/// A lock file whose lock is held.
#[derive(Debug)]
pub(crate) struct CapLock {
    file: Arc<File>,
    is_held: bool,
    /// The length of the file, which only the holder changes.
    bytes: AtomicU64,
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

    /// `None` if the file was removed: where it was, there may be another lock.
    pub(super) fn wait_again_for(file: Arc<File>) -> io::Result<Option<Self>> {
        retry_interrupted(|| file.lock())?;
        Self::unless_removed(file)
    }

    /// The same for a lock that others may share.
    pub(super) fn wait_to_share_again(file: Arc<File>) -> io::Result<Option<Self>> {
        retry_interrupted(|| file.lock_shared())?;
        Self::unless_removed(file)
    }

    fn unless_removed(file: Arc<File>) -> io::Result<Option<Self>> {
        let metadata = file.metadata()?;
        let lock = Self::over(file, metadata.len());
        Ok((links_of_std(&metadata) > 0).then_some(lock))
    }

    fn taken(file: File) -> Self {
        Self::over(Arc::new(file), UNKNOWN)
    }

    fn over(file: Arc<File>, bytes: u64) -> Self {
        Self {
            file,
            is_held: true,
            bytes: AtomicU64::new(bytes),
        }
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
    type Idle = Arc<File>;
    type Mark = CapMark;

    fn release(mut self) -> Option<Arc<File>> {
        self.file.unlock().ok()?;
        self.is_held = false;
        Some(self.file.clone())
    }

    fn mark(&self) -> io::Result<Vec<u8>> {
        read_mark(&self.file, self.bytes()?)
    }

    fn mark_reader(&self) -> io::Result<CapMark> {
        Ok(CapMark(self.file.clone()))
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
        // Closing frees it, unless somebody reads its mark.
        if self.is_held && Arc::strong_count(&self.file) > 1 {
            let _ = self.file.unlock();
        }
    }
}

/// A lock file, whoever holds its lock.
pub(crate) struct CapMark(Arc<File>);

impl MarkReader for CapMark {
    fn mark(&self) -> io::Result<Option<Vec<u8>>> {
        let metadata = self.0.metadata()?;
        if links_of_std(&metadata) == 0 {
            return Ok(None);
        }
        read_mark(&self.0, metadata.len()).map(Some)
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
