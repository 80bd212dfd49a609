//! The interface `batch`, twice: asynchronous and synchronous. No logic.

use super::StorageView;
use crate::Scope;
use crate::bindings::ability::storage::batch as asynchronous;
use crate::bindings::sync::ability::storage::batch as synchronous;
use crate::error::BatchFailure;

type Versions = Vec<Option<String>>;

impl asynchronous::Host for StorageView<'_> {
    async fn commit(
        &mut self,
        steps: Vec<asynchronous::Step>,
        scope: Scope,
    ) -> Result<Versions, BatchFailure> {
        self.blocking(scope, |mount| mount.commit(steps)).await
    }

    fn convert_failure(
        &mut self,
        failure: BatchFailure,
    ) -> wasmtime::Result<asynchronous::Failure> {
        let (step, error) = failure.into_guest_error()?;
        Ok(asynchronous::Failure { step, error })
    }
}

impl synchronous::Host for StorageView<'_> {
    fn commit(
        &mut self,
        steps: Vec<synchronous::Step>,
        scope: Scope,
    ) -> Result<Versions, BatchFailure> {
        let steps = steps.into_iter().map(asynchronous::Step::from).collect();
        self.mount(scope)?.commit(steps)
    }

    fn convert_failure(&mut self, failure: BatchFailure) -> wasmtime::Result<synchronous::Failure> {
        let (step, error) = failure.into_guest_error()?;
        Ok(synchronous::Failure { step, error })
    }
}

impl From<synchronous::Step> for asynchronous::Step {
    fn from(step: synchronous::Step) -> Self {
        Self {
            change: step.change.into(),
            precondition: step.precondition,
        }
    }
}

impl From<synchronous::Change> for asynchronous::Change {
    fn from(change: synchronous::Change) -> Self {
        match change {
            synchronous::Change::Write(file) => Self::Write(file.into()),
            synchronous::Change::Append(file) => Self::Append(file.into()),
            synchronous::Change::Rename(files) => Self::Rename(files.into()),
            synchronous::Change::Delete(path) => Self::Delete(path),
        }
    }
}

impl From<synchronous::FileContents> for asynchronous::FileContents {
    fn from(synchronous::FileContents { path, contents }: synchronous::FileContents) -> Self {
        Self { path, contents }
    }
}

impl From<synchronous::Move> for asynchronous::Move {
    fn from(synchronous::Move { source, target }: synchronous::Move) -> Self {
        Self { source, target }
    }
}
