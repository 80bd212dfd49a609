//! The chunks of a file that the log holds, in memory.
//!
//! A chunk that is there never changes.

use super::super::poison::lock;
use super::log_file::LogSlot;
use std::sync::{Arc, Mutex};

/// What one record holds of a file.
#[derive(Clone)]
pub(super) struct Chunk {
    pub(super) bytes: Arc<[u8]>,
    /// The file of the log that has the record.
    pub(super) which: LogSlot,
    /// What stands before it, if it is an append.
    pub(super) base: Option<ChunkBase>,
}

/// What an append says of the file that it adds to.
#[derive(Clone, Copy)]
pub(super) struct ChunkBase {
    pub(super) offset: u64,
    pub(super) fence: [u8; 32],
    pub(super) inode: u64,
}

/// Chunks of a file that grows: many versions of it share them.
#[derive(Clone, Default)]
pub(super) struct Chunks {
    all: Arc<Mutex<Vec<Chunk>>>,
    /// How many of them belong to this version.
    count: usize,
}

impl Chunks {
    pub(super) fn of(chunk: Chunk) -> Self {
        Self::from(vec![chunk])
    }

    fn from(all: Vec<Chunk>) -> Self {
        Self {
            count: all.len(),
            all: Arc::new(Mutex::new(all)),
        }
    }

    pub(super) fn and(&self, chunk: Chunk) -> Self {
        let mut all = lock(&self.all);
        if all.len() != self.count {
            let mut own = all[..self.count].to_vec();
            own.push(chunk);
            return Self::from(own);
        }
        all.push(chunk);
        Self {
            all: self.all.clone(),
            count: self.count + 1,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn all(&self) -> Vec<Arc<[u8]>> {
        let all = lock(&self.all);
        let own = all[..self.count].iter();
        own.map(|chunk| chunk.bytes.clone()).collect()
    }

    /// Without those of records in this file of the log, which all are at the beginning;
    /// with the first that is left.
    pub(super) fn without(&self, which: LogSlot) -> (Self, Option<Chunk>) {
        let all = lock(&self.all);
        let own = &all[..self.count];
        let gone = own.iter().take_while(|chunk| chunk.which == which).count();
        let left = own[gone..].to_vec();
        let first = left.first().cloned();
        (Self::from(left), first)
    }
}
