//! `Accounts`: what is in the making, and how much of it there may be.

use ability_storage_engine::{Error, FilePath, Limits, Result};
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
        let limit = limits.max_bytes_in_flight;
        if bytes == 0 || before.saturating_add(bytes) <= limit {
            return Ok(());
        }
        let reason = format!("more than {limit} bytes would be on their way at once");
        Err(refused(path, reason))
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
        let most = limits.max_writers;
        if accounts.writers.fetch_add(1, Ordering::Relaxed) < most {
            return Ok(place);
        }
        let reason = format!("{most} writers are open, and no more are allowed");
        Err(refused(path, reason))
    }
}

impl Drop for WriterPlace {
    fn drop(&mut self) {
        self.0.writers.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(crate) fn refused(path: &FilePath, reason: String) -> Error {
    Error::QuotaExceeded {
        path: path.clone(),
        reason,
    }
}
