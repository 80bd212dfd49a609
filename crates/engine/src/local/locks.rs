//! Path locks: one writer of a path at a time, across threads and processes.
//!
//! A lock is a lock file of the system, so it dies with its process. Readers
//! never take one. The locks of a path are shared with about one path in
//! [`SHARDS`]; taking a second one while holding a first is allowed only through
//! [`PathLocks::lock_two`], which keeps one order for all.

use super::directory::Directory;
use crate::FilePath;
use std::io;

/// How many lock files there are; each is created, empty, when first needed.
const SHARDS: u64 = 256;

pub(crate) struct PathLocks<D> {
    directory: D,
}

impl<D: Directory> PathLocks<D> {
    pub(crate) fn new(directory: D) -> Self {
        Self { directory }
    }

    pub(crate) fn lock(&self, path: &FilePath) -> io::Result<D::Lock> {
        self.directory.lock(&shard_name(path))
    }

    pub(crate) fn lock_two(
        &self,
        one: &FilePath,
        other: &FilePath,
    ) -> io::Result<(D::Lock, Option<D::Lock>)> {
        let (one, other) = (shard_name(one), shard_name(other));
        let (first, second) = if one <= other {
            (one, other)
        } else {
            (other, one)
        };
        let first_lock = self.directory.lock(&first)?;
        let second_lock = if first == second {
            None
        } else {
            Some(self.directory.lock(&second)?)
        };
        Ok((first_lock, second_lock))
    }
}

fn shard_name(path: &FilePath) -> String {
    let hash = blake3::hash(lock_key(path).as_bytes());
    let number = hash
        .as_bytes()
        .iter()
        .take(8)
        .fold(0u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("{:02x}", number % SHARDS)
}

/// Two spellings that one file system takes for the same file must share a
/// lock: those that differ in case and, on macOS, in Unicode normal form.
fn lock_key(path: &FilePath) -> String {
    let folded = path.as_str().to_lowercase();
    if cfg!(target_os = "macos") && !folded.is_ascii() {
        return path.parent().map_or_else(String::new, |p| lock_key(&p));
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_file_share_a_lock() {
        let path = |text| FilePath::new(text).expect("valid");
        assert_eq!(shard_name(&path("A/Ü.md")), shard_name(&path("a/ü.md")));
    }
}
