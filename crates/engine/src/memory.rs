//! `MemoryVolume`: files in memory, for tests and dry runs.
//!
//! It keeps every promise of [`Volume`] but one: nothing outlives the value.

use crate::author::plan::{Edit, Tail};
use crate::author::table::{Entry, Table};
use crate::volume::{
    Batch, Change, FileInfo, Precondition, Reader, Snapshot, Step, Usage, Volume, Writer,
};
use crate::{Error, FilePath, Limits, Result, Version};
use std::sync::atomic::{AtomicUsize, Ordering};
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

#[derive(Debug, Default)]
struct Shared {
    files: RwLock<Table<MemoryFile>>,
    writers: AtomicUsize,
    limits: Limits,
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
        let contents = self.shared.find(path)?.contents;
        if contents.len() as u64 > max_bytes {
            return Err(Error::too_large(path, max_bytes));
        }
        Ok(Snapshot::new(contents.to_vec()))
    }

    fn stat(&self, path: &FilePath) -> Result<FileInfo> {
        let file = self.shared.find(path)?;
        Ok(FileInfo::new(file.contents.len() as u64, file.modified))
    }

    fn list(&self, directory: Option<&FilePath>) -> Result<Vec<FilePath>> {
        Ok(self.shared.files().list(directory))
    }

    fn commit(&self, batch: Batch) -> Result<Vec<Option<Version>>> {
        self.shared.commit(batch)
    }

    fn writer(&self, path: &FilePath) -> Result<Box<dyn Writer>> {
        self.shared.limits.check_path(path)?;
        let writer = MemoryWriter {
            shared: self.shared.clone(),
            path: path.clone(),
            contents: Vec::new(),
            failed: false,
        };
        let open = self.shared.writers.fetch_add(1, Ordering::Relaxed);
        self.shared.limits.check_writers(path, open)?;
        Ok(Box::new(writer))
    }

    fn reader(&self, path: &FilePath) -> Result<Box<dyn Reader>> {
        Ok(Box::new(MemoryReader {
            contents: self.shared.find(path)?.contents,
            read: 0,
        }))
    }

    fn usage(&self) -> Result<Usage> {
        Ok(self.shared.files().usage())
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
    failed: bool,
}

impl Writer for MemoryWriter {
    fn write(&mut self, contents: &[u8]) -> Result<()> {
        let bytes = self.contents.len() as u64 + contents.len() as u64;
        let checked = self.shared.limits.check_file(&self.path, bytes);
        self.failed |= checked.is_err();
        checked?;
        self.contents.extend_from_slice(contents);
        Ok(())
    }

    fn commit(mut self: Box<Self>, precondition: Precondition) -> Result<Version> {
        if self.failed {
            return Err(Error::after_failed_write(&self.path));
        }
        let contents = std::mem::take(&mut self.contents);
        let version = Version::of(&contents);
        let write = Change::write(self.path.clone(), contents);
        self.shared.commit(write.only_if(precondition).into())?;
        Ok(version)
    }
}

impl Drop for MemoryWriter {
    fn drop(&mut self) {
        self.shared.writers.fetch_sub(1, Ordering::Relaxed);
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
