//! What went wrong, on its way to the guest.
//!
//! A guest's mistake, and what a disk does, is an error value; only a mistake
//! of the host ends the guest. No text that a guest gets may name a path of the
//! host: errors of the engine carry the guest's own path and the words of the
//! system, except the one that is replaced below.

use crate::Scope;
use crate::bindings::ability::storage::types;
use ability_storage_engine::{Error, Outcome, PathError};
use wasmtime::component::ResourceTableError;

/// Why a call has no result.
#[derive(Debug)]
pub enum Failure {
    /// The guest gets this value.
    Error(types::Error),
    /// The guest ends here: the host has a bug.
    Trap(wasmtime::Error),
}

impl Failure {
    /// The host has put nothing behind `scope`.
    pub(crate) fn no_volume(scope: Scope) -> Self {
        let scope = match scope {
            Scope::Ability => "ability",
            Scope::User => "user",
        };
        let text = format!("this host has no storage for the scope `{scope}`");
        types::Error::Unavailable(text).into()
    }

    /// A volume broke its promise: a write has a version.
    pub(crate) fn no_version_written() -> Self {
        Failure::Trap(wasmtime::Error::msg(
            "the volume wrote a file but gave no version",
        ))
    }

    /// What the generated code hands to the guest.
    pub(crate) fn into_guest_error(self) -> wasmtime::Result<types::Error> {
        match self {
            Failure::Error(error) => Ok(error),
            Failure::Trap(error) => Err(error),
        }
    }
}

/// Why a batch has no result.
#[derive(Debug)]
pub struct BatchFailure {
    step: Option<usize>,
    failure: Failure,
}

impl BatchFailure {
    /// The step `index` is to blame.
    pub(crate) fn at(index: usize, failure: Failure) -> Self {
        Self {
            step: Some(index),
            failure,
        }
    }

    /// What the volume says of a batch of so many steps.
    pub(crate) fn of_volume(error: Error, steps: usize) -> Self {
        match error {
            Error::Step { index, source, .. } => Self::at(index, (*source).into()),
            // The volume does not count where there is only one to blame.
            error if steps == 1 && is_about_a_file(&error) => Self::at(0, error.into()),
            error => Failure::from(error).into(),
        }
    }

    /// What the generated code hands to the guest: the step and the error.
    pub(crate) fn into_guest_error(self) -> wasmtime::Result<(Option<u32>, types::Error)> {
        // A list of a guest has no longer indices.
        let step = self.step.and_then(|index| u32::try_from(index).ok());
        Ok((step, self.failure.into_guest_error()?))
    }
}

fn is_about_a_file(error: &Error) -> bool {
    !matches!(
        error,
        Error::ReadOnly | Error::Closed | Error::Unavailable { .. } | Error::Unconfirmed { .. }
    )
}

/// The batch as a whole is to blame.
impl From<Failure> for BatchFailure {
    fn from(failure: Failure) -> Self {
        Self {
            step: None,
            failure,
        }
    }
}

impl From<types::Error> for Failure {
    fn from(error: types::Error) -> Self {
        Failure::Error(error)
    }
}

impl From<PathError> for Failure {
    fn from(error: PathError) -> Self {
        types::Error::InvalidPath(error.to_string()).into()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        Failure::Error(match error {
            Error::NotFound { .. } => types::Error::NotFound,
            Error::Conflict { found, .. } => {
                types::Error::Conflict(found.map(|version| version.to_string()))
            }
            Error::Path(_) => types::Error::InvalidPath(text),
            // The guest knows which path it asked for, and that nothing was written.
            Error::PathNotAllowed { reason, .. } | Error::NotAFile { reason, .. } => {
                types::Error::InvalidPath(reason)
            }
            Error::NotRegular { kind, .. } => {
                types::Error::InvalidPath(format!("it is {kind}, not a file"))
            }
            Error::TooLarge { limit, .. } => types::Error::TooLarge(limit),
            Error::QuotaExceeded { .. } => types::Error::QuotaExceeded(text),
            Error::NoSpace { .. } => types::Error::NoSpace,
            Error::ReadOnly => types::Error::ReadOnly,
            Error::Closed => {
                types::Error::Unavailable("the storage was closed by the host".to_owned())
            }
            // Its text is for the host: it may name a directory.
            Error::Unavailable { .. } => {
                types::Error::Unavailable("the storage cannot be reached now".to_owned())
            }
            _ => match error.outcome() {
                Outcome::NotApplied => types::Error::Other(text),
                _ => types::Error::Unconfirmed(text),
            },
        })
    }
}

/// A handle that the guest does not have.
impl From<ResourceTableError> for Failure {
    fn from(error: ResourceTableError) -> Self {
        Failure::Trap(error.into())
    }
}

/// The work was lost: the volume panicked, or the runtime is shutting down.
impl From<tokio::task::JoinError> for Failure {
    fn from(error: tokio::task::JoinError) -> Self {
        Failure::Trap(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ability_storage_engine::FilePath;
    use std::io;

    fn text_for_guest(error: Error) -> String {
        let Failure::Error(error) = error.into() else {
            panic!("an error of the engine ends no guest");
        };
        error.to_string()
    }

    #[test]
    fn a_guest_learns_no_path_of_the_host() {
        let text = text_for_guest(Error::unavailable(
            "the directory /srv/secret could not be opened",
            io::Error::from(io::ErrorKind::PermissionDenied),
        ));
        assert!(text.starts_with("Error::Unavailable"), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }

    #[test]
    fn what_may_be_undone_is_told_from_what_was_not_done() {
        let path = FilePath::new("a.txt").expect("valid");
        let source = || io::Error::from(io::ErrorKind::TimedOut);
        let text = text_for_guest(Error::unconfirmed(&path, source()));
        assert!(text.starts_with("Error::Unconfirmed"), "{text}");
        let text = text_for_guest(Error::not_changed(&path, source()));
        assert!(text.starts_with("Error::Other"), "{text}");
        assert!(text.contains("a.txt was not changed"), "{text}");
    }
}
