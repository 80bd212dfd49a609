//! `ReadOnly`: any volume, without its changes.

use ability_storage_engine::{
    Batch, Error, FileInfo, FilePath, Reader, Result, Snapshot, Usage, Version, Volume, Writer,
};
use std::sync::Arc;

pub(crate) struct ReadOnly(pub(crate) Arc<dyn Volume>);

impl Volume for ReadOnly {
    fn read(&self, path: &FilePath, max_bytes: u64) -> Result<Snapshot> {
        self.0.read(path, max_bytes)
    }

    fn stat(&self, path: &FilePath) -> Result<FileInfo> {
        self.0.stat(path)
    }

    fn list(&self, directory: Option<&FilePath>) -> Result<Vec<FilePath>> {
        self.0.list(directory)
    }

    fn commit(&self, _batch: Batch) -> Result<Vec<Option<Version>>> {
        Err(Error::ReadOnly)
    }

    fn writer(&self, _path: &FilePath) -> Result<Box<dyn Writer>> {
        Err(Error::ReadOnly)
    }

    fn reader(&self, path: &FilePath) -> Result<Box<dyn Reader>> {
        self.0.reader(path)
    }

    fn usage(&self) -> Result<Usage> {
        self.0.usage()
    }

    fn exists(&self, path: &FilePath) -> Result<bool> {
        self.0.exists(path)
    }
}
