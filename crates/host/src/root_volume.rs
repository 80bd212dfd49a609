//! `RootVolume`: what a [`Root`](crate::Root) gives out.

use crate::read_only::ReadOnly;
use ability_storage_engine::{
    Batch, Counters, FileInfo, FilePath, LocalVolume, MemoryVolume, Reader, Result, Snapshot,
    Usage, Version, Volume, Writer,
};
use std::sync::Arc;

/// A volume of a [`Root`](crate::Root), and what it has done so far.
pub struct RootVolume(Kind);

enum Kind {
    Directory(LocalVolume),
    /// The directory does not exist, and must not be made.
    Missing(ReadOnly),
}

impl RootVolume {
    pub(crate) fn directory(volume: LocalVolume) -> Self {
        Self(Kind::Directory(volume))
    }

    pub(crate) fn missing() -> Self {
        Self(Kind::Missing(ReadOnly(Arc::new(MemoryVolume::new()))))
    }

    /// What this volume has done since it was opened.
    pub fn counters(&self) -> Counters {
        match &self.0 {
            Kind::Directory(volume) => volume.counters(),
            Kind::Missing(_) => Counters::default(),
        }
    }

    /// Whether commits go into a journal first, as
    /// [`RootOptions::journaled`](crate::RootOptions::journaled) asks for.
    pub fn is_journaled(&self) -> bool {
        match &self.0 {
            Kind::Directory(volume) => volume.is_journaled(),
            Kind::Missing(_) => false,
        }
    }

    /// Puts all that is committed into the files themselves; see
    /// [`LocalVolume::settle`].
    ///
    /// # Errors
    ///
    /// See there.
    pub fn settle(&self) -> Result<()> {
        match &self.0 {
            Kind::Directory(volume) => volume.settle(),
            Kind::Missing(_) => Ok(()),
        }
    }

    fn volume(&self) -> &dyn Volume {
        match &self.0 {
            Kind::Directory(volume) => volume,
            Kind::Missing(volume) => volume,
        }
    }
}

impl Volume for RootVolume {
    fn read(&self, path: &FilePath, max_bytes: u64) -> Result<Snapshot> {
        self.volume().read(path, max_bytes)
    }

    fn stat(&self, path: &FilePath) -> Result<FileInfo> {
        self.volume().stat(path)
    }

    fn list(&self, directory: Option<&FilePath>) -> Result<Vec<FilePath>> {
        self.volume().list(directory)
    }

    fn commit(&self, batch: Batch) -> Result<Vec<Option<Version>>> {
        self.volume().commit(batch)
    }

    fn writer(&self, path: &FilePath) -> Result<Box<dyn Writer>> {
        self.volume().writer(path)
    }

    fn reader(&self, path: &FilePath) -> Result<Box<dyn Reader>> {
        self.volume().reader(path)
    }

    fn usage(&self) -> Result<Usage> {
        self.volume().usage()
    }

    fn exists(&self, path: &FilePath) -> Result<bool> {
        self.volume().exists(path)
    }
}
