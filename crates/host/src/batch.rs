//! What a guest's `batch.commit` does, once, for both variants.
//!
//! A failure names the step that is to blame, whoever finds it: this module, for
//! what cannot be said in the engine's words, or the volume.

use crate::bindings::ability::storage::batch::{Change as GuestChange, FileContents, Step};
use crate::bindings::ability::storage::types;
use crate::error::{BatchFailure, Failure};
use crate::mount::Mount;
use crate::words::precondition;
use ability_storage_engine::{self as engine, Change, FilePath};

/// The most steps of one batch: 10,000. More are answered with `quota-exceeded`.
pub const MAX_BATCH_STEPS: usize = 10_000;

impl Mount {
    /// Returns the version that each step wrote.
    pub(crate) fn commit(&self, steps: Vec<Step>) -> Result<Vec<Option<String>>, BatchFailure> {
        let count = steps.len();
        check_count(count)?;
        self.check_total(&steps)?;
        let batch = engine_batch(steps)?;
        let versions = self.volume.commit(batch);
        let versions = versions.map_err(|error| BatchFailure::of_volume(error, count))?;
        let text = |version: engine::Version| version.to_string();
        Ok(versions
            .into_iter()
            .map(|version| version.map(text))
            .collect())
    }

    /// Contents count together. To blame is the step that goes beyond: those
    /// before it could be committed by themselves.
    fn check_total(&self, steps: &[Step]) -> Result<(), BatchFailure> {
        let mut total = 0;
        for (index, step) in steps.iter().enumerate() {
            total += length_of(&step.change);
            self.check_length(total)
                .map_err(|failure| BatchFailure::at(index, failure))?;
        }
        Ok(())
    }
}

fn check_count(steps: usize) -> Result<(), Failure> {
    if steps <= MAX_BATCH_STEPS {
        return Ok(());
    }
    let text = format!("a batch has at most {MAX_BATCH_STEPS} steps, and this one has {steps}");
    Err(types::Error::QuotaExceeded(text).into())
}

fn length_of(change: &GuestChange) -> u64 {
    match change {
        GuestChange::Write(file) | GuestChange::Append(file) => file.contents.len() as u64,
        GuestChange::Rename(_) | GuestChange::Delete(_) => 0,
    }
}

fn engine_batch(steps: Vec<Step>) -> Result<engine::Batch, BatchFailure> {
    let steps = steps.into_iter().enumerate();
    steps
        .map(|(index, step)| engine_step(step).map_err(|failure| BatchFailure::at(index, failure)))
        .collect()
}

fn engine_step(step: Step) -> Result<engine::Step, Failure> {
    let change = match step.change {
        GuestChange::Write(FileContents { path, contents }) => {
            Change::write(FilePath::new(path)?, contents)
        }
        GuestChange::Append(FileContents { path, contents }) => {
            Change::append(FilePath::new(path)?, contents)
        }
        GuestChange::Rename(files) => {
            Change::rename(FilePath::new(files.source)?, FilePath::new(files.target)?)
        }
        GuestChange::Delete(path) => Change::delete(FilePath::new(path)?),
    };
    Ok(change.only_if(precondition(step.precondition)))
}
