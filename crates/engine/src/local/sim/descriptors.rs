//! How many handles a process has open, and how many it may have.

use super::{Process, SimDisk, State};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// "Too many open files", as on all systems but Windows.
const EMFILE: i32 = 24;

/// One that is open as long as the value lives.
pub(super) struct Descriptor(Arc<AtomicUsize>);

impl SimDisk {
    /// Lets each process have only so many handles of directories, files and locks,
    /// those that it has counted in. What opens one beyond fails with `EMFILE`.
    pub(crate) fn limit_descriptors(&self, limit: usize) {
        self.state().descriptor_limit = Some(limit);
    }
}

impl Process {
    /// How many handles of directories, files and locks the process has.
    pub(crate) fn open_descriptors(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

impl Descriptor {
    pub(super) fn open(state: &State, process: &Process) -> io::Result<Self> {
        check_room(state, process)?;
        Ok(Self::unlimited(process))
    }

    pub(super) fn unlimited(process: &Process) -> Self {
        process.open.fetch_add(1, Ordering::SeqCst);
        Self(process.open.clone())
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// For a call that opens a handle and closes it again.
pub(super) fn check_room(state: &State, process: &Process) -> io::Result<()> {
    match state.descriptor_limit {
        Some(limit) if process.open_descriptors() >= limit => {
            Err(io::Error::from_raw_os_error(EMFILE))
        }
        _ => Ok(()),
    }
}
