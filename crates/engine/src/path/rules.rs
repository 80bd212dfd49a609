//! The rules that a path keeps, on every platform.

use super::{FilePath, PRIVATE_DIR};

/// The first rule that `path` breaks, in words for a person.
pub(super) fn broken_rule(path: &str) -> Option<&'static str> {
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
}
