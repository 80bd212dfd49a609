//! `ObjectWriter`: a file that is sent piece by piece, in bounded memory.
//!
//! What is short is held back and committed like any other write; what is longer goes
//! into one blob in parts. If the writer is dropped, the store is told to forget them.

use crate::accounts::{InFlight, WriterPlace};
use crate::change::Prepared;
use crate::commits::unavailable;
use crate::file::Blob;
use crate::runtime;
use crate::space::PIECE;
use crate::volume::Shared;
use ability_storage_engine::author::CheckLimits;
use ability_storage_engine::{
    Batch, Change, Error, FilePath, Precondition, Result, Version, VersionHasher, Writer,
};
use bytes::{Bytes, BytesMut};
use object_store::MultipartUpload;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Parts that are on their way at once.
const PARTS_AT_ONCE: usize = 3;

pub(crate) struct ObjectWriter {
    shared: Arc<Shared>,
    path: FilePath,
    bytes: u64,
    hasher: VersionHasher,
    /// What is not sent yet.
    held_back: BytesMut,
    upload: Option<Upload>,
    has_failed: bool,
    in_flight: InFlight,
    _place: WriterPlace,
}

/// A blob that is being sent.
struct Upload {
    id: Uuid,
    /// How often blobs had been condemned before this one got its name.
    sweeps: u64,
    upload: Box<dyn MultipartUpload>,
    on_their_way: VecDeque<JoinHandle<io::Result<()>>>,
}

impl ObjectWriter {
    pub(crate) fn new(shared: Arc<Shared>, path: &FilePath) -> Result<Self> {
        shared.limits.check_path(path)?;
        let place = WriterPlace::take(&shared.accounts, &shared.limits, path)?;
        Ok(Self {
            in_flight: InFlight::none(&shared.accounts),
            shared,
            path: path.clone(),
            bytes: 0,
            hasher: VersionHasher::default(),
            held_back: BytesMut::new(),
            upload: None,
            has_failed: false,
            _place: place,
        })
    }

    fn take(&mut self, contents: &[u8]) -> Result<()> {
        let (path, limits) = (&self.path, &self.shared.limits);
        self.bytes += contents.len() as u64;
        limits.check_file(path, self.bytes)?;
        self.in_flight.add(limits, path, contents.len() as u64)?;
        self.hasher.update(contents);
        let mut rest = contents;
        while !rest.is_empty() {
            let room = (PIECE as usize - self.held_back.len()).min(rest.len());
            self.held_back.extend_from_slice(&rest[..room]);
            rest = &rest[room..];
            if self.held_back.len() as u64 == PIECE {
                let part = std::mem::take(&mut self.held_back).freeze();
                self.send(part).map_err(unavailable)?;
            }
        }
        Ok(())
    }

    /// Sends a part on its way, when there is room for it.
    fn send(&mut self, part: Bytes) -> io::Result<()> {
        let shared = self.shared.clone();
        let upload = self.upload.take();
        let sent = runtime::wait(async move {
            let mut upload = match upload {
                Some(upload) => upload,
                None => Upload::begin(&shared).await?,
            };
            let sent = upload.send(&shared, part).await;
            io::Result::Ok((upload, sent))
        })?;
        let (upload, sent) = sent?;
        self.upload = Some(upload);
        sent
    }
}

impl Upload {
    async fn begin(shared: &Shared) -> io::Result<Self> {
        let known = shared.heads.last_seen_or_now().await?;
        let id = Uuid::new_v4();
        let key = shared.space.blob(id);
        Ok(Self {
            id,
            sweeps: known.head.sweep.count,
            upload: shared.space.store.begin(&key).await?,
            on_their_way: VecDeque::new(),
        })
    }

    async fn send(&mut self, shared: &Shared, part: Bytes) -> io::Result<()> {
        while self.on_their_way.len() >= PARTS_AT_ONCE {
            self.wait_for_one().await?;
        }
        let store = &shared.space.store;
        store.count_part();
        let limit = store.limit(part.len() as u64);
        let sending = self.upload.put_part(part.into());
        self.on_their_way.push_back(runtime::beside(async move {
            match tokio::time::timeout(limit, sending).await {
                Ok(sent) => sent.map_err(crate::failure::told),
                Err(_) => Err(crate::failure::timed_out()),
            }
        }));
        Ok(())
    }

    async fn wait_for_one(&mut self) -> io::Result<()> {
        match self.on_their_way.pop_front() {
            Some(part) => part.await.map_err(io::Error::other)?,
            None => Ok(()),
        }
    }

    /// Makes the parts one blob. If the answer is lost, the blob itself tells.
    async fn complete(&mut self, shared: &Shared, bytes: u64) -> io::Result<()> {
        while !self.on_their_way.is_empty() {
            self.wait_for_one().await?;
        }
        let store = &shared.space.store;
        store.count_part();
        let completed = tokio::time::timeout(store.limit(bytes), self.upload.complete()).await;
        let error = match completed {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => crate::failure::told(error),
            Err(_) => crate::failure::timed_out(),
        };
        match store.size(&shared.space.blob(self.id)).await {
            Ok(size) if size == bytes => Ok(()),
            _ => Err(error),
        }
    }

    async fn abort(mut self) {
        for part in self.on_their_way.drain(..) {
            part.abort();
        }
        if let Err(error) = self.upload.abort().await {
            tracing::debug!(%error, "parts of a blob are left for the rules of the bucket");
        }
    }
}

impl Writer for ObjectWriter {
    fn write(&mut self, contents: &[u8]) -> Result<()> {
        if self.has_failed {
            return Err(Error::after_failed_write(&self.path));
        }
        let taken = self.take(contents);
        self.has_failed = taken.is_err();
        taken
    }

    fn commit(self: Box<Self>, precondition: Precondition) -> Result<Version> {
        let shared = self.shared.clone();
        let observed = shared.observer.stream(&self.path, self.bytes);
        let _span = observed.span().entered();
        let call = shared.calls.begin();
        let result = call.and_then(|_call| self.publish(precondition));
        observed.committed(&result);
        result
    }
}

impl ObjectWriter {
    fn publish(mut self, precondition: Precondition) -> Result<Version> {
        if self.has_failed {
            return Err(Error::after_failed_write(&self.path));
        }
        let rest = std::mem::take(&mut self.held_back).freeze();
        let version = self.hasher.version();
        if self.upload.is_none() {
            let (path, contents) = (self.path.clone(), rest.to_vec());
            // The commit counts them anew.
            self.in_flight = InFlight::none(&self.shared.accounts);
            let write = Change::write(path, contents);
            self.shared
                .commit(Batch::from(write.only_if(precondition)))?;
            return Ok(version);
        }
        if !rest.is_empty() {
            self.send(rest).map_err(unavailable)?;
        }
        let Some(mut upload) = self.upload.take() else {
            return Err(Error::after_failed_write(&self.path));
        };
        let (shared, bytes) = (self.shared.clone(), self.bytes);
        let (id, sweeps) = (upload.id, upload.sweeps);
        let completed = runtime::wait(async move {
            let completed = upload.complete(&shared, bytes).await;
            if completed.is_err() {
                upload.abort().await;
                shared.space.discard(vec![id]);
            }
            completed
        });
        completed
            .and_then(|completed| completed)
            .map_err(unavailable)?;
        let blob = Blob {
            id,
            size: bytes,
            hash: version,
        };
        let prepared = Prepared::stream(self.path.clone(), blob, precondition, sweeps);
        self.shared.commit_prepared(prepared)?;
        Ok(version)
    }
}

impl Drop for ObjectWriter {
    fn drop(&mut self) {
        if let Some(upload) = self.upload.take() {
            runtime::detach(upload.abort());
        }
    }
}
