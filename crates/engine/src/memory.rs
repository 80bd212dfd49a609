//! `MemoryVolume`: files in memory, for tests and dry runs.
//!
//! It keeps every promise of [`Volume`] but one: nothing outlives the value.

use crate::author::OpenCalls;
use crate::author::plan::{Edit, Tail};
use crate::author::table::{Entry, Table};
use crate::observe::{Counters, Observer};
use crate::volume::{
    Batch, Change, FileInfo, Precondition, Reader, Snapshot, Step, Usage, Volume, Writer,
};
use crate::{Error, FilePath, Limits, Result, Version};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::SystemTime;

/// A volume whose files are gone when it is dropped.
///
/// ```
/// use ability_storage_engine::{Change, FilePath, MemoryVolume, Volume};
///
/// let volume = MemoryVolume::new();
/// let path = FilePath::new("greeting.txt")?;
/// volume.commit(Change::write(path.clone(), b"hello").into())?;
/// assert_eq!(volume.read(&path, 1024)?.contents(), b"hello");
/// # Ok::<(), ability_storage_engine::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct MemoryVolume {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    files: RwLock<Table<MemoryFile>>,
    writers: AtomicUsize,
    bytes_in_flight: AtomicU64,
    calls: OpenCalls,
    observer: Observer,
    limits: Limits,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            files: RwLock::default(),
            writers: AtomicUsize::default(),
            bytes_in_flight: AtomicU64::default(),
            calls: OpenCalls::default(),
            observer: Observer::named("memory", None),
            limits: Limits::default(),
        }
    }
}

#[derive(Clone, Debug)]
struct MemoryFile {
    contents: Arc<Vec<u8>>,
    modified: SystemTime,
}

impl MemoryFile {
    fn new(contents: Vec<u8>) -> Self {
        Self {
            contents: Arc::new(contents),
            modified: SystemTime::now(),
        }
    }
}

impl Entry for MemoryFile {
    type Addition = Vec<u8>;

    fn size(&self) -> u64 {
        self.contents.len() as u64
    }

    fn version(&self) -> Result<Version> {
        Ok(Version::of(&self.contents))
    }

    fn tail(&self, max_bytes: u64) -> Result<Tail> {
        Ok(Tail::of(&self.contents, max_bytes))
    }

    fn appended(before: Option<&Self>, addition: Vec<u8>) -> Self {
        let mut whole = before.map_or_else(Vec::new, |file| file.contents.to_vec());
        whole.extend_from_slice(&addition);
        Self::new(whole)
    }
}

impl MemoryVolume {
    /// An empty volume with the default [`Limits`].
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty volume with these limits.
    pub fn with_limits(limits: Limits) -> Self {
        let shared = Shared {
            limits,
            ..Shared::default()
        };
        Self {
            shared: Arc::new(shared),
        }
    }
}

impl Volume for MemoryVolume {
    fn read(&self, path: &FilePath, max_bytes: u64) -> Result<Snapshot> {
        let _call = self.shared.calls.begin()?;
        let contents = self.shared.find(path)?.contents;
        if contents.len() as u64 > max_bytes {
            return Err(Error::too_large(path, max_bytes));
        }
        Ok(Snapshot::new(contents.to_vec()))
    }

    fn stat(&self, path: &FilePath) -> Result<FileInfo> {
        let _call = self.shared.calls.begin()?;
        let file = self.shared.find(path)?;
        Ok(FileInfo::new(file.contents.len() as u64, file.modified))
    }

    fn list(&self, directory: Option<&FilePath>) -> Result<Vec<FilePath>> {
        let _call = self.shared.calls.begin()?;
        Ok(self.shared.files().list(directory))
    }

    fn commit(&self, batch: Batch) -> Result<Vec<Option<Version>>> {
        let observed = self.shared.observer.batch(batch.steps());
        let _span = observed.span().entered();
        let result = self.shared.commit(batch);
        observed.committed(&result);
        result
    }

    fn writer(&self, path: &FilePath) -> Result<Box<dyn Writer>> {
        let _call = self.shared.calls.begin()?;
        self.shared.limits.check_path(path)?;
        let writer = MemoryWriter {
            shared: self.shared.clone(),
            path: path.clone(),
            contents: Vec::new(),
            bytes_in_flight: 0,
            failed: false,
        };
        let open = self.shared.writers.fetch_add(1, Ordering::Relaxed);
        self.shared.limits.check_writers(path, open)?;
        Ok(Box::new(writer))
    }

    fn reader(&self, path: &FilePath) -> Result<Box<dyn Reader>> {
        let _call = self.shared.calls.begin()?;
        Ok(Box::new(MemoryReader {
            contents: self.shared.find(path)?.contents,
            read: 0,
        }))
    }

    fn usage(&self) -> Result<Usage> {
        let _call = self.shared.calls.begin()?;
        Ok(self.shared.files().usage())
    }

    fn counters(&self) -> Counters {
        self.shared.observer.counters(0)
    }

    fn close(&self) -> Result<()> {
        self.shared.calls.close();
        Ok(())
    }
}

impl Shared {
    // A panic elsewhere cannot leave the table half-changed: what it is given is
    // made of owned values before it changes.
    fn files(&self) -> RwLockReadGuard<'_, Table<MemoryFile>> {
        self.files.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, path: &FilePath) -> Result<MemoryFile> {
        self.files().find(path).cloned()
    }

    fn commit(&self, batch: Batch) -> Result<Vec<Option<Version>>> {
        let _call = self.calls.begin()?;
        let versions = batch.versions().to_vec();
        let edits = batch.into_steps().into_iter().map(edit);
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        files.play(edits, &self.limits)?;
        Ok(versions)
    }
}

fn edit(step: Step) -> (Edit<MemoryFile, Vec<u8>>, Precondition) {
    let edit = match step.change {
        Change::Write { path, contents } => Edit::Put {
            path,
            file: MemoryFile::new(contents),
        },
        Change::Append { path, contents } => Edit::Append {
            path,
            addition: contents,
        },
        Change::Rename { source, target } => Edit::Rename { source, target },
        Change::Delete { path } => Edit::Delete { path },
    };
    (edit, step.precondition)
}

struct MemoryWriter {
    shared: Arc<Shared>,
    path: FilePath,
    contents: Vec<u8>,
    bytes_in_flight: u64,
    failed: bool,
}

impl Writer for MemoryWriter {
    fn write(&mut self, contents: &[u8]) -> Result<()> {
        let taken = self.take(contents);
        self.failed |= taken.is_err();
        taken
    }

    fn commit(mut self: Box<Self>, precondition: Precondition) -> Result<Version> {
        if self.failed {
            return Err(Error::after_failed_write(&self.path));
        }
        let shared = self.shared.clone();
        let observed = shared
            .observer
            .stream(&self.path, self.contents.len() as u64);
        let _span = observed.span().entered();
        let contents = std::mem::take(&mut self.contents);
        let version = Version::of(&contents);
        let write = Change::write(self.path.clone(), contents);
        let result = shared.commit(write.only_if(precondition).into());
        observed.committed(&result);
        result.map(|_| version)
    }
}

impl MemoryWriter {
    fn take(&mut self, contents: &[u8]) -> Result<()> {
        let Shared {
            limits,
            bytes_in_flight,
            ..
        } = &*self.shared;
        let more = contents.len() as u64;
        limits.check_file(&self.path, self.contents.len() as u64 + more)?;
        let before = bytes_in_flight.fetch_add(more, Ordering::Relaxed);
        self.bytes_in_flight += more;
        limits.check_in_flight(&self.path, before + more)?;
        self.contents.extend_from_slice(contents);
        Ok(())
    }
}

impl Drop for MemoryWriter {
    fn drop(&mut self) {
        let Shared {
            writers,
            bytes_in_flight,
            ..
        } = &*self.shared;
        writers.fetch_sub(1, Ordering::Relaxed);
        bytes_in_flight.fetch_sub(self.bytes_in_flight, Ordering::Relaxed);
    }
}

struct MemoryReader {
    contents: Arc<Vec<u8>>,
    read: usize,
}

impl Reader for MemoryReader {
    fn size(&self) -> u64 {
        self.contents.len() as u64
    }

    fn read(&mut self, max_bytes: usize) -> Result<Vec<u8>> {
        let rest = &self.contents[self.read..];
        let next = &rest[..max_bytes.min(rest.len())];
        self.read += next.len();
        Ok(next.to_vec())
    }

    fn skip(&mut self, bytes: u64) -> Result<()> {
        let left = self.contents.len() - self.read;
        self.read += usize::try_from(bytes).map_or(left, |bytes| bytes.min(left));
        Ok(())
    }
}
