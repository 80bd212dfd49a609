//! Staged files: new contents on their way into the volume.
//!
//! A staged file is complete and synced before it can be published, and removed
//! if it never is. Nothing reads one under its staging name.

use super::directory::{Access, Directory, FileHandle};
use std::io::{self, ErrorKind, Write};
use uuid::Uuid;

pub(crate) struct Staged<'a, D: Directory> {
    directory: &'a D,
    name: String,
    file: D::File,
    written: u64,
    published: bool,
}

/// A staged file whose contents are on the disk.
pub(crate) struct Synced<'a, D: Directory>(Staged<'a, D>);

impl<'a, D: Directory> Staged<'a, D> {
    pub(crate) fn create(directory: &'a D, access: Access) -> io::Result<Self> {
        let name = Uuid::new_v4().simple().to_string();
        let file = directory.create_file(&name, access)?;
        Ok(Self {
            directory,
            name,
            file,
            written: 0,
            published: false,
        })
    }

    pub(crate) fn write(&mut self, contents: &[u8]) -> io::Result<()> {
        self.file.write_all(contents)?;
        self.written += contents.len() as u64;
        Ok(())
    }

    /// Steps 1 and 2 of the commit, completed: all bytes are there, the mode is
    /// set, and both are on the disk.
    pub(crate) fn sync(self, mode: Option<u32>) -> io::Result<Synced<'a, D>> {
        let stat = self.file.stat()?;
        if stat.size != self.written {
            return Err(io::Error::new(
                ErrorKind::WriteZero,
                format!("{} of {} bytes arrived", stat.size, self.written),
            ));
        }
        if let Some(mode) = mode
            && stat.mode != Some(mode)
        {
            self.file.set_mode(mode)?;
        }
        self.file.sync()?;
        Ok(Synced(self))
    }
}

impl<D: Directory> Synced<'_, D> {
    /// Gives the file its place in the volume. After an error it can be tried
    /// again.
    pub(crate) fn publish(&mut self, parent: &D, name: &str) -> io::Result<()> {
        self.0.directory.rename(&self.0.name, parent, name)?;
        self.0.published = true;
        Ok(())
    }
}

impl<D: Directory> Drop for Staged<'_, D> {
    fn drop(&mut self) {
        if self.published {
            return;
        }
        if let Err(error) = self.directory.remove_file(&self.name) {
            tracing::warn!(%error, "a staged file could not be removed; it goes when the session ends");
        }
    }
}
