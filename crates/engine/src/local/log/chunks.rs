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

/// Chunks of a file that grows: many versions of it share them, so that neither to add one nor
/// to read the last takes longer the more there are.
#[derive(Clone, Default)]
pub(super) struct Chunks {
    all: Arc<Mutex<Vec<Placed>>>,
    /// How many of them belong to this version.
    count: usize,
}

struct Placed {
    chunk: Chunk,
    /// How many bytes it and all before it have.
    end: u64,
}

impl Chunks {
    pub(super) fn of(chunk: Chunk) -> Self {
        Self::from(vec![chunk])
    }

    fn from(chunks: impl IntoIterator<Item = Chunk>) -> Self {
        let mut all = Vec::new();
        for chunk in chunks {
            push(&mut all, chunk);
        }
        Self {
            count: all.len(),
            all: Arc::new(Mutex::new(all)),
        }
    }

    pub(super) fn and(&self, chunk: Chunk) -> Self {
        let mut all = lock(&self.all);
        if all.len() != self.count {
            let own = all[..self.count].iter().map(|placed| placed.chunk.clone());
            return Self::from(own.chain([chunk]));
        }
        push(&mut all, chunk);
        Self {
            all: self.all.clone(),
            count: self.count + 1,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many bytes they have.
    pub(super) fn bytes(&self) -> u64 {
        lock(&self.all)[..self.count]
            .last()
            .map_or(0, |placed| placed.end)
    }

    /// The chunk that has the byte at this offset, and how many of its bytes are before that;
    /// `None` behind the last.
    pub(super) fn at(&self, offset: u64) -> Option<(Arc<[u8]>, usize)> {
        let all = lock(&self.all);
        let own = &all[..self.count];
        let number = own.partition_point(|placed| placed.end <= offset);
        let placed = own.get(number)?;
        let bytes = &placed.chunk.bytes;
        let before = offset + bytes.len() as u64 - placed.end;
        Some((bytes.clone(), before as usize))
    }

    /// The last so many of their bytes, or all.
    pub(super) fn last_bytes(&self, most: u64) -> Vec<u8> {
        let mut at = self.bytes().saturating_sub(most);
        let mut last = Vec::new();
        while let Some((chunk, before)) = self.at(at) {
            last.extend_from_slice(&chunk[before..]);
            at += (chunk.len() - before) as u64;
        }
        last
    }

    /// All of them as one.
    pub(super) fn joined(&self) -> Vec<u8> {
        let all = lock(&self.all);
        let mut joined = Vec::new();
        for placed in &all[..self.count] {
            joined.extend_from_slice(&placed.chunk.bytes);
        }
        joined
    }

    /// Without those of records in this file of the log, which all are at the beginning;
    /// with the first that is left.
    pub(super) fn without(&self, which: LogSlot) -> (Self, Option<Chunk>) {
        let all = lock(&self.all);
        let own = all[..self.count].iter().map(|placed| &placed.chunk);
        let mut left = own.skip_while(|chunk| chunk.which == which).cloned();
        let first = left.next();
        (Self::from(first.clone().into_iter().chain(left)), first)
    }
}

fn push(all: &mut Vec<Placed>, chunk: Chunk) {
    let before = all.last().map_or(0, |placed| placed.end);
    let end = before + chunk.bytes.len() as u64;
    all.push(Placed { chunk, end });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(parts: &[&str]) -> Chunks {
        let parts = parts.iter().enumerate().map(|(number, part)| Chunk {
            bytes: part.as_bytes().into(),
            which: usize::from(number >= 2),
            base: None,
        });
        Chunks::from(parts)
    }

    #[test]
    fn each_byte_is_found() {
        let chunks = chunks(&["ab", "", "cde", "f"]);
        for (offset, byte) in b"abcdef".iter().enumerate() {
            let (chunk, before) = chunks.at(offset as u64).expect("there");
            assert_eq!(chunk[before], *byte);
        }
        assert!(chunks.at(6).is_none());
        assert_eq!(chunks.last_bytes(3), b"def");
        assert_eq!(chunks.last_bytes(9), b"abcdef");
        assert_eq!((chunks.bytes(), chunks.joined()), (6, b"abcdef".to_vec()));
    }

    #[test]
    fn a_version_has_nothing_of_those_that_follow() {
        let first = chunks(&["ab"]);
        let more = |bytes: &str| Chunk {
            bytes: bytes.as_bytes().into(),
            which: 0,
            base: None,
        };
        let second = first.and(more("cd"));
        let other = first.and(more("xyz"));
        assert_eq!(first.joined(), b"ab");
        assert_eq!(second.joined(), b"abcd");
        assert_eq!((other.joined(), other.bytes()), (b"abxyz".to_vec(), 5));
        assert!(first.at(2).is_none());
    }

    #[test]
    fn those_of_one_file_of_the_log_are_left_out() {
        let (left, first) = chunks(&["ab", "c", "de", "f"]).without(0);
        assert_eq!((left.joined(), left.bytes()), (b"def".to_vec(), 3));
        assert_eq!(&*first.expect("one is left").bytes, b"de");
    }
}
