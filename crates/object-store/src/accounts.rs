//! `Accounts`: what is in the making, and how much of it there may be.

use ability_storage_engine::author::CheckLimits;
use ability_storage_engine::{FilePath, Limits, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Open writers, and bytes that are sent but not committed.
#[derive(Default)]
pub(crate) struct Accounts {
    bytes: AtomicU64,
    writers: AtomicUsize,
}

/// Bytes on their way, until this is dropped.
pub(crate) struct InFlight {
    accounts: Arc<Accounts>,
    bytes: u64,
}

/// The place of an open writer, until this is dropped.
pub(crate) struct WriterPlace(Arc<Accounts>);

impl InFlight {
    pub(crate) fn none(accounts: &Arc<Accounts>) -> Self {
        Self {
            accounts: accounts.clone(),
            bytes: 0,
        }
    }

    /// Adds bytes, unless there would be too many.
    pub(crate) fn add(&mut self, limits: &Limits, path: &FilePath, bytes: u64) -> Result<()> {
        let before = self.accounts.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        match bytes {
            0 => Ok(()),
            _ => limits.check_in_flight(path, before.saturating_add(bytes)),
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.accounts.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl WriterPlace {
    pub(crate) fn take(accounts: &Arc<Accounts>, limits: &Limits, path: &FilePath) -> Result<Self> {
        let place = Self(accounts.clone());
        let open = accounts.writers.fetch_add(1, Ordering::Relaxed);
        limits.check_writers(path, open)?;
        Ok(place)
    }
}

impl Drop for WriterPlace {
    fn drop(&mut self) {
        self.0.writers.fetch_sub(1, Ordering::Relaxed);
    }
}
