//! What a reader gets.

use crate::Version;
use std::fmt;
use std::sync::OnceLock;

/// A file as it was at one moment.
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) contents: Vec<u8>,
    version: OnceLock<Version>,
}

impl Snapshot {
    /// A file with these contents.
    pub fn new(contents: impl Into<Vec<u8>>) -> Self {
        Self {
            contents: contents.into(),
            version: OnceLock::new(),
        }
    }

    /// All bytes of the file.
    pub fn contents(&self) -> &[u8] {
        &self.contents
    }

    /// All bytes of the file, without copying them.
    pub fn into_contents(self) -> Vec<u8> {
        self.contents
    }

    /// The version of the contents. The first call hashes them.
    pub fn version(&self) -> Version {
        *self.version.get_or_init(|| Version::of(&self.contents))
    }
}

impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        self.contents == other.contents
    }
}

impl Eq for Snapshot {}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.contents.len();
        f.debug_struct("Snapshot")
            .field("bytes", &bytes)
            .finish_non_exhaustive()
    }
}
