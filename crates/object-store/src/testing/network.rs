//! `Network`: a store that several clients use, and what is still on its way to it.

use super::{Fault, FaultyStore, append, impatient, open};
use ability_storage_engine::Volume;
use futures_util::StreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, PutOptions, PutPayload, Result};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What another client does while a request is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meanwhile {
    /// It removes all that seems to be out of use.
    Sweep,
    /// It begins to, and stops at the request of this number.
    HalfSweep(usize),
    /// It appends one byte to the file `log`.
    Append,
}

/// A store that several clients use, and what is still on its way to it.
#[derive(Debug, Default)]
pub(crate) struct Network {
    pub(super) store: Arc<InMemory>,
    late: Mutex<Vec<Late>>,
    /// What was done meanwhile.
    done: Mutex<Vec<Meanwhile>>,
}

#[derive(Debug)]
pub(super) struct Late {
    pub(super) requests: usize,
    pub(super) location: Path,
    pub(super) payload: PutPayload,
    pub(super) options: PutOptions,
}

impl Network {
    /// A request arrives; those that were overtaken may arrive with it.
    pub(super) async fn arrive(&self) {
        let due: Vec<Late> = {
            let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
            for one in &mut *late {
                one.requests = one.requests.saturating_sub(1);
            }
            late.extract_if(.., |one| one.requests == 0).collect()
        };
        self.make(due).await;
    }

    /// All that is on its way arrives.
    pub(crate) fn settle(self: &Arc<Self>) {
        let network = self.clone();
        let settled = crate::runtime::wait(async move {
            let late = std::mem::take(&mut *network.late.lock().expect("not poisoned"));
            network.make(late).await;
        });
        settled.expect("a runtime");
    }

    async fn make(&self, late: Vec<Late>) {
        for one in late {
            // Nobody waits for the answer any more.
            let _ = self
                .store
                .put_opts(&one.location, one.payload, one.options)
                .await;
        }
    }

    /// What others did since this was last asked.
    pub(crate) fn done_meanwhile(&self) -> Vec<Meanwhile> {
        std::mem::take(&mut self.done.lock().expect("not poisoned"))
    }

    pub(super) async fn meanwhile(self: &Arc<Self>, what: Meanwhile) {
        self.done.lock().expect("not poisoned").push(what);
        let store = FaultyStore::new(self);
        if let Meanwhile::HalfSweep(requests) = what {
            store.fail_at(requests, Fault::Stop);
        }
        let done = tokio::task::spawn_blocking(move || {
            let other = open(store, impatient(), None);
            match what {
                Meanwhile::Sweep | Meanwhile::HalfSweep(_) => other.sweep(Duration::ZERO).map(drop),
                Meanwhile::Append => other.commit(append("log", "+").into()).map(drop),
            }
        });
        // Both can fail: `log` may be a directory.
        let _ = done.await;
    }

    /// Somebody's request will arrive later.
    pub(super) fn delay(&self, late: Late) {
        self.late.lock().expect("not poisoned").push(late);
    }

    /// The names of all objects.
    pub(crate) fn keys(self: &Arc<Self>) -> Vec<String> {
        let network = self.clone();
        let listed = crate::runtime::wait(async move {
            let listed: Vec<Result<ObjectMeta>> = network.store.list(None).collect().await;
            listed
        });
        let listed = listed.expect("a runtime").into_iter();
        listed
            .map(|object| object.expect("in memory").location.to_string())
            .collect()
    }
}
