//! What an operation answers, and how that is printed: one line, fields
//! separated by tabs, nothing in it that could be taken for another line.

use crate::escape::escape;
use ability_storage_guest::Error;
use std::fmt;
use std::io;

/// `ok` with its fields, or a failure.
pub type Answer = Result<Fields, Failure>;

/// The fields after `ok`. Escaped when printed, not before.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<Vec<u8>>);

impl Fields {
    /// Of anything that holds bytes.
    pub fn of<T: Into<Vec<u8>>>(fields: impl IntoIterator<Item = T>) -> Self {
        Self(fields.into_iter().map(Into::into).collect())
    }

    /// One field, as it prints.
    pub fn one(field: impl fmt::Display) -> Self {
        Self::of([field.to_string()])
    }

    /// No field: it was done, and there is nothing to say.
    pub fn none() -> Self {
        Self::default()
    }
}

/// Why there is no `ok`.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// The test asked for something that the probe does not know. The only
    /// failure that ends the probe with exit code 1.
    Usage(String),
    /// The operation was tried and failed.
    Failed {
        /// For an error of storage, the name of the variant in the WIT.
        name: &'static str,
        /// What the variant carries.
        detail: String,
    },
}

impl Failure {
    /// A failure without details.
    fn bare(name: &'static str) -> Self {
        Self::with(name, String::new())
    }

    /// A failure with what it carries.
    pub fn with(name: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::Failed { name, detail }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound { .. } => Self::bare("not-found"),
            Error::Conflict { found, .. } => Self::with(
                "conflict",
                found.map_or_else(|| "none".to_owned(), |version| version.to_string()),
            ),
            Error::InvalidPath { reason, .. } => Self::with("invalid-path", reason),
            Error::TooLarge { limit, .. } => Self::with("too-large", limit.to_string()),
            Error::QuotaExceeded { reason, .. } => Self::with("quota-exceeded", reason),
            Error::NoSpace { .. } => Self::bare("no-space"),
            Error::ReadOnly { .. } => Self::bare("read-only"),
            Error::Unavailable { reason, .. } => Self::with("unavailable", reason),
            Error::Unconfirmed { reason, .. } => Self::with("unconfirmed", reason),
            Error::Other { reason, .. } => Self::with("other", reason),
            // These are the SDK's own; the WIT does not have them.
            Error::NotUtf8 { valid_up_to, .. } => Self::with("not-utf8", valid_up_to.to_string()),
            Error::Corrupt { reason, .. } => Self::with("corrupt", reason),
            Error::CounterExhausted { value, .. } => {
                Self::with("counter-exhausted", value.to_string())
            }
            error => Self::with("unknown", error.to_string()),
        }
    }
}

impl From<io::Error> for Failure {
    /// An error of storage inside is told as such.
    fn from(error: io::Error) -> Self {
        match error.downcast::<Error>() {
            Ok(error) => error.into(),
            Err(error) => Self::with("io", format!("{:?}: {error}", error.kind())),
        }
    }
}

impl fmt::Display for Failure {
    /// Without escapes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, detail) = match self {
            Failure::Usage(text) => ("usage", text),
            Failure::Failed { name, detail } => (*name, detail),
        };
        f.write_str(&joined(name, detail))
    }
}

/// The line for an answer, without its line feed.
pub fn line(answer: &Answer) -> String {
    match answer {
        Ok(Fields(fields)) => {
            let fields: Vec<_> = fields.iter().map(|field| escape(field)).collect();
            joined("ok", &fields.join("\t"))
        }
        Err(failure) => joined("err", &escape(failure.to_string().as_bytes())),
    }
}

fn joined(start: &str, rest: &str) -> String {
    if rest.is_empty() {
        start.to_owned()
    } else {
        format!("{start} {rest}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ability_storage_guest::Version;

    #[test]
    fn fields_are_separated_and_escaped() {
        assert_eq!(line(&Ok(Fields::none())), "ok");
        assert_eq!(line(&Ok(Fields::one(true))), "ok true");
        assert_eq!(line(&Ok(Fields::of(["a b", "c\td"]))), "ok a b\tc\\td");
    }

    #[test]
    fn storage_errors_have_their_names_in_the_wit() {
        let path = || "p".to_owned();
        let conflict = |found| Error::Conflict {
            path: path(),
            found,
        };
        for (error, expected) in [
            (Error::NotFound { path: path() }, "err not-found"),
            (conflict(None), "err conflict none"),
            (conflict(Some(Version::new("v1"))), "err conflict v1"),
            (Error::NoSpace { path: path() }, "err no-space"),
            (
                Error::TooLarge {
                    path: path(),
                    limit: 7,
                },
                "err too-large 7",
            ),
            (
                Error::InvalidPath {
                    path: path(),
                    reason: "a\nb".into(),
                },
                "err invalid-path a\\nb",
            ),
        ] {
            assert_eq!(line(&Err(error.into())), expected);
        }
    }

    #[test]
    fn other_errors_have_their_kind() {
        let error = io::Error::new(io::ErrorKind::PermissionDenied, "no");
        assert_eq!(line(&Err(error.into())), "err io PermissionDenied: no");
        let error = io::Error::from(Error::NoSpace { path: "p".into() });
        assert_eq!(line(&Err(error.into())), "err no-space");
        let usage = Failure::Usage("a\nb".into());
        assert_eq!(line(&Err(usage)), "err usage a\\nb");
    }
}
