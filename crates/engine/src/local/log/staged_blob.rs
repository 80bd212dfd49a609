//! Contents that are not part of a record: in a file of their own in the directory of the
//! log, on the disk under a name that the record gives, before it is written.

use super::super::directory::{Directory, FileHandle};
use super::super::stage::{Complete, Staged, Synced};
use super::LogWriter;
use super::record::{Contents, StagedBlob};
use crate::FilePath;
use std::io::{self, ErrorKind, Read};

/// Staged contents that no record names yet; removed when dropped, unless
/// [handed over](Blob::hand_over).
pub(super) struct Blob<D: Directory> {
    staged: Synced<D>,
    contents: StagedBlob,
}

impl<D: Directory> Blob<D> {
    /// What a record says of it.
    pub(super) fn contents(&self) -> Contents {
        Contents::Staged(self.contents.clone())
    }

    pub(super) fn bytes(&self) -> u64 {
        self.contents.bytes
    }

    /// Leaves it to the record.
    pub(super) fn hand_over(self) {
        self.staged.hand_over();
    }

    pub(super) fn new(staged: Synced<D>, bytes: u64) -> io::Result<Self> {
        let contents = StagedBlob {
            name: staged.name().to_owned(),
            bytes,
            inode: staged.inode(),
        };
        Ok(Self { staged, contents })
    }
}

impl<D: Directory> LogWriter<D> {
    /// Takes over a file that a writer staged elsewhere.
    pub(super) fn adopt(&self, staged: Synced<D>, bytes: u64) -> io::Result<Blob<D>> {
        let name = self.staged_name();
        let staged = staged.move_to(self.directory.clone(), name)?;
        self.sync_names()?;
        Blob::new(staged, bytes)
    }

    /// Stages a file of all that is in `base`, if there is one, and `more`. It is not on the
    /// disk yet.
    pub(super) fn stage(
        &self,
        base: Option<impl Read>,
        more: &[u8],
        mode: Option<u32>,
    ) -> io::Result<Complete<D>> {
        let mut staged = Staged::create(self.directory.clone(), self.staged_name(), mode)?;
        if let Some(mut base) = base {
            staged.copy_from(&mut base)?;
        }
        staged.write(more)?;
        staged.complete(mode)
    }

    /// The file at `path`, which the disk governs, under a second name. `None` where files
    /// cannot have two names, or if only a copy of it can be made durable.
    pub(super) fn link(&self, path: &FilePath) -> io::Result<Option<(Complete<D>, u64)>> {
        let parent = self.reader.tree.find(path)?.ok_or(ErrorKind::NotFound)?;
        let file = parent.open_file(path.name())?.ok_or(ErrorKind::NotFound)?;
        if !self.sync_foreign(&file)? {
            return Ok(None);
        }
        let bytes = file.stat()?.size;
        let directory = self.directory.clone();
        let linked = Complete::link(&*parent, path.name(), directory, self.staged_name());
        Ok(linked.ok().map(|linked| (linked, bytes)))
    }

    pub(super) fn staged_name(&self) -> String {
        super::super::unique_name::name_in(self.session)
    }

    /// Makes the names of what is staged durable.
    pub(super) fn sync_names(&self) -> io::Result<()> {
        self.directory.sync()
    }
}
