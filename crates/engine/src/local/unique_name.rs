//! Names that nobody has given before: of sessions, and of what they stage.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use uuid::Uuid;

const DIGITS: usize = 32;

pub(crate) fn name() -> String {
    Uuid::new_v4().simple().to_string()
}

/// A name that this process gives to nothing else, and that no other process has
/// reason to give, a child that goes on with a copy of this memory included. Costs no
/// system call but the one for the process id.
pub(crate) fn next_name() -> String {
    static NAMES: Names = Names::new();
    NAMES.next(std::process::id())
}

/// A name as [`next_name`] gives them, that begins with the tag of a session, so that it
/// can be found out whether that lives.
pub(crate) fn name_in(session: u64) -> String {
    static NAMES: Names = Names::new();
    let prefix = NAMES.prefix(std::process::id());
    let next = NAMES.next.fetch_add(1, Ordering::Relaxed);
    format!("{session:016x}{:08x}{:08x}", prefix as u32, next as u32)
}

/// The tag that begins a name; `None` if the text is none.
pub(crate) fn tag_of(name: &str) -> Option<u64> {
    let start = is_name(name).then(|| name.get(..DIGITS / 2)).flatten()?;
    u64::from_str_radix(start, 16).ok()
}

/// What begins the names of one process, and how many it has given.
struct Names {
    /// The process that chose `prefix`; 0 if none did. Is written after it.
    process: AtomicU32,
    prefix: AtomicU64,
    next: AtomicU64,
}

impl Names {
    const fn new() -> Self {
        Self {
            process: AtomicU32::new(0),
            prefix: AtomicU64::new(0),
            next: AtomicU64::new(0),
        }
    }

    fn next(&self, process: u32) -> String {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        format!("{:016x}{next:016x}", self.prefix(process))
    }

    /// No lock: a child of `fork` would wait for ever for one that another thread of
    /// its parent held. If two threads choose at once, both prefixes are new, and the
    /// numbers never repeat within a process.
    fn prefix(&self, process: u32) -> u64 {
        if self.process.load(Ordering::Acquire) == process {
            return self.prefix.load(Ordering::Relaxed);
        }
        let prefix = Uuid::new_v4().as_u64_pair().0;
        self.prefix.store(prefix, Ordering::Relaxed);
        self.process.store(process, Ordering::Release);
        prefix
    }
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

    #[test]
    fn parent_and_child_of_a_fork_give_different_names() {
        let parent = Names::new();
        parent.next(1);
        // What `fork` makes: the same memory under another process id.
        let child = Names {
            process: AtomicU32::new(parent.process.load(Ordering::Relaxed)),
            prefix: AtomicU64::new(parent.prefix.load(Ordering::Relaxed)),
            next: AtomicU64::new(parent.next.load(Ordering::Relaxed)),
        };
        let (of_parent, of_child) = (parent.next(1), child.next(2));
        assert_ne!(of_parent, of_child);
        assert_ne!(of_parent[..16], of_child[..16]);
        assert_eq!(of_child[..16], child.next(2)[..16], "one prefix a process");
    }
}
