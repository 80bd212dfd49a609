//! `BlobCache`: blobs that were read or written lately, in a directory.
//!
//! A blob never changes, so a copy of it is right for ever, if it is whole. No byte of a
//! copy leaves this module before it was hashed, in memory, after it was read: copies
//! are not synced, and disks and people change files. A copy with anything wrong with it
//! is removed, and the caller goes on with the store.
//!
//! A copy of up to one piece is the contents of the blob, and is checked as a whole. A
//! longer one ends with the hashes of its pieces (`tree`), so each piece can be checked
//! alone, and nothing is read twice.

use crate::file::Blob;
use crate::space::PIECE;
use crate::tree::{PIECE_HASH_BYTES, PieceHash, piece_hash, pieces_of, version_of_pieces};
use ability_storage_engine::{Error, Result, Version};
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// A directory with copies of blobs, so that reading what has not changed costs no
/// more than asking whether it has.
///
/// What is read from a copy is checked before it is given out, piece by piece. A copy that
/// was damaged, cut short, or replaced by something else is removed, and the blob is
/// read from the store, as if there had been no copy.
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
        let what = || format!("the cache {} could not be opened", directory.display());
        let unavailable = |error: io::Error| Error::unavailable(what(), error);
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
        let contents = self.checked(blob, |file| {
            let contents = read(file, 0, blob.size)?;
            Ok((Version::of(&contents) == blob.hash).then_some(contents))
        })?;
        self.index().add(blob.id, stored_bytes(blob));
        Some(contents)
    }

    /// The piece of a long blob that begins at `offset`, if it is here and right, and its
    /// hash.
    pub(crate) fn get_piece(&self, blob: &Blob, offset: u64) -> Option<(Bytes, PieceHash)> {
        let end = blob.size.min(offset + PIECE);
        let piece = self.checked(blob, |file| {
            let hashes = read(file, blob.size, stored_bytes(blob) - blob.size)?;
            let (hashes, _) = hashes.as_chunks::<{ PIECE_HASH_BYTES as usize }>();
            if version_of_pieces(blob.size, hashes) != Some(blob.hash) {
                return Ok(None);
            }
            let contents = read(file, offset, end - offset)?;
            let hash = piece_hash(offset, &contents);
            let is_right = hashes.get((offset / PIECE) as usize) == Some(&hash);
            Ok(is_right.then_some((contents, hash)))
        })?;
        self.index().add(blob.id, stored_bytes(blob));
        Some(piece)
    }

    /// What `read` makes of a copy. If it finds that the copy is not right, or cannot
    /// read it, the copy is removed.
    fn checked<T>(
        &self,
        blob: &Blob,
        read: impl FnOnce(&mut File) -> io::Result<Option<T>>,
    ) -> Option<T> {
        match self.open_copy(blob).and_then(|mut file| read(&mut file)) {
            Ok(Some(read)) => return Some(read),
            Ok(None) => tracing::debug!(id = %blob.id, "a cached blob is damaged"),
            // Never kept, or another process has removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::debug!(%error, id = %blob.id, "a cached blob cannot be read"),
        }
        self.forget(blob.id);
        None
    }

    /// The copy of a blob, as long as it must be.
    fn open_copy(&self, blob: &Blob) -> io::Result<File> {
        let path = self.path(blob.id);
        // A pipe would wait to be written to.
        if !fs::metadata(&path)?.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        let file = File::open(path)?;
        match file.metadata()?.len() == stored_bytes(blob) {
            true => Ok(file),
            false => Err(io::Error::other("it has another length")),
        }
    }

    /// Keeps a blob, if there can be room for it.
    pub(crate) fn put(&self, blob: &Blob, contents: Bytes) {
        let bytes = stored_bytes(blob);
        if bytes > self.shared.max_bytes || self.index().blobs.contains_key(&blob.id) {
            return;
        }
        self.make_room(bytes);
        match self.write(blob.id, &contents) {
            Ok(()) => self.index().add(blob.id, bytes),
            Err(error) => tracing::debug!(%error, "a blob could not be cached"),
        }
    }

    /// Not synced: what a power cut leaves of it is found out when it is read.
    fn write(&self, id: Uuid, contents: &[u8]) -> io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .tempfile_in(&self.shared.directory)?;
        file.write_all(contents)?;
        if contents.len() as u64 > PIECE {
            for (index, piece) in contents.chunks(PIECE as usize).enumerate() {
                file.write_all(&piece_hash(index as u64 * PIECE, piece))?;
            }
        }
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
        let path = self.path(id);
        // Another process may have removed it already. A directory with files in it was
        // not made here: it stays, and the blob is not kept.
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir(&path));
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

/// How long the copy of a blob is: a long one has the hashes of its pieces at its end.
fn stored_bytes(blob: &Blob) -> u64 {
    match pieces_of(blob.size) {
        0 | 1 => blob.size,
        pieces => blob.size + pieces * PIECE_HASH_BYTES,
    }
}

fn read(file: &mut File, offset: u64, bytes: u64) -> io::Result<Bytes> {
    let mut contents = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut contents)?;
    Ok(contents.into())
}

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
mod tests;
