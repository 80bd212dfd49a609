//! Tear-free file storage for wasmtime guests.
//!
//! The host functions of the WIT package `ability:storage`. A guest that
//! imports them can write a file whole and durably, or not at all; it cannot
//! leave one empty, half-written or gone, whenever the power is cut, the
//! process killed or the disk full.
//!
//! # Examples
//!
//! The usage of this crate is very similar to that of `wasmtime-wasi`: put a
//! [`StorageCtx`] into the data of the store, and add the functions to the
//! linker. All that it takes to run a [wasi:cli] component with storage:
//!
//! ```no_run
//! use ability_storage::{LocalRoot, Root, Scope, StorageCtx, StorageView};
//! use wasmtime::component::{Component, Linker, ResourceTable};
//! use wasmtime::{Engine, Result, Store};
//! use wasmtime_wasi::p2::bindings::Command;
//! use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
//!
//! #[tokio::main]
//! async fn main() -> Result<()> {
//!     let engine = Engine::default();
//!
//!     // `data/abilities/todo/` is the guest's own, `data/user/` is shared.
//!     let root = LocalRoot::open_or_create("data")?;
//!     let mut store = Store::new(&engine, Ctx {
//!         table: ResourceTable::new(),
//!         wasi: WasiCtx::builder().inherit_stdio().build(),
//!         storage: StorageCtx::builder()
//!             .volume(Scope::Ability, root.ability("todo")?)
//!             .volume(Scope::User, root.user()?)
//!             .build(),
//!     });
//!
//!     let mut linker = Linker::<Ctx>::new(&engine);
//!     wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
//!     // add the interfaces of `ability:storage` to the linker
//!     ability_storage::add_to_linker_async(&mut linker, |ctx: &mut Ctx| {
//!         StorageView::new(&mut ctx.storage)
//!     })?;
//!
//!     let component = Component::from_file(&engine, "todo.wasm")?;
//!     let command = Command::instantiate_async(&mut store, &component, &linker).await?;
//!     // Its storage is whole and durable, however it ends.
//!     if command.wasi_cli_run().call_run(&mut store).await?.is_err() {
//!         eprintln!("the ability says that it failed");
//!     }
//!     Ok(())
//! }
//!
//! struct Ctx {
//!     table: ResourceTable,
//!     wasi: WasiCtx,
//!     storage: StorageCtx,
//! }
//!
//! impl WasiView for Ctx {
//!     fn ctx(&mut self) -> WasiCtxView<'_> {
//!         WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
//!     }
//! }
//! ```
//!
//! # Volumes
//!
//! A guest names a file by its path in one of two scopes: `ability`, its own
//! files, and `user`, the files that all abilities of a user share. The host
//! puts a [`Volume`] behind each: a [`LocalVolume`] (a directory), a
//! [`MemoryVolume`] in tests and dry runs, or one of its own. A [`Root`] holds the
//! volumes of many abilities; [`LocalRoot`] is one in a directory.
//!
//! # Many users
//!
//! One root is one user: what is in its `user` volume is shared by all abilities of that user.
//! A host with many users has a root for each, opens volumes once and gives them to every
//! call, bounds what all volumes of a user hold together, looks at their numbers, and closes
//! them in the end:
//!
//! ```
//! use ability_storage::{
//!     Change, FilePath, Limits, LocalRoot, LocalVolume, Quota, Root, Scope, StorageCtx,
//! };
//!
//! # let temporary = tempfile::tempdir()?;
//! # let data = temporary.path();
//! let quota = Quota::default().max_bytes(100 << 20);
//! let options = LocalVolume::options()
//!     .limits(Limits::default().max_file_bytes(10 << 20))
//!     .quota(quota.clone());
//! let alice = LocalRoot::options().volumes(options).open_or_create(data.join("alice"))?;
//!
//! // Volumes are `Arc`s: they stay open between calls, and sleep if nobody uses them.
//! let (todo, shared) = (alice.ability("todo")?, alice.user()?);
//! let storage = StorageCtx::builder()
//!     .volume(Scope::Ability, todo.clone())
//!     .volume(Scope::User, shared.clone())
//!     .build();
//! # drop(storage);
//!
//! // The host can use them, too.
//! todo.commit(Change::write(FilePath::new("list.txt")?, "milk\n").into())?;
//!
//! let numbers = todo.counters();
//! println!("{} commits, {} of {} bytes", numbers.commits, quota.usage().bytes, 100 << 20);
//!
//! // Waits for calls under way; what fails is said here, and to nobody if it is dropped.
//! todo.close()?;
//! shared.close()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a guest can and cannot do
//!
//! Its mistakes are answered with error values, whatever it sends; texts in
//! them name no path of the host. No path and no symbolic link leads it out of
//! its volumes.
//!
//! It can make the host hold only so much. In memory, for each guest:
//!
//! * in one call, a few times
//!   [`max_value_bytes`](StorageCtxBuilder::max_value_bytes), which bounds the
//!   contents of a file that is read or written whole, a piece that is written
//!   to a stream, and all contents of a batch together; contents of more than
//!   128 MiB in one call end the guest (see [`MAX_VALUE_BYTES`]);
//! * the steps of a batch, at most [`MAX_BATCH_STEPS`], and the paths of a list,
//!   at most as many as the volume has files;
//! * of a file that is read piece by piece, 1 MiB at a time, and of one that is
//!   written piece by piece, nothing once the call has returned; of both, at most
//!   [`max_open_streams`](StorageCtxBuilder::max_open_streams) are open at once,
//!   with a file handle each.
//!
//! On the disk, what the [`Limits`] of the volume allow: the length of a file and
//! of all together, their number and depth, the endings of their names, and how
//! much may be on its way. What goes beyond is answered with `too-large`,
//! `quota-exceeded` or `invalid-path`, and changes nothing.
//!
//! How much memory the guest itself uses, and for how long it runs, is up to
//! wasmtime ([`Store::limiter`], [`Store::set_epoch_deadline`]).
//!
//! [`Store::limiter`]: wasmtime::Store::limiter
//! [`Store::set_epoch_deadline`]: wasmtime::Store::set_epoch_deadline
//! [wasi:cli]: https://docs.rs/wasmtime-wasi/latest

#![deny(missing_docs)]

mod batch;
mod bindings;
mod ctx;
mod error;
mod mount;
mod streaming;
mod view;
mod words;

pub use self::batch::MAX_BATCH_STEPS;
pub use self::bindings::ability::storage::types::Scope;
pub use self::ctx::{DEFAULT_MAX_VALUE_BYTES, MAX_VALUE_BYTES, StorageCtx, StorageCtxBuilder};
pub use self::view::StorageView;
pub use ability_storage_engine::author;
pub use ability_storage_engine::{
    Batch, Change, CommitTimes, Counted, Counters, Durability, Error, FileInfo, FilePath, IdError,
    Limits, LocalRoot, LocalRootOptions, LocalVolume, LocalVolumeOptions, MemoryVolume, Outcome,
    PathError, Precondition, Quota, ReadOnly, Reader, Result, Root, Snapshot, Step, Usage, Version,
    VersionHasher, Volume, VolumeId, Writer, WriterIo,
};

use self::bindings::ability::storage as asynchronous;
use self::bindings::sync::ability::storage as synchronous;
use self::view::HasStorage;
use wasmtime::component::Linker;

/// Adds all interfaces of `ability:storage` to a linker, for guests that are
/// called with the `_async` functions of wasmtime.
///
/// What waits for a disk runs on tokio's threads for blocking work. A future
/// that is dropped while the guest is in a call leaves nothing half done: the
/// call still happens whole, or not at all. What a guest was writing piece by
/// piece when its future or its store is dropped is aborted, unless its commit
/// had begun. How many calls wait for a disk at once is up to the runtime
/// (`max_blocking_threads`); others queue, and hold up nothing but themselves.
///
/// # Errors
///
/// If the linker already has one of the interfaces.
///
/// # Panics
///
/// The host functions panic outside of a tokio runtime.
pub fn add_to_linker_async<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> StorageView<'_>,
) -> wasmtime::Result<()> {
    asynchronous::types::add_to_linker::<_, HasStorage>(linker, view)?;
    asynchronous::storage::add_to_linker::<_, HasStorage>(linker, view)?;
    asynchronous::batch::add_to_linker::<_, HasStorage>(linker, view)?;
    asynchronous::streaming::add_to_linker::<_, HasStorage>(linker, view)?;
    Ok(())
}

/// Adds all interfaces of `ability:storage` to a linker, for guests that are
/// called without `_async`. The host functions wait for the disk on the thread
/// of the guest.
///
/// # Errors
///
/// If the linker already has one of the interfaces.
pub fn add_to_linker_sync<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> StorageView<'_>,
) -> wasmtime::Result<()> {
    asynchronous::types::add_to_linker::<_, HasStorage>(linker, view)?;
    synchronous::storage::add_to_linker::<_, HasStorage>(linker, view)?;
    synchronous::batch::add_to_linker::<_, HasStorage>(linker, view)?;
    synchronous::streaming::add_to_linker::<_, HasStorage>(linker, view)?;
    Ok(())
}
