//! Descriptors of files that this session extends. A sync proves something only for bytes
//! that were written while its descriptor was open, by whomever: an error of writing back
//! others may have been reported to another program before, and is reported to no descriptor that
//! was opened later.

use super::super::directory::{Id, Stat};
use super::super::fd_cache::FdCache;
use crate::FilePath;
use std::collections::HashSet;
use std::sync::Arc;

/// How many files are kept open, if the process has so many descriptors. Where one had to be
/// closed, the next checkpoint copies its file, however long that is.
const MAX_FILES: usize = 256;

pub(super) struct AppendFds<F> {
    files: FdCache<FilePath, Arc<AppendFd<F>>>,
    /// Those that were extended or synced since [`close_unused`](Self::close_unused).
    in_use: HashSet<FilePath>,
}

/// A file that is extended.
pub(super) struct AppendFd<F> {
    pub(super) file: Arc<F>,
    /// Which file it is; `None` where that is not known. The inode alone does not tell: another
    /// file system may be mounted over a directory.
    pub(super) id: Option<Id>,
    /// How long it was when it was opened: what is behind that was written since.
    pub(super) opened_at: u64,
}

impl<F> AppendFd<F> {
    /// Whether what was found at a name is this file.
    pub(super) fn is(&self, found: &Stat) -> bool {
        self.id.is_some() && self.id == found.id()
    }
}

impl<F> Default for AppendFds<F> {
    fn default() -> Self {
        Self {
            files: FdCache::new(MAX_FILES),
            in_use: HashSet::new(),
        }
    }
}

impl<F> AppendFds<F> {
    /// The descriptor of a file that is about to be extended.
    pub(super) fn get(&mut self, path: &FilePath) -> Option<Arc<AppendFd<F>>> {
        let file = self.files.get(path)?;
        self.in_use.insert(path.clone());
        Some(file)
    }

    /// Whether a descriptor is open since the file was no longer than this.
    pub(super) fn vouches_for(&mut self, path: &FilePath, bytes: u64) -> bool {
        let file = self.files.get(path);
        file.is_some_and(|file| file.opened_at <= bytes)
    }

    /// Keeps the descriptor of a file that is about to be extended, or was synced just now.
    pub(super) fn put(&mut self, path: &FilePath, file: Arc<AppendFd<F>>) {
        self.files.take(path);
        self.files.put(path.clone(), file);
        self.in_use.insert(path.clone());
    }

    pub(super) fn take(&mut self, path: &FilePath) -> Option<Arc<AppendFd<F>>> {
        self.in_use.remove(path);
        self.files.take(path)
    }

    /// Closes those that were not used since this was called last, so that a file that
    /// another program removes gives back its space.
    pub(super) fn close_unused(&mut self) {
        let in_use = std::mem::take(&mut self.in_use);
        self.files.retain(|path| in_use.contains(path));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_extended_no_more_is_closed() {
        let path = |text: &str| FilePath::new(text).expect("valid");
        let file = |opened_at| {
            Arc::new(AppendFd {
                file: Arc::new(()),
                id: Some((1, 1)),
                opened_at,
            })
        };
        let mut appended = AppendFds::default();
        appended.put(&path("in use"), file(0));
        appended.put(&path("idle"), file(0));
        appended.close_unused();
        assert!(appended.get(&path("in use")).is_some());
        appended.close_unused();
        assert!(appended.take(&path("idle")).is_none());
        assert!(!appended.is_empty());
        appended.close_unused();
        assert!(appended.is_empty());
    }
}
