//! `ReadOnly`: any volume, without its changes.

use ability_storage_engine::{Error, FileInfo, FilePath, Result, Snapshot, Step, Version, Volume};
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

    fn commit(&self, _step: Step) -> Result<Option<Version>> {
        Err(Error::ReadOnly)
    }

    fn exists(&self, path: &FilePath) -> Result<bool> {
        self.0.exists(path)
    }
}
