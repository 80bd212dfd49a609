//! What can go wrong, and what it means for the file.
//!
//! Every message names the path and says what happened to the data. An error
//! must never claim *not applied* where the host did not.

use crate::bindings::types;
use crate::version::Version;
use std::borrow::Cow;

/// The result of everything that this crate does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What an error says of the change that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was changed: the file is as it was before the call.
    NotApplied,
    /// The change is made and readers see it, but a power cut may still undo it.
    Unconfirmed,
    /// It is not known whether the change was made, or may still be made: all of it, or
    /// nothing. Read the file to see what is there.
    Unknown,
}

/// Why a call failed.
///
/// All but [`Unconfirmed`](Error::Unconfirmed) mean that nothing was changed.
/// `path` is the path that the call was about. Of a rename it is the source if
/// the source was not found, else the target; of a list, the prefix; of a batch,
/// the path of the step that is to blame, of the first step if none is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such file.
    #[error("{} was not found", shown(path))]
    NotFound {
        /// The path that was asked for.
        path: String,
    },

    /// The precondition does not hold: someone else has written the file, or
    /// deleted it. Read again, decide again, retry; or let
    /// [`update_file`](crate::update_file) do so.
    #[error(
        "{} was not changed: it is not in the expected state ({})",
        shown(path),
        found_text(found)
    )]
    Conflict {
        /// The path whose precondition failed.
        path: String,
        /// The version that is there; `None` if there is no file.
        found: Option<Version>,
    },

    /// The file does not end as [`append_file_if`](crate::append_file_if) was to find it:
    /// another writer has added to it, or replaced it. Read what is there, decide again,
    /// retry.
    #[error("{} was not changed: it does not end as expected", shown(path))]
    OtherEnd {
        /// The path that was to be appended to.
        path: String,
    },

    /// The path breaks a rule of the [crate](crate#paths-and-limits), it would
    /// have to be both a file and the directory of another, or what has it is
    /// not a file but a symbolic link, a named pipe, a socket or a device.
    #[error("{} cannot be used as a path: {reason}", shown(path))]
    InvalidPath {
        /// The path that was asked for.
        path: String,
        /// Which rule it breaks.
        reason: String,
    },

    /// The contents are longer than the host allows.
    #[error(
        "{} needs more than the {limit} bytes that the host allows in one call or one file; \
         nothing was changed. Longer files are read and written piece by piece",
        shown(path)
    )]
    TooLarge {
        /// The path that was to be written or read.
        path: String,
        /// The most bytes that are allowed.
        limit: u64,
    },

    /// A quota of the host for this scope would be exceeded. Delete what is no
    /// longer needed, then retry.
    #[error("{}", once(path, "was not changed: ", reason))]
    QuotaExceeded {
        /// The path that was to be changed.
        path: String,
        /// Which quota.
        reason: String,
    },

    /// The disk is full. The earlier contents stand; free some space, then
    /// retry.
    #[error("{} was not changed: the disk is full", shown(path))]
    NoSpace {
        /// The path that was to be changed.
        path: String,
    },

    /// The host gave this scope for reading only.
    #[error(
        "{} was not changed: the host gives this scope for reading only",
        shown(path)
    )]
    ReadOnly {
        /// The path that was to be changed.
        path: String,
    },

    /// The host has nothing behind this scope, or cannot reach it now.
    #[error("{} cannot be reached, nothing was changed: {reason}", shown(path))]
    Unavailable {
        /// The path that was asked for.
        path: String,
        /// What the host says.
        reason: String,
    },

    /// The change is made and readers see it, but it is not known whether it
    /// survives a power cut. The disk may be failing: say so, rather than go on
    /// as if it were written.
    ///
    /// Where the host reaches its storage over a network and an answer was lost, or a disk
    /// lets a record be neither written nor taken back, it is not known whether the change
    /// was made: then [`outcome`](Error::outcome) is [`Outcome::Unknown`], and the text
    /// says so.
    ///
    /// An unconditional write and a delete can be repeated as they are: once
    /// that succeeds, they are confirmed. So can
    /// [`append_file_if`](crate::append_file_if), with the same end. Nothing else can. An
    /// append would add its contents once more, [`update_file`](crate::update_file) would
    /// make its change twice, a rename would no longer find its source, and whatever
    /// has a precondition would meet its own result. There, read the file first. If the
    /// change is in it, write what it holds, which confirms that; if it is not, make the
    /// change again.
    #[error("{}", unconfirmed_text(path, reason))]
    Unconfirmed {
        /// The path that was changed.
        path: String,
        /// What the host says.
        reason: String,
    },

    /// The file was read as text, but is not UTF-8.
    #[error(
        "{} is not text: it is not UTF-8 from byte {valid_up_to} on",
        shown(path)
    )]
    NotUtf8 {
        /// The path that was read.
        path: String,
        /// How many bytes from the start are UTF-8.
        valid_up_to: usize,
    },

    /// The file does not hold what it was loaded as: a number
    /// ([`Counter`](crate::Counter)), or a value of the ability's own type
    /// (`State`). It is left as it is; repair it, or move it away to start anew.
    #[error("{} is corrupt and was left as it is: {reason}", shown(path))]
    Corrupt {
        /// The path that was read.
        path: String,
        /// What is wrong, and where.
        reason: String,
    },

    /// The file holds something valid that no SDK could write again as it is, and is
    /// left as it is: JSON with a number beyond 64 bits, with half of a surrogate
    /// pair, with two members of one name in one object, or nested too deeply; or
    /// text in UTF-16. Mend it by hand as the reason says.
    #[error("{} was left as it is: {reason}", shown(path))]
    Unsupported {
        /// The path that was read.
        path: String,
        /// What was found, and what to do.
        reason: String,
    },

    /// The value would not come back from JSON as it is: for example, it holds a
    /// number that is `NaN`, or a map whose keys are not strings.
    #[cfg(feature = "json")]
    #[error(
        "{} was not changed: its new value cannot be written as JSON: {reason}",
        shown(path)
    )]
    NotSerializable {
        /// The path that was to be written.
        path: String,
        /// What cannot be written.
        reason: String,
    },

    /// A [`Counter`](crate::Counter) cannot count that far.
    #[error(
        "{} was not changed: it stands at {value}, and cannot count that much further",
        shown(path)
    )]
    CounterExhausted {
        /// The path of the counter.
        path: String,
        /// The number at which it stands.
        value: u64,
    },

    /// The chain of an [`AuditLog`](crate::AuditLog) does not hold. The file is
    /// left as it is, as evidence. To go on behind the break, call
    /// [`AuditLog::continue_broken`](crate::AuditLog::continue_broken).
    #[cfg(feature = "audit")]
    #[error("{} was left as it is, because its chain is {broken}", shown(path))]
    BrokenChain {
        /// The path of the log.
        path: String,
        /// Where it is broken first, and how.
        broken: crate::audit::Broken,
    },

    /// The file of an [`AuditLog`](crate::AuditLog) was replaced, cut or removed since
    /// this one was opened: it does not have the records any more that were in it.
    #[cfg(feature = "audit")]
    #[error(
        "{} was not changed: it does not have the records any more that were in it",
        shown(path)
    )]
    LogChanged {
        /// The path of the log.
        path: String,
    },

    /// What was to be recorded in an [`AuditLog`](crate::AuditLog) is too long
    /// for one record.
    #[cfg(feature = "audit")]
    #[error(
        "{} was not changed: one record of it holds at most {limit} bytes",
        shown(path)
    )]
    RecordTooLong {
        /// The path of the log.
        path: String,
        /// The most bytes that are allowed.
        limit: usize,
    },

    /// Anything else that went wrong in the host.
    #[error("the call for {} failed, nothing was changed: {reason}", shown(path))]
    Other {
        /// The path that was asked for.
        path: String,
        /// What the host says.
        reason: String,
    },
}

impl Error {
    /// What this error says of the change that was asked for.
    pub fn outcome(&self) -> Outcome {
        match self {
            Error::Unconfirmed { reason, .. } if reason.contains(UNKNOWN) => Outcome::Unknown,
            Error::Unconfirmed { .. } => Outcome::Unconfirmed,
            _ => Outcome::NotApplied,
        }
    }

    /// Whether the change was made although the call failed, so that readers
    /// see it now. It is false, too, where that is not known: [`Outcome::Unknown`].
    pub fn is_applied(&self) -> bool {
        self.outcome() == Outcome::Unconfirmed
    }

    /// The path that the call was about.
    pub fn path(&self) -> &str {
        match self {
            Error::NotFound { path }
            | Error::Conflict { path, .. }
            | Error::OtherEnd { path }
            | Error::InvalidPath { path, .. }
            | Error::TooLarge { path, .. }
            | Error::QuotaExceeded { path, .. }
            | Error::NoSpace { path }
            | Error::ReadOnly { path }
            | Error::Unavailable { path, .. }
            | Error::Unconfirmed { path, .. }
            | Error::NotUtf8 { path, .. }
            | Error::Corrupt { path, .. }
            | Error::Unsupported { path, .. }
            | Error::CounterExhausted { path, .. }
            | Error::Other { path, .. } => path,
            #[cfg(feature = "json")]
            Error::NotSerializable { path, .. } => path,
            #[cfg(feature = "audit")]
            Error::BrokenChain { path, .. }
            | Error::LogChanged { path }
            | Error::RecordTooLong { path, .. } => path,
        }
    }

    /// What the host said of a call for `path`.
    pub(crate) fn from_host(error: types::Error, path: &str) -> Self {
        let path = path.to_owned();
        match error {
            types::Error::NotFound => Error::NotFound { path },
            types::Error::Conflict(found) => Error::Conflict {
                path,
                found: found.map(Version::new),
            },
            types::Error::InvalidPath(reason) => Error::InvalidPath {
                path,
                reason: unnamed(reason),
            },
            types::Error::TooLarge(limit) => Error::TooLarge { path, limit },
            types::Error::QuotaExceeded(reason) => Error::QuotaExceeded { path, reason },
            types::Error::NoSpace => Error::NoSpace { path },
            types::Error::ReadOnly => Error::ReadOnly { path },
            types::Error::Unavailable(reason) => Error::Unavailable { path, reason },
            types::Error::Unconfirmed(reason) => Error::Unconfirmed { path, reason },
            types::Error::Other(reason) => Error::Other { path, reason },
        }
    }

    /// What the host said of a rename. It does not tell which of the two paths
    /// it means; where only one makes sense that one is named, else both are.
    pub(crate) fn from_rename(error: types::Error, source: &str, target: &str) -> Self {
        match error {
            types::Error::NotFound => Error::from_host(error, source),
            types::Error::InvalidPath(reason) => Error::InvalidPath {
                path: target.to_owned(),
                reason: format!("on renaming {} to it: {reason}", shown(source)),
            },
            error => Error::from_host(error, target),
        }
    }
}

/// A path as a message shows it: as it is where that cannot mislead, else
/// quoted, so that a hostile name cannot forge a line of a log.
fn shown(path: &str) -> Cow<'_, str> {
    let plain = !path.is_empty() && path.chars().all(|c| !c.is_control() && c != '"');
    if plain {
        Cow::Borrowed(path)
    } else {
        Cow::Owned(format!("{path:?}"))
    }
}

/// What a host says where it does not know whether the change was made.
const UNKNOWN: &str = "may have been changed, or not";

fn unconfirmed_text(path: &str, reason: &str) -> String {
    if reason.contains(UNKNOWN) {
        once(path, &format!("{UNKNOWN}: "), reason)
    } else {
        let what = "was changed, but the change may not survive a power cut: ";
        once(path, what, reason)
    }
}

/// What happened to the path, and why. A host may say both by itself, and knows better.
fn once(path: &str, what: &str, reason: &str) -> String {
    if reason.starts_with(UNKNOWN) {
        return format!("{} {reason}", shown(path));
    }
    let said = reason
        .strip_prefix(path)
        .and_then(|said| said.strip_prefix(' '));
    match said.filter(|said| said.starts_with("was ") || said.starts_with("may ")) {
        Some(said) => format!("{} {said}", shown(path)),
        None => format!("{} {what}{reason}", shown(path)),
    }
}

/// Why a path is refused, without the path, which a host may name as well.
fn unnamed(reason: String) -> String {
    match reason.rsplit_once(" cannot name a file: ") {
        Some((name, rule)) if name.starts_with('"') => rule.to_owned(),
        _ => reason,
    }
}

fn found_text(found: &Option<Version>) -> String {
    match found {
        Some(version) => format!("found version {version}"),
        None => "found no file".to_owned(),
    }
}

#[cfg(test)]
mod tests;
