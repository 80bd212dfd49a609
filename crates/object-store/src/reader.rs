//! `ObjectReader`: a file that is read piece by piece, in bounded memory.

use crate::file::File;
use crate::runtime;
use crate::space::{Pieces, Space};
use ability_storage_engine::{Error, FilePath, Reader, Result};
use bytes::Bytes;
use std::io;

pub(crate) struct ObjectReader {
    space: Space,
    path: FilePath,
    size: u64,
    /// None after a read that failed.
    pieces: Option<Pieces>,
    /// What was fetched and not given yet.
    at_hand: Bytes,
}

impl ObjectReader {
    pub(crate) fn new(space: Space, path: FilePath, file: File) -> Self {
        Self {
            space,
            path,
            size: file.size,
            pieces: Some(Pieces::new(file.parts)),
            at_hand: Bytes::new(),
        }
    }

    /// Fetches what comes next; `false` at the end. What comes after a piece that could
    /// not be had is not given: it would be taken for that piece.
    fn fetch(&mut self) -> io::Result<bool> {
        let Some(mut pieces) = self.pieces.take() else {
            return Err(io::Error::other("an earlier read of it failed"));
        };
        let space = self.space.clone();
        let (pieces, piece) = runtime::wait(async move {
            let piece = pieces.next(&space).await;
            (pieces, piece)
        })?;
        let piece = piece?;
        self.pieces = Some(pieces);
        let is_more = piece.is_some();
        self.at_hand = piece.unwrap_or_default();
        Ok(is_more)
    }
}

impl Reader for ObjectReader {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&mut self, max_bytes: usize) -> Result<Vec<u8>> {
        while self.at_hand.is_empty() {
            let fetched = self.fetch();
            let fetched = fetched.map_err(|error| Error::not_read(&self.path, error))?;
            if !fetched {
                return Ok(Vec::new());
            }
        }
        let length = max_bytes.min(self.at_hand.len());
        Ok(self.at_hand.split_to(length).to_vec())
    }

    fn skip(&mut self, mut bytes: u64) -> Result<()> {
        while bytes > 0 {
            if self.at_hand.is_empty()
                && let Some(pieces) = &mut self.pieces
            {
                bytes = pieces.skip(bytes);
            }
            let piece = self.read(usize::try_from(bytes).unwrap_or(usize::MAX))?;
            if piece.is_empty() {
                break;
            }
            bytes -= piece.len() as u64;
        }
        Ok(())
    }
}
