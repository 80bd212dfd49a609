//! Contents that are too long for a record: in a file of their own, on the disk under
//! a name that the record gives, before it is written.

use super::super::directory::{Directory, FileHandle};
use super::super::stage::{Complete, Staged, Synced};
use super::Journaled;
use super::effects::Contents;
use crate::FilePath;
use std::io::{self, ErrorKind, Read};

/// Large contents that no record names yet; removed when dropped, unless
/// [handed over](Large::hand_over).
pub(super) struct Large<D: Directory> {
    staged: Synced<D>,
    bytes: u64,
}

impl<D: Directory> Large<D> {
    /// What a record says of it.
    pub(super) fn contents(&self) -> Contents {
        Contents::Staged {
            name: self.staged.name().to_owned(),
            bytes: self.bytes,
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Leaves it to the record.
    pub(super) fn hand_over(self) {
        self.staged.hand_over();
    }
}

impl<D: Directory> Journaled<D> {
    /// Takes over a file that a writer staged elsewhere.
    pub(super) fn adopt(&self, staged: Complete<D>, bytes: u64) -> io::Result<Large<D>> {
        let redo = &self.writing()?.redo;
        let staged = staged.sync()?.move_to(redo.clone())?;
        redo.sync()?;
        Ok(Large { staged, bytes })
    }

    /// Stages a file of all that is in `base`, if there is one, and `more`. Its name is
    /// not on the disk before [`sync_names`](Self::sync_names).
    pub(super) fn stage_large(
        &self,
        base: Option<impl Read>,
        more: &[u8],
        mode: Option<u32>,
    ) -> io::Result<Large<D>> {
        let mut staged = Staged::create(self.writing()?.redo.clone(), mode)?;
        if let Some(mut base) = base {
            staged.copy_from(&mut base)?;
        }
        staged.write(more)?;
        let bytes = staged.written();
        let staged = staged.complete(mode)?.sync()?;
        Ok(Large { staged, bytes })
    }

    /// The file at `path`, which the view does not show, under a second name. `None`
    /// where files cannot have two names.
    pub(super) fn link_large(&self, path: &FilePath) -> io::Result<Option<Large<D>>> {
        let parent = self.tree.find(path)?.ok_or(ErrorKind::NotFound)?;
        let file = parent.open_file(path.name())?.ok_or(ErrorKind::NotFound)?;
        let bytes = file.stat()?.size;
        let redo = self.writing()?.redo.clone();
        let Ok(linked) = Complete::link(&*parent, path.name(), redo) else {
            return Ok(None);
        };
        let staged = linked.sync()?;
        Ok(Some(Large { staged, bytes }))
    }

    pub(super) fn sync_names(&self) -> io::Result<()> {
        self.writing()?.redo.sync()
    }
}
