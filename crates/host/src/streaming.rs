//! What a guest's handles of `streaming` stand for: files that are being written
//! or read piece by piece.
//!
//! Between two calls nothing of their contents is in memory. A stream with which
//! anything went wrong must never go on: a file with a piece missing is torn.

use crate::bindings::ability::storage::types;
use crate::error::Failure;
use crate::mount::Mount;
use crate::words::precondition;
use ability_storage_engine::{self as engine, FilePath, Precondition};
use std::any::Any;
use wasmtime::component::{Resource, ResourceTable, ResourceTableError};

/// The most that one `read` of a reader answers: 1 MiB. More only takes memory.
const MAX_READ_BYTES: u64 = 1 << 20;

pub(crate) const COMMITTED: &str = "the writer was committed already; it can only be dropped";
pub(crate) const BROKEN: &str =
    "an earlier call with this handle failed or was cut off; it can only be dropped";

/// The handles of one guest.
pub(crate) struct Streams {
    table: ResourceTable,
    max_open: usize,
}

impl Streams {
    pub(crate) fn new(max_open: usize) -> Self {
        Self {
            table: ResourceTable::new(),
            max_open,
        }
    }

    /// Whether one more may be opened.
    pub(crate) fn check_room(&mut self) -> Result<(), Failure> {
        let max_open = self.max_open;
        if self.table.iter_mut().count() < max_open {
            return Ok(());
        }
        let text = format!("{max_open} writers and readers are open, and no more are allowed");
        Err(types::Error::QuotaExceeded(text).into())
    }

    pub(crate) fn add<S>(&mut self, stream: S) -> Result<Resource<S>, ResourceTableError>
    where
        S: Send + 'static,
    {
        self.table.push(stream)
    }

    pub(crate) fn get<S: Any>(
        &mut self,
        handle: &Resource<S>,
    ) -> Result<&mut S, ResourceTableError> {
        self.table.get_mut(handle)
    }

    pub(crate) fn remove<S: Any>(&mut self, handle: Resource<S>) -> Result<S, ResourceTableError> {
        self.table.delete(handle)
    }
}

/// What a guest's `writer` stands for.
pub type Writer = Stream<OpenWriter>;

/// What a guest's `reader` stands for.
pub struct Reader {
    pub(crate) size: u64,
    pub(crate) stream: Stream<OpenReader>,
}

/// Something open, or why it is no more.
pub struct Stream<S>(Result<S, &'static str>);

impl<S> Stream<S> {
    /// Takes what is open, for a call to work with; until it is put back, others
    /// are told `instead`. A call that fails or is cut off does not put it back.
    pub(crate) fn take(&mut self, instead: &'static str) -> Result<S, Failure> {
        match std::mem::replace(&mut self.0, Err(instead)) {
            Ok(open) => Ok(open),
            Err(reason) => {
                self.0 = Err(reason);
                Err(types::Error::Other(reason.to_owned()).into())
            }
        }
    }

    pub(crate) fn put_back(&mut self, open: S) {
        self.0 = Ok(open);
    }
}

/// A file that is being written. Dropping it leaves nothing.
pub struct OpenWriter {
    writer: Box<dyn engine::Writer>,
    precondition: Precondition,
    mount: Mount,
}

/// A file that is being read.
pub struct OpenReader {
    reader: Box<dyn engine::Reader>,
    max_read_bytes: u64,
}

impl Mount {
    pub(crate) fn open_writer(
        &self,
        path: String,
        condition: types::Precondition,
    ) -> Result<Writer, Failure> {
        let path = FilePath::new(path)?;
        Ok(Stream(Ok(OpenWriter {
            writer: self.volume.writer(&path)?,
            precondition: precondition(condition),
            mount: self.clone(),
        })))
    }

    pub(crate) fn open_reader(&self, path: String) -> Result<Reader, Failure> {
        let path = FilePath::new(path)?;
        let reader = self.volume.reader(&path)?;
        Ok(Reader {
            size: reader.size(),
            stream: Stream(Ok(OpenReader {
                reader,
                max_read_bytes: MAX_READ_BYTES.min(self.max_value_bytes),
            })),
        })
    }
}

impl OpenWriter {
    /// The writer, if it may go on.
    pub(crate) fn write(mut self, contents: &[u8]) -> Result<Self, Failure> {
        self.mount.check_length(contents.len() as u64)?;
        self.writer.write(contents)?;
        Ok(self)
    }

    pub(crate) fn commit(self) -> Result<String, Failure> {
        let version = self.writer.commit(self.precondition)?;
        Ok(version.to_string())
    }
}

impl OpenReader {
    /// The next bytes, and the reader, if it may go on.
    pub(crate) fn read(mut self, max_bytes: u64) -> Result<(Self, Vec<u8>), Failure> {
        let bytes = max_bytes.min(self.max_read_bytes);
        // Only the end of the file may answer nothing where something was asked for.
        if bytes == 0 {
            return Ok((self, Vec::new()));
        }
        let contents = self
            .reader
            .read(usize::try_from(bytes).unwrap_or(usize::MAX))?;
        Ok((self, contents))
    }

    /// The reader behind the next bytes, if it may go on.
    pub(crate) fn skip(mut self, bytes: u64) -> Result<Self, Failure> {
        self.reader.skip(bytes)?;
        Ok(self)
    }
}
