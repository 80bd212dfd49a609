//! What no host may let through, in other words than the engine has for it: if one
//! of the two forgets something, they disagree.

/// What ext4 (with `casefold`), APFS or HFS+ do not see, of each kind some.
const INVISIBLE: &[char] = &[
    '\u{ad}',
    '\u{34f}',
    '\u{200b}',
    '\u{200c}',
    '\u{200d}',
    '\u{200e}',
    '\u{202e}',
    '\u{2060}',
    '\u{206a}',
    '\u{fe0f}',
    '\u{feff}',
    '\u{e0001}',
];

const DEVICES: &[&str] = &["CON", "PRN", "AUX", "NUL", "COM1", "LPT9", "CONIN$"];

/// Whether a path must be refused, whatever is in the volume.
pub fn is_hostile(path: &str) -> bool {
    path.len() > 1024
        || path.contains(['\\', ':'])
        || path.contains(char::is_control)
        || path.split('/').any(is_hostile_component)
}

fn is_hostile_component(name: &str) -> bool {
    // Among them `.` and `..`.
    let ends_hidden = name.ends_with(['.', ' ']);
    let stem = name
        .split('.')
        .next()
        .unwrap_or_default()
        .trim_end_matches(' ');
    let is_device = DEVICES
        .iter()
        .any(|device| device.eq_ignore_ascii_case(stem));
    name.is_empty() || name.len() > 255 || ends_hidden || is_device || is_private(name)
}

fn is_private(name: &str) -> bool {
    let seen: String = name.chars().filter(|c| !INVISIBLE.contains(c)).collect();
    // Each of these is a letter or two of the name to a file system that ignores case.
    let folded = seen
        .replace('\u{17f}', "s")
        .replace(['\u{fb05}', '\u{fb06}'], "st")
        .to_ascii_lowercase();
    folded == ".ability-storage" || folded.starts_with("abilit~")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_ones_are_known_from_others() {
        for path in ["a", "a b/c.d", "...a", ".ability-storage-notes", "console"] {
            assert!(!is_hostile(path), "{path}");
        }
        for path in [
            "",
            "a/../b",
            "a/",
            "nul.txt",
            ".Ability\u{ad}-\u{17f}torage",
            "a:b",
        ] {
            assert!(is_hostile(path), "{path}");
        }
    }
}
