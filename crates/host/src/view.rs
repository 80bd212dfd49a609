//! `StorageView`: the guest's calls arrive here, and each is handed to its
//! [`Mount`]. One module for each interface of the WIT package.

mod batch;
mod storage;
mod streaming;
#[cfg(test)]
mod tests;

use crate::Scope;
use crate::bindings::ability::storage::types;
use crate::ctx::StorageCtx;
use crate::error::Failure;
use crate::mount::Mount;
use ability_storage_engine::author::observe::HostContext;
use wasmtime::component::HasData;

/// The storage of one store, for the length of one call.
pub struct StorageView<'a> {
    ctx: &'a mut StorageCtx,
}

impl<'a> StorageView<'a> {
    /// A view of `ctx`, which is somewhere in the data of the store.
    pub fn new(ctx: &'a mut StorageCtx) -> Self {
        Self { ctx }
    }

    fn mount(&self, scope: Scope) -> Result<&Mount, Failure> {
        self.ctx.mount(scope)
    }

    /// Does `work` where it may wait for a disk.
    async fn blocking<R, E>(
        &mut self,
        scope: Scope,
        work: impl FnOnce(&Mount) -> Result<R, E> + Send + 'static,
    ) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<Failure> + Send + 'static,
    {
        let mount = self.mount(scope)?.clone();
        // The mount goes with the work, so that a volume is not closed later
        // than its last work ends.
        blocking(move || work(&mount)).await
    }
}

/// Does `work` on a thread that may wait for a disk. If the caller is dropped
/// meanwhile, `work` still runs to its end: nothing is left half done.
async fn blocking<R, E>(work: impl FnOnce() -> Result<R, E> + Send + 'static) -> Result<R, E>
where
    R: Send + 'static,
    E: From<Failure> + Send + 'static,
{
    let context = HostContext::current();
    let done = tokio::task::spawn_blocking(move || context.run(work)).await;
    done.map_err(Failure::from)?
}

impl types::Host for StorageView<'_> {
    fn convert_error(&mut self, failure: Failure) -> wasmtime::Result<types::Error> {
        failure.into_guest_error()
    }
}

/// Tells the linker that the host functions work on a [`StorageView`].
pub(crate) struct HasStorage;

impl HasData for HasStorage {
    type Data<'a> = StorageView<'a>;
}
