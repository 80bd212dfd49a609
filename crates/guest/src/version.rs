//! Versions of a file, and what a conditional write demands of them.

use crate::bindings::{storage, types};
use std::fmt;

/// An opaque token for the contents of a file.
///
/// Two versions are equal exactly when the contents are equal. A version stays
/// valid when the host restarts, so it may be kept in another file. Compare
/// versions and hand them back; do not take them apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version(String);

impl Version {
    /// The version whose text was kept earlier, as [`as_str`](Self::as_str) gave
    /// it. A text that no host ever gave matches no contents.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The text of the version, to keep it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What must be true of a file at the moment of the commit.
///
/// The host checks it and commits as one step: nothing comes in between, neither
/// from another thread nor from another process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing: write whatever is there.
    Any,
    /// The file does not exist.
    Absent,
    /// The file exists, and its contents are the ones of this version.
    Version(Version),
}

impl Precondition {
    /// That the file is still as it was read: of `version`, or absent.
    pub(crate) fn unchanged(version: Option<Version>) -> Self {
        version.map_or(Self::Absent, Self::Version)
    }
}

impl From<Precondition> for types::Precondition {
    fn from(precondition: Precondition) -> Self {
        match precondition {
            Precondition::Any => Self::Any,
            Precondition::Absent => Self::Absent,
            Precondition::Version(version) => Self::Version(version.0),
        }
    }
}

/// The contents of a file, and the version they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// All bytes of the file.
    pub contents: Vec<u8>,
    /// For [`Precondition::Version`].
    pub version: Version,
}

impl From<storage::Snapshot> for Snapshot {
    fn from(snapshot: storage::Snapshot) -> Self {
        Self {
            contents: snapshot.contents,
            version: Version(snapshot.version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_keeps_its_text() {
        let version = Version::new("b3:af13");
        assert_eq!(version.as_str(), "b3:af13");
        assert_eq!(version.to_string(), "b3:af13");
        assert_eq!(version, Version::new(String::from("b3:af13")));
    }

    #[test]
    fn unchanged_means_the_version_read_or_still_absent() {
        assert_eq!(Precondition::unchanged(None), Precondition::Absent);
        assert_eq!(
            Precondition::unchanged(Some(Version::new("v"))),
            Precondition::Version(Version::new("v"))
        );
    }
}
