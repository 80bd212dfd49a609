//! What can go wrong with a copy: at which end, and whether it is of use to go on.

use crate::roots::told;
use ability_storage::{Error, FilePath, Outcome};
use std::fmt;
use std::io;

/// An error, and at which end it showed.
#[derive(Debug)]
pub enum Trouble {
    Source(Error),
    Target(Error),
}

pub fn in_source(error: Error) -> Trouble {
    Trouble::Source(error)
}

pub fn in_target(error: Error) -> Trouble {
    Trouble::Target(error)
}

impl Trouble {
    /// A file whose reader gave more or less than it said.
    pub fn torn(path: &FilePath, expected: u64, found: u64) -> Self {
        let reason = format!(
            "it was changed in place while it was read: {found} bytes came, not {expected}; \
             run it again"
        );
        Self::Source(Error::not_read(path, io::Error::other(reason)))
    }

    /// Whether no other file would fare better.
    pub fn ends_all(&self) -> bool {
        fn ends_all(error: &Error) -> bool {
            match error {
                Error::Unavailable { .. } | Error::ReadOnly | Error::NoSpace { .. } => true,
                Error::Step { source, .. } => ends_all(source),
                _ => false,
            }
        }
        ends_all(self.error())
    }

    /// Whether the file was deleted where it was to be read.
    pub fn is_gone_from_source(&self) -> bool {
        matches!(self, Self::Source(Error::NotFound { .. }))
    }

    /// What it says of the change that was asked for.
    pub fn outcome(&self) -> Outcome {
        self.error().outcome()
    }

    fn error(&self) -> &Error {
        match self {
            Self::Source(error) | Self::Target(error) => error,
        }
    }

    /// The same, in words for a person.
    pub fn told(self) -> anyhow::Error {
        let (end, error) = match self {
            Self::Source(error) => ("FROM", error),
            Self::Target(error) => ("TO", error),
        };
        told(error).context(end)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(error) => write!(f, "FROM: {error}"),
            Self::Target(error) => write!(f, "TO: {error}"),
        }
    }
}
