//! Volumes on an object store in memory, as those on a real one are made.

use ability_storage::{Limits, Volume, VolumeId};
use ability_storage_object_store::ObjectRoot;
use std::sync::Arc;

/// A store, of which each call opens another client.
pub fn shared(limits: Limits) -> impl Fn() -> Arc<dyn Volume> {
    let root = ObjectRoot::options().limits(limits).open("memory:///root");
    let root = root.expect("opened");
    move || Arc::new(root.open_volume(&VolumeId::user()))
}

/// A volume on a store of its own.
pub fn fresh(limits: Limits) -> Arc<dyn Volume> {
    shared(limits)()
}
