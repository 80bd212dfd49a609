//! From calls that wait to requests that do not: one small runtime for all volumes
//! of the process.
//!
//! Calls come from any thread, also from one of somebody else's runtime, where
//! waiting on a runtime of one's own is forbidden; so requests always run on threads
//! of this module, and who asked waits on a channel.

use ability_storage_engine::author::observe::HostContext;
use std::future::Future;
use std::io;
use std::sync::{LazyLock, mpsc};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tracing::Instrument;
use tracing::instrument::WithSubscriber;

/// Requests wait for the network nearly all the time.
const THREADS: usize = 2;

/// Never dropped: that would have to wait for requests.
static RUNTIME: LazyLock<Option<Runtime>> = LazyLock::new(|| {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(THREADS);
    builder.thread_name("ability-storage");
    builder.enable_all().build().ok()
});

/// Runs a future to its end and waits for it.
///
/// # Errors
///
/// If no threads could be started, or the future panicked.
pub(crate) fn wait<F>(future: F) -> io::Result<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let (sender, receiver) = mpsc::sync_channel(1);
    runtime()?.spawn(in_context(async move {
        // Who asked waits until this arrives.
        let _ = sender.send(future.await);
    }));
    let ended = receiver.recv();
    ended.map_err(|_| io::Error::other("the request ended without a result"))
}

/// Runs a future to its end without waiting for it.
pub(crate) fn detach(future: impl Future<Output: Send> + Send + 'static) {
    if let Ok(runtime) = runtime() {
        runtime.spawn(in_context(future));
    }
}

/// Runs a future beside the one that calls this, which is on this runtime.
pub(crate) fn beside<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(in_context(future))
}

/// A future that reports to the subscriber of this thread, and as part of its span: that of
/// the host.
fn in_context<F: Future>(future: F) -> impl Future<Output = F::Output> + use<F> {
    let context = HostContext::current();
    let future = future.instrument(context.span().clone());
    future.with_subscriber(context.dispatch().clone())
}

fn runtime() -> io::Result<&'static Runtime> {
    let runtime = RUNTIME.as_ref();
    runtime.ok_or_else(|| io::Error::other("no threads could be started for requests"))
}
