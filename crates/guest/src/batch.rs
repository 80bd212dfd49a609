//! `Batch`: several changes, all made or none.
//!
//! Collects steps and hands them to the host as they are. Must never split a
//! batch, never leave out a step, and never commit what was derived from contents
//! that have changed.

mod error;
mod update;

pub use error::BatchError;
pub use update::update_batch;

use crate::bindings::{batch, types};
use crate::error::{Error, Result};
use crate::files;
use crate::host;
use crate::scope::Scope;
use crate::version::{Precondition, Snapshot, Version};
use std::fmt;
use std::sync::{Arc, OnceLock};

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
/// What a step depends on is read with [`read`](Self::read): the commit is then refused if
/// anyone else has changed that file. `State::update_in`, [`Counter::add_in`] and
/// `AuditLog::append_in` add their change to a batch in this way. [`update_batch`] makes a
/// batch again as long as another writer was faster.
///
/// A batch that is committed twice makes its steps twice: its appends add their contents once
/// more. That happens where a commit is repeated after [`Error::Unconfirmed`], or where a
/// program that was killed begins again. To append once, append on a condition
/// ([`append_if`](Self::append_if) with the version that was read, or [`read`](Self::read),
/// which makes one), or record in an `AuditLog` with `append_in`.
///
/// [`Counter::add_in`]: crate::Counter::add_in
#[derive(Clone)]
#[must_use = "a batch does nothing until it is committed"]
pub struct Batch {
    scope: Scope,
    steps: Vec<batch::Step>,
    /// What was read, in this order: it must still be so when the steps are made.
    read: Vec<(String, Option<Snapshot>)>,
    /// Set once a step is made.
    made: Vec<(usize, Made)>,
    /// Whether only [`update_batch`] may commit it.
    is_lent: bool,
}

/// Whether a step was made: once its batch is committed, the version that it wrote, if any.
pub(crate) type Made = Arc<OnceLock<Option<Version>>>;

impl Batch {
    /// A batch without steps, for files in `scope`.
    pub fn new(scope: Scope) -> Self {
        Self {
            scope,
            steps: Vec::new(),
            read: Vec::new(),
            made: Vec::new(),
            is_lent: false,
        }
    }

    /// What the file at `path` holds after the steps so far; `None` if there is none.
    ///
    /// The commit fails with [`Error::Conflict`], and makes no step, if the file that was
    /// read is another one by then. A file is read once for a batch, however often this is
    /// called.
    ///
    /// # Errors
    ///
    /// As [`read_file`](crate::read_file), without [`Error::NotFound`].
    pub fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>> {
        let mut path = path.to_owned();
        let mut added: Vec<&[u8]> = Vec::new();
        for step in self.steps.iter().rev() {
            match &step.change {
                batch::Change::Write(file) if file.path == path => {
                    return Ok(joined(Some(&file.contents), &added));
                }
                batch::Change::Append(file) if file.path == path => added.push(&file.contents),
                batch::Change::Rename(files) if files.target == path => {
                    path.clone_from(&files.source);
                }
                batch::Change::Rename(files) if files.source == path => {
                    return Ok(joined(None, &added));
                }
                batch::Change::Delete(deleted) if *deleted == path => {
                    return Ok(joined(None, &added));
                }
                _ => {}
            }
        }
        let index = match self.read.iter().position(|(known, _)| *known == path) {
            Some(index) => index,
            None => {
                let file = files::read_if_there(&path, self.scope)?;
                self.read.push((path, file));
                self.read.len() - 1
            }
        };
        let file = self.read[index].1.as_ref();
        Ok(joined(file.map(|file| &file.contents[..]), &added))
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
        if self.is_lent {
            return Err(BatchError {
                step: None,
                error: Error::Other {
                    path: self.steps.first().map_or("", path_of).to_owned(),
                    reason: "update_batch commits its batch itself".to_owned(),
                },
            });
        }
        self.commit_all()
    }

    fn commit_all(&self) -> Result<Vec<Option<Version>>, BatchError> {
        let conditions = self.read.len();
        // Most batches have read nothing, and need not be copied.
        let made = if conditions == 0 {
            host::commit(&self.steps, self.scope.into())
        } else {
            let read = self.read.iter().map(unchanged);
            let steps: Vec<_> = read.chain(self.steps.iter().cloned()).collect();
            host::commit(&steps, self.scope.into())
        };
        let versions = made.map_err(|failure| self.error(failure))?;
        let versions: Vec<_> = versions
            .into_iter()
            .skip(conditions)
            .map(|version| version.map(Version::new))
            .collect();
        for (step, made) in &self.made {
            // It is set already if the batch is committed twice.
            let _ = made.set(versions.get(*step).cloned().flatten());
        }
        Ok(versions)
    }

    /// Fails unless what takes part in the batch is in the same scope.
    pub(crate) fn check_scope(&self, path: &str, scope: Scope) -> Result<()> {
        if self.scope == scope {
            return Ok(());
        }
        Err(Error::Other {
            path: path.to_owned(),
            reason: "all files of a batch are in the same scope".to_owned(),
        })
    }

    /// Whether the last step is made, as soon as that is known.
    #[cfg_attr(not(any(feature = "json", feature = "audit")), allow(dead_code))]
    pub(crate) fn watch(&mut self) -> Made {
        let made = Made::default();
        self.made
            .push((self.steps.len().saturating_sub(1), made.clone()));
        made
    }

    fn add(&mut self, change: batch::Change, precondition: Precondition) -> &mut Self {
        self.steps.push(batch::Step {
            change,
            precondition: precondition.into(),
        });
        self
    }

    fn error(&self, batch::Failure { step, error }: batch::Failure) -> BatchError {
        let at = step.and_then(|step| usize::try_from(step).ok());
        // A condition is no step: a file that was read has changed since.
        if let Some((path, _)) = at.and_then(|at| self.read.get(at)) {
            return BatchError {
                step: None,
                error: Error::from_host(error, path),
            };
        }
        let step = at.map(|at| at - self.read.len());
        let blamed = self.steps.get(step.unwrap_or(0));
        BatchError {
            step,
            error: step_error(error, blamed.map(|step| &step.change)),
        }
    }
}

/// Contents, and what was added to them, the last first.
fn joined(contents: Option<&[u8]>, added: &[&[u8]]) -> Option<Vec<u8>> {
    if contents.is_none() && added.is_empty() {
        return None;
    }
    let mut whole = contents.unwrap_or_default().to_vec();
    for more in added.iter().rev() {
        whole.extend_from_slice(more);
    }
    Some(whole)
}

/// A step that changes nothing, on condition that the file is still as it was read.
fn unchanged((path, file): &(String, Option<Snapshot>)) -> batch::Step {
    let (change, precondition) = match file {
        None => (
            batch::Change::Delete(path.clone()),
            types::Precondition::Absent,
        ),
        Some(file) => (
            batch::Change::Rename(batch::Move {
                source: path.clone(),
                target: path.clone(),
            }),
            Precondition::Version(file.version.clone()).into(),
        ),
    };
    batch::Step {
        change,
        precondition,
    }
}

fn path_of(step: &batch::Step) -> &str {
    match &step.change {
        batch::Change::Write(file) | batch::Change::Append(file) => &file.path,
        batch::Change::Rename(files) => &files.target,
        batch::Change::Delete(path) => path,
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

#[cfg(test)]
mod tests;
