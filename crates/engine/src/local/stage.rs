//! Staged files: new contents on their way into the volume.
//!
//! A staged file is complete and synced before it can be published, and removed
//! if it never is. Nothing reads one under its staging name but a batch that is
//! being published.

use super::directory::{Access, Directory, FileHandle, Stat};
use super::unique;
use std::io::{self, ErrorKind, Read, Write};
use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

pub(crate) struct Staged<D: Directory> {
    directory: Arc<D>,
    name: String,
    file: D::File,
    written: u64,
    /// What it was when the last byte was written; `None` while that may be yet to come.
    completed: Option<Stat>,
    gone: bool,
}

/// A staged file that is complete, though perhaps not yet on the disk.
pub(crate) struct Complete<D: Directory>(Staged<D>);

/// A staged file whose contents are on the disk.
pub(crate) struct Synced<D: Directory>(Staged<D>);

impl<D: Directory> Staged<D> {
    /// Begins a file for `directory` with at most the permissions of `mode`.
    pub(crate) fn create(directory: Arc<D>, mode: Option<u32>) -> io::Result<Self> {
        let name = unique::next_name();
        let file = directory.create_file(&name, mode.map_or(Access::Usual, Access::Mode))?;
        Ok(Self {
            directory,
            name,
            file,
            written: 0,
            completed: None,
            gone: false,
        })
    }

    pub(crate) fn write(&mut self, contents: &[u8]) -> io::Result<()> {
        self.file.write_all(contents)?;
        self.written += contents.len() as u64;
        Ok(())
    }

    /// Lets the system write these bytes while more are to come.
    pub(crate) fn start_sync(&self, written: Range<u64>) {
        self.file
            .start_sync(written.start, written.end - written.start);
    }

    pub(crate) fn copy_from(&mut self, source: &mut impl Read) -> io::Result<()> {
        self.written += io::copy(source, &mut self.file)?;
        Ok(())
    }

    /// How many bytes it has.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Step 1 of the commit, completed: all bytes are there and the mode is set.
    pub(crate) fn complete(mut self, mode: Option<u32>) -> io::Result<Complete<D>> {
        let stat = self.file.stat()?;
        if stat.size != self.written {
            return Err(io::Error::new(
                ErrorKind::WriteZero,
                format!("{} of {} bytes arrived", stat.size, self.written),
            ));
        }
        self.completed = Some(stat);
        if let Some(mode) = mode
            && stat.mode != Some(mode)
        {
            self.file.set_mode(mode)?;
        }
        Ok(Complete(self))
    }
}

impl<D: Directory> Complete<D> {
    /// A file that is in the volume already, under a second name.
    pub(crate) fn link(from: &D, name: &str, directory: Arc<D>) -> io::Result<Self> {
        let new_name = unique::next_name();
        from.hard_link(name, &directory, &new_name)?;
        let file = directory.open_file(&new_name)?.ok_or(ErrorKind::NotFound)?;
        Ok(Self(Staged {
            directory,
            name: new_name,
            file,
            written: 0,
            completed: None,
            gone: false,
        }))
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.0.written
    }

    /// All that was written.
    pub(crate) fn read_back(&self) -> io::Result<Vec<u8>> {
        let file = self.0.directory.open_file(&self.0.name)?;
        let mut contents = Vec::new();
        file.ok_or(ErrorKind::NotFound)?
            .read_to_end(&mut contents)?;
        Ok(contents)
    }

    /// Dates the file to when it was committed.
    pub(crate) fn set_modified(&mut self, time: SystemTime) -> io::Result<()> {
        self.0.file.set_modified(time)?;
        self.0.completed = Some(self.0.file.stat()?);
        Ok(())
    }

    /// Step 2 of the commit.
    pub(crate) fn sync(self) -> io::Result<Synced<D>> {
        self.0.file.sync()?;
        Ok(Synced(self.0))
    }

    /// For when the whole file system was synced.
    pub(crate) fn was_synced(self) -> Synced<D> {
        Synced(self.0)
    }
}

impl<D: Directory> Synced<D> {
    /// Gives the file its place in the volume. After an error it can be tried
    /// again.
    pub(crate) fn publish(&mut self, parent: &D, name: &str) -> io::Result<()> {
        self.0.directory.rename(&self.0.name, parent, name)?;
        self.0.gone = true;
        Ok(())
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    /// Lets it wait in another directory.
    pub(crate) fn move_to(mut self, directory: Arc<D>) -> io::Result<Self> {
        let name = &self.0.name;
        self.0.directory.rename(name, &directory, name)?;
        self.0.directory = directory;
        Ok(self)
    }

    /// What the file was when it was complete, unless it was somewhere else before.
    pub(crate) fn completed(&self) -> Option<Stat> {
        self.0.completed
    }

    /// Leaves the file to a journal that names it, and closes it: there may be as many of
    /// them as a batch has steps.
    pub(crate) fn hand_over(mut self) {
        self.0.gone = true;
    }
}

impl<D: Directory> Drop for Staged<D> {
    fn drop(&mut self) {
        if self.gone {
            return;
        }
        if let Err(error) = self.directory.remove_file(&self.name) {
            tracing::warn!(%error, "a staged file could not be removed; it goes when the session ends");
        }
    }
}
