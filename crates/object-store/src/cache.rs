//! `BlobCache`: blobs that were read or written lately, in a directory.
//!
//! A blob never changes, so what is in the cache is always right, if it is whole: it
//! is checked like everything that comes from the store. Losing the cache loses
//! nothing; that it cannot be written is no reason for a call to fail.

use crate::file::Blob;
use ability_storage_engine::{Error, Result, Version};
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// A directory with copies of blobs, so that reading what has not changed costs no
/// more than asking whether it has.
///
/// Volumes of one process may share it (it is a handle: clones are the same cache),
/// and so may processes; each keeps to its own limit then. Use one directory for one
/// object store, and keep other files out of it.
///
/// ```
/// use ability_storage_object_store::BlobCache;
///
/// let directory = tempfile::tempdir()?;
/// let cache = BlobCache::open(directory.path(), 100 << 20)?;
/// assert_eq!(cache.bytes(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct BlobCache {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    directory: PathBuf,
    max_bytes: u64,
    index: Mutex<Index>,
}

/// What is there, and in which order it was used.
#[derive(Debug, Default)]
struct Index {
    blobs: HashMap<Uuid, Cached>,
    by_use: BTreeMap<u64, Uuid>,
    uses: u64,
    bytes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Cached {
    size: u64,
    used: u64,
}

impl BlobCache {
    /// Opens the cache in `directory`, which is created if it does not exist. The
    /// blobs in it are at most `max_bytes` long together; those that have not been
    /// used for longest make room. A blob longer than that is not kept.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the directory cannot be created or listed.
    pub fn open(directory: impl Into<PathBuf>, max_bytes: u64) -> Result<Self> {
        let directory = directory.into();
        let unavailable = |source| Error::Unavailable {
            what: format!("the cache {} could not be opened", directory.display()),
            source,
        };
        fs::create_dir_all(&directory).map_err(unavailable)?;
        let found = found_in(&directory).map_err(unavailable)?;
        let mut index = Index::default();
        for (id, size) in found {
            index.add(id, size);
        }
        let cache = Self {
            shared: Arc::new(Shared {
                directory,
                max_bytes,
                index: Mutex::new(index),
            }),
        };
        cache.make_room(0);
        Ok(cache)
    }

    /// How long all blobs in it are, as far as this process knows.
    pub fn bytes(&self) -> u64 {
        self.index().bytes
    }

    /// A blob, if all of it is here and right.
    pub(crate) fn get(&self, blob: &Blob) -> Option<Bytes> {
        let contents = fs::read(self.path(blob.id)).ok()?;
        if Version::of(&contents) != blob.hash {
            self.forget(blob.id);
            return None;
        }
        self.index().add(blob.id, blob.size);
        Some(contents.into())
    }

    /// Some bytes of a blob, if they are here. Whether they are right shows when all
    /// of it has been read.
    pub(crate) fn get_range(&self, blob: &Blob, range: Range<u64>) -> Option<Bytes> {
        let mut file = File::open(self.path(blob.id)).ok()?;
        if file.metadata().ok()?.len() != blob.size {
            self.forget(blob.id);
            return None;
        }
        file.seek(SeekFrom::Start(range.start)).ok()?;
        let mut contents = vec![0; usize::try_from(range.end - range.start).ok()?];
        file.read_exact(&mut contents).ok()?;
        Some(contents.into())
    }

    /// Keeps a blob, if there can be room for it.
    pub(crate) fn put(&self, blob: &Blob, contents: Bytes) {
        if blob.size > self.shared.max_bytes || self.index().blobs.contains_key(&blob.id) {
            return;
        }
        self.make_room(blob.size);
        match self.write(blob.id, &contents) {
            Ok(()) => self.index().add(blob.id, blob.size),
            Err(error) => tracing::debug!(%error, "a blob could not be cached"),
        }
    }

    /// Not synced: what a power cut leaves of it is found out when it is read.
    fn write(&self, id: Uuid, contents: &[u8]) -> io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .tempfile_in(&self.shared.directory)?;
        file.write_all(contents)?;
        file.persist(self.path(id))?;
        Ok(())
    }

    fn make_room(&self, bytes: u64) {
        loop {
            let oldest = {
                let index = self.index();
                let fits = index.bytes.saturating_add(bytes) <= self.shared.max_bytes;
                match index.by_use.first_key_value() {
                    Some((_, id)) if !fits => *id,
                    _ => return,
                }
            };
            self.forget(oldest);
        }
    }

    fn forget(&self, id: Uuid) {
        self.index().remove(id);
        // Another process may have removed it already.
        let _ = fs::remove_file(self.path(id));
    }

    fn path(&self, id: Uuid) -> PathBuf {
        self.shared.directory.join(id.simple().to_string())
    }

    // Nothing in there can be left half-changed but numbers.
    fn index(&self) -> MutexGuard<'_, Index> {
        self.shared
            .index
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

const TEMPORARY: &str = ".tmp";

/// The blobs in a directory with their lengths, the oldest first. What was being
/// written when a process died is removed.
fn found_in(directory: &Path) -> io::Result<Vec<(Uuid, u64)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let metadata = match entry.metadata() {
            Ok(metadata) if metadata.is_file() => metadata,
            // Another process has removed it.
            _ => continue,
        };
        let modified = metadata.modified().ok();
        if let Ok(id) = Uuid::try_parse(&name) {
            found.push((modified, id, metadata.len()));
        } else if name.starts_with(TEMPORARY) && is_abandoned(modified) {
            let _ = fs::remove_file(entry.path());
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, id, size)| (id, size)).collect())
}

/// Whether nobody can still be writing it.
fn is_abandoned(modified: Option<std::time::SystemTime>) -> bool {
    let age = modified.and_then(|modified| modified.elapsed().ok());
    age.is_some_and(|age| age.as_secs() > 3_600)
}

impl Index {
    /// Notes that a blob is there and was used now.
    fn add(&mut self, id: Uuid, size: u64) {
        self.remove(id);
        self.uses += 1;
        let used = self.uses;
        self.blobs.insert(id, Cached { size, used });
        self.by_use.insert(used, id);
        self.bytes += size;
    }

    fn remove(&mut self, id: Uuid) {
        if let Some(cached) = self.blobs.remove(&id) {
            self.by_use.remove(&cached.used);
            self.bytes -= cached.size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(contents: &[u8]) -> Blob {
        Blob {
            id: Uuid::new_v4(),
            size: contents.len() as u64,
            hash: Version::of(contents),
        }
    }

    #[test]
    fn what_was_not_used_for_longest_makes_room() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let open = || BlobCache::open(directory.path(), 30).expect("opened");
        let cache = open();
        let all: Vec<Vec<u8>> = (0..4).map(|n| vec![n; 10]).collect();
        let blobs: Vec<Blob> = all.iter().map(|contents| blob(contents)).collect();
        for (blob, contents) in blobs.iter().zip(&all).take(3) {
            cache.put(blob, contents.clone().into());
        }
        assert!(cache.get(&blobs[0]).is_some());
        cache.put(&blobs[3], all[3].clone().into());
        let there = |cache: &BlobCache| -> Vec<bool> {
            blobs.iter().map(|blob| cache.get(blob).is_some()).collect()
        };
        assert_eq!(there(&cache), [true, false, true, true]);
        assert_eq!(cache.bytes(), 30);

        let again = open();
        assert_eq!(there(&again), [true, false, true, true]);
        let smaller = BlobCache::open(directory.path(), 10).expect("opened");
        assert_eq!(smaller.bytes(), 10);
        cache.put(&blob(&[0; 31]), vec![0; 31].into());
        assert!(cache.bytes() <= 30);
    }

    #[test]
    fn what_is_torn_is_not_given() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let cache = BlobCache::open(directory.path(), 100).expect("opened");
        let blob = blob(b"whole");
        for torn in [&b"who"[..], b"", b"WHOLE"] {
            cache.put(&blob, Bytes::from_static(b"whole"));
            fs::write(cache.path(blob.id), torn).expect("written");
            assert_eq!(cache.get(&blob), None);
        }
        cache.put(&blob, Bytes::from_static(b"whole"));
        assert_eq!(cache.get(&blob).as_deref(), Some(&b"whole"[..]));
        assert_eq!(cache.get_range(&blob, 1..3).as_deref(), Some(&b"ho"[..]));
    }
}
