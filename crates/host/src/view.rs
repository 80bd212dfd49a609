//! `StorageView`: the guest's calls arrive here, and each is handed to its
//! [`Mount`]. One module for each interface of the WIT package.

mod storage;
#[cfg(test)]
mod tests;

use crate::Scope;
use crate::bindings::ability::storage::types;
use crate::ctx::StorageCtx;
use crate::error::Failure;
use crate::mount::Mount;
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

    /// Does `work` where it may wait for a disk. If the caller is dropped
    /// meanwhile, `work` still runs to its end: nothing is left half done.
    async fn blocking<R: Send + 'static>(
        &self,
        scope: Scope,
        work: impl FnOnce(&Mount) -> Result<R, Failure> + Send + 'static,
    ) -> Result<R, Failure> {
        let mount = self.mount(scope)?.clone();
        // The mount goes with the work, so that a volume is not closed later
        // than its last work ends.
        tokio::task::spawn_blocking(move || work(&mount)).await?
    }
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
