//! Warnings about lasting trouble: each is logged once a minute, although the attempt that
//! fails is repeated more often.

use super::super::directory::Directory;
use super::super::lru::Lru;
use super::super::poison::lock;
use super::LogWriter;
use crate::FilePath;
use crate::error::is_no_space;
use std::io::{self, ErrorKind};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long the same trouble is not reported again.
const SILENCE: Duration = Duration::from_secs(60);

/// How much trouble is remembered at least.
const REMEMBERED: usize = 64;

/// What is wrong, with which path, and how. A full disk is the same trouble for all paths.
type Trouble = (&'static str, Option<FilePath>, ErrorKind);

/// What was reported, and when.
pub(super) struct Warnings(Mutex<Lru<Trouble, Instant>>);

impl Default for Warnings {
    fn default() -> Self {
        Self(Mutex::new(Lru::new(REMEMBERED)))
    }
}

impl Warnings {
    /// Whether this was not reported within [`SILENCE`].
    fn is_news(&self, what: &'static str, path: Option<&FilePath>, error: &io::Error) -> bool {
        let path = path.filter(|_| !is_no_space(error)).cloned();
        let trouble = (what, path, error.kind());
        let mut reported = lock(&self.0);
        if reported
            .get(&trouble)
            .is_some_and(|at| at.elapsed() < SILENCE)
        {
            return false;
        }
        reported.put(trouble, Instant::now());
        true
    }
}

impl<D: Directory> LogWriter<D> {
    /// Warns of `what` went wrong, unless that was done within a minute.
    pub(in crate::local) fn warn(
        &self,
        what: &'static str,
        path: Option<&FilePath>,
        error: &io::Error,
    ) {
        let is_news = self.warnings.is_news(what, path, error);
        let path = path.map(tracing::field::display);
        match is_news {
            true => tracing::warn!(path, %error, "{what}"),
            false => tracing::debug!(path, %error, "{what}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lasting_trouble_is_reported_once() {
        let warnings = Warnings::default();
        let path = |text: &str| FilePath::new(text).expect("valid");
        let is_news = |what, text: &str, kind: ErrorKind| {
            warnings.is_news(what, Some(&path(text)), &kind.into())
        };
        assert!(is_news("one", "a", ErrorKind::Other));
        assert!(!is_news("one", "a", ErrorKind::Other));
        assert!(is_news("one", "a", ErrorKind::PermissionDenied));
        assert!(is_news("one", "b", ErrorKind::Other));
        assert!(is_news("two", "a", ErrorKind::Other));
        assert!(is_news("one", "a", ErrorKind::StorageFull));
        assert!(!is_news("one", "b", ErrorKind::StorageFull));
    }
}
