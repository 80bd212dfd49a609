//! `Mount`: what a guest's calls of `storage` do, once, for the synchronous and
//! the asynchronous variant alike. Those of `batch` and `streaming` are in the
//! modules of these names.
//!
//! Here words of the WIT become words of the engine and back. Nothing here may
//! decide about files: that is the volume's.

use crate::bindings::ability::storage::{storage, types};
use crate::error::Failure;
use crate::words::{datetime, directory, precondition};
use ability_storage_engine::{Change, FileEnd, FilePath, Precondition, Volume};
use std::sync::Arc;

/// The volume behind a scope, and how much may pass at once.
#[derive(Clone)]
pub(crate) struct Mount {
    pub(crate) volume: Arc<dyn Volume>,
    pub(crate) max_value_bytes: u64,
}

impl Mount {
    pub(crate) fn exists(&self, path: String) -> Result<bool, Failure> {
        Ok(self.volume.exists(&FilePath::new(path)?)?)
    }

    pub(crate) fn read(&self, path: String) -> Result<Vec<u8>, Failure> {
        let path = FilePath::new(path)?;
        Ok(self
            .volume
            .read(&path, self.max_value_bytes)?
            .into_contents())
    }

    pub(crate) fn read_versioned(&self, path: String) -> Result<(Vec<u8>, String), Failure> {
        let path = FilePath::new(path)?;
        let snapshot = self.volume.read(&path, self.max_value_bytes)?;
        let version = snapshot.version().to_string();
        Ok((snapshot.into_contents(), version))
    }

    pub(crate) fn stat(&self, path: String) -> Result<types::FileInfo, Failure> {
        let info = self.volume.stat(&FilePath::new(path)?)?;
        Ok(types::FileInfo {
            size: info.size,
            modified: datetime(info.modified),
        })
    }

    pub(crate) fn list(&self, prefix: String) -> Result<Vec<String>, Failure> {
        let files = self.volume.list(directory(&prefix)?.as_ref())?;
        Ok(files.iter().map(FilePath::to_string).collect())
    }

    pub(crate) fn atomic_write(&self, path: String, contents: Vec<u8>) -> Result<(), Failure> {
        self.atomic_write_if(path, contents, types::Precondition::Any)?;
        Ok(())
    }

    pub(crate) fn atomic_write_if(
        &self,
        path: String,
        contents: Vec<u8>,
        condition: types::Precondition,
    ) -> Result<String, Failure> {
        let path = FilePath::new(path)?;
        self.check_length(contents.len() as u64)?;
        let write = Change::write(path, contents);
        let step = write.only_if(precondition(condition));
        let versions = self.volume.commit(step.into())?;
        let version = versions.into_iter().next().flatten();
        Ok(version.ok_or_else(Failure::no_version_written)?.to_string())
    }

    pub(crate) fn append(&self, path: String, contents: Vec<u8>) -> Result<(), Failure> {
        let path = FilePath::new(path)?;
        self.check_length(contents.len() as u64)?;
        self.volume.commit(Change::append(path, contents).into())?;
        Ok(())
    }

    pub(crate) fn append_if(
        &self,
        path: String,
        contents: Vec<u8>,
        end: &storage::FileEnd,
    ) -> Result<(), Failure> {
        let path = FilePath::new(path)?;
        self.check_length(contents.len() as u64)?;
        // The volume reads as many bytes to compare them.
        self.check_length(end.last_bytes.len() as u64)?;
        let end = FileEnd::new(end.size, &end.last_bytes);
        let append = Change::append(path, contents);
        let step = append.only_if(Precondition::EndsWith(end));
        self.volume.commit(step.into())?;
        Ok(())
    }

    pub(crate) fn rename(&self, source: String, target: String) -> Result<(), Failure> {
        let source = FilePath::new(source)?;
        let target = FilePath::new(target)?;
        self.volume.commit(Change::rename(source, target).into())?;
        Ok(())
    }

    pub(crate) fn delete(&self, path: String) -> Result<(), Failure> {
        let path = FilePath::new(path)?;
        self.volume.commit(Change::delete(path).into())?;
        Ok(())
    }

    /// Whether contents of so many bytes may pass in one call.
    pub(crate) fn check_length(&self, bytes: u64) -> Result<(), Failure> {
        if bytes <= self.max_value_bytes {
            return Ok(());
        }
        Err(types::Error::TooLarge(self.max_value_bytes).into())
    }
}
