//! `Version`: a token for the contents of a file.
//!
//! It must depend on nothing but the contents: inode numbers, sizes and times
//! repeat, and a version built on them would let an update be lost.

use std::fmt;
use std::io;

/// What the contents of a file are, as a token: equal versions mean equal
/// contents. It is the BLAKE3 hash of the contents, so it stays valid across
/// restarts and is the same in every volume.
///
/// ```
/// use ability_storage_engine::Version;
///
/// let version = Version::of(b"hello");
/// assert_eq!(Version::parse(&version.to_string()), Some(version));
/// assert_ne!(version, Version::of(b"hello!"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version(blake3::Hash);

impl Version {
    /// The version of these contents.
    pub fn of(contents: &[u8]) -> Self {
        Self(blake3::hash(contents))
    }

    /// Reads a version as [`Display`](fmt::Display) writes it: 64 lower-case
    /// hexadecimal digits. `None` for anything else, which is the version of no
    /// contents.
    pub fn parse(text: &str) -> Option<Self> {
        let hash = blake3::Hash::from_hex(text).ok()?;
        // Upper-case digits would make two texts of one version.
        (hash.to_hex().as_str() == text).then_some(Self(hash))
    }

    /// The version of all that `reader` gives, in bounded memory.
    pub(crate) fn of_reader(reader: impl io::Read) -> io::Result<Self> {
        Self::of_parts(Some(reader), &[])
    }

    /// The version of all that `reader` gives and what comes after it.
    pub(crate) fn of_parts(reader: Option<impl io::Read>, more: &[u8]) -> io::Result<Self> {
        let mut hasher = VersionHasher::default();
        if let Some(mut reader) = reader {
            io::copy(&mut reader, &mut hasher.0)?;
        }
        hasher.update(more);
        Ok(hasher.version())
    }
}

/// Finds the [`Version`] of contents that come piece by piece.
///
/// ```
/// use ability_storage_engine::{VersionHasher, Version};
///
/// let mut hasher = VersionHasher::default();
/// hasher.update(b"hel");
/// hasher.update(b"lo");
/// assert_eq!(hasher.version(), Version::of(b"hello"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct VersionHasher(blake3::Hasher);

impl VersionHasher {
    /// Adds to the end of the contents.
    pub fn update(&mut self, contents: &[u8]) {
        self.0.update(contents);
    }

    /// The version of all that was added so far.
    pub fn version(&self) -> Version {
        Version(self.0.finalize())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_hex())
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_version_is_none() {
        let text = Version::of(b"x").to_string();
        assert_eq!(text.len(), 64);
        for wrong in [
            "",
            "0",
            &text[1..],
            &format!("{text}0"),
            &text.to_uppercase(),
        ] {
            assert_eq!(Version::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_reader_gives_the_same_version_as_its_bytes() {
        let contents = vec![7; 300_000];
        assert_eq!(
            Version::of_reader(&contents[..]).expect("in memory"),
            Version::of(&contents)
        );
    }
}
