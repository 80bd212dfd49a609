//! What a volume reports on tokio's threads for blocking work is in the span of the host.

use super::*;
use crate::Counted;
use std::io::{self, Write};
use std::sync::Mutex;
use tracing::instrument::WithSubscriber;
use tracing::{Dispatch, Instrument, Level};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .expect("not poisoned")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn calls_of_a_guest_are_reported_in_the_span_of_the_host() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone());
    let dispatch = Dispatch::new(subscriber.finish());
    let make_span = || tracing::info_span!("request", user = "alice");
    let span = tracing::dispatcher::with_default(&dispatch, make_span);
    let volume = Counted::named(MemoryVolume::new(), "scratch", Some("todo".to_owned()));
    let mut ctx = StorageCtx::builder().ability_volume(volume).build();
    let mut view = StorageView::new(&mut ctx);
    let contents = b"text".to_vec();
    let call = Asynchronous::atomic_write(&mut view, PATH.to_owned(), contents, Scope::Ability);
    let call = call.instrument(span).with_subscriber(dispatch);
    call.await.expect("written");
    let text = lines.0.lock().expect("not poisoned").clone();
    let text = String::from_utf8(text).expect("text");
    let line = text.lines().find(|line| line.contains("scratch"));
    let line = line.unwrap_or_else(|| panic!("nothing is reported: {text}"));
    for part in ["request{user=\"alice\"}", "ability=\"todo\"", "applied"] {
        assert!(line.contains(part), "no {part:?} in {line:?}");
    }
}
