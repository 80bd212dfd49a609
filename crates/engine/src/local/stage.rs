//! Staged files: new contents on their way into the volume.
//!
//! A staged file is complete and synced before it can be published, and removed
//! if it never is. Nothing reads one under its staging name but readers of the log, whose
//! records may name it.

use super::directory::{Access, Directory, FileHandle, Stat};
use std::io::{self, ErrorKind, Read, Write};
use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

/// From how many files on it is better to sync the whole file system first.
const MANY_FILES: usize = 8;

pub(crate) struct Staged<D: Directory> {
    name: StagedName<D>,
    file: D::File,
    written: u64,
    /// What it was when the last byte was written; `None` while that may be yet to come.
    completed: Option<Stat>,
}

/// A staged file that is complete, though perhaps not yet on the disk.
pub(crate) struct Complete<D: Directory>(Staged<D>);

/// A staged file whose contents are on the disk. It is closed: there may be as many of
/// them as a batch has steps.
pub(crate) struct Synced<D: Directory> {
    name: StagedName<D>,
    completed: Option<Stat>,
    inode: u64,
}

/// The name of a staged file, which goes when the value is dropped.
struct StagedName<D: Directory> {
    directory: Arc<D>,
    name: String,
    /// Whether the file has another name by now, or is left to a record.
    gone: bool,
    /// Which process has made it.
    process: u32,
}

impl<D: Directory> StagedName<D> {
    fn new(directory: Arc<D>, name: String) -> Self {
        Self {
            directory,
            name,
            gone: false,
            process: std::process::id(),
        }
    }
}

impl<D: Directory> Staged<D> {
    /// Begins a file of this name, which was never used before, with at most the
    /// permissions of `mode`.
    pub(crate) fn create(directory: Arc<D>, name: String, mode: Option<u32>) -> io::Result<Self> {
        let file = directory.create_file(&name, mode.map_or(Access::Usual, Access::Mode))?;
        Ok(Self {
            name: StagedName::new(directory, name),
            file,
            written: 0,
            completed: None,
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

    /// Checks that all bytes are there, and sets the mode.
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
    pub(crate) fn link(
        from: &D,
        name: &str,
        directory: Arc<D>,
        new_name: String,
    ) -> io::Result<Self> {
        from.hard_link(name, &directory, &new_name)?;
        // From here on the new name goes with the value.
        let name = StagedName::new(directory, new_name);
        let file = name.directory.open_file(&name.name)?;
        Ok(Self(Staged {
            file: file.ok_or(ErrorKind::NotFound)?,
            name,
            written: 0,
            completed: None,
        }))
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.0.written
    }

    /// All that was written.
    pub(crate) fn read_back(&self) -> io::Result<Vec<u8>> {
        let name = &self.0.name;
        let file = name.directory.open_file(&name.name)?;
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

    /// Makes the contents durable.
    pub(crate) fn sync(self) -> io::Result<Synced<D>> {
        self.0.file.sync()?;
        self.close()
    }

    /// For a file of a file system that was just synced as a whole: what counts is whether
    /// the bytes that were written through this descriptor arrived.
    fn check_written(self) -> io::Result<Synced<D>> {
        self.0.file.check_written()?;
        self.close()
    }

    fn close(self) -> io::Result<Synced<D>> {
        let Staged {
            name,
            file,
            completed,
            ..
        } = self.0;
        let inode = match completed {
            Some(stat) => stat.inode(),
            None => file.stat()?.inode(),
        };
        Ok(Synced {
            name,
            completed,
            inode,
        })
    }
}

/// Makes all of them durable at once, as far as that is possible.
pub(crate) fn sync_all<D: Directory, K>(
    complete: Vec<(K, Complete<D>)>,
    root: &D,
) -> Vec<(K, io::Result<Synced<D>>)> {
    let is_synced = complete.len() >= MANY_FILES && root.sync_file_system().is_ok();
    let synced = complete.into_iter().map(|(key, staged)| {
        let staged = match is_synced {
            true => staged.check_written(),
            false => staged.sync(),
        };
        (key, staged)
    });
    synced.collect()
}

impl<D: Directory> Synced<D> {
    /// Gives the file its place in the volume. After an error it can be tried
    /// again.
    pub(crate) fn publish(&mut self, parent: &D, name: &str) -> io::Result<()> {
        self.name.directory.rename(&self.name.name, parent, name)?;
        self.name.gone = true;
        Ok(())
    }

    pub(crate) fn name(&self) -> &str {
        &self.name.name
    }

    /// Lets it wait in another directory, under this name.
    pub(crate) fn move_to(mut self, directory: Arc<D>, name: String) -> io::Result<Self> {
        self.name
            .directory
            .rename(&self.name.name, &directory, &name)?;
        self.name.gone = true;
        self.name = StagedName::new(directory, name);
        Ok(self)
    }

    /// What the file was when it was complete, unless it was somewhere else before.
    pub(crate) fn completed(&self) -> Option<Stat> {
        self.completed
    }

    /// Which file it is; 0 where that is not known.
    pub(crate) fn inode(&self) -> u64 {
        self.inode
    }

    /// Leaves the file to a record that names it.
    pub(crate) fn hand_over(mut self) {
        self.name.gone = true;
    }
}

impl<D: Directory> Drop for StagedName<D> {
    fn drop(&mut self) {
        // After a fork, it is that of the parent.
        if self.gone || self.process != std::process::id() {
            return;
        }
        if let Err(error) = self.directory.remove_file(&self.name) {
            tracing::warn!(%error, "a staged file could not be removed; it goes when the volume is opened again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::sim::SimDisk;

    #[test]
    fn a_child_of_fork_removes_nothing_that_its_parent_has_staged() {
        let disk = SimDisk::new();
        for (is_of_parent, left) in [(false, 0), (true, 1)] {
            let directory = Arc::new(disk.start().0);
            let staged = Staged::create(directory, "staged".to_owned(), None);
            let mut staged = staged.expect("no faults");
            staged.name.process += u32::from(is_of_parent);
            drop(staged);
            assert_eq!(disk.names_in(&[]).len(), left);
        }
    }
}
