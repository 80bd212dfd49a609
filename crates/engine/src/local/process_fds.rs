//! How many descriptors the process may open, and what of that is for what.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The most descriptors that are kept, and that one commit holds, whatever the process
/// may open.
const MAX_DESCRIPTORS: u64 = 256;

/// The fewest descriptors that are kept for all volumes of a process together.
const MIN_KEPT: u64 = 8;

/// The fewest descriptors that one commit may hold open for staging.
const MIN_STAGED: u64 = 16;

/// How many volumes are open, awake or not.
static OPEN_VOLUMES: AtomicU64 = AtomicU64::new(0);

/// The descriptor of the root of an open volume.
pub(crate) struct RootDescriptor;

impl RootDescriptor {
    pub(crate) fn count() -> Self {
        OPEN_VOLUMES.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for RootDescriptor {
    fn drop(&mut self) {
        OPEN_VOLUMES.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many descriptors one commit may hold open at once while it stages files: a quarter
/// of what the process may open besides the roots of its volumes, within bounds. A commit
/// with more files than that stages them in groups.
pub(crate) fn budget() -> usize {
    quarter_of(spare_descriptors(), MIN_STAGED)
}

/// How many descriptors are kept for all volumes of the process together.
pub(crate) fn most_kept() -> usize {
    quarter_of(spare_descriptors(), MIN_KEPT)
}

/// How many descriptors the process may have open besides the root directories of its
/// volumes; `None` if there is no limit.
pub(crate) fn spare_descriptors() -> Option<u64> {
    descriptor_limit().map(|limit| limit.saturating_sub(OPEN_VOLUMES.load(Ordering::Relaxed)))
}

/// A quarter of `limit`, but at least `least` and at most [`MAX_DESCRIPTORS`].
fn quarter_of(limit: Option<u64>, least: u64) -> usize {
    let quarter = limit.map_or(MAX_DESCRIPTORS, |limit| limit / 4);
    quarter.clamp(least, MAX_DESCRIPTORS) as usize
}

/// How many descriptors the process may have open, as it was when this was first asked;
/// `None` if there is no limit.
fn descriptor_limit() -> Option<u64> {
    static LIMIT: OnceLock<Option<u64>> = OnceLock::new();
    *LIMIT.get_or_init(|| {
        #[cfg(unix)]
        return rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        #[cfg(not(unix))]
        return None;
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_follow_the_limit_of_the_process() {
        for (limit, kept, staged) in [
            (Some(10), 8, 16),
            (Some(64), 16, 16),
            (Some(256), 64, 64),
            (Some(1_024), 256, 256),
            (Some(1 << 20), 256, 256),
            (None, 256, 256),
        ] {
            assert_eq!(quarter_of(limit, MIN_KEPT), kept, "{limit:?}");
            assert_eq!(quarter_of(limit, MIN_STAGED), staged, "{limit:?}");
        }
        assert!((16..=256).contains(&budget()));
    }
}
