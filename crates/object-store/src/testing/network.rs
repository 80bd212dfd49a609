//! `Network`: a store that several clients use, and what is still on its way to it.

use super::{Fault, FaultyStore, append, impatient, open};
use ability_storage_engine::Volume;
use futures_util::StreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutOptions, PutPayload, Result};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;

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
    pub(crate) store: Arc<InMemory>,
    late: Mutex<Vec<Late>>,
    /// What was done meanwhile.
    done: Mutex<Vec<Meanwhile>>,
}

#[derive(Debug)]
pub(super) struct Late {
    pub(super) requests: usize,
    pub(super) location: Path,
    pub(super) what: LateRequest,
}

#[derive(Debug)]
pub(super) enum LateRequest {
    Put(PutPayload, PutOptions),
    Delete,
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
        self.settle_if(|_| true);
    }

    /// All that is to be created arrives.
    pub(crate) fn settle_puts(self: &Arc<Self>) {
        self.settle_if(|late| matches!(late.what, LateRequest::Put(..)));
    }

    fn settle_if(self: &Arc<Self>, arrives: fn(&Late) -> bool) {
        let network = self.clone();
        let settled = crate::runtime::wait(async move {
            let late: Vec<Late> = {
                let mut late = network.late.lock().expect("not poisoned");
                late.extract_if(.., |one| arrives(one)).collect()
            };
            network.make(late).await;
        });
        settled.expect("a runtime");
    }

    async fn make(&self, late: Vec<Late>) {
        for one in late {
            // No caller waits for the answer any more.
            let _ = match one.what {
                LateRequest::Put(payload, options) => {
                    let put = self.store.put_opts(&one.location, payload, options);
                    put.await.map(drop)
                }
                LateRequest::Delete => self.store.delete(&one.location).await,
            };
        }
    }

    /// What others did since this was last asked.
    pub(crate) fn done_meanwhile(&self) -> Vec<Meanwhile> {
        std::mem::take(&mut self.done.lock().expect("not poisoned"))
    }

    /// Another client does something, to its end, even if nothing waits for it any more.
    pub(super) async fn meanwhile(self: &Arc<Self>, what: Meanwhile, turn: OwnedMutexGuard<()>) {
        self.done.lock().expect("not poisoned").push(what);
        let store = FaultyStore::new(self);
        if let Meanwhile::HalfSweep(requests) = what {
            store.fail_at(requests, Fault::Stop);
        }
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let other = open(store, impatient(), None);
            match what {
                Meanwhile::Sweep | Meanwhile::HalfSweep(_) => other.sweep(Duration::ZERO).map(drop),
                Meanwhile::Append => other.commit(append("log", "+").into()).map(drop),
            }
        });
        // Both can fail: `log` may be a directory.
        let _ = done.await;
    }

    /// How many requests are still on their way.
    pub(crate) fn late(&self) -> usize {
        self.late.lock().expect("not poisoned").len()
    }

    /// Somebody's request will arrive later.
    pub(super) fn delay(&self, late: Late) {
        self.late.lock().expect("not poisoned").push(late);
    }

    /// How long all blobs are together.
    pub(crate) fn blob_bytes(self: &Arc<Self>) -> u64 {
        let blobs = self.objects().into_iter();
        let blobs = blobs.filter(|object| object.location.as_ref().contains("/b/"));
        blobs.map(|object| object.size).sum()
    }

    /// The names of all objects.
    pub(crate) fn keys(self: &Arc<Self>) -> Vec<String> {
        let objects = self.objects().into_iter();
        objects.map(|object| object.location.to_string()).collect()
    }

    fn objects(self: &Arc<Self>) -> Vec<ObjectMeta> {
        let network = self.clone();
        let listed = crate::runtime::wait(async move {
            let listed: Vec<Result<ObjectMeta>> = network.store.list(None).collect().await;
            listed
        });
        let listed = listed.expect("a runtime").into_iter();
        listed.map(|object| object.expect("in memory")).collect()
    }
}
