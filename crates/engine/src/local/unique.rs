//! Names that nobody has given before: of sessions, and of what they stage.

use uuid::Uuid;

const DIGITS: usize = 32;

pub(crate) fn name() -> String {
    Uuid::new_v4().simple().to_string()
}

/// Whether it can be one of these names. What is read from the private directory
/// and is none must not be taken for a name of a file at all: it may be half of
/// one, zeros, or a path.
pub(crate) fn is_name(text: &str) -> bool {
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == DIGITS && text.bytes().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_as_such() {
        let name = name();
        assert!(is_name(&name), "{name}");
        for other in ["", "lock", "..", &name[1..], &format!("{name}0")] {
            assert!(!is_name(other), "{other}");
        }
        assert!(!is_name(&name.replace(&name[..1], "/")));
        assert!(!is_name(&"\0".repeat(name.len())));
    }
}
