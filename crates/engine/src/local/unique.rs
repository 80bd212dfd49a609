//! Names that nobody has given before: of sessions, and of what they stage.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

const DIGITS: usize = 32;

pub(crate) fn name() -> String {
    Uuid::new_v4().simple().to_string()
}

/// A name that this process gives to nothing else, and that no other process has
/// reason to give. Costs no system call.
pub(crate) fn next_name() -> String {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| Uuid::new_v4().as_u64_pair().0);
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{:016x}{next:016x}", *PROCESS)
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
        assert!(is_name(&next_name()));
        assert_ne!(next_name(), next_name());
        let name = name();
        assert!(is_name(&name), "{name}");
        for other in ["", "lock", "..", &name[1..], &format!("{name}0")] {
            assert!(!is_name(other), "{other}");
        }
        assert!(!is_name(&name.replace(&name[..1], "/")));
        assert!(!is_name(&"\0".repeat(name.len())));
    }
}
