//! `ObjectReader`: a file that is read piece by piece, in bounded memory.

use crate::file::{File, Part};
use crate::runtime;
use crate::space::{PIECE, Pieces, Space};
use ability_storage_engine::{Error, FilePath, Reader, Result};
use bytes::Bytes;
use std::collections::VecDeque;
use std::io;

pub(crate) struct ObjectReader {
    space: Space,
    path: FilePath,
    size: u64,
    rest: VecDeque<Part>,
    long: Option<Pieces>,
    /// What was fetched and not given yet.
    at_hand: Bytes,
}

impl ObjectReader {
    pub(crate) fn new(space: Space, path: FilePath, file: File) -> Self {
        Self {
            space,
            path,
            size: file.size,
            rest: file.parts.into(),
            long: None,
            at_hand: Bytes::new(),
        }
    }

    /// Fetches what comes next; `false` at the end.
    fn fetch(&mut self) -> io::Result<bool> {
        let space = self.space.clone();
        if let Some(mut pieces) = self.long.take() {
            let fetched = runtime::wait(async move {
                let piece = pieces.next(&space).await;
                (pieces, piece)
            })?;
            let (pieces, piece) = fetched;
            if let Some(piece) = piece? {
                self.long = Some(pieces);
                self.at_hand = piece;
                return Ok(true);
            }
        }
        match self.rest.pop_front() {
            None => return Ok(false),
            Some(Part::Inline(contents)) => self.at_hand = contents,
            Some(Part::Blob(blob)) if blob.size <= PIECE => {
                let space = self.space.clone();
                self.at_hand = runtime::wait(async move { space.fetch(&blob).await })??;
            }
            Some(Part::Blob(blob)) => self.long = Some(Pieces::new(blob)),
        }
        Ok(true)
    }
}

impl Reader for ObjectReader {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&mut self, max_bytes: usize) -> Result<Vec<u8>> {
        while self.at_hand.is_empty() {
            let fetched = self.fetch().map_err(|source| Error::Io {
                path: self.path.clone(),
                intent: "read",
                source,
            })?;
            if !fetched {
                return Ok(Vec::new());
            }
        }
        let length = max_bytes.min(self.at_hand.len());
        Ok(self.at_hand.split_to(length).to_vec())
    }
}
