//! Noticing that the directory of an open volume was removed.
//!
//! To the system a directory that was removed is an empty one, so every file of it is
//! "not found". Whoever begins anew when there is no file must not hear that: when the
//! files are put back, they would be overwritten. An error, or an empty list, is what
//! this must be asked about; a commit cannot succeed there, for it needs its locks.

use super::Local;
use super::directory::Directory;
use crate::{Error, Outcome, Result};
use std::io;

impl<D: Directory> Local<D> {
    /// What is behind an error of a call that read.
    pub(super) fn read_error(&self, error: Error) -> Error {
        self.check_presence().err().unwrap_or(error)
    }

    /// What is behind an error of a call that was to change something.
    pub(super) fn change_error(&self, error: Error) -> Error {
        if error.outcome() != Outcome::NotApplied {
            return error;
        }
        let session = self.writing.as_ref().map(|writing| &writing.session);
        let present = self.check_presence().and_then(|()| match session {
            Some(session) if is_removed(&**session.directory()) => Err(removed(
                "its directory .ability-storage was removed; opened anew, it makes another",
            )),
            _ => Ok(()),
        });
        present.err().unwrap_or(error)
    }

    pub(super) fn check_presence(&self) -> Result<()> {
        if is_removed(self.tree.root()) {
            return Err(removed("its directory was removed"));
        }
        Ok(())
    }
}

fn is_removed<D: Directory>(directory: &D) -> bool {
    directory.is_removed().unwrap_or(false)
}

fn removed(what: &str) -> Error {
    Error::unavailable(what, io::ErrorKind::NotFound.into())
}
