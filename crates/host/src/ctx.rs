//! `StorageCtx`: what one guest may reach, and how much of it at once.

use crate::Scope;
use crate::error::Failure;
use crate::mount::Mount;
use crate::streaming::Streams;
use ability_storage_engine::author::observe::HostContext;
use ability_storage_engine::{ReadOnly, Volume};
use std::sync::Arc;

/// The most that [`StorageCtxBuilder::max_value_bytes`] can be: 127 MiB.
///
/// wasmtime ends a guest that hands over more than 128 MiB in one call (see
/// [`Store::set_hostcall_fuel`]), before the host can answer `too-large`. The
/// difference is for what else is in a call, such as the path.
///
/// [`Store::set_hostcall_fuel`]: wasmtime::Store::set_hostcall_fuel
pub const MAX_VALUE_BYTES: u64 = 127 << 20;

/// What [`StorageCtxBuilder::max_value_bytes`] is by default: 64 MiB.
pub const DEFAULT_MAX_VALUE_BYTES: u64 = 64 << 20;

/// Half of the writers that a volume allows by default, so that one guest cannot
/// take all of a volume that it shares.
const DEFAULT_MAX_OPEN_STREAMS: usize = 32;

/// Builder-style structure used to create a [`StorageCtx`].
///
/// The defaults:
///
/// * no scope has a volume: every call answers `unavailable`, which names the
///   scope;
/// * scopes that get a volume can be written to;
/// * the longest contents in one call are 64 MiB;
/// * 32 writers and readers may be open at once.
///
/// ```
/// use ability_storage::{MemoryVolume, Scope, StorageCtxBuilder};
///
/// let ctx = StorageCtxBuilder::new()
///     .ability_volume(MemoryVolume::new())
///     .user_volume(MemoryVolume::new())
///     .read_only(Scope::User)
///     .max_value_bytes(1 << 20)
///     .max_open_streams(4)
///     .build();
/// # let _ = ctx;
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing before `build`"]
pub struct StorageCtxBuilder {
    ability: Place,
    user: Place,
    max_value_bytes: u64,
    max_open_streams: usize,
}

#[derive(Clone, Default)]
struct Place {
    volume: Option<Arc<dyn Volume>>,
    read_only: bool,
}

impl Default for StorageCtxBuilder {
    fn default() -> Self {
        Self {
            ability: Place::default(),
            user: Place::default(),
            max_value_bytes: DEFAULT_MAX_VALUE_BYTES,
            max_open_streams: DEFAULT_MAX_OPEN_STREAMS,
        }
    }
}

impl StorageCtxBuilder {
    /// A builder with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts `volume` behind the scope `ability`: this guest's own files.
    pub fn ability_volume(self, volume: impl Volume + 'static) -> Self {
        self.volume(Scope::Ability, Arc::new(volume))
    }

    /// Puts `volume` behind the scope `user`: the files that all abilities of
    /// one user share.
    pub fn user_volume(self, volume: impl Volume + 'static) -> Self {
        self.volume(Scope::User, Arc::new(volume))
    }

    /// Puts `volume`, which other guests may share, behind `scope`.
    pub fn volume(mut self, scope: Scope, volume: Arc<dyn Volume>) -> Self {
        self.place(scope).volume = Some(volume);
        self
    }

    /// Lets the guest only read `scope`: every change answers `read-only`.
    pub fn read_only(mut self, scope: Scope) -> Self {
        self.place(scope).read_only = true;
        self
    }

    /// The longest contents, in bytes, that pass through one call in either
    /// direction; what is longer is answered with `too-large`. At most
    /// [`MAX_VALUE_BYTES`]; a larger number is taken as that. The contents of all
    /// steps of a batch count together.
    ///
    /// This bounds the memory that one call takes in the host, to a small
    /// multiple of it. How long a file may *become*, by appends or by streaming,
    /// is the volume's own limit ([`Limits`](crate::Limits)).
    pub fn max_value_bytes(mut self, bytes: u64) -> Self {
        self.max_value_bytes = bytes.min(MAX_VALUE_BYTES);
        self
    }

    /// How many writers and readers, of both scopes together, the guest may have
    /// open at once; one more is answered with `quota-exceeded`.
    ///
    /// Each takes a file handle of the host, and up to 2 MiB of its memory while
    /// it is read from. How many writers of all guests a volume lets be open is
    /// its own limit ([`Limits`](crate::Limits)).
    pub fn max_open_streams(mut self, streams: usize) -> Self {
        self.max_open_streams = streams;
        self
    }

    /// The context with what was configured so far.
    pub fn build(self) -> StorageCtx {
        let max_value_bytes = self.max_value_bytes;
        StorageCtx {
            ability: self.ability.mount(max_value_bytes),
            user: self.user.mount(max_value_bytes),
            streams: Streams::new(self.max_open_streams),
        }
    }

    fn place(&mut self, scope: Scope) -> &mut Place {
        match scope {
            Scope::Ability => &mut self.ability,
            Scope::User => &mut self.user,
        }
    }
}

impl Place {
    fn mount(self, max_value_bytes: u64) -> Option<Mount> {
        let volume = self.volume?;
        let volume = if self.read_only {
            Arc::new(ReadOnly::new(volume))
        } else {
            volume
        };
        Some(Mount {
            volume,
            max_value_bytes,
        })
    }
}

/// What one guest's store keeps of its storage. Make one for each store;
/// volumes may be shared between them.
///
/// Dropping it, as the end of the store does, aborts what the guest was writing
/// piece by piece and did not commit. This and the end of a volume that no one else
/// holds may wait for a disk; where a tokio runtime is current, both happen on one of
/// its threads for blocking work, and the drop itself returns at once.
#[must_use = "a context does nothing before it is in the data of a store"]
pub struct StorageCtx {
    ability: Option<Mount>,
    user: Option<Mount>,
    // Whatever is open goes with the store.
    pub(crate) streams: Streams,
}

impl StorageCtx {
    /// Convenience function for calling [`StorageCtxBuilder::new`].
    pub fn builder() -> StorageCtxBuilder {
        StorageCtxBuilder::new()
    }

    pub(crate) fn mount(&self, scope: Scope) -> Result<&Mount, Failure> {
        let mount = match scope {
            Scope::Ability => &self.ability,
            Scope::User => &self.user,
        };
        mount.as_ref().ok_or_else(|| Failure::no_volume(scope))
    }
}

impl Drop for StorageCtx {
    fn drop(&mut self) {
        let mounts = (self.ability.take(), self.user.take());
        // First what is open, so that the volumes are closed last.
        let streams = std::mem::replace(&mut self.streams, Streams::new(0));
        drop_blocking((streams, mounts));
    }
}

/// Drops what may wait for a disk, and not on a thread that others wait for.
fn drop_blocking<T: Send + 'static>(held: T) {
    match tokio::runtime::Handle::try_current() {
        // A runtime that is shutting down drops it here.
        Ok(runtime) => {
            let context = HostContext::current();
            drop(runtime.spawn_blocking(move || context.run(|| drop(held))));
        }
        Err(_) => drop(held),
    }
}
