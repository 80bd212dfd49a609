//! What must be true for a change to be made.

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
}

impl Precondition {
    /// Whether a file that has version `found` (`None`: there is no file) is
    /// what this precondition asks for.
    pub fn holds_for(&self, found: Option<Version>) -> bool {
        match self {
            Precondition::Any => true,
            Precondition::Absent => found.is_none(),
            Precondition::Version(version) => found == Some(*version),
        }
    }

    /// Asks for the version that is there only if the answer matters, for it
    /// may cost reading the file.
    pub(crate) fn check(
        &self,
        path: &FilePath,
        find: impl FnOnce() -> Result<Option<Version>>,
    ) -> Result<()> {
        if *self == Precondition::Any {
            return Ok(());
        }
        let found = find()?;
        if self.holds_for(found) {
            return Ok(());
        }
        Err(Error::conflict(path, found))
    }
}
