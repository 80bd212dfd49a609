//! When the files follow the log is the same for all sessions that have a volume open at a
//! time: where they follow at once, commits exclude each other by the locks of paths, and
//! where they follow later, by the turn to write records. The first session to open a
//! volume decides; later ones do as it does.

use super::directory::Directory;
use super::layout::{DEFERRED, IMMEDIATE};
use super::locks::Locks;
use super::log::Publication;
use std::io;

/// Different spellings must be different names, for the log is by path.
const SUPPORTS_DEFERRED: bool = cfg!(all(unix, not(target_vendor = "apple")));

/// How a session has the volume open. As long as it does, it keeps the lock.
pub(crate) struct JournalMode<D: Directory> {
    pub(crate) publication: Publication,
    pub(crate) lock: D::Lock,
    /// Whether no other session has the volume open.
    pub(crate) is_alone: bool,
}

/// Finds out how the volume is to be opened. The caller has the gate of the sessions.
pub(crate) fn enter<D: Directory>(
    root: &D,
    locks: &Locks<D>,
    wanted: Publication,
) -> io::Result<JournalMode<D>> {
    let share = |name: &str, publication, is_alone| {
        let lock = locks.share(name)?;
        Ok(JournalMode {
            publication,
            lock,
            is_alone,
        })
    };
    if !locks.is_free(DEFERRED)? {
        return share(DEFERRED, Publication::Deferred, false);
    }
    if !locks.is_free(IMMEDIATE)? {
        if wanted == Publication::Deferred {
            tracing::info!(
                "other sessions have the volume open without a journal; so has this one"
            );
        }
        return share(IMMEDIATE, Publication::Immediate, false);
    }
    let is_deferred =
        wanted == Publication::Deferred && SUPPORTS_DEFERRED && !root.ignores_case()?;
    match is_deferred {
        true => share(DEFERRED, Publication::Deferred, true),
        false => share(IMMEDIATE, Publication::Immediate, true),
    }
}
