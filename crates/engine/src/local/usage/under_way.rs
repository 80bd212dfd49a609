//! What is under way into a volume and not committed: open writers, and bytes in flight.

use crate::{FilePath, Limits, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

#[derive(Default)]
pub(super) struct UnderWay {
    writers: AtomicUsize,
    in_flight: AtomicU64,
    /// The child of `fork` that counts here for itself; 0 in the process that began to. What
    /// its parent had under way is not taken back here.
    child: AtomicU32,
}

/// Bytes that are staged and not yet committed.
pub(crate) struct InFlight {
    under_way: Arc<UnderWay>,
    bytes: u64,
    child: u32,
}

/// The place of an open writer.
pub(crate) struct WriterPlace {
    under_way: Arc<UnderWay>,
    child: u32,
}

impl UnderWay {
    fn child(&self) -> u32 {
        self.child.load(Ordering::Relaxed)
    }

    /// After a fork; whether this was not done yet.
    pub(super) fn forget_parents(&self) -> bool {
        let process = std::process::id();
        if self.child.swap(process, Ordering::Relaxed) == process {
            return false;
        }
        self.writers.store(0, Ordering::Relaxed);
        self.in_flight.store(0, Ordering::Relaxed);
        true
    }

    pub(super) fn open_writer(
        self: &Arc<Self>,
        limits: &Limits,
        path: &FilePath,
    ) -> Result<WriterPlace> {
        let place = WriterPlace {
            under_way: self.clone(),
            child: self.child(),
        };
        // Counted before it is checked, so that two cannot take the last place.
        let open = self.writers.fetch_add(1, Ordering::Relaxed);
        limits.check_writers(path, open)?;
        Ok(place)
    }

    pub(super) fn in_flight(self: &Arc<Self>) -> InFlight {
        InFlight {
            under_way: self.clone(),
            bytes: 0,
            child: self.child(),
        }
    }
}

impl InFlight {
    pub(crate) fn add(&mut self, limits: &Limits, path: &FilePath, bytes: u64) -> Result<()> {
        self.bytes += bytes;
        let all = self.under_way.in_flight.fetch_add(bytes, Ordering::Relaxed) + bytes;
        limits.check_in_flight(path, all)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let under_way = &self.under_way;
        if under_way.child() == self.child {
            under_way.in_flight.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

impl Drop for WriterPlace {
    fn drop(&mut self) {
        let under_way = &self.under_way;
        if under_way.child() == self.child {
            under_way.writers.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
