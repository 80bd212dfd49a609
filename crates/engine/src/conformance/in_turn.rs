//! `InTurn`: several volumes over the same files, taken for one.

use crate::{Batch, FileInfo, FilePath, Reader, Result, Snapshot, Usage, Version, Volume, Writer};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Volumes over the same files, of which each call goes to another: nothing may
/// depend on what one of them remembers.
pub struct InTurn<V> {
    volumes: Vec<V>,
    calls: AtomicUsize,
}

impl<V> InTurn<V> {
    /// # Panics
    ///
    /// Each call does, if there are no volumes.
    pub fn new(volumes: Vec<V>) -> Self {
        Self {
            volumes,
            calls: AtomicUsize::new(0),
        }
    }

    fn next(&self) -> &V {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        &self.volumes[call % self.volumes.len()]
    }
}

impl<V: Volume> Volume for InTurn<V> {
    fn read(&self, path: &FilePath, max_bytes: u64) -> Result<Snapshot> {
        self.next().read(path, max_bytes)
    }

    fn stat(&self, path: &FilePath) -> Result<FileInfo> {
        self.next().stat(path)
    }

    fn list(&self, directory: Option<&FilePath>) -> Result<Vec<FilePath>> {
        self.next().list(directory)
    }

    fn commit(&self, batch: Batch) -> Result<Vec<Option<Version>>> {
        self.next().commit(batch)
    }

    fn writer(&self, path: &FilePath) -> Result<Box<dyn Writer>> {
        self.next().writer(path)
    }

    fn reader(&self, path: &FilePath) -> Result<Box<dyn Reader>> {
        self.next().reader(path)
    }

    fn usage(&self) -> Result<Usage> {
        self.next().usage()
    }
}
