//! A volume whose changes wait until they are let go, to drop a call meanwhile.

use crate::author::delegate;
use crate::{Batch, FilePath, MemoryVolume, Precondition, Result, Version, Volume, Writer};
use std::pin::pin;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use tokio::runtime::Runtime;

pub struct Slow {
    volume: MemoryVolume,
    gate: Arc<Gate>,
}

/// The test's end of the gate.
pub struct Pace {
    has_begun: Receiver<()>,
    go: Sender<()>,
}

struct Gate {
    begun: Sender<()>,
    go: Mutex<Receiver<()>>,
}

impl Gate {
    fn pass(&self) {
        self.begun.send(()).expect("the test waits");
        self.go
            .lock()
            .expect("one at a time")
            .recv()
            .expect("let go");
    }
}

impl Slow {
    pub fn new() -> (Arc<Self>, Pace) {
        let (begun, has_begun) = mpsc::channel();
        let (go, wait) = mpsc::channel();
        let volume = Self {
            volume: MemoryVolume::new(),
            gate: Arc::new(Gate {
                begun,
                go: Mutex::new(wait),
            }),
        };
        (Arc::new(volume), Pace { has_begun, go })
    }
}

impl Pace {
    /// Drops `call` while the volume works for it; then lets the volume go on, to
    /// its end.
    pub fn drop_while_it_waits<F: Future>(&self, call: F) {
        let runtime = Runtime::new().expect("a runtime");
        {
            let _inside = runtime.enter();
            let mut call = pin!(call);
            let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(polled, Poll::Pending));
            self.has_begun.recv().expect("begun");
        }
        self.go.send(()).expect("it still waits");
        // Waits for what runs on threads for blocking work.
        drop(runtime);
    }
}

impl Volume for Slow {
    delegate!(self => self.volume; read, stat, list, reader, usage, counters, close, exists);

    fn commit(&self, batch: Batch) -> Result<Vec<Option<Version>>> {
        self.gate.pass();
        self.volume.commit(batch)
    }

    fn writer(&self, path: &FilePath) -> Result<Box<dyn Writer>> {
        Ok(Box::new(SlowWriter {
            writer: self.volume.writer(path)?,
            gate: self.gate.clone(),
        }))
    }
}

struct SlowWriter {
    writer: Box<dyn Writer>,
    gate: Arc<Gate>,
}

impl Writer for SlowWriter {
    fn write(&mut self, contents: &[u8]) -> Result<()> {
        self.gate.pass();
        self.writer.write(contents)
    }

    fn commit(self: Box<Self>, precondition: Precondition) -> Result<Version> {
        self.gate.pass();
        self.writer.commit(precondition)
    }
}
