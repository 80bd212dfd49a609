//! `Mount`: what a guest's calls do, once, for the synchronous and the
//! asynchronous variant alike.
//!
//! Here words of the WIT become words of the engine and back. Nothing here may
//! decide about files: that is the volume's.

use crate::bindings::ability::storage::types;
use crate::error::Failure;
use ability_storage_engine::{Change, FilePath, Precondition, Version, Volume};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The volume behind a scope, and how much may pass at once.
#[derive(Clone)]
pub(crate) struct Mount {
    pub(crate) volume: Arc<dyn Volume>,
    pub(crate) max_value_bytes: u64,
}

impl Mount {
    pub(crate) fn exists(&self, path: String) -> Result<bool, Failure> {
        Ok(self.volume.exists(&FilePath::new(path)?)?)
    }

    pub(crate) fn read(&self, path: String) -> Result<Vec<u8>, Failure> {
        let path = FilePath::new(path)?;
        Ok(self.volume.read(&path, self.max_value_bytes)?.contents)
    }

    pub(crate) fn read_versioned(&self, path: String) -> Result<(Vec<u8>, String), Failure> {
        let path = FilePath::new(path)?;
        let snapshot = self.volume.read(&path, self.max_value_bytes)?;
        let version = snapshot.version().to_string();
        Ok((snapshot.contents, version))
    }

    pub(crate) fn stat(&self, path: String) -> Result<types::FileInfo, Failure> {
        let info = self.volume.stat(&FilePath::new(path)?)?;
        Ok(types::FileInfo {
            size: info.size,
            modified: datetime(info.modified),
        })
    }

    pub(crate) fn list(&self, prefix: String) -> Result<Vec<String>, Failure> {
        let files = self.volume.list(directory(&prefix)?.as_ref())?;
        Ok(files.iter().map(FilePath::to_string).collect())
    }

    pub(crate) fn atomic_write(&self, path: String, contents: Vec<u8>) -> Result<(), Failure> {
        self.atomic_write_if(path, contents, types::Precondition::Any)?;
        Ok(())
    }

    pub(crate) fn atomic_write_if(
        &self,
        path: String,
        contents: Vec<u8>,
        condition: types::Precondition,
    ) -> Result<String, Failure> {
        let path = FilePath::new(path)?;
        self.check_length(&contents)?;
        let write = Change::Write { path, contents };
        let written = self.volume.commit(write.only_if(precondition(condition)))?;
        let version = written.ok_or_else(Failure::no_version_written)?;
        Ok(version.to_string())
    }

    pub(crate) fn append(&self, path: String, contents: Vec<u8>) -> Result<(), Failure> {
        let path = FilePath::new(path)?;
        self.check_length(&contents)?;
        self.volume
            .commit(Change::Append { path, contents }.into())?;
        Ok(())
    }

    pub(crate) fn rename(&self, source: String, target: String) -> Result<(), Failure> {
        let source = FilePath::new(source)?;
        let target = FilePath::new(target)?;
        self.volume
            .commit(Change::Rename { source, target }.into())?;
        Ok(())
    }

    pub(crate) fn delete(&self, path: String) -> Result<(), Failure> {
        let path = FilePath::new(path)?;
        self.volume.commit(Change::Delete { path }.into())?;
        Ok(())
    }

    fn check_length(&self, contents: &[u8]) -> Result<(), Failure> {
        if contents.len() as u64 <= self.max_value_bytes {
            return Ok(());
        }
        Err(types::Error::TooLarge(self.max_value_bytes).into())
    }
}

/// The directory that a prefix names; `None` for the whole volume.
fn directory(prefix: &str) -> Result<Option<FilePath>, Failure> {
    if prefix.is_empty() {
        return Ok(None);
    }
    // A lone slash stays, to be refused as what it is.
    let path = prefix
        .strip_suffix('/')
        .filter(|path| !path.is_empty())
        .unwrap_or(prefix);
    Ok(Some(FilePath::new(path)?))
}

fn precondition(condition: types::Precondition) -> Precondition {
    match condition {
        types::Precondition::Any => Precondition::Any,
        types::Precondition::Absent => Precondition::Absent,
        types::Precondition::Version(text) => {
            Precondition::Version(Version::parse(&text).unwrap_or_else(version_of_nothing))
        }
    }
}

/// Stands for a text that is no version: no contents are known that hash to
/// zero, so it conflicts with whatever is found, as it should.
fn version_of_nothing() -> Version {
    Version::parse(&"0".repeat(64)).expect("64 hexadecimal digits are a version")
}

/// A time before 1970 is zero: the WIT has no negative ones.
fn datetime(time: SystemTime) -> types::Datetime {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    types::Datetime {
        seconds: since.as_secs(),
        nanoseconds: since.subsec_nanos(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_prefix_may_end_in_one_slash() {
        for (prefix, expected) in [
            ("", Some(None)),
            ("notes", Some(Some("notes"))),
            ("notes/", Some(Some("notes"))),
            ("notes//", None),
            ("/", None),
            ("/notes", None),
            ("..", None),
        ] {
            let directory = directory(prefix).ok();
            let directory = directory.as_ref().map(|d| d.as_ref().map(FilePath::as_str));
            assert_eq!(directory, expected, "{prefix:?}");
        }
    }

    #[test]
    fn a_time_before_1970_is_zero() {
        let before = datetime(UNIX_EPOCH - Duration::from_millis(1));
        assert_eq!((before.seconds, before.nanoseconds), (0, 0));
        let after = datetime(UNIX_EPOCH + Duration::from_millis(1_500));
        assert_eq!((after.seconds, after.nanoseconds), (1, 500_000_000));
    }
}
