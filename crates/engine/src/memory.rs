//! `MemoryVolume`: files in memory, for tests and dry runs.
//!
//! It keeps every promise of [`Volume`] but one: nothing outlives the value.

use crate::limits::refused;
use crate::volume::{
    Batch, Change, FileInfo, Precondition, Reader, Snapshot, Step, Usage, Volume, Writer,
    check_move,
};
use crate::{Error, FilePath, Limits, Result, Version};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;

/// A volume whose files are gone when it is dropped.
///
/// ```
/// use ability_storage_engine::{Change, FilePath, MemoryVolume, Volume};
///
/// let volume = MemoryVolume::new();
/// let path = FilePath::new("greeting.txt")?;
/// volume.commit(Change::Write { path: path.clone(), contents: b"hello".to_vec() }.into())?;
/// assert_eq!(volume.read(&path, 1024)?.contents, b"hello");
/// # Ok::<(), ability_storage_engine::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct MemoryVolume {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    files: RwLock<Files>,
    writers: AtomicUsize,
    limits: Limits,
}

type Files = BTreeMap<FilePath, MemoryFile>;

#[derive(Clone, Debug)]
struct MemoryFile {
    contents: Arc<Vec<u8>>,
    modified: SystemTime,
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
            return Err(Error::TooLarge {
                path: path.clone(),
                limit: max_bytes,
            });
        }
        Ok(Snapshot {
            contents: contents.to_vec(),
        })
    }

    fn stat(&self, path: &FilePath) -> Result<FileInfo> {
        let file = self.shared.find(path)?;
        Ok(FileInfo {
            size: file.contents.len() as u64,
            modified: file.modified,
        })
    }

    fn list(&self, directory: Option<&FilePath>) -> Result<Vec<FilePath>> {
        let files = self.shared.files();
        let listed = files
            .keys()
            .filter(|path| directory.is_none_or(|directory| path.is_under(directory)));
        Ok(listed.cloned().collect())
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
        let max_writers = self.shared.limits.max_writers;
        if self.shared.writers.fetch_add(1, Ordering::Relaxed) < max_writers {
            return Ok(Box::new(writer));
        }
        let reason = format!("{max_writers} writers are open, and no more are allowed");
        Err(refused(path, reason))
    }

    fn reader(&self, path: &FilePath) -> Result<Box<dyn Reader>> {
        Ok(Box::new(MemoryReader {
            contents: self.shared.find(path)?.contents,
            read: 0,
        }))
    }

    fn usage(&self) -> Result<Usage> {
        Ok(usage(&self.shared.files()))
    }
}

impl Shared {
    // A panic elsewhere cannot leave the map half-changed: it is replaced as a
    // whole.
    fn files(&self) -> RwLockReadGuard<'_, Files> {
        self.files.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn files_mut(&self) -> RwLockWriteGuard<'_, Files> {
        self.files.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, path: &FilePath) -> Result<MemoryFile> {
        let file = self.files().get(path).cloned();
        file.ok_or_else(|| Error::not_found(path))
    }

    fn commit(&self, batch: Batch) -> Result<Vec<Option<Version>>> {
        let steps = batch.into_steps();
        let is_one = steps.len() == 1;
        let mut files = self.files_mut();
        let mut next = files.clone();
        let mut versions = Vec::with_capacity(steps.len());
        let mut deciders = BTreeMap::new();
        for (index, step) in steps.into_iter().enumerate() {
            let blame = |error| if is_one { error } else { at_step(index, error) };
            deciders.insert(step.change.target().clone(), index);
            versions.push(self.play(&mut next, step).map_err(blame)?);
        }
        for (path, &index) in &deciders {
            let blame = |error| if is_one { error } else { at_step(index, error) };
            if next.contains_key(path) {
                check_place(&next, path).map_err(blame)?;
                let (before, after) = (usage(&files), usage(&next));
                self.limits
                    .check_usage(path, before, after)
                    .map_err(blame)?;
            }
        }
        *files = next;
        Ok(versions)
    }

    fn play(&self, files: &mut Files, step: Step) -> Result<Option<Version>> {
        self.limits.check_change(&step.change)?;
        let target = step.change.target();
        step.precondition.check(target, || {
            Ok(files.get(target).map(|file| Version::of(&file.contents)))
        })?;
        match step.change {
            Change::Write { path, contents } => {
                let version = Version::of(&contents);
                self.put(files, path, contents)?;
                return Ok(Some(version));
            }
            Change::Append { path, contents } => {
                let mut whole = files
                    .get(&path)
                    .map_or_else(Vec::new, |file| file.contents.to_vec());
                whole.extend_from_slice(&contents);
                self.put(files, path, whole)?;
            }
            Change::Rename { source, target } => {
                let file = files.get(&source).cloned();
                let file = file.ok_or_else(|| Error::not_found(&source))?;
                check_move(&source, &target)?;
                files.remove(&source);
                files.insert(target, file);
            }
            Change::Delete { path } => {
                files.remove(&path);
            }
        }
        Ok(None)
    }

    fn put(&self, files: &mut Files, path: FilePath, contents: Vec<u8>) -> Result<()> {
        self.limits.check_file(&path, contents.len() as u64)?;
        let file = MemoryFile {
            contents: Arc::new(contents),
            modified: SystemTime::now(),
        };
        files.insert(path, file);
        Ok(())
    }
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
        let path = self.path.clone();
        let write = Change::Write { path, contents };
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
}

fn usage(files: &Files) -> Usage {
    Usage {
        bytes: files.values().map(|file| file.contents.len() as u64).sum(),
        files: files.len() as u64,
    }
}

fn at_step(index: usize, error: Error) -> Error {
    Error::Step {
        index,
        source: Box::new(error),
    }
}

/// A path is a file or a directory of others, never both, as on a disk.
fn check_place(files: &Files, path: &FilePath) -> Result<()> {
    if let Some(ancestor) = path.ancestors().find(|path| files.contains_key(path)) {
        return Err(Error::beneath_a_file(path, ancestor.as_str()));
    }
    if files
        .keys()
        .any(|other| other != path && other.is_under(path))
    {
        return Err(Error::directory_of_others(path));
    }
    Ok(())
}
