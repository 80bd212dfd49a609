//! An ability that hands out numbers: each once, in rising order, also where
//! many instances count in one file at the same time.
//!
//! Must never print a number before the write that uses it up has returned. A
//! crash in between leaves a gap, which is allowed; a number printed first could
//! be handed out twice, which is not.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod arguments;

use ability_storage_guest as storage;
use arguments::Command;
use std::io::{self, Write};
use std::process::ExitCode;

/// Why there is no number.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}")]
    Usage(String),
    /// The number is in the file, but may not survive a power cut; the counter
    /// would then hand it out again. So it is not handed out now: at worst it is
    /// missing, and never there twice.
    #[error("a number was used up and is not handed out: {0}")]
    Unconfirmed(storage::Error),
    #[error(transparent)]
    Storage(storage::Error),
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

impl From<storage::Error> for Error {
    fn from(error: storage::Error) -> Self {
        if error.is_applied() {
            Error::Unconfirmed(error)
        } else {
            Error::Storage(error)
        }
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If standard error is gone too, the exit code still tells.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Error> {
    match arguments::parse(std::env::args().skip(1)).map_err(Error::Usage)? {
        Command::Help => print(arguments::HELP),
        Command::Show { counter } => print(&format!("{}\n", counter.value()?)),
        Command::Next { counter, times } => {
            for _ in 0..times {
                let number = counter.next()?;
                print(&format!("{number}\n"))?;
            }
            Ok(())
        }
    }
}

/// Writes and flushes, and fails rather than panics if nobody reads.
fn print(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_may_be_used_up_is_told_from_one_that_is_not() {
        let path = || "counter.count".to_owned();
        let error = Error::from(storage::Error::Unconfirmed {
            path: path(),
            reason: "input/output error".to_owned(),
        });
        assert_eq!(
            error.to_string(),
            "a number was used up and is not handed out: counter.count was changed, \
             but the change may not survive a power cut: input/output error"
        );
        let error = Error::from(storage::Error::NoSpace { path: path() });
        assert_eq!(
            error.to_string(),
            "counter.count was not changed: the disk is full"
        );
    }
}
