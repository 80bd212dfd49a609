//! `batch`: several changes as one. Its words are the steps one after another,
//! each of a fixed number of words, so that nothing separates them:
//!
//! ```text
//! batch write a one  append b two if absent  rename c d  delete e if version:v
//! ```
//!
//! `write-size PATH BYTES` and `append-size PATH BYTES` are steps too. Answers the
//! version of each step, `none` for a step without one; a failure ends in
//! `step=<n>`, counted from zero, or `step=none`.

use crate::answer::{Answer, Failure, Fields};
use crate::files::{filled, precondition};
use ability_storage_guest::{Batch, BatchError, Precondition, Scope};

/// Does what `words` say; `None` if they are no batch.
pub fn perform(words: &[&str], scope: Scope) -> Option<Answer> {
    let (&"batch", steps) = words.split_first()? else {
        return None;
    };
    Some(parse(steps, scope).and_then(|batch| commit(&batch)))
}

fn commit(batch: &Batch) -> Answer {
    match batch.commit() {
        Ok(versions) => Ok(Fields::of(versions.into_iter().map(|version| {
            version.map_or_else(|| "none".to_owned(), |version| version.to_string())
        }))),
        Err(error) => Err(failure(error)),
    }
}

fn failure(BatchError { step, error }: BatchError) -> Failure {
    let step = step.map_or_else(|| "none".to_owned(), |step| step.to_string());
    match Failure::from(error) {
        Failure::Failed { name, detail } if detail.is_empty() => {
            Failure::with(name, format!("step={step}"))
        }
        Failure::Failed { name, detail } => Failure::with(name, format!("{detail} step={step}")),
        usage => usage,
    }
}

fn parse(mut words: &[&str], scope: Scope) -> Result<Batch, Failure> {
    let mut batch = Batch::new(scope);
    while !words.is_empty() {
        words = match *words {
            ["write", path, text, ref rest @ ..] => {
                let (condition, rest) = condition(rest)?;
                batch.write_if(path, text, condition);
                rest
            }
            ["write-size", path, bytes, ref rest @ ..] => {
                let (condition, rest) = condition(rest)?;
                batch.write_if(path, filled(bytes, "x")?, condition);
                rest
            }
            ["append", path, text, ref rest @ ..] => {
                let (condition, rest) = condition(rest)?;
                batch.append_if(path, text, condition);
                rest
            }
            ["append-size", path, bytes, ref rest @ ..] => {
                let (condition, rest) = condition(rest)?;
                batch.append_if(path, filled(bytes, "x")?, condition);
                rest
            }
            ["rename", source, target, ref rest @ ..] => {
                let (condition, rest) = condition(rest)?;
                batch.rename_if(source, target, condition);
                rest
            }
            ["delete", path, ref rest @ ..] => {
                let (condition, rest) = condition(rest)?;
                batch.delete_if(path, condition);
                rest
            }
            _ => return Err(Failure::Usage(format!("no step of a batch: {words:?}"))),
        };
    }
    Ok(batch)
}

/// The precondition at the start of `words`, if there is one, and what follows.
fn condition<'a, 'b>(words: &'a [&'b str]) -> Result<(Precondition, &'a [&'b str]), Failure> {
    match words {
        ["if", condition, rest @ ..] => Ok((precondition(condition)?, rest)),
        rest => Ok((Precondition::Any, rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::line;
    use ability_storage_guest::Error;

    fn steps(words: &str) -> Result<usize, Failure> {
        let words: Vec<&str> = words.split_whitespace().collect();
        parse(&words, Scope::Ability).map(|batch| batch.len())
    }

    #[test]
    fn steps_follow_each_other() {
        assert_eq!(steps(""), Ok(0));
        assert_eq!(steps("delete a"), Ok(1));
        assert_eq!(steps("write if if if absent delete delete"), Ok(2));
        let all = "write a one append b two if absent rename c d delete e if version:v \
                   write-size f 10 append-size g 20 if any";
        assert_eq!(steps(all), Ok(6));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in [
            "wirte a b",
            "write a",
            "delete a b",
            "if absent",
            "delete a if",
            "delete a if maybe",
            "write-size a many",
        ] {
            assert!(matches!(steps(words), Err(Failure::Usage(_))), "{words}");
        }
    }

    #[test]
    fn a_failure_names_its_step() {
        let path = || "p".to_owned();
        let mut error = BatchError {
            step: Some(2),
            error: Error::NoSpace { path: path() },
        };
        assert_eq!(line(&Err(failure(error.clone()))), "err no-space step=2");
        error.step = None;
        error.error = Error::Conflict {
            path: path(),
            found: None,
        };
        assert_eq!(line(&Err(failure(error))), "err conflict none step=none");
    }
}
