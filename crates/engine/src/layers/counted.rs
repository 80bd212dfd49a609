//! `Counted`: any volume, with its commits counted and reported to the log.

use crate::observe::{Counters, Observer};
use crate::{Batch, FilePath, Precondition, Result, Version, Volume, Writer};
use std::sync::Arc;

/// A volume whose commits are counted, those of its writers too, and reported as
/// events of `tracing`.
///
/// It counts what can be seen from outside, for volumes that do not count, or to count what
/// one of several users of a volume does. What only the volume beneath can know (`unchanged`,
/// `recoveries`, `syncs`, `log_records` and `log_bytes`) is what that volume says.
///
/// Its events and spans have the name that it gets by [`named`](Self::named).
///
/// ```
/// use ability_storage_engine::{Change, Counted, FilePath, MemoryVolume, Volume};
///
/// let volume = Counted::new(MemoryVolume::new());
/// volume.commit(Change::write(FilePath::new("a.txt")?, b"text").into())?;
/// let counters = volume.counters();
/// assert_eq!((counters.commits, counters.bytes), (1, 4));
/// # Ok::<(), ability_storage_engine::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Counted<V> {
    volume: V,
    observer: Arc<Observer>,
}

impl<V: Volume> Counted<V> {
    /// A layer over `volume`, which begins to count.
    pub fn new(volume: V) -> Self {
        Self {
            volume,
            observer: Arc::default(),
        }
    }

    /// A layer over `volume` whose events name it, and the ability whose files it holds.
    pub fn named(volume: V, name: impl Into<String>, ability: Option<String>) -> Self {
        Self {
            volume,
            observer: Arc::new(Observer::named(name, ability)),
        }
    }

    /// The volume beneath.
    pub fn inner(&self) -> &V {
        &self.volume
    }
}

impl<V: Volume> Volume for Counted<V> {
    __delegate_volume!(self => self.volume; read, stat, list, reader, usage, close, exists);

    /// What was done through this layer so far.
    fn counters(&self) -> Counters {
        let beneath = self.volume.counters();
        Counters {
            unchanged: beneath.unchanged,
            recoveries: beneath.recoveries,
            log_records: beneath.log_records,
            log_bytes: beneath.log_bytes,
            ..self.observer.counters(beneath.syncs)
        }
    }

    fn commit(&self, batch: Batch) -> Result<Vec<Option<Version>>> {
        let observed = self.observer.batch(batch.steps());
        let _span = observed.span().entered();
        let result = self.volume.commit(batch);
        observed.committed(&result);
        result
    }

    fn writer(&self, path: &FilePath) -> Result<Box<dyn Writer>> {
        Ok(Box::new(CountedWriter {
            writer: self.volume.writer(path)?,
            observer: self.observer.clone(),
            path: path.clone(),
            bytes: 0,
        }))
    }
}

struct CountedWriter {
    writer: Box<dyn Writer>,
    observer: Arc<Observer>,
    path: FilePath,
    bytes: u64,
}

impl Writer for CountedWriter {
    fn write(&mut self, contents: &[u8]) -> Result<()> {
        self.writer.write(contents)?;
        self.bytes += contents.len() as u64;
        Ok(())
    }

    fn commit(self: Box<Self>, precondition: Precondition) -> Result<Version> {
        let observed = self.observer.stream(&self.path, self.bytes);
        let _span = observed.span().entered();
        let result = self.writer.commit(precondition);
        observed.committed(&result);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Change, MemoryVolume, ReadOnly};

    fn file(path: &str) -> FilePath {
        FilePath::new(path).expect("valid")
    }

    #[test]
    fn counts_commits_conflicts_and_refusals() {
        let volume = Counted::new(MemoryVolume::new());
        let write = Change::write(file("a"), b"12");
        let absent = write.only_if(Precondition::Absent);
        volume.commit(absent.clone().into()).expect("written");
        volume.commit(absent.into()).expect_err("it is there");
        let beneath = Change::write(file("a/b"), b"3");
        volume.commit(beneath.into()).expect_err("below a file");
        let counters = volume.counters();
        assert_eq!(
            (counters.commits, counters.bytes, counters.conflicts),
            (1, 2, 1)
        );
        assert_eq!(counters.refusals, 1);
    }

    #[test]
    fn counts_what_writers_commit() {
        let volume = Counted::new(MemoryVolume::new());
        let mut writer = volume.writer(&file("a")).expect("opened");
        writer.write(b"123").expect("taken");
        assert_eq!(volume.counters().commits, 0);
        writer.commit(Precondition::Any).expect("committed");
        let counters = volume.counters();
        assert_eq!((counters.commits, counters.bytes), (1, 3));
    }

    #[test]
    fn layers_lie_over_each_other() {
        let volume: Arc<dyn Volume> = Arc::new(MemoryVolume::new());
        let counted = Counted::new(ReadOnly::new(volume));
        let write = Change::write(file("a"), b"1");
        counted.commit(write.into()).expect_err("read-only");
        assert_eq!(counted.counters().refusals, 1);
    }
}
