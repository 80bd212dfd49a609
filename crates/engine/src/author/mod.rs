//! For authors of volumes: what helps to implement a [`Volume`], and to test it.
//!
//! | item | what for |
//! |---|---|
//! | [`delegate!`] | methods that another volume answers, for layers and test doubles |
//! | [`plan`] | what a batch means |
//! | [`table`] | the files of a volume that knows all of them, and what a batch makes of them |
//! | [`CheckLimits`] | whether [`Limits`] allow something |
//! | [`observe`] | counters and events, the same for all volumes |
//! | [`OpenCalls`] | closing a volume while calls are under way |
//! | [`file_info`], [`usage`] | values that a volume answers |
//! | `conformance` | tests that every volume passes, behind the feature `conformance` |
//!
//! Errors are made with the functions of [`Error`].

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod observe;
mod open_calls;
pub mod plan;
pub mod table;

#[doc(inline)]
pub use crate::__delegate_volume as delegate;
#[cfg(any(test, feature = "conformance"))]
pub use crate::conformance_suite;
pub use open_calls::{OpenCall, OpenCalls};

use crate::{Change, FileInfo, FilePath, Limits, Result, Usage};
#[cfg(doc)]
use crate::{Error, Volume};
use std::time::SystemTime;

/// What a [`Volume`] answers to [`Volume::stat`].
pub fn file_info(size: u64, modified: SystemTime) -> FileInfo {
    FileInfo::new(size, modified)
}

/// What a [`Volume`] answers to [`Volume::usage`].
pub fn usage(bytes: u64, files: u64) -> Usage {
    Usage { bytes, files }
}

/// Questions that a volume asks of its [`Limits`]. Each error means that nothing may be
/// changed.
pub trait CheckLimits {
    /// Whether a change may be made at all, whatever the volume holds. It is asked
    /// first, so that the answer is the same for one change as for one in a batch.
    ///
    /// # Errors
    ///
    /// As [`check_path`](Self::check_path) and [`check_file`](Self::check_file).
    fn check_change(&self, change: &Change) -> Result<()>;

    /// Whether a file may have this path at all.
    ///
    /// # Errors
    ///
    /// [`Error::PathNotAllowed`].
    fn check_path(&self, path: &FilePath) -> Result<()>;

    /// Whether a file may have this length.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`].
    fn check_file(&self, path: &FilePath, bytes: u64) -> Result<()>;

    /// Whether one more writer may be opened, for the file at `path`, where `open`
    /// writers are open.
    ///
    /// # Errors
    ///
    /// [`Error::QuotaExceeded`].
    fn check_writers(&self, path: &FilePath, open: usize) -> Result<()>;

    /// Whether this number of bytes may be in flight at once, those for the file at
    /// `path` among them.
    ///
    /// # Errors
    ///
    /// [`Error::QuotaExceeded`].
    fn check_in_flight(&self, path: &FilePath, bytes: u64) -> Result<()>;

    /// Whether the volume, which holds `before`, may come to hold `after`. Shrinking is
    /// always allowed, also from beyond a limit.
    ///
    /// # Errors
    ///
    /// [`Error::QuotaExceeded`].
    fn check_usage(&self, path: &FilePath, before: Usage, after: Usage) -> Result<()>;
}

impl CheckLimits for Limits {
    fn check_change(&self, change: &Change) -> Result<()> {
        Limits::check_change(self, change)
    }

    fn check_path(&self, path: &FilePath) -> Result<()> {
        Limits::check_path(self, path)
    }

    fn check_file(&self, path: &FilePath, bytes: u64) -> Result<()> {
        Limits::check_file(self, path, bytes)
    }

    fn check_writers(&self, path: &FilePath, open: usize) -> Result<()> {
        Limits::check_writers(self, path, open)
    }

    fn check_in_flight(&self, path: &FilePath, bytes: u64) -> Result<()> {
        Limits::check_in_flight(self, path, bytes)
    }

    fn check_usage(&self, path: &FilePath, before: Usage, after: Usage) -> Result<()> {
        Limits::check_usage(self, path, before, after)
    }
}
