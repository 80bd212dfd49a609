//! A volume in whose commits a test can interfere.

use ability_storage::author::delegate;
use ability_storage::{
    Batch, FilePath, MemoryVolume, Precondition, Result, Version, Volume, Writer,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub type Answer = Result<Vec<Option<Version>>>;

/// What is done before a commit, and what its answer becomes; both are told which commit
/// it is, counted from one.
type Before = Box<dyn Fn(&MemoryVolume, usize) + Send + Sync>;
type After = Box<dyn Fn(usize, Answer) -> Answer + Send + Sync>;

pub struct Fake(Arc<Shared>);

struct Shared {
    volume: MemoryVolume,
    before: Before,
    after: After,
    commits: AtomicUsize,
}

impl Fake {
    pub fn new(
        before: impl Fn(&MemoryVolume, usize) + Send + Sync + 'static,
        after: impl Fn(usize, Answer) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Shared {
            volume: MemoryVolume::new(),
            before: Box::new(before),
            after: Box::new(after),
            commits: AtomicUsize::new(0),
        }))
    }

    pub fn volume(&self) -> &MemoryVolume {
        &self.0.volume
    }

    pub fn commits(&self) -> usize {
        self.0.commits.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn around(&self, commit: impl FnOnce() -> Answer) -> Answer {
        let number = self.commits.fetch_add(1, Ordering::SeqCst) + 1;
        (self.before)(&self.volume, number);
        (self.after)(number, commit())
    }
}

impl Volume for Fake {
    delegate!(self => self.0.volume; read, stat, list, reader, usage, counters, close, exists);

    fn commit(&self, batch: Batch) -> Answer {
        self.0.around(|| self.0.volume.commit(batch))
    }

    fn writer(&self, path: &FilePath) -> Result<Box<dyn Writer>> {
        let writer = self.0.volume.writer(path)?;
        let shared = self.0.clone();
        Ok(Box::new(FakeWriter { shared, writer }))
    }
}

struct FakeWriter {
    shared: Arc<Shared>,
    writer: Box<dyn Writer>,
}

impl Writer for FakeWriter {
    fn write(&mut self, contents: &[u8]) -> Result<()> {
        self.writer.write(contents)
    }

    fn commit(self: Box<Self>, precondition: Precondition) -> Result<Version> {
        let Self { shared, writer } = *self;
        let answer = shared.around(|| Ok(vec![Some(writer.commit(precondition)?)]));
        Ok(answer?[0].expect("a version"))
    }
}
