//! `Batch`: several changes, all made or none.
//!
//! Collects steps and hands them to the host as they are. Must never split a
//! batch, and never leave out a step.

use crate::bindings::{batch, types};
use crate::error::{Error, Outcome, Result};
use crate::host;
use crate::scope::Scope;
use crate::version::{Precondition, Version};
use std::fmt;

/// Several changes in one scope, made as one: all of them, durably, or none.
///
/// The steps take effect in the order in which they were added. Each sees what
/// those before it did, and so does its precondition. No reader sees some of the
/// changes without the others. Several steps may name the same path.
///
/// A batch is made in the memory of the ability and handed to the host whole, so
/// it is for files of moderate size; for a large one there is
/// [`Writer`](crate::Writer).
///
/// ```no_run
/// use ability_storage_guest::{Batch, Error, Scope};
///
/// // The entry and the index that lists it: never one without the other.
/// Batch::new(Scope::Ability)
///     .write("journal/2026-03-01.md", "A quiet day.\n")
///     .append("journal/index.csv", "2026-03-01,A quiet day\n")
///     .delete("journal/draft.md")
///     .commit()?;
/// # Ok::<(), Error>(())
/// ```
///
/// Where others may write the same files, say what you have seen:
///
/// ```no_run
/// use ability_storage_guest::{Batch, Error, Precondition, Scope, read_file_versioned};
///
/// let list = read_file_versioned("open.txt", Scope::User)?;
/// let mut batch = Batch::new(Scope::User);
/// batch.write_if("done.txt", list.contents, Precondition::Absent);
/// batch.delete_if("open.txt", Precondition::Version(list.version));
/// match batch.commit() {
///     Ok(_) => println!("all is done"),
///     Err(failure) if matches!(failure.error, Error::Conflict { .. }) => {
///         println!("step {:?} found something new", failure.step);
///     }
///     Err(failure) => return Err(failure.into()),
/// }
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
#[must_use = "a batch does nothing until it is committed"]
pub struct Batch {
    scope: Scope,
    steps: Vec<batch::Step>,
}

impl Batch {
    /// A batch without steps, for files in `scope`.
    pub fn new(scope: Scope) -> Self {
        Self {
            scope,
            steps: Vec::new(),
        }
    }

    /// Makes `contents` the file at `path`, as
    /// [`atomic_write_file`](crate::atomic_write_file) does.
    pub fn write(&mut self, path: impl Into<String>, contents: impl Into<Vec<u8>>) -> &mut Self {
        self.write_if(path, contents, Precondition::Any)
    }

    /// Like [`write`](Self::write), provided that `precondition` holds for the
    /// file at `path`.
    pub fn write_if(
        &mut self,
        path: impl Into<String>,
        contents: impl Into<Vec<u8>>,
        precondition: Precondition,
    ) -> &mut Self {
        let file = file_contents(path, contents);
        self.add(batch::Change::Write(file), precondition)
    }

    /// Adds `contents` to the end of the file at `path`, as
    /// [`append_file`](crate::append_file) does.
    pub fn append(&mut self, path: impl Into<String>, contents: impl Into<Vec<u8>>) -> &mut Self {
        self.append_if(path, contents, Precondition::Any)
    }

    /// Like [`append`](Self::append), provided that `precondition` holds for the
    /// file at `path`. To check a version, the host reads the whole file.
    pub fn append_if(
        &mut self,
        path: impl Into<String>,
        contents: impl Into<Vec<u8>>,
        precondition: Precondition,
    ) -> &mut Self {
        let file = file_contents(path, contents);
        self.add(batch::Change::Append(file), precondition)
    }

    /// Moves the file at `source` to `target`, as
    /// [`rename_file`](crate::rename_file) does.
    pub fn rename(&mut self, source: impl Into<String>, target: impl Into<String>) -> &mut Self {
        self.rename_if(source, target, Precondition::Any)
    }

    /// Like [`rename`](Self::rename), provided that `precondition` holds for the
    /// file at `target`.
    pub fn rename_if(
        &mut self,
        source: impl Into<String>,
        target: impl Into<String>,
        precondition: Precondition,
    ) -> &mut Self {
        let files = batch::Move {
            source: source.into(),
            target: target.into(),
        };
        self.add(batch::Change::Rename(files), precondition)
    }

    /// Removes the file at `path`, as [`delete_file`](crate::delete_file) does.
    pub fn delete(&mut self, path: impl Into<String>) -> &mut Self {
        self.delete_if(path, Precondition::Any)
    }

    /// Like [`delete`](Self::delete), provided that `precondition` holds for the
    /// file at `path`.
    pub fn delete_if(&mut self, path: impl Into<String>, precondition: Precondition) -> &mut Self {
        self.add(batch::Change::Delete(path.into()), precondition)
    }

    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there is no step. To commit such a batch changes nothing.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Makes all changes, durably, or none. Returns for each step the version
    /// that it wrote; `None` for an append, a rename and a delete.
    ///
    /// The batch keeps its steps, so that it can be committed again after an
    /// error that has passed.
    ///
    /// # Errors
    ///
    /// The [`BatchError`] names the step that is to blame. Its error is one of
    /// those of [`atomic_write_file_if`](crate::atomic_write_file_if), or
    /// [`Error::NotFound`] for a rename without a source. All but
    /// [`Error::Unconfirmed`] mean that nothing was changed, by any step; that
    /// one means that all of them are made, but may not survive a power cut, or that it
    /// is not known whether all of them are made or none.
    pub fn commit(&self) -> Result<Vec<Option<Version>>, BatchError> {
        match host::commit(&self.steps, self.scope.into()) {
            Ok(versions) => Ok(versions
                .into_iter()
                .map(|version| version.map(Version::new))
                .collect()),
            Err(failure) => Err(self.error(failure)),
        }
    }

    fn add(&mut self, change: batch::Change, precondition: Precondition) -> &mut Self {
        self.steps.push(batch::Step {
            change,
            precondition: precondition.into(),
        });
        self
    }

    fn error(&self, batch::Failure { step, error }: batch::Failure) -> BatchError {
        let step = step.and_then(|step| usize::try_from(step).ok());
        let blamed = self.steps.get(step.unwrap_or(0));
        BatchError {
            step,
            error: step_error(error, blamed.map(|step| &step.change)),
        }
    }
}

fn file_contents(path: impl Into<String>, contents: impl Into<Vec<u8>>) -> batch::FileContents {
    batch::FileContents {
        path: path.into(),
        contents: contents.into(),
    }
}

fn step_error(error: types::Error, change: Option<&batch::Change>) -> Error {
    match change {
        Some(batch::Change::Write(file) | batch::Change::Append(file)) => {
            Error::from_host(error, &file.path)
        }
        Some(batch::Change::Rename(files)) => {
            Error::from_rename(error, &files.source, &files.target)
        }
        Some(batch::Change::Delete(path)) => Error::from_host(error, path),
        None => Error::from_host(error, ""),
    }
}

impl fmt::Debug for Batch {
    /// What each step does to which path. Contents may be long, or private.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.steps.iter().map(|step| match &step.change {
            batch::Change::Write(file) => ("write", &file.path),
            batch::Change::Append(file) => ("append", &file.path),
            batch::Change::Rename(files) => ("rename", &files.target),
            batch::Change::Delete(path) => ("delete", path),
        });
        write!(f, "Batch({:?}) ", self.scope)?;
        f.debug_map().entries(steps).finish()
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Batch {
        let mut batch = Batch::new(Scope::User);
        batch
            .write("a", "1")
            .append_if("b", b"2".to_vec(), Precondition::Absent)
            .rename("c", "d")
            .delete_if("e", Precondition::Version(Version::new("v")));
        batch
    }

    fn failure(step: Option<u32>, error: types::Error) -> BatchError {
        example().error(batch::Failure { step, error })
    }

    #[test]
    fn steps_are_kept_in_order_with_their_preconditions() {
        let batch = example();
        assert_eq!(batch.len(), 4);
        assert_eq!(
            format!("{batch:?}"),
            r#"Batch(User) {"write": "a", "append": "b", "rename": "d", "delete": "e"}"#
        );
        let preconditions: Vec<_> = batch.steps.iter().map(|step| &step.precondition).collect();
        assert!(matches!(
            preconditions[..],
            [
                types::Precondition::Any,
                types::Precondition::Absent,
                types::Precondition::Any,
                types::Precondition::Version(version),
            ] if version == "v"
        ));
    }

    #[test]
    fn contents_are_passed_as_they_are() {
        let batch = example();
        assert!(matches!(
            &batch.steps[1].change,
            batch::Change::Append(file) if file.path == "b" && file.contents == b"2"
        ));
    }

    #[test]
    fn a_failure_names_the_step_and_its_path() {
        let error = failure(Some(1), types::Error::Conflict(None));
        assert_eq!(error.step, Some(1));
        assert_eq!(error.error.path(), "b");
        assert_eq!(
            error.to_string(),
            "no step of the batch was made: b was not changed: \
             it is not in the expected state (found no file)"
        );
        let error = failure(Some(2), types::Error::NotFound);
        assert_eq!(Error::from(error).path(), "c", "the source of the rename");
    }

    #[test]
    fn a_failure_of_the_whole_names_the_first_path() {
        let error = failure(None, types::Error::Unconfirmed("no sync".into()));
        assert_eq!(error.step, None);
        assert_eq!(
            error.to_string(),
            "the whole batch was made: a was changed, \
             but the change may not survive a power cut: no sync"
        );
    }

    #[test]
    fn unknown_outcomes_are_not_reported_as_made() {
        let reason = "a may have been changed, or not, for the answer was lost: reset";
        let error = failure(None, types::Error::Unconfirmed(reason.into()));
        assert_eq!(
            error.to_string(),
            format!("all of the batch was made, or none: {reason}")
        );
    }

    #[test]
    fn a_step_that_is_not_there_does_not_panic() {
        let error = failure(Some(9), types::Error::NoSpace);
        assert_eq!(error.step, Some(9));
        assert_eq!(error.error, Error::NoSpace { path: "".into() });
    }
}
