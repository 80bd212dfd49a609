//! `InTurn`: several volumes over the same files, taken for one.

use crate::Volume;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Volumes over the same files, of which each call goes to another: nothing may
/// depend on what one of them remembers.
pub struct InTurn<V> {
    volumes: Vec<V>,
    calls: AtomicUsize,
}

impl<V> InTurn<V> {
    /// # Panics
    ///
    /// Each call does, if there are no volumes.
    pub fn new(volumes: Vec<V>) -> Self {
        Self {
            volumes,
            calls: AtomicUsize::new(0),
        }
    }

    fn next(&self) -> &V {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        &self.volumes[call % self.volumes.len()]
    }
}

impl<V: Volume> Volume for InTurn<V> {
    __delegate_volume!(self => *self.next());
}
