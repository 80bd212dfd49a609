//! `Garbage`: how many bytes in the store no file uses, and how many there may be.
//!
//! A commit that replaces a file puts its blobs out of use, and they cost their owner as
//! much as files do until a sweep removes them. HEAD counts them: each commit adds what it puts
//! out of use, so the count is the same for all clients and outlives them; each sweep
//! corrects it by what it has seen in the store. A volume with much garbage sweeps by
//! itself, and one with too much refuses to be written to.

use crate::head::Head;
use crate::heads::Heads;
use crate::runtime;
use crate::space::Space;
use crate::sweep::{all_blobs, sweep, used_by};
use ability_storage_engine::{Error, FilePath, Limits, Result};
use serde::{Deserialize, Serialize};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// So much garbage is allowed for each byte that the files of a volume may have.
const MULTIPLE: u64 = 2;

/// However little a volume may hold, so many bytes of garbage are allowed.
const MIN_ALLOWED_BYTES: u64 = if cfg!(test) { 256 << 10 } else { 256 << 20 };

/// How long a volume with much garbage spares what is out of use. What a client has sent
/// is committed or given up within two minutes with the default patience, and a stream is
/// an object only when it is complete; so this is for readers of long files.
const GRACE: Duration = match cfg!(test) {
    true => Duration::from_millis(50),
    false => Duration::from_secs(5 * 60),
};

/// How many bytes no file uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Garbage {
    pub(crate) bytes: u64,
    /// How often a sweep has corrected it.
    pub(crate) corrections: u64,
}

impl Garbage {
    /// Counts blobs of these lengths that a commit puts out of use. A stranger may have
    /// written HEAD, so the lengths may add up to anything: the count stops at the largest
    /// number.
    pub(crate) fn add(&mut self, lengths: impl Iterator<Item = u64>) {
        self.bytes = lengths.fold(self.bytes, u64::saturating_add);
    }
}

/// How many bytes of garbage a volume with these limits may have.
pub(crate) fn allowed(limits: &Limits) -> u64 {
    let bytes = limits.max_total_bytes.saturating_mul(MULTIPLE);
    bytes.max(MIN_ALLOWED_BYTES)
}

/// The garbage of a volume whose HEAD does not tell: it was written by a version that did
/// not count it. What is about to be used is none.
pub(crate) async fn counted(
    space: &Space,
    head: &Head,
    about_to_be_used: impl Iterator<Item = Uuid>,
) -> io::Result<Garbage> {
    let mut used = used_by(head);
    used.extend(about_to_be_used);
    let blobs = all_blobs(space).await?.into_iter();
    let unused = blobs.filter(|(id, _)| !used.contains(id));
    Ok(Garbage {
        bytes: unused.map(|(_, bytes)| bytes).sum(),
        corrections: 0,
    })
}

/// The count after a sweep, which saw the count `then` and left so many bytes out of use.
/// What commits have added since remains; what another sweep has corrected is left alone,
/// for both may have removed the same blobs.
pub(crate) fn corrected(now: Option<Garbage>, then: Option<Garbage>, left: u64) -> Garbage {
    match (now, then) {
        (None, _) => Garbage {
            bytes: left,
            corrections: 0,
        },
        (Some(now), Some(then)) if now.corrections == then.corrections => Garbage {
            bytes: now.bytes.saturating_add(left).saturating_sub(then.bytes),
            corrections: now.corrections + 1,
        },
        (Some(now), _) => now,
    }
}

/// A volume may not be written to until some of its garbage is removed.
pub(crate) fn too_much(path: &FilePath, bytes: u64, allowed: u64) -> Error {
    let minutes = GRACE.as_secs().div_ceil(60);
    let reason = format!(
        "{bytes} bytes in the object store belong to files that were replaced or deleted, \
         and no more than {allowed} are allowed. They are removed {minutes} to {} minutes \
         after that: try again later, or let `ability gc` remove them now with a shorter \
         time of grace",
        2 * minutes
    );
    Error::quota_exceeded(path, reason)
}

/// Sweeps a volume when it has much garbage.
pub(crate) struct Keeper {
    space: Space,
    heads: Arc<Heads>,
    allowed: u64,
    is_tending: AtomicBool,
    last_sweep: tokio::sync::Mutex<Option<Instant>>,
}

impl Keeper {
    pub(crate) fn new(space: Space, heads: Arc<Heads>, limits: &Limits) -> Self {
        Self {
            space,
            heads,
            allowed: allowed(limits),
            is_tending: AtomicBool::new(false),
            last_sweep: tokio::sync::Mutex::default(),
        }
    }

    /// How many bytes were out of use when HEAD was last seen.
    fn last_seen(&self) -> u64 {
        let known = self.heads.last_seen();
        let garbage = known.and_then(|known| known.head.garbage);
        garbage.map_or(0, |garbage| garbage.bytes)
    }

    /// Refuses a write while there is too much garbage, before anything is sent. Makes no
    /// request unless there was when HEAD was last seen.
    ///
    /// # Errors
    ///
    /// [`Error::QuotaExceeded`].
    pub(crate) async fn admit(&self, path: &FilePath) -> Result<()> {
        for sweeps in [false, true] {
            if self.last_seen() < self.allowed {
                return Ok(());
            }
            if sweeps {
                self.sweep().await;
            }
            // The commit will fail in its own words if HEAD cannot be read.
            if self.heads.now().await.is_err() {
                return Ok(());
            }
        }
        match self.last_seen() {
            bytes if bytes < self.allowed => Ok(()),
            bytes => Err(too_much(path, bytes, self.allowed)),
        }
    }

    /// Sweeps from time to time while there is much garbage and the volume is open.
    pub(crate) fn tend(self: &Arc<Self>) {
        if self.has_much() && !self.is_tending.swap(true, Ordering::Relaxed) {
            runtime::detach(tend(Arc::downgrade(self)));
        }
    }

    /// Half of what is allowed, so that a volume that is written to steadily is swept
    /// before it has to refuse anything.
    fn has_much(&self) -> bool {
        self.last_seen() > self.allowed / 2
    }

    /// Sweeps unless that was done lately.
    async fn sweep(&self) {
        let mut last = self.last_sweep.lock().await;
        if last.is_some_and(|last| last.elapsed() < GRACE / 4) {
            return;
        }
        match sweep(&self.space, GRACE).await {
            Ok(swept) => tracing::debug!(?swept, "a volume with much garbage was swept"),
            Err(error) => tracing::warn!(%error, "a volume with much garbage was not swept"),
        }
        *last = Some(Instant::now());
    }
}

async fn tend(keeper: Weak<Keeper>) {
    while let Some(keeper) = keeper.upgrade() {
        keeper.sweep().await;
        let is_read = keeper.heads.now().await.is_ok();
        if is_read && !keeper.has_much() {
            keeper.is_tending.store(false, Ordering::Relaxed);
            return;
        }
        drop(keeper);
        tokio::time::sleep(GRACE / 2).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_volume_is_allowed_some_garbage_and_no_limit_overflows() {
        let of = |bytes| allowed(&Limits::default().max_total_bytes(bytes));
        assert_eq!(of(0), MIN_ALLOWED_BYTES);
        assert_eq!(of(MIN_ALLOWED_BYTES), 2 * MIN_ALLOWED_BYTES);
        assert_eq!(of(u64::MAX), u64::MAX);
    }

    #[test]
    fn a_count_of_any_lengths_stops_at_the_largest_number() {
        let mut garbage = Garbage {
            bytes: 7,
            corrections: 0,
        };
        garbage.add([u64::MAX, u64::MAX, 1].into_iter());
        assert_eq!(garbage.bytes, u64::MAX);
    }

    #[test]
    fn a_correction_keeps_what_commits_have_added_and_is_made_once() {
        let of = |bytes, corrections| Garbage { bytes, corrections };
        assert_eq!(corrected(None, Some(of(9, 9)), 5), of(5, 0));
        assert_eq!(corrected(Some(of(120, 3)), Some(of(100, 3)), 40), of(60, 4));
        assert_eq!(corrected(Some(of(60, 4)), Some(of(100, 3)), 40), of(60, 4));
        assert_eq!(corrected(Some(of(60, 0)), None, 40), of(60, 0));
    }
}
