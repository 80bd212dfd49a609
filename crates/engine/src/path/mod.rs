//! `FilePath`: what a file of a volume may be called.
//!
//! Every rule about names is in `rules`, and is checked once, in
//! [`FilePath::new`]. Code that holds a `FilePath` must not check again, and
//! nothing may make one in any other way.

mod rules;

pub(crate) use rules::folded;

use rules::broken_rule;
use std::fmt;

/// The directory inside a volume that belongs to the engine alone.
pub(crate) const PRIVATE_DIR: &str = ".ability-storage";

/// The path of a file within a volume, known to keep all rules.
///
/// Relative, `/`-separated UTF-8. Compared, sorted and hashed by its bytes.
///
/// ```
/// use ability_storage_engine::FilePath;
///
/// let path = FilePath::new("notes/2026/november.md")?;
/// assert_eq!(path.as_str(), "notes/2026/november.md");
/// assert!(FilePath::new("../outside").is_err());
/// # Ok::<(), ability_storage_engine::PathError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilePath(Box<str>);

/// A path that breaks a rule, and which one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} cannot name a file: {reason}")]
pub struct PathError {
    path: String,
    reason: &'static str,
}

impl PathError {
    /// The path as it was given, cut after 1,024 bytes or so.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The rule that it breaks, in words for a person.
    pub fn reason(&self) -> &str {
        self.reason
    }
}

impl FilePath {
    /// The longest path, in bytes.
    pub const MAX_BYTES: usize = 1024;

    /// The longest component of a path, in bytes.
    pub const MAX_COMPONENT_BYTES: usize = 255;

    /// Checks `path` against all rules.
    ///
    /// They hold on every platform, so that a volume can be carried from one to
    /// another: at most [`MAX_BYTES`](Self::MAX_BYTES) in all and
    /// [`MAX_COMPONENT_BYTES`](Self::MAX_COMPONENT_BYTES) a component; no empty,
    /// `.` or `..` component, so no slash at either end; no backslash, colon or
    /// control character; no component that ends in a dot or a space; no device
    /// name of Windows (`con`, `nul.txt`, `COM1` and the like); and no component
    /// that a file system could take for the engine's own directory,
    /// `.ability-storage`.
    ///
    /// # Errors
    ///
    /// [`PathError`] with the first rule that is broken.
    pub fn new(path: impl Into<String>) -> Result<Self, PathError> {
        let path = path.into();
        match broken_rule(&path) {
            None => Ok(Self(path.into_boxed_str())),
            Some(reason) => Err(PathError {
                path: shortened(path),
                reason,
            }),
        }
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The components from first to last; there is always at least one.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The last component.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// The directory that the file is in; `None` at the top of the volume.
    pub fn parent(&self) -> Option<FilePath> {
        self.0
            .rsplit_once('/')
            .map(|(parent, _)| Self(parent.into()))
    }

    /// The directories on the way to the file, from the top down.
    pub fn ancestors(&self) -> impl Iterator<Item = FilePath> + '_ {
        self.0
            .match_indices('/')
            .map(|(end, _)| Self(self.0[..end].into()))
    }

    /// Whether this path is `directory` or lies beneath it.
    pub fn is_under(&self, directory: &FilePath) -> bool {
        self.0
            .strip_prefix(directory.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Compared and hashed as its text is.
impl std::borrow::Borrow<str> for FilePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for FilePath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for FilePath {
    type Err = PathError;

    fn from_str(path: &str) -> Result<Self, PathError> {
        Self::new(path)
    }
}

impl TryFrom<String> for FilePath {
    type Error = PathError;

    fn try_from(path: String) -> Result<Self, PathError> {
        Self::new(path)
    }
}

/// An error message must not carry a megabyte that a guest sent as a path.
pub(crate) fn shortened(mut path: String) -> String {
    if path.len() > FilePath::MAX_BYTES {
        path.truncate(path.floor_char_boundary(FilePath::MAX_BYTES));
        path.push('…');
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_does_not_carry_a_megabyte() {
        let error = FilePath::new("ü".repeat(1 << 20)).expect_err("too long");
        assert!(error.to_string().len() < 1200);
    }

    #[test]
    fn parts() {
        let path = FilePath::new("a/b/c").expect("valid");
        assert_eq!(path.name(), "c");
        assert_eq!(path.parent().map(|p| p.to_string()).as_deref(), Some("a/b"));
        assert_eq!(path.components().collect::<Vec<_>>(), ["a", "b", "c"]);
        let ancestors: Vec<_> = path.ancestors().map(|p| p.to_string()).collect();
        assert_eq!(ancestors, ["a", "a/b"]);
        let top = FilePath::new("a").expect("valid");
        assert_eq!((top.name(), top.parent()), ("a", None));
        assert!(path.is_under(&top) && top.is_under(&top));
        assert!(!FilePath::new("ab").expect("valid").is_under(&top));
    }
}
