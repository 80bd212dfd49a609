//! Whether the disk has space for what the log holds: what is acknowledged must find its
//! place in the files.
//!
//! The system is asked rarely: when the log has got much more since the last time, and each
//! time while space is short.

use super::super::directory::Directory;
use super::super::poison::lock;
use super::LogWriter;
use super::record::{Contents, Effect, Publication};
use crate::FilePath;
use std::io::{self, ErrorKind};

/// What a file may take besides its contents: the rest of its last block, and its name.
const FILE_BYTES: u64 = 4 << 10;

/// What stays free for directories, the log, and commits that only delete.
const RESERVED_BYTES: u64 = 128 << 10;

/// How much the log may get before the system is asked again, at most.
const MAX_UNASKED_BYTES: u64 = 1 << 20;

/// What is known of the space on the disk.
#[derive(Default)]
pub(super) struct Space {
    /// How much the log had ever got when the system was asked.
    asked_at: u64,
    /// How much more it may get before the system is asked again.
    allowed: u64,
}

/// How many bytes the files of the volume may take for these effects, at most. What is
/// staged has its space.
pub(super) fn file_bytes(effects: &[(FilePath, Effect)]) -> u64 {
    let bytes = effects.iter().map(|(_, effect)| match effect {
        Effect::Remove | Effect::Former(_) => 0,
        Effect::Append(append) => FILE_BYTES + append.more.len() as u64,
        Effect::Put(put) => match &put.contents {
            Contents::Inline(bytes) => FILE_BYTES + bytes.len() as u64,
            Contents::Staged(_) => 0,
        },
    });
    bytes.sum()
}

impl<D: Directory> LogWriter<D> {
    /// Whether the files can take what the log holds, and these bytes besides, which the log
    /// takes, too.
    pub(super) fn has_space_for(&self, bytes: u64) -> bool {
        let state = self.reader.log.state();
        let unpublished = state.pending.unpublished_bytes();
        let all = state.pending.all_bytes();
        drop(state);
        let mut space = lock(&self.space);
        if all.saturating_sub(space.asked_at) + bytes <= space.allowed {
            return true;
        }
        let needed = unpublished + 2 * bytes + RESERVED_BYTES;
        let free = self.reader.tree.root().free_bytes().unwrap_or(u64::MAX);
        space.asked_at = all;
        let Some(left) = free.checked_sub(needed) else {
            space.allowed = 0;
            return false;
        };
        space.allowed = bytes + (left / 2).min(MAX_UNASKED_BYTES);
        true
    }

    /// Refuses a record that would be acknowledged without space for its files. Where the
    /// files follow at once, they show it.
    pub(super) fn check_space(&self, effects: &[(FilePath, Effect)]) -> io::Result<()> {
        let bytes = file_bytes(effects);
        if self.publication == Publication::Immediate || bytes == 0 || self.has_space_for(bytes) {
            return Ok(());
        }
        Err(ErrorKind::StorageFull.into())
    }

    /// Whether there is so little space that the files of the log are to be small.
    pub(super) fn is_short_of_space(&self) -> bool {
        let free = self.reader.tree.root().free_bytes();
        free.is_some_and(|free| free < 2 * self.sizes.max_log_bytes)
    }
}
