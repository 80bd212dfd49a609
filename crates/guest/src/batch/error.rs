//! Why a batch failed, and what that means for all of its steps.

use crate::error::{Error, Outcome};

/// Why a batch was not committed, or cannot be vouched for.
///
/// It converts into its [`Error`], so that `?` works in a function that returns
/// one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {error}", said_of_all(error))]
pub struct BatchError {
    /// The step that is to blame, counted from zero in the order in which the
    /// steps were added; `None` if it is the batch as a whole.
    pub step: Option<usize>,
    /// What is wrong, with the path of that step; of the first one if it is the
    /// batch as a whole.
    pub error: Error,
}

fn said_of_all(error: &Error) -> &'static str {
    match error.outcome() {
        Outcome::NotApplied => "no step of the batch was made",
        Outcome::Unconfirmed => "the whole batch was made",
        Outcome::Unknown => "all of the batch was made, or none",
    }
}

impl From<BatchError> for Error {
    fn from(error: BatchError) -> Self {
        error.error
    }
}
