//! `FaultyStore`: one client's way to the store, on which requests fail.

use super::network::{Late, LateRequest};
use super::{Meanwhile, Network};
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails and does nothing.
    Before,
    /// It is made, and its answer is lost.
    After,
    /// It is made when so many more requests have been made, or when the event is
    /// over; meanwhile it seems to have failed.
    Late(usize),
    /// It is made, and then made again by something on the way that lost the answer.
    Repeated,
    /// There is no answer.
    Hang,
    /// It is made, and neither its answer nor any further request gets through.
    Cut,
    /// The client stops: neither this nor any later request of it is made.
    Stop,
    /// The client stops after this was made.
    StopAfter,
    /// Nothing is wrong, but before it is made another client does something.
    Meanwhile(Meanwhile),
}

/// One client's way to the store.
#[derive(Debug)]
pub(crate) struct FaultyStore {
    network: Arc<Network>,
    requests: AtomicUsize,
    faults: Mutex<BTreeMap<usize, Fault>>,
    /// How many in a thousand requests fail, in any way.
    chance: AtomicUsize,
    /// The longest that a request is on its way, in microseconds.
    delay: AtomicUsize,
    has_stopped: Mutex<bool>,
    is_cut_off: Mutex<bool>,
    /// Held while another client does something before a request of this one.
    meanwhile: Arc<tokio::sync::Mutex<()>>,
    /// Multipart uploads that were neither completed nor aborted.
    open_uploads: Arc<AtomicUsize>,
}

impl FaultyStore {
    pub(crate) fn new(network: &Arc<Network>) -> Arc<Self> {
        Arc::new(Self {
            network: network.clone(),
            requests: AtomicUsize::new(0),
            faults: Mutex::default(),
            chance: AtomicUsize::new(0),
            delay: AtomicUsize::new(0),
            has_stopped: Mutex::default(),
            is_cut_off: Mutex::default(),
            meanwhile: Arc::default(),
            open_uploads: Arc::default(),
        })
    }

    /// The request that comes after so many others fails.
    pub(crate) fn fail_at(&self, requests: usize, fault: Fault) {
        let at = self.requests.load(Ordering::SeqCst) + requests;
        self.faults.lock().expect("not poisoned").insert(at, fault);
    }

    /// So many in a thousand requests fail from now on.
    pub(crate) fn fail_often(&self, chance: usize) {
        self.chance.store(chance, Ordering::SeqCst);
    }

    /// Requests take up to so many microseconds from now on.
    pub(crate) fn delay(&self, micros: usize) {
        self.delay.store(micros, Ordering::SeqCst);
    }

    /// What was to fail does not any more.
    pub(crate) fn heal(&self) {
        *self.is_cut_off.lock().expect("not poisoned") = false;
        self.chance.store(0, Ordering::SeqCst);
        self.faults.lock().expect("not poisoned").clear();
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn open_uploads(&self) -> usize {
        self.open_uploads.load(Ordering::SeqCst)
    }

    /// What is to become of the request that is made now. Each may be the last moment
    /// of a client, so `Err` is for those that are not made.
    async fn next(&self) -> Result<Option<Fault>> {
        let delay = self.delay.load(Ordering::SeqCst) as u64;
        if delay > 0 {
            tokio::time::sleep(Duration::from_micros(fastrand::u64(..delay))).await;
        }
        // A request that timed out before what was to come first must not overtake it.
        drop(self.meanwhile.lock().await);
        self.network.arrive().await;
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        if *self.has_stopped.lock().expect("not poisoned") {
            stop();
        }
        if *self.is_cut_off.lock().expect("not poisoned") {
            return Err(lost());
        }
        let mut fault = self.faults.lock().expect("not poisoned").remove(&number);
        if fastrand::usize(..1000) < self.chance.load(Ordering::SeqCst) {
            fault = fault.or(Some(match fastrand::u8(..4) {
                0 => Fault::Before,
                1 => Fault::Late(fastrand::usize(1..20)),
                _ => Fault::After,
            }));
        }
        match fault {
            Some(Fault::Before) => Err(lost()),
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Stop) => {
                *self.has_stopped.lock().expect("not poisoned") = true;
                stop()
            }
            Some(Fault::StopAfter) => {
                *self.has_stopped.lock().expect("not poisoned") = true;
                Ok(fault)
            }
            Some(Fault::Cut) => {
                *self.is_cut_off.lock().expect("not poisoned") = true;
                Ok(fault)
            }
            Some(Fault::Meanwhile(what)) => {
                let turn = self.meanwhile.clone().lock_owned().await;
                self.network.meanwhile(what, turn).await;
                Ok(None)
            }
            fault => Ok(fault),
        }
    }

    /// What the client gets to know of a request that was made.
    fn answer<T>(fault: Option<Fault>, result: Result<T>) -> Result<T> {
        match fault {
            None => result,
            Some(Fault::StopAfter) => stop(),
            Some(_) => Err(lost()),
        }
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyStore")
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let fault = self.next().await?;
        if let Some(Fault::Late(requests)) = fault {
            let late = Late {
                requests,
                location: location.clone(),
                what: LateRequest::Put(payload, options),
            };
            self.network.delay(late);
            return Err(lost());
        }
        let store = &self.network.store;
        if fault == Some(Fault::Repeated) {
            let first = store.put_opts(location, payload.clone(), options.clone());
            first.await?;
            return store.put_opts(location, payload, options).await;
        }
        let result = store.put_opts(location, payload, options).await;
        Self::answer(fault, result)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let fault = self.next().await?;
        let upload = self
            .network
            .store
            .put_multipart_opts(location, options)
            .await;
        let inner = Self::answer(fault, upload)?;
        self.open_uploads.fetch_add(1, Ordering::SeqCst);
        let open_uploads = self.open_uploads.clone();
        Ok(Box::new(FaultyUpload {
            inner,
            open_uploads,
        }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let fault = self.next().await?;
        let result = self.network.store.get_opts(location, options).await;
        Self::answer(fault, result)
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        let fault = self.faults.lock().expect("not poisoned").remove(&number);
        if *self.has_stopped.lock().expect("not poisoned") {
            stop();
        }
        if matches!(fault, Some(Fault::Before | Fault::Hang | Fault::Stop)) {
            return stream::iter([Err(lost())]).boxed();
        }
        if let Some(Fault::Late(requests)) = fault {
            let network = self.network.clone();
            let delayed = locations.map(move |location| {
                let (location, what) = (location?, LateRequest::Delete);
                network.delay(Late {
                    requests,
                    location,
                    what,
                });
                Err(lost())
            });
            return delayed.boxed();
        }
        let deleted = self.network.store.delete_stream(locations);
        deleted
            .map(move |result| Self::answer(fault, result))
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        if *self.has_stopped.lock().expect("not poisoned") {
            stop();
        }
        self.network.store.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.next().await?;
        self.network.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let fault = self.next().await?;
        let result = self.network.store.copy_opts(from, to, options).await;
        Self::answer(fault, result)
    }
}

#[derive(Debug)]
struct FaultyUpload {
    inner: Box<dyn MultipartUpload>,
    open_uploads: Arc<AtomicUsize>,
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.inner.complete().await;
        self.open_uploads.fetch_sub(1, Ordering::SeqCst);
        result
    }

    async fn abort(&mut self) -> Result<()> {
        let result = self.inner.abort().await;
        self.open_uploads.fetch_sub(1, Ordering::SeqCst);
        result
    }
}

/// The client ends here: nothing that it has begun goes on.
fn stop() -> ! {
    std::panic::resume_unwind(Box::new("the client stops"))
}

fn lost() -> Error {
    Error::Generic {
        store: "FaultyStore",
        source: "the connection broke".into(),
    }
}
