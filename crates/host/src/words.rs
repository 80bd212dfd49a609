//! Words of the WIT as words of the engine, and back. Every text that a guest
//! sends has a meaning here or is refused; none may be a reason to panic.

use crate::bindings::ability::storage::types;
use crate::error::Failure;
use ability_storage_engine::{FilePath, Precondition, Version};
use std::time::{SystemTime, UNIX_EPOCH};

/// The directory that a prefix names; `None` for the whole volume.
pub(crate) fn directory(prefix: &str) -> Result<Option<FilePath>, Failure> {
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

pub(crate) fn precondition(condition: types::Precondition) -> Precondition {
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
pub(crate) fn datetime(time: SystemTime) -> types::Datetime {
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
