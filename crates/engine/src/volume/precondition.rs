//! What must be true for a change to be made.

use super::{FileEnd, Tail};
use crate::{Error, FilePath, Result, Version};

/// What must be true of a file at the moment of the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Precondition {
    /// Nothing.
    Any,
    /// There is no file.
    Absent,
    /// There is a file, and its contents are of this version.
    Version(Version),
    /// The file ends in this way; a file that does not exist ends as an empty one does. To
    /// find out, no more of it is read than the bytes that are compared, so this is the
    /// condition for an append to a long file. A conflict names no version: to find that
    /// would take reading all of it.
    EndsWith(FileEnd),
}

impl Precondition {
    /// Whether a file that has version `found` (`None`: there is no file) is
    /// what this precondition asks for. A version does not say how a file ends, so the
    /// answer for [`EndsWith`](Self::EndsWith) is always `false`: ask [`FileEnd::is`].
    pub fn holds_for(&self, found: Option<Version>) -> bool {
        match self {
            Precondition::Any => true,
            Precondition::Absent => found.is_none(),
            Precondition::Version(version) => found == Some(*version),
            Precondition::EndsWith(_) => false,
        }
    }

    /// Asks for the version or the tail that is there only if the answer matters, for it
    /// may cost reading the file.
    pub(crate) fn check(
        &self,
        path: &FilePath,
        version: impl FnOnce() -> Result<Option<Version>>,
        tail: impl FnOnce(u64) -> Result<Option<Tail>>,
    ) -> Result<()> {
        match self {
            Precondition::Any => return Ok(()),
            Precondition::EndsWith(end) => {
                let found = tail(end.compared_bytes())?;
                return match end.is(found.as_ref()) {
                    true => Ok(()),
                    false => Err(Error::other_end(path, found.map(|tail| tail.size))),
                };
            }
            Precondition::Absent | Precondition::Version(_) => {}
        }
        let found = version()?;
        if self.holds_for(found) {
            return Ok(());
        }
        Err(Error::conflict(path, found))
    }
}
