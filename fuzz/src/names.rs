//! What a guest may name, written down a second time: from the words of the rules, not from the
//! code that keeps them.
//!
//! Byte by byte and with lists where the engine has patterns, so that the two do not err alike.

use ability_storage_engine::FilePath;
use std::path::{Component, Path};

/// Characters that at least one file system leaves out when it compares names: those that HFS+
/// ignores, and those that Unicode calls default-ignorable (`DerivedCoreProperties.txt`), which
/// directories of ext4, f2fs and tmpfs that ignore case leave out as well.
const UNSEEN: [(u32, u32); 17] = [
    (0xad, 0xad),
    (0x34f, 0x34f),
    (0x61c, 0x61c),
    (0x115f, 0x1160),
    (0x17b4, 0x17b5),
    (0x180b, 0x180f),
    (0x200b, 0x200f),
    (0x202a, 0x202e),
    (0x2060, 0x206f),
    (0x3164, 0x3164),
    (0xfe00, 0xfe0f),
    (0xfeff, 0xfeff),
    (0xffa0, 0xffa0),
    (0xfff0, 0xfff8),
    (0x1bca0, 0x1bca3),
    (0x1d173, 0x1d17a),
    (0xe0000, 0xe0fff),
];

/// Letters that are not ASCII and that some file system takes for letters of the private
/// directory's name when it ignores case.
const LOOK_ALIKES: [(char, &str); 4] = [
    ('ſ', "s"),
    ('ﬅ', "st"),
    ('ﬆ', "st"),
    // Only where the language is Turkish; refused everywhere.
    ('ı', "i"),
];

/// That [`FilePath`] allows `text` if and only if the rules do, and that what it allows stays below
/// the directory that it is joined to.
pub fn check(text: &str) {
    let path = match FilePath::new(text) {
        Ok(path) => path,
        Err(error) => {
            assert!(!is_allowed(text), "refused: {error}");
            let message = error.to_string();
            assert!(message.len() < 16 << 10, "a message of {}", message.len());
            return;
        }
    };
    assert!(is_allowed(text), "{text:?} is allowed");
    comes_back(&path, text);
    stays_below(&path);
}

/// A path is its text, whichever way it is taken apart.
fn comes_back(path: &FilePath, text: &str) {
    assert_eq!(path.as_str(), text);
    assert_eq!(path.to_string().parse().as_ref(), Ok(path));
    let components: Vec<&str> = path.components().collect();
    assert_eq!(components.join("/"), text);
    assert_eq!(components.last(), Some(&path.name()));
    let ancestors: Vec<FilePath> = path.ancestors().collect();
    assert_eq!(ancestors.len() + 1, components.len());
    assert_eq!(ancestors.last(), path.parent().as_ref());
    for ancestor in &ancestors {
        assert!(is_allowed(ancestor.as_str()), "{ancestor:?} is allowed");
        assert!(path.is_under(ancestor) && !ancestor.is_under(path));
    }
}

fn stays_below(path: &FilePath) {
    let root = Path::new("/srv/volume");
    let joined = root.join(path.as_str());
    let below = joined.strip_prefix(root).expect("it is below the root");
    let below: Vec<Component<'_>> = below.components().collect();
    assert_eq!(below.len(), path.components().count());
    for component in below {
        assert!(matches!(component, Component::Normal(_)), "{component:?}");
    }
}

/// The rules.
pub fn is_allowed(text: &str) -> bool {
    let forbidden = |c: char| matches!(c, '\\' | ':' | '\0'..='\x1f' | '\x7f'..='\u{9f}');
    text.len() <= 1024 && !text.contains(forbidden) && text.split('/').all(is_allowed_component)
}

fn is_allowed_component(component: &str) -> bool {
    let last = component.bytes().last();
    // Among others, this refuses the components that are empty, `.` and `..`.
    !matches!(last, None | Some(b'.' | b' '))
        && component.len() <= 255
        && !is_device(component)
        && !is_private(component)
}

fn is_device(component: &str) -> bool {
    let (stem, _) = component.split_once('.').unwrap_or((component, ""));
    let mut stem = stem.to_ascii_uppercase();
    while stem.ends_with(' ') {
        stem.pop();
    }
    let devices = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
    let digits = [
        "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "¹", "²", "³",
    ];
    let is_port = |digit| stem == format!("COM{digit}") || stem == format!("LPT{digit}");
    devices.contains(&stem.as_str()) || digits.iter().any(is_port)
}

fn is_private(component: &str) -> bool {
    let mut folded = String::new();
    for c in component.chars() {
        let unseen = |&(first, last): &(u32, u32)| (first..=last).contains(&u32::from(c));
        if UNSEEN.iter().any(unseen) {
            continue;
        }
        match LOOK_ALIKES.iter().find(|(look_alike, _)| *look_alike == c) {
            Some((_, letters)) => folded.push_str(letters),
            None => folded.push(c.to_ascii_lowercase()),
        }
    }
    folded == ".ability-storage" || folded.starts_with("abilit~") || is_hashed_short_name(&folded)
}

/// `ab`, four digits of a hash, `~` and a number.
fn is_hashed_short_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.len() > 7
        && name.starts_with("ab")
        && bytes[2..6].iter().all(u8::is_ascii_hexdigit)
        && bytes[6] == b'~'
        && bytes[7].is_ascii_digit()
}
