//! `Space`: the keys of one volume, and its blobs.
//!
//! ```text
//! <prefix>/HEAD        what the volume is; the only object that changes
//! <prefix>/b/<uuid>    a blob: written once, never changed
//! <prefix>/SWEEP       since when blobs are seen to be out of use; a hint
//! ```
//!
//! No path of a guest is ever part of a key.

use crate::cache::BlobCache;
use crate::file::{Blob, File, Part};
use crate::store::Store;
use crate::tree::{PieceHash, piece_hash, version_of_pieces};
use ability_storage_engine::{Version, VersionHasher};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use uuid::Uuid;

/// Requests for blobs that one call makes at once.
pub(crate) const AT_ONCE: usize = 8;

/// Bytes of a blob that are sent or asked for at once where all of it is too much.
pub(crate) const PIECE: u64 = if cfg!(test) { 8 << 10 } else { 8 << 20 };

#[derive(Clone)]
pub(crate) struct Space {
    pub(crate) store: Arc<Store>,
    pub(crate) cache: Option<Arc<BlobCache>>,
    prefix: Path,
}

impl Space {
    pub(crate) fn new(store: Arc<Store>, prefix: Path, cache: Option<Arc<BlobCache>>) -> Self {
        Self {
            store,
            cache,
            prefix,
        }
    }

    pub(crate) fn head(&self) -> Path {
        self.prefix.clone().join("HEAD")
    }

    pub(crate) fn sweep_notes(&self) -> Path {
        self.prefix.clone().join("SWEEP")
    }

    pub(crate) fn blobs(&self) -> Path {
        self.prefix.clone().join("b")
    }

    pub(crate) fn blob(&self, id: Uuid) -> Path {
        self.blobs().join(id.simple().to_string())
    }

    /// Puts contents into a new part, a blob. Their version is found out unless it is
    /// known.
    pub(crate) async fn part(
        &self,
        contents: Vec<u8>,
        version: Option<Version>,
    ) -> io::Result<Part> {
        let blob = Blob {
            id: Uuid::new_v4(),
            size: contents.len() as u64,
            hash: version.unwrap_or_else(|| Version::of(&contents)),
        };
        let contents = Bytes::from(contents);
        self.store
            .create(&self.blob(blob.id), contents.clone())
            .await?;
        if let Some(cache) = &self.cache {
            cache.put(&blob, contents);
        }
        Ok(Part::Blob(blob))
    }

    /// All of a blob, known to be what was put there.
    pub(crate) async fn fetch(&self, blob: &Blob) -> io::Result<Bytes> {
        if let Some(contents) = self.cache.as_ref().and_then(|cache| cache.get(blob)) {
            return Ok(contents);
        }
        let key = self.blob(blob.id);
        let contents = self.store.get(&key, blob.size, None).await?;
        if Version::of(&contents) != blob.hash {
            return Err(is_damaged());
        }
        if let Some(cache) = &self.cache {
            cache.put(blob, contents.clone());
        }
        Ok(contents)
    }

    /// The contents of parts, one after the other.
    pub(crate) async fn fetch_all(&self, parts: &[Part]) -> io::Result<Vec<u8>> {
        let size: u64 = parts.iter().map(Part::size).sum();
        let fetched = stream::iter(parts.to_vec()).map(|part| async move {
            match part {
                Part::Inline(contents) => Ok(contents),
                Part::Blob(blob) => self.fetch(&blob).await,
            }
        });
        let mut fetched = fetched.buffered(AT_ONCE);
        let mut whole = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        while let Some(contents) = fetched.try_next().await? {
            whole.extend_from_slice(&contents);
        }
        Ok(whole)
    }

    /// The version of a file, in bounded memory.
    pub(crate) async fn version_of(&self, file: &File) -> io::Result<Version> {
        let mut hasher = VersionHasher::default();
        let mut pieces = Pieces::new(file.parts.clone());
        while let Some(piece) = pieces.next(self).await? {
            hasher.update(&piece);
        }
        Ok(hasher.version())
    }

    /// The last `max_bytes` bytes of a file, without fetching the parts before them.
    pub(crate) async fn last_bytes(&self, file: &File, max_bytes: u64) -> io::Result<Bytes> {
        let mut wanted = file.size.min(max_bytes);
        let mut pieces = Vec::new();
        for part in file.parts.iter().rev() {
            let piece = match part {
                _ if wanted == 0 => break,
                Part::Inline(contents) => contents.clone(),
                Part::Blob(blob) if blob.size > PIECE => {
                    let range = blob.size.saturating_sub(wanted)..blob.size;
                    let bytes = range.end - range.start;
                    let key = self.blob(blob.id);
                    self.store.get(&key, bytes, Some(range)).await?
                }
                Part::Blob(blob) => self.fetch(blob).await?,
            };
            let piece = piece.slice(piece.len().saturating_sub(wanted as usize)..);
            wanted -= piece.len() as u64;
            pieces.push(piece);
        }
        pieces.reverse();
        Ok(pieces.concat().into())
    }

    /// Removes blobs that nobody knows, sometime. If it fails, a sweep finds them.
    pub(crate) fn discard(&self, blobs: Vec<Uuid>) {
        if blobs.is_empty() {
            return;
        }
        let space = self.clone();
        crate::runtime::detach(async move {
            for id in blobs {
                if let Err(error) = space.store.delete(&space.blob(id)).await {
                    tracing::debug!(%error, "a blob is left for a sweep");
                }
            }
        });
    }
}

/// Parts, piece by piece.
pub(crate) struct Pieces {
    rest: VecDeque<Part>,
    long: Option<LongBlob>,
}

impl Pieces {
    pub(crate) fn new(parts: Vec<Part>) -> Self {
        Self {
            rest: parts.into(),
            long: None,
        }
    }

    /// Leaves out whole parts of the next `bytes` bytes; returns how many bytes of these
    /// have to be read all the same. What is fetched is always checked as a whole.
    pub(crate) fn skip(&mut self, mut bytes: u64) -> u64 {
        if self.long.is_none() {
            while let Some(part) = self.rest.front().filter(|part| part.size() <= bytes) {
                bytes -= part.size();
                self.rest.pop_front();
            }
        }
        bytes
    }

    /// The next piece; none at the end.
    pub(crate) async fn next(&mut self, space: &Space) -> io::Result<Option<Bytes>> {
        loop {
            if let Some(long) = &mut self.long {
                if let Some(piece) = long.next(space).await? {
                    return Ok(Some(piece));
                }
                self.long = None;
            }
            match self.rest.pop_front() {
                None => return Ok(None),
                Some(Part::Inline(contents)) => return Ok(Some(contents)),
                Some(Part::Blob(blob)) if blob.size <= PIECE => {
                    return Ok(Some(space.fetch(&blob).await?));
                }
                Some(Part::Blob(blob)) => self.long = Some(LongBlob::new(blob)),
            }
        }
    }
}

/// A long blob, piece by piece. What is wrong with the object in the store shows at its
/// end; a piece of a copy in the cache was checked before it is given.
struct LongBlob {
    blob: Blob,
    read: u64,
    hashes: Vec<PieceHash>,
}

impl LongBlob {
    fn new(blob: Blob) -> Self {
        Self {
            blob,
            read: 0,
            hashes: Vec::new(),
        }
    }

    /// The next piece; none at the end.
    async fn next(&mut self, space: &Space) -> io::Result<Option<Bytes>> {
        let blob = &self.blob;
        if self.read == blob.size {
            return Ok(None);
        }
        let cache = space.cache.as_ref();
        let cached = cache.and_then(|cache| cache.get_piece(blob, self.read));
        let (piece, hash) = match cached {
            Some(cached) => cached,
            None => {
                let range = self.read..blob.size.min(self.read + PIECE);
                let bytes = range.end - range.start;
                let key = space.blob(blob.id);
                let piece = space.store.get(&key, bytes, Some(range)).await?;
                if piece.len() as u64 != bytes {
                    return Err(is_damaged());
                }
                let hash = piece_hash(self.read, &piece);
                (piece, hash)
            }
        };
        self.hashes.push(hash);
        self.read += piece.len() as u64;
        let is_whole = self.read == blob.size;
        if is_whole && version_of_pieces(blob.size, &self.hashes) != Some(blob.hash) {
            return Err(is_damaged());
        }
        Ok(Some(piece))
    }
}

fn is_damaged() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "what the object store gives is not what was put there",
    )
}
