//! Directories that the volume is not allowed to read, such as `lost+found`. They are not
//! part of the volume; there is one warning for each.

use crate::FilePath;
use std::collections::HashSet;
use std::io::{self, ErrorKind};
use std::sync::{Mutex, PoisonError};

/// The number of directories that there is a warning about. Others are left out silently.
const MAX_WARNINGS: usize = 100;

#[derive(Default)]
pub(crate) struct Unreadable {
    warned: Mutex<HashSet<FilePath>>,
}

impl Unreadable {
    /// What `read` returns; `None` if `path` is not there, is not a directory, or may not
    /// be read.
    pub(crate) fn unless_left_out<T>(
        &self,
        path: &FilePath,
        mut read: impl FnMut() -> io::Result<T>,
    ) -> io::Result<Option<T>> {
        let mut result = read();
        if is_refused(&result) {
            // What is refused in passing, while somebody changes permissions or by a
            // network file system, must not make files vanish from a list.
            result = read();
        }
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) => match error.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory => Ok(None),
                ErrorKind::PermissionDenied => {
                    self.warn(path);
                    Ok(None)
                }
                _ => Err(error),
            },
        }
    }

    fn warn(&self, path: &FilePath) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.len() < MAX_WARNINGS && warned.insert(path.clone()) {
            tracing::warn!(
                %path,
                "this directory may not be read, so it is not part of the volume"
            );
        }
    }
}

fn is_refused<T>(result: &io::Result<T>) -> bool {
    matches!(result, Err(error) if error.kind() == ErrorKind::PermissionDenied)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: String) -> FilePath {
        FilePath::new(text).expect("valid")
    }

    #[test]
    fn what_is_refused_twice_is_left_out_and_other_errors_are_not() {
        let unreadable = Unreadable::default();
        let lost = path("lost+found".to_owned());
        let fail = |kind: ErrorKind| {
            let failed: io::Result<Option<()>> =
                unreadable.unless_left_out(&lost, || Err(kind.into()));
            failed.map_err(|error| error.kind())
        };
        assert_eq!(fail(ErrorKind::PermissionDenied), Ok(None));
        assert_eq!(fail(ErrorKind::NotFound), Ok(None));
        assert_eq!(fail(ErrorKind::Other), Err(ErrorKind::Other));
        let mut calls = 0;
        let second = unreadable.unless_left_out(&lost, || {
            calls += 1;
            match calls {
                1 => Err(ErrorKind::PermissionDenied.into()),
                _ => Ok(calls),
            }
        });
        assert_eq!(second.expect("read"), Some(2));
    }

    #[test]
    fn warnings_are_bounded() {
        let unreadable = Unreadable::default();
        for number in 0..MAX_WARNINGS * 3 {
            unreadable.warn(&path(format!("private-{number}")));
            unreadable.warn(&path(format!("private-{number}")));
        }
        let warned = unreadable.warned.lock().expect("not poisoned");
        assert_eq!(warned.len(), MAX_WARNINGS);
    }
}
