//! `Writer`: a file of any size, written piece by piece and seen only whole.
//!
//! Must never commit a file of which a part could not be written, and never hold
//! more memory than a chunk or two.

use crate::error::{Error, Result};
use crate::host;
use crate::scope::Scope;
use crate::version::{Precondition, Version};
use std::fmt;
use std::io::{self, Write};

/// How many bytes go to the host at once. Calls are cheap beside the bytes from
/// here on, and an ability can spare the memory.
const CHUNK: usize = 256 * 1024;

/// A file that is being written, of any size, in bounded memory.
///
/// Nobody sees it before [`commit`](Self::commit), which makes it the file at
/// its path in one step. Dropping the writer, a trap or a kill leaves the path as
/// it was, and nothing behind.
///
/// Write through [`std::io::Write`], in pieces of any size: they are gathered
/// into chunks of 256 KiB, so that many small pieces are not as many calls of
/// the host. [`flush`](Write::flush) hands on what is gathered, which brings
/// errors to light earlier; it makes nothing visible and nothing durable. Only
/// the commit does.
///
/// An error that the [`Write`] methods return holds an [`Error`], which
/// [`io::Error::downcast`] takes out. After an error the writer is of no more
/// use: all that follows fails with the same one, the commit too.
///
/// A host allows only so many writers at a time. A small file that is in memory
/// anyway is for [`atomic_write_file`](crate::atomic_write_file).
///
/// ```no_run
/// use ability_storage_guest::{Scope, Writer};
/// use std::io::Write;
///
/// fn main() -> std::io::Result<()> {
///     let mut table = Writer::open("squares.csv", Scope::Ability)?;
///     for number in 0_u64..1_000_000 {
///         writeln!(table, "{number},{}", number * number)?;
///     }
///     table.commit()?;
///     Ok(())
/// }
/// ```
#[must_use = "a writer that is dropped leaves nothing"]
pub struct Writer {
    chunks: Chunks<HostSink>,
}

impl Writer {
    /// Begins to write the file at `path`, which the commit then replaces
    /// whatever is there.
    ///
    /// # Errors
    ///
    /// [`Error::QuotaExceeded`] if the host allows no more writers at a time.
    /// Else as [`atomic_write_file`](crate::atomic_write_file), as far as the
    /// host can tell by now.
    pub fn open(path: impl Into<String>, scope: Scope) -> Result<Self> {
        Self::open_if(path, scope, Precondition::Any)
    }

    /// Like [`open`](Self::open). The commit succeeds only if `precondition`
    /// holds at that moment; it is not checked before.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_if(
        path: impl Into<String>,
        scope: Scope,
        precondition: Precondition,
    ) -> Result<Self> {
        let path = path.into();
        match host::Writer::open(&path, scope.into(), &precondition.into()) {
            Ok(writer) => Ok(Self {
                chunks: Chunks::new(HostSink { path, writer }),
            }),
            Err(error) => Err(Error::from_host(error, &path)),
        }
    }

    /// Makes what was written the file at the path, whole and durable, or not at
    /// all. Returns its version.
    ///
    /// # Errors
    ///
    /// The error of an earlier write, if there was one. Else as
    /// [`atomic_write_file_if`](crate::atomic_write_file_if). The writer is
    /// spent, whatever the result.
    pub fn commit(self) -> Result<Version> {
        let HostSink { path, writer } = self.chunks.finish()?;
        match writer.commit() {
            Ok(version) => Ok(Version::new(version)),
            Err(error) => Err(Error::from_host(error, &path)),
        }
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.chunks.write(bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(self.chunks.flush()?)
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("path", &self.chunks.sink.path)
            .finish_non_exhaustive()
    }
}

/// Where chunks go. A trait only so that gathering them can be tested without a
/// host.
trait Sink {
    fn put(&mut self, chunk: &[u8]) -> Result<()>;
}

struct HostSink {
    path: String,
    writer: host::Writer,
}

impl Sink for HostSink {
    fn put(&mut self, chunk: &[u8]) -> Result<()> {
        self.writer
            .write(chunk)
            .map_err(|error| Error::from_host(error, &self.path))
    }
}

/// Gathers bytes into chunks. Not a `BufWriter`, which would write on after an
/// error, and once more when it is dropped.
struct Chunks<S> {
    sink: S,
    /// At most one chunk; grows as needed, so that a short file costs little.
    gathered: Vec<u8>,
    failed: Option<Error>,
}

impl<S: Sink> Chunks<S> {
    fn new(sink: S) -> Self {
        Self {
            sink,
            gathered: Vec::new(),
            failed: None,
        }
    }

    /// Takes some of `bytes`; none of them if it fails.
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.check()?;
        if self.gathered.len() == CHUNK {
            self.flush()?;
        }
        let taken = bytes.len().min(CHUNK - self.gathered.len());
        if taken == CHUNK {
            self.put(&bytes[..taken])?;
        } else {
            self.gathered.extend_from_slice(&bytes[..taken]);
        }
        Ok(taken)
    }

    fn flush(&mut self) -> Result<()> {
        self.check()?;
        if !self.gathered.is_empty() {
            let gathered = std::mem::take(&mut self.gathered);
            self.put(&gathered)?;
            self.gathered = gathered;
            self.gathered.clear();
        }
        Ok(())
    }

    /// Hands on the rest, and the sink for the commit.
    fn finish(mut self) -> Result<S> {
        self.flush()?;
        Ok(self.sink)
    }

    fn put(&mut self, chunk: &[u8]) -> Result<()> {
        let result = self.sink.put(chunk);
        self.failed = result.clone().err();
        result
    }

    fn check(&self) -> Result<()> {
        self.failed.clone().map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps what it is given, up to a limit.
    struct MemorySink {
        chunks: Vec<Vec<u8>>,
        limit: usize,
    }

    impl Sink for MemorySink {
        fn put(&mut self, chunk: &[u8]) -> Result<()> {
            if self.chunks.len() == self.limit {
                return Err(no_space());
            }
            self.chunks.push(chunk.to_vec());
            Ok(())
        }
    }

    fn no_space() -> Error {
        Error::NoSpace {
            path: "file".into(),
        }
    }

    fn chunks(limit: usize) -> Chunks<MemorySink> {
        Chunks::new(MemorySink {
            chunks: Vec::new(),
            limit,
        })
    }

    fn write_all(chunks: &mut Chunks<MemorySink>, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let taken = chunks.write(bytes)?;
            assert!(taken > 0);
            bytes = &bytes[taken..];
        }
        Ok(())
    }

    /// Bytes that differ wherever a chunk could end.
    fn pattern(length: usize) -> Vec<u8> {
        (0..length).map(|i| (i % 251) as u8).collect()
    }

    #[test]
    fn pieces_of_any_size_arrive_in_order_in_few_chunks() {
        let bytes = pattern(2 * CHUNK + 5);
        for size in [1, 7, CHUNK - 1, CHUNK, CHUNK + 1, bytes.len()] {
            let mut chunks = chunks(usize::MAX);
            for piece in bytes.chunks(size) {
                write_all(&mut chunks, piece).unwrap();
            }
            let sink = chunks.finish().unwrap();
            assert_eq!(sink.chunks.concat(), bytes, "pieces of {size}");
            assert!(sink.chunks.iter().all(|chunk| chunk.len() <= CHUNK));
            assert_eq!(sink.chunks.len(), 3, "pieces of {size}");
        }
    }

    #[test]
    fn memory_is_bounded() {
        let mut chunks = chunks(usize::MAX);
        write_all(&mut chunks, &pattern(100)).unwrap();
        assert!(chunks.gathered.capacity() < 1024, "little for little");
        write_all(&mut chunks, &pattern(10 * CHUNK)).unwrap();
        assert!(chunks.gathered.capacity() <= 2 * CHUNK);
    }

    #[test]
    fn nothing_written_is_an_empty_file() {
        assert!(chunks(0).finish().unwrap().chunks.is_empty());
    }

    #[test]
    fn a_flush_hands_on_what_is_there_once() {
        let mut chunks = chunks(usize::MAX);
        write_all(&mut chunks, b"ab").unwrap();
        chunks.flush().unwrap();
        chunks.flush().unwrap();
        write_all(&mut chunks, b"c").unwrap();
        let sink = chunks.finish().unwrap();
        assert_eq!(sink.chunks, [b"ab".to_vec(), b"c".to_vec()]);
    }

    #[test]
    fn after_an_error_nothing_is_written_and_nothing_committed() {
        for flushed in [true, false] {
            let mut chunks = chunks(1);
            let error = write_all(&mut chunks, &pattern(3 * CHUNK)).unwrap_err();
            assert_eq!(error, no_space());
            // Even if there were space again.
            chunks.sink.limit = usize::MAX;
            assert_eq!(chunks.write(b"x"), Err(no_space()));
            if flushed {
                assert_eq!(chunks.flush(), Err(no_space()));
            }
            assert_eq!(chunks.finish().map(|_| ()), Err(no_space()));
        }
    }

    #[test]
    fn an_error_of_the_last_chunk_is_the_one_of_the_commit() {
        let mut chunks = chunks(0);
        write_all(&mut chunks, b"ab").unwrap();
        assert_eq!(chunks.finish().map(|_| ()), Err(no_space()));
    }
}
