//! The overlay: what readers see while a batch is being published.
//!
//! A batch is in force from one moment on, but its files are renamed one after
//! the other. In between, readers of this volume look here first and see all of
//! it. An entry must not outlive the locks of its batch.

use crate::FilePath;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

/// What a batch makes of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// There is no file.
    Absent,
    /// The file is still staged under this name, or in its place already.
    Staged(String),
}

#[derive(Default)]
pub(crate) struct Overlay {
    entries: RwLock<HashMap<FilePath, Shown>>,
    /// Counts the changes, so that who looked at several paths can tell whether
    /// there was one in between.
    changes: AtomicU64,
}

impl Overlay {
    pub(crate) fn show(&self, entries: impl IntoIterator<Item = (FilePath, Shown)>) {
        let mut shown = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        shown.extend(entries);
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn hide<'a>(&self, paths: impl IntoIterator<Item = &'a FilePath>) {
        let mut shown = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        for path in paths {
            shown.remove(path);
        }
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn get(&self, path: &FilePath) -> Option<Shown> {
        let shown = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        shown.get(path).cloned()
    }

    /// All entries, and the number of changes so far.
    pub(crate) fn all(&self) -> (HashMap<FilePath, Shown>, u64) {
        let shown = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        (shown.clone(), self.changes.load(Ordering::SeqCst))
    }
}
