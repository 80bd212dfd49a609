//! Writers and readers of the storage in memory. As those of the host: one with which
//! anything went wrong does not go on.

use super::calls::change;
use super::state::{Call, State};
use super::volume::{check_file, check_path, check_rules, check_value};
use super::{current, locked};
use crate::bindings::batch::{Change, FileContents};
use crate::bindings::types::{Error, Precondition, Scope};
use std::sync::{Arc, Mutex, PoisonError};

/// The most that one read answers, in bytes.
const MAX_READ_BYTES: u64 = 1 << 20;

const BROKEN: &str =
    "an earlier call with this handle failed or was cut off; it can only be dropped";
const COMMITTED: &str = "the writer was committed already; it can only be dropped";

/// What writers and readers have in common: they count, and end once.
struct Stream {
    storage: Arc<Mutex<State>>,
    /// Why there is no further call.
    instead: Mutex<Option<&'static str>>,
}

impl Stream {
    fn open(storage: Arc<Mutex<State>>) -> Self {
        locked(&storage).streams += 1;
        Self {
            storage,
            instead: Mutex::new(None),
        }
    }

    /// Makes a call, after which there is none if it fails, or if `instead` says so.
    fn call<R>(
        &self,
        instead: Option<&'static str>,
        call: impl FnOnce() -> Result<R, Error>,
    ) -> Result<R, Error> {
        let mut ended = self.instead.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reason) = *ended {
            return Err(Error::Other(reason.to_owned()));
        }
        *ended = Some(instead.unwrap_or(BROKEN));
        let result = call()?;
        *ended = instead;
        Ok(result)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        locked(&self.storage).streams -= 1;
    }
}

/// A file that is being written.
pub(crate) struct Writer {
    stream: Stream,
    path: String,
    scope: Scope,
    precondition: Precondition,
    written: Mutex<Vec<u8>>,
}

impl Writer {
    pub(crate) fn open(
        path: &str,
        scope: Scope,
        precondition: &Precondition,
    ) -> Result<Self, Error> {
        let storage = current();
        let mut state = locked(&storage);
        state.fail_if_told(Call::Prepare)?;
        state.check_streams()?;
        check_rules(path)?;
        if state.read_only {
            return Err(Error::ReadOnly);
        }
        check_path(path, &state.limits)?;
        drop(state);
        Ok(Self {
            stream: Stream::open(storage),
            path: path.to_owned(),
            scope,
            precondition: precondition.clone(),
            written: Mutex::default(),
        })
    }

    pub(crate) fn write(&self, contents: &[u8]) -> Result<(), Error> {
        self.stream.call(None, || {
            let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            let mut state = locked(&self.stream.storage);
            state.fail_if_told(Call::Prepare)?;
            if state.disk_full {
                return Err(Error::NoSpace);
            }
            check_value(contents.len(), &state.limits)?;
            check_file(written.len() + contents.len(), &state.limits)?;
            written.extend_from_slice(contents);
            Ok(())
        })
    }

    pub(crate) fn commit(&self) -> Result<String, Error> {
        self.stream.call(Some(COMMITTED), || {
            let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            let write = Change::Write(FileContents {
                path: self.path.clone(),
                contents: written.clone(),
            });
            let precondition = self.precondition.clone();
            change(&self.stream.storage, write, precondition, self.scope, true)
        })
    }
}

/// A file that is being read: the version that it was when it was opened.
pub(crate) struct Reader {
    stream: Stream,
    contents: Arc<Vec<u8>>,
    read: Mutex<usize>,
}

impl Reader {
    pub(crate) fn open(path: &str, scope: Scope) -> Result<Self, Error> {
        let storage = current();
        let mut state = locked(&storage);
        let has_room = state.check_streams();
        let contents = state.read(scope, |volume, _| {
            has_room?;
            volume.find(path)
        })?;
        drop(state);
        Ok(Self {
            stream: Stream::open(storage),
            contents,
            read: Mutex::new(0),
        })
    }

    pub(crate) fn size(&self) -> u64 {
        self.contents.len() as u64
    }

    pub(crate) fn read(&self, max_bytes: u64) -> Result<Vec<u8>, Error> {
        self.stream.call(None, || {
            let mut state = locked(&self.stream.storage);
            state.fail_if_told(Call::Read)?;
            let most = max_bytes
                .min(state.limits.max_value_bytes)
                .min(MAX_READ_BYTES);
            let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            let rest = &self.contents[*read..];
            let piece = &rest[..rest.len().min(usize::try_from(most).unwrap_or(usize::MAX))];
            *read += piece.len();
            Ok(piece.to_vec())
        })
    }

    pub(crate) fn skip(&self, bytes: u64) -> Result<(), Error> {
        self.stream.call(None, || {
            locked(&self.stream.storage).fail_if_told(Call::Read)?;
            let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            let left = self.contents.len() - *read;
            *read += usize::try_from(bytes).map_or(left, |bytes| bytes.min(left));
            Ok(())
        })
    }
}
