//! What can go wrong, and what it means for the data.
//!
//! Every error answers first whether the change took place ([`Outcome`]); an
//! error that says *not applied* must be true on the disk.

use crate::{FilePath, PathError, Version};
use std::io;

/// The result of everything that a volume does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What an error says of the change that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was changed; the old contents stand.
    NotApplied,
    /// The change is visible, but a power cut may still undo it; or, where a volume is
    /// reached over a network, it is not known whether it was made at all
    /// ([`Error::InDoubt`]).
    Unconfirmed,
}

/// Why a volume did not do what it was asked, or cannot vouch for it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no file at this path. What is not a regular file (a directory,
    /// a symbolic link, a device) is no file of the volume.
    #[error("there is no file {path}")]
    NotFound {
        /// The path that was asked for.
        path: FilePath,
    },

    /// The precondition did not hold, and nothing was changed. Read again,
    /// decide again, retry.
    #[error("{path} was not changed: it is not in the state that was expected ({})", found_text(.found))]
    Conflict {
        /// The path whose precondition failed.
        path: FilePath,
        /// The version that is there; `None` if there is no file.
        found: Option<Version>,
    },

    /// The path breaks a rule for names.
    #[error(transparent)]
    Path(#[from] PathError),

    /// The path keeps the rules for names, but not the limits of this volume.
    #[error("{path} was not written: the volume does not allow the path, for {reason}")]
    PathNotAllowed {
        /// The path that was to be written.
        path: FilePath,
        /// What the volume asks for, in words for a person.
        reason: String,
    },

    /// The path cannot be a file because of what else is in the volume: one of
    /// its directories is a file, or it is the directory of other files.
    #[error("{path} was not written: {reason}")]
    NotAFile {
        /// The path that was to be written.
        path: FilePath,
        /// What stands in the way, in words for a person.
        reason: String,
    },

    /// The contents are longer than the limit.
    #[error("{path} is longer than the limit of {limit} bytes; nothing was changed")]
    TooLarge {
        /// The path that was to be read or written.
        path: FilePath,
        /// The most bytes that are allowed.
        limit: u64,
    },

    /// A limit of the volume on all its files would be exceeded. Delete what is
    /// no longer needed, then retry.
    #[error("{path} was not changed: {reason}")]
    QuotaExceeded {
        /// The path that was to be written.
        path: FilePath,
        /// Which limit, and what it is, in words for a person.
        reason: String,
    },

    /// One step of a batch is to blame; nothing was changed by any.
    #[error("step {index} of the batch failed, so none was made: {source}")]
    Step {
        /// Which step, counted from zero.
        index: usize,
        /// What is wrong with it.
        #[source]
        source: Box<Error>,
    },

    /// The disk, or the quota that the system gives, is full. Free some space,
    /// then retry.
    #[error("{path} was not changed: no space is left on the disk")]
    NoSpace {
        /// The path that was to be written.
        path: FilePath,
        /// What the system said.
        #[source]
        source: io::Error,
    },

    /// The volume can only be read.
    #[error("nothing was changed: the volume is read-only")]
    ReadOnly,

    /// The volume cannot be used: its directory is missing, not accessible, or on
    /// a file system that lacks what is needed. Nothing was changed.
    #[error("the volume cannot be used: {what}")]
    Unavailable {
        /// What was tried, in words for a person.
        what: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },

    /// The change is made and readers see it, but the system could not confirm
    /// that it is on the disk: a power cut may undo it. To be sure, make the
    /// same change again.
    #[error("{path} was changed, but the change may not survive a power cut: {source}")]
    Unconfirmed {
        /// The path that was changed.
        path: FilePath,
        /// What the system said.
        #[source]
        source: io::Error,
    },

    /// The volume is reached over a network, and the answer to the request that makes
    /// the change was lost: it may have been made, or not, or may still be made, all
    /// of it or nothing. Read what is there now before you decide to make it again.
    #[error("{path} may have been changed, or not, for the answer was lost: {source}")]
    InDoubt {
        /// The path that was to be changed.
        path: FilePath,
        /// What became of the request.
        #[source]
        source: io::Error,
    },

    /// The system refused; nothing was changed.
    #[error("{path} was not {intent}: {source}")]
    Io {
        /// The path that was to be read or changed.
        path: FilePath,
        /// What was to be done with it: `read`, `changed`.
        intent: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// What this error says of the change that was asked for.
    pub fn outcome(&self) -> Outcome {
        match self {
            Error::Unconfirmed { .. } | Error::InDoubt { .. } => Outcome::Unconfirmed,
            Error::Step { source, .. } => source.outcome(),
            _ => Outcome::NotApplied,
        }
    }

    /// An error of the system before a change was published.
    pub(crate) fn not_changed(path: &FilePath, source: io::Error) -> Self {
        let path = path.clone();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Error::NoSpace { path, source }
            }
            io::ErrorKind::ReadOnlyFilesystem => Error::ReadOnly,
            _ => Error::Io {
                path,
                intent: "changed",
                source,
            },
        }
    }

    /// An error of the system before a change was published, in something that many
    /// changes need: `what` says it in words for a person.
    pub(crate) fn not_possible(path: Option<&FilePath>, what: &str, source: io::Error) -> Self {
        let error = match path {
            Some(path) => Self::not_changed(path, source),
            None => return Self::unavailable(what, source),
        };
        match error {
            // It is not about this file.
            Error::Io { source, .. } => Self::unavailable(what, source),
            full_or_read_only => full_or_read_only,
        }
    }

    pub(crate) fn unavailable(what: &str, source: io::Error) -> Self {
        Error::Unavailable {
            what: what.to_owned(),
            source,
        }
    }

    /// An error of the system after a change was published.
    pub(crate) fn unconfirmed(path: &FilePath, source: io::Error) -> Self {
        Error::Unconfirmed {
            path: path.clone(),
            source,
        }
    }

    /// A writer is to be committed although it did not take all it was given.
    pub fn after_failed_write(path: &FilePath) -> Self {
        Error::not_changed(path, io::Error::other("an earlier write to it failed"))
    }

    /// An error of the system where nothing was to be changed.
    pub(crate) fn not_read(path: &FilePath, source: io::Error) -> Self {
        Error::Io {
            path: path.clone(),
            intent: "read",
            source,
        }
    }

    pub(crate) fn not_found(path: &FilePath) -> Self {
        Error::NotFound { path: path.clone() }
    }

    /// A directory that has the name of a file could not be removed.
    pub(crate) fn not_removable(path: &FilePath, source: io::Error) -> Self {
        use io::ErrorKind::{DirectoryNotEmpty, NotADirectory, NotFound};
        match source.kind() {
            DirectoryNotEmpty | NotADirectory | NotFound => Self::directory_of_others(path),
            _ => Self::not_changed(path, source),
        }
    }

    pub(crate) fn directory_of_others(path: &FilePath) -> Self {
        Error::NotAFile {
            path: path.clone(),
            reason: "it is the directory of other files".to_owned(),
        }
    }

    pub(crate) fn beneath_a_file(path: &FilePath, ancestor: &str) -> Self {
        Error::NotAFile {
            path: path.clone(),
            reason: format!("{ancestor} is not a directory"),
        }
    }
}

fn found_text(found: &Option<Version>) -> String {
    match found {
        Some(version) => format!("found version {version}"),
        None => "found no file".to_owned(),
    }
}
