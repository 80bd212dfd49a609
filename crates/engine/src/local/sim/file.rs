//! The files of a simulated disk.

use super::{Inode, Node, Pending, Process, Role, SimDisk, State, enter, stat_of};
use crate::local::directory::{FileHandle, Kind, Stat};
use std::io;
use std::sync::MutexGuard;
use std::thread;
use std::time::{Duration, SystemTime};

const SLOW_SYNC: Duration = Duration::from_micros(200);

pub(crate) struct SimFile {
    pub(super) disk: SimDisk,
    pub(super) process: Process,
    pub(super) inode: Inode,
    pub(super) role: Role,
    pub(super) position: u64,
}

impl SimFile {
    fn enter(&self, call: &str) -> io::Result<(MutexGuard<'_, State>, bool)> {
        enter(&self.disk, &self.process, || {
            format!("{call} {:?} {}", self.role, self.inode)
        })
    }

    fn sync_as(&self, call: &str) -> io::Result<()> {
        let (mut state, _) = self.enter(call)?;
        let deaf = state.deaf;
        let is_deaf = match self.role {
            Role::Staged => deaf.staged_files || deaf.sync_after_publish,
            Role::Volume => deaf.files,
            Role::Journal => deaf.journals,
            Role::Private => false,
        };
        if is_deaf {
            return Ok(());
        }
        if !state.slow_syncs {
            state.sync_file(self.inode);
        } else if state.syncing.insert(self.inode) {
            state.sync_file(self.inode);
            drop(state);
            thread::sleep(SLOW_SYNC);
            self.disk.state().syncing.remove(&self.inode);
        }
        Ok(())
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
        let contents = &state.files[&self.inode].now;
        let rest = contents.get(offset as usize..).unwrap_or_default();
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn write_at(&self, contents: &[u8], offset: u64) -> io::Result<usize> {
        let (mut state, short) = self.enter("write")?;
        let written = if short {
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
}
