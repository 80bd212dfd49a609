//! A file that was opened to be read.

use super::super::directory::{FileHandle, Stat};
use super::chunks::Chunks;
use super::pending_file::{DiskPrefix, File};
use std::io::{self, Read};

/// A file that was opened to be read: one on the disk, or what the log has of it.
pub(crate) enum Opened<F> {
    File(F),
    Pieces(Pieces<F>),
}

/// A beginning on the disk and chunks in memory, read in this order.
pub(crate) struct Pieces<F> {
    beginning: Option<Piece<F>>,
    chunks: Chunks,
    /// How many bytes of the chunks are read.
    read: u64,
}

/// A part of a file.
struct Piece<F> {
    file: F,
    at: u64,
    end: u64,
}

impl<F> Opened<F> {
    /// The same file of `bytes` bytes, to read some of it.
    pub(crate) fn into_pieces(self, bytes: u64) -> Pieces<F> {
        match self {
            Opened::Pieces(pieces) => pieces,
            Opened::File(file) => Pieces {
                beginning: Some(Piece {
                    file,
                    at: 0,
                    end: bytes,
                }),
                chunks: Chunks::default(),
                read: 0,
            },
        }
    }
}

impl<F: FileHandle> Read for Opened<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Opened::File(file) => file.read(buffer),
            Opened::Pieces(pieces) => pieces.read(buffer),
        }
    }
}

impl<F: FileHandle> Read for Pieces<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if let Some(beginning) = &mut self.beginning {
            let left = beginning.end - beginning.at;
            let wanted = left.min(buffer.len() as u64) as usize;
            let read = beginning
                .file
                .read_at(&mut buffer[..wanted], beginning.at)?;
            beginning.at += read as u64;
            // If another program cut it short, what is behind does not belong here.
            if read > 0 || left > 0 {
                return Ok(read);
            }
            self.beginning = None;
        }
        let Some((chunk, before)) = self.chunks.at(self.read) else {
            return Ok(0);
        };
        let rest = &chunk[before..];
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        self.read += read as u64;
        Ok(read)
    }
}

impl<F: FileHandle> Pieces<F> {
    /// A file that has no beginning on the disk.
    pub(super) fn of_chunks(file: &File) -> Self {
        Self::new(None, file)
    }

    fn new(beginning: Option<Piece<F>>, file: &File) -> Self {
        Self {
            beginning,
            chunks: file.chunks().clone(),
            read: 0,
        }
    }

    /// Leaves out the next bytes.
    pub(crate) fn skip(&mut self, mut bytes: u64) {
        if let Some(beginning) = &mut self.beginning {
            let skipped = bytes.min(beginning.end - beginning.at);
            beginning.at += skipped;
            bytes -= skipped;
        }
        self.read = self.read.saturating_add(bytes);
    }
}

/// What the log adds to a file that another program has changed, or, without one, all that is
/// left of the file.
pub(super) fn pieces_behind<F: FileHandle>(
    changed: Option<(F, Stat)>,
    file: &File,
) -> (Opened<F>, Stat) {
    let mut stat = file.stat();
    stat.size = file.chunks().bytes();
    let piece = changed.map(|(plain, found)| {
        stat.size += found.size;
        stat.mode = found.mode;
        Piece {
            file: plain,
            at: 0,
            end: found.size,
        }
    });
    (Opened::Pieces(Pieces::new(piece, file)), stat)
}

pub(super) fn opened_pieces<F: FileHandle>(
    opened: F,
    beginning: &DiskPrefix,
    file: &File,
) -> Opened<F> {
    let piece = Piece {
        file: opened,
        at: 0,
        end: beginning.bytes,
    };
    Opened::Pieces(Pieces::new(Some(piece), file))
}
