//! Errors of this crate inside an [`io::Error`], and out of it again.
//!
//! An error must come out as it went in: [`Outcome`](crate::Outcome) depends on
//! it.

use crate::error::Error;
use std::io;

impl From<Error> for io::Error {
    /// For [`Writer`](crate::Writer), [`Reader`](crate::Reader) and abilities
    /// whose own functions return [`io::Result`]. The error itself is kept
    /// inside; `io_error.downcast::<Error>()` takes it out again.
    fn from(error: Error) -> Self {
        io::Error::new(kind(&error), error)
    }
}

/// The nearest kind. Never `Interrupted` or `WouldBlock`: callers in `std` retry
/// those without asking.
fn kind(error: &Error) -> io::ErrorKind {
    match error {
        Error::NotFound { .. } => io::ErrorKind::NotFound,
        Error::Conflict { .. } | Error::OtherEnd { .. } => io::ErrorKind::ResourceBusy,
        Error::InvalidPath { .. } => io::ErrorKind::InvalidFilename,
        Error::TooLarge { .. } => io::ErrorKind::FileTooLarge,
        Error::QuotaExceeded { .. } => io::ErrorKind::QuotaExceeded,
        Error::NoSpace { .. } => io::ErrorKind::StorageFull,
        Error::ReadOnly { .. } => io::ErrorKind::ReadOnlyFilesystem,
        Error::NotUtf8 { .. } | Error::Corrupt { .. } | Error::Unsupported { .. } => {
            io::ErrorKind::InvalidData
        }
        #[cfg(feature = "json")]
        Error::NotSerializable { .. } => io::ErrorKind::InvalidInput,
        #[cfg(feature = "audit")]
        Error::BrokenChain { .. } => io::ErrorKind::InvalidData,
        #[cfg(feature = "audit")]
        Error::LogChanged { .. } => io::ErrorKind::ResourceBusy,
        #[cfg(feature = "audit")]
        Error::RecordTooLong { .. } => io::ErrorKind::InvalidInput,
        Error::CounterExhausted { .. }
        | Error::Unavailable { .. }
        | Error::Unconfirmed { .. }
        | Error::Other { .. } => io::ErrorKind::Other,
    }
}

/// The error inside `error`. One that came from somewhere else is told as what
/// went wrong with `path`.
#[cfg(feature = "audit")]
pub(crate) fn from_io(error: io::Error, path: &str) -> Error {
    error.downcast().unwrap_or_else(|error| Error::Other {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_space() -> Error {
        Error::NoSpace {
            path: "notes.json".into(),
        }
    }

    #[test]
    fn an_error_comes_out_as_it_went_in() {
        let error = io::Error::from(no_space());
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(error.downcast::<Error>().unwrap(), no_space());
    }

    #[cfg(feature = "audit")]
    #[test]
    fn an_error_from_elsewhere_keeps_its_text() {
        assert_eq!(from_io(no_space().into(), "log"), no_space());
        let error = from_io(io::Error::other("broken pipe"), "log");
        assert_eq!(
            error.to_string(),
            "the call for log failed, nothing was changed: broken pipe"
        );
    }
}
