//! [`Reader`] and [`Writer`] as the traits of `std::io`.
//!
//! This module must never hide an error of the engine: it is the source of the error of
//! `std::io`, and [`io::Error::downcast`] takes it out.

use crate::{Precondition, Reader, Result, Version, Writer};
use std::fmt;
use std::io;

/// A [`Reader`] as [`io::Read`].
///
/// Each call asks the volume; put it into an [`io::BufReader`] to read little at a
/// time.
///
/// ```
/// use ability_storage_engine::{Change, FilePath, MemoryVolume, ReaderIo, Volume};
///
/// let volume = MemoryVolume::new();
/// let path = FilePath::new("list.txt")?;
/// volume.commit(Change::write(path.clone(), "milk\nbread").into())?;
/// let reader = ReaderIo::new(volume.reader(&path)?);
/// let text = std::io::read_to_string(reader)?;
/// assert_eq!(text, "milk\nbread");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ReaderIo(Box<dyn Reader>);

impl ReaderIo {
    /// The rest of what `reader` gives.
    pub fn new(reader: Box<dyn Reader>) -> Self {
        Self(reader)
    }

    /// Length of the file in bytes.
    pub fn size(&self) -> u64 {
        self.0.size()
    }

    /// The reader, which goes on behind what was read.
    pub fn into_inner(self) -> Box<dyn Reader> {
        self.0
    }
}

impl io::Read for ReaderIo {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let bytes = self.0.read(buffer.len())?;
        let target = buffer.get_mut(..bytes.len()).ok_or_else(|| {
            let text = "the volume gave more bytes than it was asked for";
            io::Error::new(io::ErrorKind::InvalidData, text)
        })?;
        target.copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

impl fmt::Debug for ReaderIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReaderIo")
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}

/// A [`Writer`] as [`io::Write`].
///
/// Nothing shows at the path before [`commit`](Self::commit); flushing changes nothing,
/// and dropping it leaves nothing. Each call goes to the volume; put it into an
/// [`io::BufWriter`] to write little at a time.
///
/// ```
/// use ability_storage_engine::{FilePath, MemoryVolume, Precondition, Volume, WriterIo};
/// use std::io::Write;
///
/// let volume = MemoryVolume::new();
/// let path = FilePath::new("list.txt")?;
/// let mut writer = WriterIo::new(volume.writer(&path)?);
/// writeln!(writer, "milk")?;
/// assert!(!volume.exists(&path)?);
/// let version = writer.commit(Precondition::Absent)?;
/// assert_eq!(volume.read(&path, 1 << 20)?.version(), version);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "what is written is lost unless it is committed"]
pub struct WriterIo(Box<dyn Writer>);

impl WriterIo {
    /// Writes behind what was written to `writer` so far.
    pub fn new(writer: Box<dyn Writer>) -> Self {
        Self(writer)
    }

    /// Makes what was written the file at the path; see [`Writer::commit`].
    ///
    /// # Errors
    ///
    /// As [`Writer::commit`].
    pub fn commit(self, precondition: Precondition) -> Result<Version> {
        self.0.commit(precondition)
    }

    /// The writer, with what was written so far.
    #[must_use = "what is written is lost unless it is committed"]
    pub fn into_inner(self) -> Box<dyn Writer> {
        self.0
    }
}

impl io::Write for WriterIo {
    fn write(&mut self, contents: &[u8]) -> io::Result<usize> {
        self.0.write(contents)?;
        Ok(contents.len())
    }

    /// Has nothing to do: only a commit makes a file.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for WriterIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriterIo").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, FilePath, Limits, MemoryVolume, Volume};
    use std::io::{Read, Write};

    fn file(path: &str) -> FilePath {
        FilePath::new(path).expect("valid")
    }

    #[test]
    fn copies_a_file_through_small_buffers() {
        let volume = MemoryVolume::new();
        let contents: Vec<u8> = (0..10_000).map(|byte| byte as u8).collect();
        let mut writer = WriterIo::new(volume.writer(&file("a")).expect("opened"));
        for piece in contents.chunks(7) {
            writer.write_all(piece).expect("written");
        }
        writer.flush().expect("nothing to do");
        assert!(!volume.exists(&file("a")).expect("known"));
        writer.commit(Precondition::Any).expect("committed");

        let mut reader = ReaderIo::new(volume.reader(&file("a")).expect("opened"));
        let mut start = [0; 9];
        reader.read_exact(&mut start).expect("read");
        assert_eq!(start, contents[..9]);
        assert_eq!(reader.read(&mut []).expect("nothing asked for"), 0);
        let mut rest = Vec::new();
        let read = reader.read_to_end(&mut rest).expect("read");
        assert_eq!((read, reader.size()), (10_000 - 9, 10_000));
        assert_eq!(rest, contents[9..]);
    }

    #[test]
    fn errors_keep_the_error_of_the_engine() {
        let limits = Limits::default().max_file_bytes(3);
        let volume = MemoryVolume::with_limits(limits);
        let mut writer = WriterIo::new(volume.writer(&file("a")).expect("opened"));
        let error = writer.write_all(b"four").expect_err("too long");
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        let error = error.downcast::<Error>().expect("of the engine");
        assert!(matches!(error, Error::TooLarge { limit: 3, .. }));
        writer.commit(Precondition::Any).expect_err("a torn file");
    }
}
