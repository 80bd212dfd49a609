//! `Limits`: how much a volume may hold.

use crate::{Error, FilePath, Result};

/// How much a volume may hold. What would go beyond is refused and changes
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest file that may be written, in bytes. Default: 64 MiB. A file
    /// that a person put there may be longer.
    pub max_file_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_file_bytes: 64 << 20,
        }
    }
}

impl Limits {
    /// These limits with another length of the longest file, in bytes.
    pub fn max_file_bytes(mut self, bytes: u64) -> Self {
        self.max_file_bytes = bytes;
        self
    }

    pub(crate) fn check_file(&self, path: &FilePath, bytes: u64) -> Result<()> {
        if bytes <= self.max_file_bytes {
            return Ok(());
        }
        Err(Error::TooLarge {
            path: path.clone(),
            limit: self.max_file_bytes,
        })
    }
}
