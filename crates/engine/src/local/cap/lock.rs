//! Locks that die with their process: locks of the system on files.

use super::super::directory::Lock;
use super::file::read_at;
use super::stat::links_of_std;
use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// More than any mark is long.
const MAX_MARK_BYTES: usize = 256;

/// A lock file whose lock is held.
#[derive(Debug)]
pub(crate) struct CapLock {
    file: File,
    /// Whether it is known that there is no mark.
    is_blank: AtomicBool,
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
    pub(super) fn wait_again_for(file: File) -> io::Result<Option<Self>> {
        retry_interrupted(|| file.lock())?;
        let metadata = file.metadata()?;
        let is_there = links_of_std(&metadata) > 0;
        let is_blank = AtomicBool::new(metadata.len() == 0);
        Ok(is_there.then_some(Self { file, is_blank }))
    }

    fn taken(file: File) -> Self {
        let is_blank = AtomicBool::new(false);
        Self { file, is_blank }
    }
}

impl Lock for CapLock {
    type Idle = File;

    fn release(self) -> Option<File> {
        // Closing frees it in any case.
        self.file.unlock().ok().map(|()| self.file)
    }

    fn mark(&self) -> io::Result<Vec<u8>> {
        if self.is_blank.load(Ordering::Relaxed) {
            return Ok(Vec::new());
        }
        let mut mark = vec![0; MAX_MARK_BYTES];
        let read = read_all_at(&self.file, &mut mark)?;
        mark.truncate(read);
        Ok(mark)
    }

    fn set_mark(&self, mark: &[u8]) -> io::Result<()> {
        self.is_blank.store(false, Ordering::Relaxed);
        let mut file = &self.file;
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(mark)
    }
}

fn read_all_at(file: &File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut total = 0;
    while total < buffer.len() {
        match read_at(file, &mut buffer[total..], total as u64) {
            Ok(0) => break,
            Ok(read) => total += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(total)
}

fn retry_interrupted(mut wait: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    loop {
        match wait() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
