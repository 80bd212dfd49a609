//! The files of a simulated disk.

use super::descriptors::Descriptor;
use super::faults::{Call, Fault};
use super::{Inode, Node, Pending, Process, Role, SimDisk, State, enter, stat_of};
use crate::local::directory::{FileHandle, Kind, Stat};
use std::io;
use std::sync::MutexGuard;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

const SLOW_SYNC: Duration = Duration::from_micros(200);

pub(crate) struct SimFile {
    disk: SimDisk,
    process: Process,
    inode: Inode,
    role: Role,
    position: u64,
    /// Whether it was opened to be changed.
    can_change: bool,
    /// How many of the errors of the file need not be reported here any more.
    errors_seen: AtomicU64,
    _descriptor: Descriptor,
}

impl SimFile {
    pub(super) fn open(
        disk: &SimDisk,
        state: &State,
        process: &Process,
        node: Node,
        can_change: bool,
    ) -> io::Result<Self> {
        let file = state.files.get(&node.inode);
        Ok(Self {
            disk: disk.clone(),
            process: process.clone(),
            inode: node.inode,
            role: node.role,
            position: 0,
            can_change,
            errors_seen: AtomicU64::new(file.map_or(0, |file| file.reported_errors)),
            _descriptor: Descriptor::open(state, process)?,
        })
    }

    fn enter(&self, call: &str) -> io::Result<(MutexGuard<'_, State>, Option<Fault>)> {
        enter(&self.disk, &self.process, || {
            format!("{call} {:?} {}", self.role, self.inode)
        })
    }

    /// Like [`enter`](Self::enter), for a sync of some kind: loses what is to be lost.
    fn enter_sync(&self, call: &str) -> io::Result<MutexGuard<'_, State>> {
        let (mut state, fault) = self.enter(call)?;
        state.check_handle(Call::Sync, self.inode)?;
        let is_lost = fault == Some(Fault::LostWrites);
        if state.takes_next_loss(self.inode, self.role) || is_lost {
            state.lose(self.inode);
        }
        Ok(state)
    }

    fn sync_as(&self, call: &str) -> io::Result<()> {
        let mut state = self.enter_sync(call)?;
        let deaf = state.deaf;
        let is_deaf = match self.role {
            Role::Staged => deaf.staged_files || deaf.sync_after_publish,
            Role::Volume => deaf.files,
            Role::Journal => deaf.journals,
            Role::Private => false,
        };
        if is_deaf {
            return self.report(&mut state);
        }
        if !state.slow_syncs {
            state.sync_file(self.inode);
        } else if state.syncing.insert(self.inode) {
            state.sync_file(self.inode);
            let result = self.report(&mut state);
            drop(state);
            thread::sleep(SLOW_SYNC);
            self.disk.state().syncing.remove(&self.inode);
            return result;
        }
        self.report(&mut state)
    }

    fn check_can_change(&self) -> io::Result<()> {
        match self.can_change {
            true => Ok(()),
            false => Err(io::Error::other("this file was opened to be read")),
        }
    }

    fn report(&self, state: &mut State) -> io::Result<()> {
        let mut seen = self.errors_seen.load(Ordering::Relaxed);
        let result = state.report(self.inode, &mut seen);
        self.errors_seen.store(seen, Ordering::Relaxed);
        result
    }
}

impl io::Read for SimFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.read_at(buffer, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl io::Write for SimFile {
    fn write(&mut self, contents: &[u8]) -> io::Result<usize> {
        let written = self.write_at(contents, self.position)?;
        self.position += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl FileHandle for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let (state, _) = self.enter("read")?;
        state.check_handle(Call::Read, self.inode)?;
        let contents = &state.files[&self.inode].now;
        let rest = contents.get(offset as usize..).unwrap_or_default();
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn write_at(&self, contents: &[u8], offset: u64) -> io::Result<usize> {
        let (mut state, fault) = self.enter("write")?;
        self.check_can_change()?;
        state.check_handle(Call::Write, self.inode)?;
        let written = if fault == Some(Fault::Short) {
            contents.len().div_ceil(2)
        } else {
            contents.len()
        };
        let pending = Pending::Write(offset, contents[..written].to_vec());
        state.write(self.inode, pending);
        Ok(written)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let (mut state, _) = self.enter("set_len")?;
        self.check_can_change()?;
        state.check_handle(Call::SetLen, self.inode)?;
        state.write(self.inode, Pending::SetLen(bytes));
        Ok(())
    }

    fn stat(&self) -> io::Result<Stat> {
        let (state, _) = self.enter("stat")?;
        let node = Node {
            inode: self.inode,
            kind: Kind::File,
            role: self.role,
        };
        Ok(stat_of(&state, node))
    }

    fn set_mode(&self, mode: u32) -> io::Result<()> {
        let (mut state, _) = self.enter("set_mode")?;
        if let Some(file) = state.files.get_mut(&self.inode) {
            file.mode = mode;
        }
        state.touch(self.inode);
        Ok(())
    }

    fn set_modified(&self, time: SystemTime) -> io::Result<()> {
        let (mut state, _) = self.enter("set_modified")?;
        if let Some(file) = state.files.get_mut(&self.inode) {
            let since = time.duration_since(SystemTime::UNIX_EPOCH);
            file.modified = since.unwrap_or_default().as_secs();
        }
        state.touch(self.inode);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_as("sync")
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync_as("sync_data")
    }

    fn check_written(&self) -> io::Result<()> {
        let mut state = self.enter_sync("check_written")?;
        self.report(&mut state)
    }
}
