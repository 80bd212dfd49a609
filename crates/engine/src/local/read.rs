//! Reading a local volume. Never waits for a writer, never follows a link.

use super::Local;
use super::directory::{Directory, FileHandle, Kind, Stat};
use crate::volume::{FileInfo, Snapshot};
use crate::{Error, FilePath, Result, Version};
use std::io::{self, Read};

impl<D: Directory> Local<D> {
    pub(super) fn read(&self, path: &FilePath, max_bytes: u64) -> Result<Snapshot> {
        let not_read = |error| Error::not_read(path, error);
        let file = self.open_file(path).map_err(not_read)?;
        let mut file = file.ok_or_else(|| Error::not_found(path))?;
        let size = file.stat().map_err(not_read)?.size;
        let too_large = || Error::TooLarge {
            path: path.clone(),
            limit: max_bytes,
        };
        if size > max_bytes {
            return Err(too_large());
        }
        // A file that is put there by hand may grow while it is read.
        let mut contents = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        let mut bounded = (&mut file).take(max_bytes.saturating_add(1));
        bounded.read_to_end(&mut contents).map_err(not_read)?;
        if contents.len() as u64 > max_bytes {
            return Err(too_large());
        }
        Ok(Snapshot { contents })
    }

    pub(super) fn stat(&self, path: &FilePath) -> Result<FileInfo> {
        let found = self
            .stat_file(path)
            .map_err(|error| Error::not_read(path, error))?;
        let stat = found.ok_or_else(|| Error::not_found(path))?;
        Ok(FileInfo {
            size: stat.size,
            modified: stat.modified,
        })
    }

    pub(super) fn list(&self, directory: Option<&FilePath>) -> Result<Vec<FilePath>> {
        self.tree
            .files(directory)
            .map_err(|source| Error::Unavailable {
                what: "its files cannot be listed".to_owned(),
                source,
            })
    }

    /// The version of the file at `path`, `None` if there is no file.
    pub(super) fn version(&self, path: &FilePath) -> Result<Option<Version>> {
        let file = self
            .open_file(path)
            .map_err(|error| Error::not_changed(path, error))?;
        file.map(Version::of_reader)
            .transpose()
            .map_err(|error| Error::not_changed(path, error))
    }

    /// `None` unless a regular file has this path.
    pub(super) fn stat_file(&self, path: &FilePath) -> io::Result<Option<Stat>> {
        let Some(parent) = self.tree.find(path)? else {
            return Ok(None);
        };
        let stat = parent.stat(path.name())?;
        Ok(stat.filter(|stat| stat.kind == Kind::File))
    }

    pub(super) fn open_file(&self, path: &FilePath) -> io::Result<Option<D::File>> {
        match self.tree.find(path)? {
            Some(parent) => parent.open_file(path.name()),
            None => Ok(None),
        }
    }
}
