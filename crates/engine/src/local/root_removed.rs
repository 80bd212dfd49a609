//! Noticing that the directory of an open volume was removed.
//!
//! To the system a directory that was removed is an empty one, so every file of it is
//! "not found". A guest that begins from nothing when there is no file must not be told
//! that: when the files are put back, they would be overwritten. It is asked after every
//! error, and after an empty list; a commit cannot succeed there, for it needs its locks.

use super::directory::Directory;
use super::reader::Reader;
use super::writer::Writer;
use crate::{Error, Outcome, Result};
use std::io;

impl<D: Directory> Reader<D> {
    /// What is behind an error of a call that read.
    pub(super) fn read_error(&self, error: Error) -> Error {
        self.check_presence().err().unwrap_or(error)
    }

    pub(super) fn check_presence(&self) -> Result<()> {
        check_root(self.tree.root())
    }
}

impl<D: Directory> Writer<D> {
    /// What is behind an error of a call that was to change something.
    pub(super) fn change_error(&self, error: Error) -> Error {
        if error.outcome() != Outcome::NotApplied {
            return error;
        }
        let present = self.reader.check_presence().and_then(|()| {
            if is_removed(&**self.session.directory()) {
                return Err(removed(
                    "its directory .ability-storage was removed; a volume that is opened again makes another",
                ));
            }
            Ok(())
        });
        present.err().unwrap_or(error)
    }
}

/// What is behind an error of a volume that was idle and was to begin a session again.
pub(super) fn wake_error<D: Directory>(root: &D, error: io::Error) -> Error {
    let unavailable = |error| {
        let what = "the volume was idle, and could not be opened again";
        Error::unavailable(what, error)
    };
    check_root(root).err().unwrap_or_else(|| unavailable(error))
}

fn check_root<D: Directory>(root: &D) -> Result<()> {
    if is_removed(root) {
        return Err(removed("the directory of the volume was removed"));
    }
    Ok(())
}

fn is_removed<D: Directory>(directory: &D) -> bool {
    directory.is_removed().unwrap_or(false)
}

fn removed(what: &str) -> Error {
    Error::unavailable(what, io::Error::from(io::ErrorKind::NotFound))
}
