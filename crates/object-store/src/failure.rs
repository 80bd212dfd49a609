//! What became of a request that failed.
//!
//! The question that matters is whether it can still take effect. Where nobody knows
//! the answer, it is [`Effect::Unknown`]: a guess here would be a lie to who commits.

use object_store::Error;
#[cfg(any(feature = "aws", feature = "gcp", feature = "azure"))]
use object_store::client::{HttpError, HttpErrorKind};
use std::error::Error as _;
use std::fmt;
use std::io;

/// What a failed request may have done to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing: the object was not in the state that the request asked for.
    Conflict,
    /// Nothing: there is no such object.
    Missing,
    /// Nothing: no connection was made. The next attempt may reach the store.
    NotSent,
    /// Nothing, and no attempt after it will do more.
    Refused,
    /// All of it, or nothing, or all of it later.
    Unknown,
}

impl Effect {
    /// What is known of the effect of a request that failed with `error`. That it was
    /// not sent can be told only of a store that makes one attempt for each request.
    pub(crate) fn of(error: &Error, makes_one_attempt: bool) -> Self {
        match error {
            Error::Precondition { .. } | Error::AlreadyExists { .. } => Effect::Conflict,
            Error::NotFound { .. } => Effect::Missing,
            Error::PermissionDenied { .. }
            | Error::Unauthenticated { .. }
            | Error::InvalidPath { .. }
            | Error::NotSupported { .. }
            | Error::NotImplemented { .. }
            | Error::UnknownConfigurationKey { .. } => Effect::Refused,
            _ if makes_one_attempt && was_not_sent(error) => Effect::NotSent,
            _ if status(error).is_some_and(is_refusal) => Effect::Refused,
            _ => Effect::Unknown,
        }
    }
}

#[cfg(any(feature = "aws", feature = "gcp", feature = "azure"))]
fn was_not_sent(error: &Error) -> bool {
    causes(error).any(|cause| {
        let http = cause.downcast_ref::<HttpError>();
        http.is_some_and(|error| error.kind() == HttpErrorKind::Connect)
    })
}

/// Without a provider this crate makes no requests over HTTP, and knows nothing of those that
/// the store of a host makes.
#[cfg(not(any(feature = "aws", feature = "gcp", feature = "azure")))]
fn was_not_sent(_error: &Error) -> bool {
    false
}

/// The status with which the server answered. It is in the text of an error alone.
fn status(error: &Error) -> Option<u16> {
    causes(error).find_map(|cause| {
        let text = cause.to_string();
        let rest = text.strip_prefix("Server returned non-2xx status code: ")?;
        rest.get(..3)?.parse().ok()
    })
}

/// Of the statuses that blame the request, these three only ask for another attempt.
fn is_refusal(status: u16) -> bool {
    (400..500).contains(&status) && !matches!(status, 408 | 409 | 429)
}

/// Whether it was not the object store that answered, or did not, but the service of a cloud
/// that gives credentials to its machines.
fn is_of_metadata(error: &Error) -> bool {
    const SERVICES: [&str; 4] = [
        "://169.254.169.254",
        "://169.254.170.2",
        "://[fd00:ec2::254]",
        "://metadata.google.internal",
    ];
    let is_named = |text: String| SERVICES.iter().any(|service| text.contains(service));
    is_named(error.to_string()) || causes(error).any(|cause| is_named(cause.to_string()))
}

fn causes(error: &Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}

/// Why a request failed, in words that name neither the store nor its keys: they end
/// up with guests. The error itself is the source.
pub(crate) fn told(error: Error) -> io::Error {
    let kind = match (&error, status(&error)) {
        (Error::PermissionDenied { .. } | Error::Unauthenticated { .. }, _)
        | (_, Some(401 | 403)) => io::ErrorKind::PermissionDenied,
        (Error::NotFound { .. }, _) => io::ErrorKind::NotFound,
        (Error::NotSupported { .. } | Error::NotImplemented { .. }, _) | (_, Some(501)) => {
            io::ErrorKind::Unsupported
        }
        _ => io::ErrorKind::Other,
    };
    let text = match (&error, status(&error)) {
        (Error::PermissionDenied { .. }, _) => "the object store denied it".to_owned(),
        (Error::Unauthenticated { .. }, _) => {
            "the object store does not accept the credentials".to_owned()
        }
        (Error::NotFound { .. }, _) => "the object store has no such object".to_owned(),
        (Error::NotSupported { .. } | Error::NotImplemented { .. }, _) => {
            "the object store cannot do that".to_owned()
        }
        _ if is_of_metadata(&error) => {
            "no credentials were found, and the metadata service of this machine, which is asked \
             for them then, gave none"
                .to_owned()
        }
        (_, Some(status)) => format!("the object store answered with status {status}"),
        _ if was_not_sent(&error) => "no connection to the object store was made".to_owned(),
        _ => "the request to the object store failed".to_owned(),
    };
    // Who asks for a condition expects that it may not hold.
    if !matches!(
        error,
        Error::Precondition { .. } | Error::AlreadyExists { .. } | Error::NotFound { .. }
    ) {
        let error = &error as &dyn std::error::Error;
        tracing::debug!(error, "a request failed");
    }
    io::Error::new(kind, Told { text, error })
}

/// There was no answer within the time that is given to a request.
pub(crate) fn timed_out() -> io::Error {
    io::Error::new(
        io::ErrorKind::TimedOut,
        "the object store did not answer in time",
    )
}

#[derive(Debug)]
struct Told {
    text: String,
    error: Error,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Told {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_without_credentials_is_not_blamed() {
        let told_of = |text: &'static str| {
            let source = text.into();
            let error = Error::Generic {
                store: "S3",
                source,
            };
            told(error).to_string()
        };
        for address in [
            "http://169.254.169.254/latest/api/token",
            "http://metadata.google.internal/computeMetadata/v1",
        ] {
            let text = format!("Error performing PUT {address} in 2 ms");
            let said = told_of(text.leak());
            assert!(said.starts_with("no credentials were found"), "{said}");
        }
        let said = told_of("Error performing PUT http://127.0.0.1:9000/bucket in 2 ms");
        assert!(
            said.starts_with("the request to the object store"),
            "{said}"
        );
    }
}
