//! What a file may be called: the rules of the engine, in its order and words, for
//! storage in memory.

const MAX_BYTES: usize = 1024;
const MAX_COMPONENT_BYTES: usize = 255;
const PRIVATE_DIR: &str = ".ability-storage";
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// The first rule that `path` breaks, in words for a person.
pub(super) fn broken_rule(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        Some("it is empty")
    } else if path.len() > MAX_BYTES {
        Some("it is longer than 1,024 bytes")
    } else if path.starts_with('/') {
        Some("it starts with a slash; paths are relative to the volume")
    } else if path.ends_with('/') {
        Some("it ends with a slash")
    } else if path.contains('\\') {
        Some("it contains a backslash; components are separated by /")
    } else if path.contains(':') {
        Some("it contains a colon")
    } else if path.contains(char::is_control) {
        Some("it contains a control character")
    } else {
        path.split('/').find_map(broken_component_rule)
    }
}

/// Whether `path` is `directory` or lies beneath it.
pub(super) fn is_under(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn broken_component_rule(component: &str) -> Option<&'static str> {
    if component.is_empty() {
        Some("it has an empty component")
    } else if component == "." || component == ".." {
        Some("it has a component . or ..")
    } else if component.len() > MAX_COMPONENT_BYTES {
        Some("a component is longer than 255 bytes")
    } else if component.ends_with(['.', ' ']) {
        Some("a component ends in a dot or a space")
    } else if is_windows_device(component) {
        Some("a component is a device name of Windows")
    } else if names_private_dir(component) {
        Some(".ability-storage belongs to the storage itself")
    } else {
        None
    }
}

fn is_windows_device(component: &str) -> bool {
    let stem = component.split('.').next().unwrap_or_default();
    // As the engine does: letters that are not ASCII stay as they are.
    let stem = stem.trim_end_matches(' ').to_ascii_lowercase();
    let port = stem
        .strip_prefix("com")
        .or_else(|| stem.strip_prefix("lpt"));
    let is_port = port.is_some_and(|number| {
        let mut characters = number.chars();
        matches!(characters.next(), Some('0'..='9' | '¹' | '²' | '³'))
            && characters.next().is_none()
    });
    is_port || DEVICES.contains(&&*stem)
}

fn names_private_dir(component: &str) -> bool {
    let visible: String = component.chars().filter(|c| !is_ignorable(*c)).collect();
    // There and back: some letters have one upper case in common.
    let folded = visible.to_uppercase().to_lowercase();
    folded == PRIVATE_DIR || folded.starts_with("abilit~") || is_short_name(&folded)
}

/// Such as `ab12cd~1`: what Windows calls a long name in short.
fn is_short_name(folded: &str) -> bool {
    let bytes = folded.as_bytes();
    bytes.len() >= 8
        && bytes.starts_with(b"ab")
        && bytes[2..6].iter().all(u8::is_ascii_hexdigit)
        && bytes[6] == b'~'
        && bytes[7].is_ascii_digit()
}

/// `Default_Ignorable_Code_Point` of Unicode 16.
fn is_ignorable(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}
