//! The locks of a simulated disk.

use super::descriptors::Descriptor;
use super::{Holder, Inode, Process, Role, SimDisk, State, enter};
use crate::local::directory::{Lock, SPOILED_MARK};
use std::io::{self, ErrorKind};
use std::sync::atomic::Ordering;
use std::time::Duration;

const PAUSE: Duration = Duration::from_micros(50);

/// The file that stands for a lock, open.
pub(crate) struct SimLockFile {
    pub(super) disk: SimDisk,
    pub(super) process: Process,
    pub(super) key: (Inode, String),
    /// `None` if it is to be opened.
    pub(super) descriptor: Option<Descriptor>,
}

pub(crate) struct SimLock {
    /// `None` if it has been released.
    file: Option<SimLockFile>,
    shared: bool,
}

impl SimLockFile {
    pub(super) fn wait(self, shared: bool) -> io::Result<SimLock> {
        let lock = self.acquire(shared, true)?;
        lock.ok_or_else(|| ErrorKind::WouldBlock.into())
    }

    pub(super) fn acquire(mut self, shared: bool, wait: bool) -> io::Result<Option<SimLock>> {
        loop {
            let (mut state, _) =
                enter(&self.disk, &self.process, || format!("lock {}", self.key.1))?;
            if self.descriptor.is_none() {
                self.descriptor = Some(Descriptor::open(&state, &self.process)?);
            }
            let holders = state.locks.entry(self.key.clone()).or_default();
            if holders.iter().all(|holder| shared && holder.shared) {
                let process = self.process.id;
                holders.push(Holder { process, shared });
                let (directory, name) = &self.key;
                let names = state.names.get(directory);
                if names.is_some_and(|names| !names.contains_key(name)) {
                    state.add_file(*directory, name, Role::Private, 0o600);
                }
                drop(state);
                let file = Some(self);
                return Ok(Some(SimLock { file, shared }));
            }
            if !wait {
                state.end_dying(&self.key);
                return Ok(None);
            }
            if state.one_thread {
                return Err(io::Error::other("it would wait for ever"));
            }
            drop(state);
            std::thread::sleep(PAUSE);
        }
    }

    fn unlock(&self, shared: bool) {
        if !self.process.alive.load(Ordering::SeqCst) {
            return;
        }
        let mut state = self.disk.state();
        let holders = state.locks.entry(self.key.clone()).or_default();
        let process = self.process.id;
        let own = Holder { process, shared };
        if let Some(place) = holders.iter().position(|holder| *holder == own) {
            holders.swap_remove(place);
        }
    }
}

impl State {
    /// Processes that were killed slowly give back this lock, which was found taken.
    fn end_dying(&mut self, key: &(Inode, String)) {
        let Some(holders) = self.locks.get_mut(key) else {
            return;
        };
        let dying = &mut self.dying;
        holders.retain(|holder| !dying.remove(&holder.process));
    }
}

impl SimLock {
    fn file(&self) -> io::Result<&SimLockFile> {
        let file = self.file.as_ref();
        file.ok_or_else(|| io::Error::other("it has been released"))
    }
}

impl Lock for SimLock {
    type Idle = SimLockFile;
    type Watched = SimMark;

    fn release(mut self) -> Option<SimLockFile> {
        let file = self.file.take()?;
        file.unlock(self.shared);
        Some(file)
    }

    fn mark(&self) -> io::Result<Vec<u8>> {
        let file = self.file()?;
        let (state, _) = enter(&file.disk, &file.process, || "mark".to_owned())?;
        Ok(state.marks.get(&file.key).cloned().unwrap_or_default())
    }

    fn watched(&self) -> io::Result<SimMark> {
        let file = self.file()?;
        Ok(SimMark {
            disk: file.disk.clone(),
            process: file.process.clone(),
            key: file.key.clone(),
        })
    }

    fn set_mark(&self, mark: &[u8]) -> io::Result<()> {
        let file = self.file()?;
        let (mut state, _) = enter(&file.disk, &file.process, || "set_mark".to_owned())?;
        state.marks.insert(file.key.clone(), mark.to_vec());
        Ok(())
    }

    fn cut_mark(&self, is_spoiled: bool) -> io::Result<()> {
        let file = self.file()?;
        let (mut state, _) = enter(&file.disk, &file.process, || "cut_mark".to_owned())?;
        let mark = if is_spoiled { SPOILED_MARK } else { b"" };
        state.marks.insert(file.key.clone(), mark.to_vec());
        Ok(())
    }
}

pub(crate) struct SimMark {
    disk: SimDisk,
    process: Process,
    key: (Inode, String),
}

impl SimMark {
    pub(super) fn read(&self) -> io::Result<Option<Vec<u8>>> {
        let (state, _) = enter(&self.disk, &self.process, || "read_mark".to_owned())?;
        let (directory, name) = &self.key;
        let names = state.names.get(directory);
        let is_there = names.is_some_and(|names| names.contains_key(name));
        let mark = state.marks.get(&self.key).cloned().unwrap_or_default();
        Ok(is_there.then_some(mark))
    }
}

impl Drop for SimLock {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            file.unlock(self.shared);
        }
    }
}
