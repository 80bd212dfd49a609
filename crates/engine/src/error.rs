//! What can go wrong, and what it means for the data.
//!
//! Every error answers first whether the change took place ([`Outcome`]); an
//! error that says *not applied* must be true on the disk.

use crate::causes::with_causes;
use crate::{FilePath, IdError, PathError, Version};
use std::io;
use std::sync::Arc;

/// The result of everything that a volume does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What an error says of the change that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Nothing was changed; the old contents stand.
    NotApplied,
    /// The change is visible, but a power cut may still undo it ([`Error::Unconfirmed`]); or
    /// it is not known whether it was made at all ([`Error::InDoubt`]). All of it is there, or
    /// nothing.
    ///
    /// Read what is there before anything is repeated. Then:
    ///
    /// | change | to repeat it |
    /// |---|---|
    /// | write | is safe, and settles it. Where others write, too, repeat it only on the version that was read, or their change is lost |
    /// | delete | likewise |
    /// | append | adds the bytes a second time if they are there. On the end that the file had before ([`Precondition::EndsWith`](crate::Precondition::EndsWith)) it never does |
    /// | rename | is not possible if it was made: the source is gone then |
    /// | batch | is safe if each of its steps is |
    Unconfirmed,
}

/// Why a volume did not do what it was asked, or cannot vouch for it.
///
/// Clones share the error of the system that is behind them. Implementors of
/// [`Volume`](crate::Volume) make errors with the functions named after them, such as
/// [`Error::conflict`].
///
/// ```
/// use ability_storage_engine::{Error, FilePath, Outcome};
///
/// let path = FilePath::new("a.txt")?;
/// let error = Error::not_found(&path);
/// assert_eq!(error.outcome(), Outcome::NotApplied);
/// assert!(matches!(error, Error::NotFound { path: missing, .. } if missing == path));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no file at this path. A directory of other files is not one.
    #[error("there is no file {path}")]
    #[non_exhaustive]
    NotFound {
        /// The path that was asked for.
        path: FilePath,
    },

    /// The precondition did not hold, and nothing was changed. Read again,
    /// decide again, retry.
    #[error("{path} was not changed: it is not in the state that was expected ({})", found_text(.found, .found_size))]
    #[non_exhaustive]
    Conflict {
        /// The path whose precondition failed.
        path: FilePath,
        /// The version that is there; `None` if there is no file, or if only its end was
        /// compared ([`Precondition::EndsWith`](crate::Precondition::EndsWith)).
        found: Option<Version>,
        /// The length of a file of which only the end was compared, in bytes.
        found_size: Option<u64>,
    },

    /// The path breaks a rule for names.
    #[error(transparent)]
    Path(#[from] PathError),

    /// The id breaks a rule for the ids of abilities.
    #[error(transparent)]
    Id(#[from] IdError),

    /// The path keeps the rules for names, but not the limits of this volume.
    #[error("{path} was not written: the volume does not allow the path, for {reason}")]
    #[non_exhaustive]
    PathNotAllowed {
        /// The path that was to be written.
        path: FilePath,
        /// What the volume asks for, in words for a person.
        reason: String,
    },

    /// The path cannot be a file because of what else is in the volume: one of
    /// its directories is a file, or it is the directory of other files.
    #[error("{path} was not written: {reason}")]
    #[non_exhaustive]
    NotAFile {
        /// The path that was to be written.
        path: FilePath,
        /// What stands in the way, in words for a person.
        reason: String,
    },

    /// Something has this path that is not a file: a symbolic link, a pipe, a socket or a
    /// device. It cannot be read, nothing replaces it, and nothing was changed.
    #[error("{path} is {kind}, not a file; it was left as it is")]
    #[non_exhaustive]
    NotRegular {
        /// The path that was to be read or changed.
        path: FilePath,
        /// What has the path, in words for a person: `a symbolic link`.
        kind: &'static str,
    },

    /// The contents are longer than the limit.
    #[error("{path} is longer than the limit of {limit} bytes; nothing was changed")]
    #[non_exhaustive]
    TooLarge {
        /// The path that was to be read or written.
        path: FilePath,
        /// The most bytes that are allowed.
        limit: u64,
    },

    /// A limit of the volume on all its files would be exceeded. Delete what is
    /// no longer needed, then retry.
    #[error("{path} was not changed: {reason}")]
    #[non_exhaustive]
    QuotaExceeded {
        /// The path that was to be written.
        path: FilePath,
        /// Which limit, and what it is, in words for a person.
        reason: String,
    },

    /// One step of a batch is to blame; nothing was changed by any.
    #[error("step {index} of the batch failed, so none was made: {source}")]
    #[non_exhaustive]
    Step {
        /// Which step, counted from zero.
        index: usize,
        /// What is wrong with it.
        #[source]
        source: Box<Error>,
    },

    /// The disk, or the quota that the system gives, is full. Free some space,
    /// then retry.
    #[error("{path} was not changed: no space is left on the disk ({source})")]
    #[non_exhaustive]
    NoSpace {
        /// The path that was to be written.
        path: FilePath,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
    },

    /// The volume can only be read.
    #[error("nothing was changed: the volume is read-only")]
    ReadOnly,

    /// The volume was closed ([`Volume::close`](crate::Volume::close)). Nothing was changed.
    #[error("nothing was read or changed: the volume is closed")]
    Closed,

    /// What all of the volume needs is not to be had: its directory is missing, not
    /// accessible, or on a file system that lacks what is needed; its log, its locks or its
    /// lists cannot be used. Nothing was changed.
    #[error("{what}: {}", with_causes(.source))]
    #[non_exhaustive]
    Unavailable {
        /// What could not be done, as a sentence for a person.
        what: String,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
    },

    /// The change is made and readers see it, but the system could not confirm
    /// that it is on the disk: a power cut may undo it. To be sure, write the
    /// contents that are there now once more, on their version. An append must not be made
    /// again, for its bytes would be there twice, and a rename cannot be; see
    /// [`Outcome::Unconfirmed`].
    #[error("{path} was changed, but the change may not survive a power cut: {source}")]
    #[non_exhaustive]
    Unconfirmed {
        /// The path that was changed.
        path: FilePath,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
    },

    /// The volume is reached over a network, and the answer to the request that makes
    /// the change was lost; or a disk let its record neither be written whole nor be taken
    /// back. It may have been made, or not, or may still be made, all of it or nothing.
    /// A write without a precondition and a delete can be repeated as they are. For all
    /// else, read what is there now, and make the change again only if it is not there; see
    /// [`Outcome::Unconfirmed`].
    #[error("{path} may have been changed, or not: {source}")]
    #[non_exhaustive]
    InDoubt {
        /// The path that was to be changed.
        path: FilePath,
        /// What became of the request.
        #[source]
        source: Arc<io::Error>,
    },

    /// The system refused; nothing was changed.
    #[error("{path} was not {intent}: {source}")]
    #[non_exhaustive]
    Io {
        /// The path that was to be read or changed.
        path: FilePath,
        /// What was to be done with it: `read`, `changed`.
        intent: &'static str,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
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

    /// [`Error::NotFound`].
    pub fn not_found(path: &FilePath) -> Self {
        Error::NotFound { path: path.clone() }
    }

    /// [`Error::Conflict`]: `found` is the version that is there.
    pub fn conflict(path: &FilePath, found: Option<Version>) -> Self {
        let path = path.clone();
        Error::Conflict {
            path,
            found,
            found_size: None,
        }
    }

    /// [`Error::Conflict`]: the file is of `size` bytes, and does not end as expected;
    /// `None` if there is no file.
    pub fn other_end(path: &FilePath, size: Option<u64>) -> Self {
        Error::Conflict {
            path: path.clone(),
            found: None,
            found_size: size,
        }
    }

    /// [`Error::PathNotAllowed`].
    pub fn path_not_allowed(path: &FilePath, reason: impl Into<String>) -> Self {
        let (path, reason) = (path.clone(), reason.into());
        Error::PathNotAllowed { path, reason }
    }

    /// [`Error::NotAFile`].
    pub fn not_a_file(path: &FilePath, reason: impl Into<String>) -> Self {
        let (path, reason) = (path.clone(), reason.into());
        Error::NotAFile { path, reason }
    }

    /// [`Error::NotRegular`]: `kind` says what has the path, as `a symbolic link`.
    pub fn not_regular(path: &FilePath, kind: &'static str) -> Self {
        let path = path.clone();
        Error::NotRegular { path, kind }
    }

    /// [`Error::TooLarge`]: at most `limit` bytes are allowed.
    pub fn too_large(path: &FilePath, limit: u64) -> Self {
        let path = path.clone();
        Error::TooLarge { path, limit }
    }

    /// [`Error::QuotaExceeded`].
    pub fn quota_exceeded(path: &FilePath, reason: impl Into<String>) -> Self {
        let (path, reason) = (path.clone(), reason.into());
        Error::QuotaExceeded { path, reason }
    }

    /// [`Error::Step`]: the step `index`, counted from zero, failed with `error`.
    pub fn in_step(index: usize, error: Error) -> Self {
        let source = Box::new(error);
        Error::Step { index, source }
    }

    /// An error of the system before a change was published: [`Error::NoSpace`],
    /// [`Error::ReadOnly`] or [`Error::Io`], as `source` says. An [`Error::NotRegular`] that
    /// `source` was made of comes back as it was.
    pub fn not_changed(path: &FilePath, source: impl Into<Arc<io::Error>>) -> Self {
        let (path, source) = (path.clone(), source.into());
        if let Some(error) = not_regular(&source) {
            return error;
        }
        if is_no_space(&source) {
            return Error::NoSpace { path, source };
        }
        match source.kind() {
            io::ErrorKind::ReadOnlyFilesystem => Error::ReadOnly,
            _ => Error::Io {
                path,
                intent: "changed",
                source,
            },
        }
    }

    /// [`Error::Io`] where nothing was to be changed. An [`Error::NotRegular`] that `source`
    /// was made of comes back as it was.
    pub fn not_read(path: &FilePath, source: impl Into<Arc<io::Error>>) -> Self {
        let source = source.into();
        not_regular(&source).unwrap_or_else(|| Error::Io {
            path: path.clone(),
            intent: "read",
            source,
        })
    }

    /// A volume was asked for a kind of change that it does not know: an [`Error::Io`].
    pub fn unsupported(path: &FilePath) -> Self {
        Error::not_changed(path, io::Error::from(io::ErrorKind::Unsupported))
    }

    /// A writer is to be committed although it did not take all it was given: an
    /// [`Error::Io`].
    pub fn after_failed_write(path: &FilePath) -> Self {
        Error::not_changed(path, io::Error::other("an earlier write to it failed"))
    }

    /// [`Error::Unavailable`]: `what` is a sentence for a person that says what could not be
    /// done.
    pub fn unavailable(what: impl Into<String>, source: impl Into<Arc<io::Error>>) -> Self {
        let (what, source) = (what.into(), source.into());
        Error::Unavailable { what, source }
    }

    /// [`Error::Unconfirmed`].
    pub fn unconfirmed(path: &FilePath, source: impl Into<Arc<io::Error>>) -> Self {
        let (path, source) = (path.clone(), source.into());
        Error::Unconfirmed { path, source }
    }

    /// [`Error::InDoubt`].
    pub fn in_doubt(path: &FilePath, source: impl Into<Arc<io::Error>>) -> Self {
        let (path, source) = (path.clone(), source.into());
        Error::InDoubt { path, source }
    }

    /// An error of the system before a change was published, in something that many
    /// changes need: `what` says it in words for a person.
    pub(crate) fn not_possible(
        path: Option<&FilePath>,
        what: &str,
        source: impl Into<Arc<io::Error>>,
    ) -> Self {
        let error = match path {
            Some(path) => Self::not_changed(path, source),
            None => return Self::unavailable(what, source),
        };
        match error {
            // A file of the engine may not get longer, by a limit of the process.
            Error::Io { path, source, .. } if source.kind() == io::ErrorKind::FileTooLarge => {
                Error::NoSpace { path, source }
            }
            // It is not about this file.
            Error::Io { source, .. } => Self::unavailable(what, source),
            full_or_read_only => full_or_read_only,
        }
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
        Self::not_a_file(path, "it is the directory of other files")
    }

    pub(crate) fn beneath_a_file(path: &FilePath, ancestor: &str) -> Self {
        Self::not_a_file(path, format!("{ancestor} is not a directory"))
    }
}

/// For code between a volume and `std::io`: the engine's error is the source, and
/// [`io::Error::downcast`] takes it out again.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::NotFound { .. } => io::ErrorKind::NotFound,
            Error::Path(_) | Error::Id(_) | Error::PathNotAllowed { .. } => {
                io::ErrorKind::InvalidInput
            }
            Error::TooLarge { .. } => io::ErrorKind::FileTooLarge,
            Error::QuotaExceeded { .. } => io::ErrorKind::QuotaExceeded,
            Error::NoSpace { .. } => io::ErrorKind::StorageFull,
            Error::ReadOnly => io::ErrorKind::ReadOnlyFilesystem,
            Error::Unavailable { source, .. } | Error::Io { source, .. } => source.kind(),
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

/// The [`Error::NotRegular`] that an error was made of.
pub(crate) fn not_regular(source: &io::Error) -> Option<Error> {
    let error = source.get_ref()?.downcast_ref::<Error>()?;
    matches!(error, Error::NotRegular { .. }).then(|| error.clone())
}

/// Whether the disk, or a quota of the system, is full.
pub(crate) fn is_no_space(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

fn found_text(found: &Option<Version>, size: &Option<u64>) -> String {
    match (found, size) {
        (Some(version), _) => format!("found version {version}"),
        (None, Some(size)) => format!("found another end, at {size} bytes"),
        (None, None) => "found no file".to_owned(),
    }
}
