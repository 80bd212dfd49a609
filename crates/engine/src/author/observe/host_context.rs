//! Takes the subscriber and the span of a host along to another thread.

use tracing::{Dispatch, Span};

/// The subscriber and the span of `tracing` that are current on a thread. Threads that work
/// for a host do so within it, so that what they report is part of the host's span.
///
/// ```
/// use ability_storage_engine::author::observe::HostContext;
///
/// let context = HostContext::current();
/// std::thread::spawn(move || context.run(|| tracing::info!("in the span of the caller")));
/// ```
#[derive(Clone, Debug)]
pub struct HostContext {
    dispatch: Dispatch,
    span: Span,
}

impl HostContext {
    /// What is current on this thread.
    pub fn current() -> Self {
        Self::within(Span::current())
    }

    /// The subscriber that is current on this thread, with a span of its own.
    pub fn within(span: Span) -> Self {
        let dispatch = tracing::dispatcher::get_default(Dispatch::clone);
        Self { dispatch, span }
    }

    /// Does `work` in this context, on whatever thread.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        tracing::dispatcher::with_default(&self.dispatch, || self.span.in_scope(work))
    }

    /// The span, for a future that is [instrumented](tracing::Instrument) with it.
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// The subscriber, for a future that is [given](tracing::instrument::WithSubscriber) it.
    pub fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }
}
