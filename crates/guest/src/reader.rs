//! `Reader`: a file of any size, read piece by piece: one version of it.
//!
//! Must never hold more memory than a chunk, and never take an error for the
//! end of the file.

use crate::error::{Error, Result};
use crate::host;
use crate::scope::Scope;
use std::fmt;
use std::io::{self, BufRead, Read};

/// How many bytes to ask the host for at once.
const CHUNK: u64 = 256 * 1024;

/// A file that is being read, of any size, in bounded memory.
///
/// What is read is one version of the file, the one that was there at
/// [`open`](Self::open), whatever happens to its path meanwhile.
///
/// It implements [`Read`] and [`BufRead`], with a buffer of 256 KiB: a
/// [`BufReader`](io::BufReader) around it gains nothing. An error that their
/// methods return holds an [`Error`], which [`io::Error::downcast`] takes out.
///
/// A host allows only so many readers at a time. A small file is for
/// [`read_file`](crate::read_file).
///
/// ```no_run
/// use ability_storage_guest::{Reader, Scope};
/// use std::io::BufRead;
///
/// fn main() -> std::io::Result<()> {
///     let table = Reader::open("squares.csv", Scope::Ability)?;
///     println!("{} bytes", table.size());
///     for line in table.lines().take(3) {
///         println!("{}", line?);
///     }
///     Ok(())
/// }
/// ```
pub struct Reader {
    size: u64,
    buffer: Buffer<HostSource>,
}

impl Reader {
    /// Begins to read the file at `path`.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none, [`Error::QuotaExceeded`] if the host
    /// allows no more readers at a time, [`Error::InvalidPath`],
    /// [`Error::Unavailable`] and [`Error::Other`].
    pub fn open(path: impl Into<String>, scope: Scope) -> Result<Self> {
        let path = path.into();
        match host::Reader::open(&path, scope.into()) {
            Ok(reader) => Ok(Self {
                size: reader.size(),
                buffer: Buffer::new(HostSource { path, reader }),
            }),
            Err(error) => Err(Error::from_host(error, &path)),
        }
    }

    /// Length of the file in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Leaves out the next `bytes` bytes, or all that are left if there are fewer. The
    /// host does not read them where it can do without.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] and [`Error::Other`].
    pub fn skip(&mut self, bytes: u64) -> Result<()> {
        self.buffer.skip(bytes)
    }
}

impl Read for Reader {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        Ok(self.buffer.read(bytes)?)
    }
}

impl BufRead for Reader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.buffer.fill()?)
    }

    fn consume(&mut self, amount: usize) {
        self.buffer.consume(amount);
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("path", &self.buffer.source.path)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// Where chunks come from. A trait only so that the buffer can be tested without
/// a host.
trait Source {
    /// At most `max_bytes`; none at the end.
    fn take(&mut self, max_bytes: u64) -> Result<Vec<u8>>;
    /// Leaves out so many.
    fn skip(&mut self, bytes: u64) -> Result<()>;
}

struct HostSource {
    path: String,
    reader: host::Reader,
}

impl Source for HostSource {
    fn take(&mut self, max_bytes: u64) -> Result<Vec<u8>> {
        self.reader
            .read(max_bytes)
            .map_err(|error| Error::from_host(error, &self.path))
    }

    fn skip(&mut self, bytes: u64) -> Result<()> {
        self.reader
            .skip(bytes)
            .map_err(|error| Error::from_host(error, &self.path))
    }
}

/// The chunk that the host gave last, and how much of it was read.
struct Buffer<S> {
    source: S,
    chunk: Vec<u8>,
    consumed: usize,
}

impl<S: Source> Buffer<S> {
    fn new(source: S) -> Self {
        Self {
            source,
            chunk: Vec::new(),
            consumed: 0,
        }
    }

    /// What is there to read; empty only at the end.
    fn fill(&mut self) -> Result<&[u8]> {
        if self.consumed == self.chunk.len() {
            // Freed first, so that there is never more than one.
            self.chunk = Vec::new();
            self.consumed = 0;
            self.chunk = self.source.take(CHUNK)?;
        }
        Ok(&self.chunk[self.consumed..])
    }

    fn consume(&mut self, amount: usize) {
        self.consumed = self.chunk.len().min(self.consumed.saturating_add(amount));
    }

    fn skip(&mut self, bytes: u64) -> Result<()> {
        let at_hand = (self.chunk.len() - self.consumed) as u64;
        self.consume(usize::try_from(bytes).unwrap_or(usize::MAX));
        match bytes.saturating_sub(at_hand) {
            0 => Ok(()),
            rest => self.source.skip(rest),
        }
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let there = self.fill()?;
        let count = there.len().min(bytes.len());
        bytes[..count].copy_from_slice(&there[..count]);
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// Gives the chunks in turn; an error in place of one that is `None`.
    struct MemorySource(VecDeque<Option<&'static str>>);

    impl Source for MemorySource {
        fn take(&mut self, max_bytes: u64) -> Result<Vec<u8>> {
            assert_eq!(max_bytes, CHUNK);
            match self.0.pop_front() {
                Some(Some(chunk)) => Ok(chunk.into()),
                Some(None) => Err(Error::Other {
                    path: "file".into(),
                    reason: "input/output error".into(),
                }),
                None => Ok(Vec::new()),
            }
        }

        fn skip(&mut self, bytes: u64) -> Result<()> {
            let mut bytes = bytes as usize;
            while let Some(Some(chunk)) = self.0.front_mut() {
                if chunk.len() > bytes {
                    *chunk = &chunk[bytes..];
                    break;
                }
                bytes -= chunk.len();
                self.0.pop_front();
            }
            Ok(())
        }
    }

    fn buffer(chunks: &[Option<&'static str>]) -> Buffer<MemorySource> {
        Buffer::new(MemorySource(chunks.iter().copied().collect()))
    }

    fn read_to_end(buffer: &mut Buffer<MemorySource>, size: usize) -> Vec<u8> {
        let mut all = Vec::new();
        let mut bytes = vec![0; size];
        loop {
            match buffer.read(&mut bytes).unwrap() {
                0 => return all,
                count => all.extend_from_slice(&bytes[..count]),
            }
        }
    }

    #[test]
    fn chunks_of_any_size_are_read_in_order() {
        for size in 1..8 {
            let mut buffer = buffer(&[Some("ab"), Some("c"), Some("defg")]);
            assert_eq!(read_to_end(&mut buffer, size), b"abcdefg");
            assert_eq!(buffer.read(&mut [0; 4]), Ok(0), "still at the end");
        }
    }

    #[test]
    fn what_is_not_consumed_is_given_again() {
        let mut buffer = buffer(&[Some("abc"), Some("d")]);
        assert_eq!(buffer.fill(), Ok(b"abc".as_slice()));
        buffer.consume(1);
        assert_eq!(buffer.fill(), Ok(b"bc".as_slice()));
        buffer.consume(2);
        assert_eq!(buffer.fill(), Ok(b"d".as_slice()));
        buffer.consume(usize::MAX);
        assert_eq!(buffer.fill(), Ok(b"".as_slice()));
    }

    #[test]
    fn what_is_skipped_is_not_given() {
        for skipped in 0..8 {
            let mut buffer = buffer(&[Some("ab"), Some("c"), Some("defg")]);
            assert_eq!(buffer.read(&mut [0]), Ok(1));
            buffer.skip(skipped).unwrap();
            let rest = &b"bcdefg"[6.min(skipped as usize)..];
            assert_eq!(read_to_end(&mut buffer, 3), rest);
        }
    }

    #[test]
    fn reading_into_nothing_does_not_ask_the_host() {
        let mut buffer = buffer(&[None]);
        assert_eq!(buffer.read(&mut []), Ok(0));
    }

    #[test]
    fn an_error_is_not_the_end() {
        let mut buffer = buffer(&[Some("a"), None, Some("b")]);
        assert_eq!(buffer.read(&mut [0; 4]), Ok(1));
        assert!(buffer.read(&mut [0; 4]).is_err());
        assert_eq!(read_to_end(&mut buffer, 4), b"b");
    }
}
