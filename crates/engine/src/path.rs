//! `FilePath`: what a file of a volume may be called.
//!
//! Every rule about names lives here and is checked once, in
//! [`FilePath::new`]. Code that holds a `FilePath` must not check again, and
//! nothing may make one in any other way.

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

fn broken_rule(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("it is empty");
    }
    if path.len() > FilePath::MAX_BYTES {
        return Some("it is longer than 1,024 bytes");
    }
    if path.starts_with('/') {
        return Some("it starts with a slash; paths are relative to the volume");
    }
    if path.ends_with('/') {
        return Some("it ends with a slash");
    }
    if path.contains('\\') {
        return Some("it contains a backslash; components are separated by /");
    }
    if path.contains(':') {
        return Some("it contains a colon");
    }
    if path.chars().any(char::is_control) {
        return Some("it contains a control character");
    }
    path.split('/').find_map(broken_component_rule)
}

fn broken_component_rule(component: &str) -> Option<&'static str> {
    if component.is_empty() {
        return Some("it has an empty component");
    }
    if component == "." || component == ".." {
        return Some("it has a component . or ..");
    }
    if component.len() > FilePath::MAX_COMPONENT_BYTES {
        return Some("a component is longer than 255 bytes");
    }
    if component.ends_with(['.', ' ']) {
        return Some("a component ends in a dot or a space");
    }
    if is_windows_device(component) {
        return Some("a component is a device name of Windows");
    }
    if names_private_dir(component) {
        return Some(".ability-storage belongs to the storage itself");
    }
    None
}

/// Windows opens a device for these, whatever follows the first dot and
/// whatever spaces stand before it; superscript digits count as digits.
/// Source: "Naming Files, Paths, and Namespaces", Microsoft Learn.
fn is_windows_device(component: &str) -> bool {
    let stem = component.split('.').next().unwrap_or(component);
    let stem = stem.trim_end_matches(' ').to_ascii_lowercase();
    if ["con", "prn", "aux", "nul", "conin$", "conout$"].contains(&stem.as_str()) {
        return true;
    }
    stem.strip_prefix("com")
        .or_else(|| stem.strip_prefix("lpt"))
        .is_some_and(|port| {
            let mut digits = port.chars();
            let digit = digits
                .next()
                .is_some_and(|c| c.is_ascii_digit() || "¹²³".contains(c));
            digit && digits.next().is_none()
        })
}

/// Whether any file system could resolve `component` to [`PRIVATE_DIR`]: by
/// ignoring case, in the manner of Unicode (`ſ` is an `s`) and characters that
/// nobody sees (ext4 and tmpfs with `casefold`, APFS, HFS+), or by the short name
/// that NTFS and FAT make for it.
fn names_private_dir(component: &str) -> bool {
    let folded = folded(component);
    folded == PRIVATE_DIR || is_short_name_of_private_dir(&folded)
}

/// What is the same for all names that a file system which ignores case could take
/// for one, but for the normal forms of Unicode.
pub(crate) fn folded(name: &str) -> String {
    let seen = name.chars().filter(|c| !is_ignorable(*c));
    // There and back: some letters have one upper case in common.
    let upper = seen.flat_map(char::to_uppercase);
    upper.flat_map(char::to_lowercase).collect()
}

/// `abilit~1`; or, when other files have the first few of these, `ab`, four digits
/// of a hash, and `~1`.
fn is_short_name_of_private_dir(name: &str) -> bool {
    let Some((stem, number)) = name.split_once('~') else {
        return false;
    };
    let is_hash = |hash: &str| hash.len() == 4 && hash.bytes().all(|b| b.is_ascii_hexdigit());
    let is_hashed = || stem.strip_prefix("ab").is_some_and(is_hash);
    stem == "abilit" || (number.starts_with(|c: char| c.is_ascii_digit()) && is_hashed())
}

/// Default_Ignorable_Code_Point of Unicode 16, in which all that HFS+ ignores is
/// contained.
fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_allowed() {
        let longest_component = "x".repeat(255);
        let longest = format!("{0}/{0}/{0}/{1}", longest_component, "y".repeat(256 - 1));
        for path in [
            "a",
            "notes.md",
            "notes/2026/november.md",
            ".hidden",
            "..twodots",
            "a b c",
            "Grüße/日本語.json",
            "emoji 👩‍👩‍👧.md",
            "-rf",
            "~",
            "*?\"<>|",
            "console.log",
            "com",
            "com10",
            "lpt",
            "nullable",
            "ability-storage",
            ".ability-storage-notes",
            "ability.json",
            "abcafe~",
            "absent~1",
            &longest_component,
            &longest,
        ] {
            assert_eq!(
                FilePath::new(path).map(|p| p.to_string()),
                Ok(path.to_owned())
            );
        }
    }

    #[test]
    fn hostile_names_are_refused() {
        let too_long = format!("{0}/{0}/{0}/{0}/e", "x".repeat(255));
        for path in [
            "",
            "/",
            "/etc/passwd",
            "a/",
            "a//b",
            ".",
            "..",
            "./a",
            "../a",
            "a/../../b",
            "a/.",
            "a/..",
            "...",
            "C:\\Windows",
            "c:a",
            "a\\b",
            "\\\\server\\share",
            "a:stream",
            "a\0b",
            "a\nb",
            "a\u{1b}[2Jb",
            "a\u{7f}",
            "a\u{85}",
            "trailing.",
            "trailing ",
            "dir /a",
            "dir./a",
            "con",
            "CON",
            "Con.txt",
            "nul.tar.gz",
            "aux .txt",
            "prn/a",
            "a/COM1",
            "lpt9.log",
            "com¹",
            "LPT³.x",
            "CONIN$",
            "conout$",
            ".ability-storage",
            ".ability-storage/sessions",
            ".Ability-Storage/x",
            "a/.ABILITY-STORAGE/b",
            ".ability\u{200c}-storage",
            "\u{feff}.ability-storage/x",
            ".ability\u{ad}-storage",
            ".ability-storage\u{e0001}/x",
            ".ability-\u{17f}torage",
            ".ABILITY-\u{fb06}ORAGE/x",
            "ABILIT~1/x",
            "abilit~2",
            "AB12EF~1",
            &"x".repeat(256),
            &too_long,
        ] {
            let error = FilePath::new(path).expect_err(path);
            assert!(!error.reason().is_empty());
        }
    }

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
