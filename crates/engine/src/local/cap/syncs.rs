//! Every sync of a volume: counted, or not made at all.

use super::super::durability::Durability;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug)]
pub(crate) struct Syncs {
    durability: Durability,
    made: AtomicU64,
}

impl Syncs {
    pub(super) fn new(durability: Durability) -> Self {
        Self {
            durability,
            made: AtomicU64::new(0),
        }
    }

    pub(super) fn are_made(&self) -> bool {
        self.durability != Durability::None
    }

    pub(super) fn make(&self, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        if !self.are_made() {
            return Ok(());
        }
        self.made.fetch_add(1, Ordering::Relaxed);
        sync()
    }

    pub(super) fn count(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }
}
