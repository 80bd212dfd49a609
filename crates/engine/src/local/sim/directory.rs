//! The directories of a simulated disk.

use super::descriptors::{Descriptor, check_room};
use super::faults::Call;
use super::file::SimFile;
use super::lock::{SimLock, SimLockFile, SimMark};
use super::{
    Change, Deaf, Fault, Inode, Node, Place, Process, ROOT, Role, SimDisk, State, enter, stat_of,
};
use crate::local::directory::{Access, Directory, Entry, Id, Kind, Stat};
use std::io::{self, ErrorKind};
use std::sync::MutexGuard;

pub(crate) struct SimDirectory {
    disk: SimDisk,
    process: Process,
    inode: Inode,
    place: Place,
    _descriptor: Descriptor,
}

impl SimDirectory {
    pub(super) fn root(disk: &SimDisk, process: &Process) -> Self {
        Self {
            disk: disk.clone(),
            process: process.clone(),
            inode: ROOT,
            place: Place::Volume,
            _descriptor: Descriptor::unlimited(process),
        }
    }

    fn enter(&self, call: &str, name: &str) -> io::Result<MutexGuard<'_, State>> {
        let (state, _) = enter(&self.disk, &self.process, || format!("{call} {name}"))?;
        Ok(state)
    }

    fn node(&self, state: &State, name: &str) -> Option<Node> {
        state.find(self.inode, name).map(|(_, node)| node)
    }

    /// With the name as it is spelled here.
    fn existing(&self, state: &State, name: &str) -> io::Result<(String, Node)> {
        let found = state.find(self.inode, name);
        found.ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn open(&self, name: &str, call: Call) -> io::Result<Option<SimFile>> {
        let state = self.enter("open", name)?;
        let node = self
            .node(&state, name)
            .filter(|node| node.kind == Kind::File);
        let Some(node) = node else {
            return Ok(None);
        };
        state.check_call(call, (self.inode, name))?;
        let can_change = call == Call::OpenToChange;
        SimFile::open(&self.disk, &state, &self.process, node, can_change).map(Some)
    }

    fn lock_file(&self, name: &str) -> SimLockFile {
        SimLockFile {
            disk: self.disk.clone(),
            process: self.process.clone(),
            key: (self.inode, name.to_owned()),
            descriptor: None,
        }
    }
}

impl Directory for SimDirectory {
    type File = SimFile;
    type Lock = SimLock;

    fn open_dir(&self, name: &str) -> io::Result<Self> {
        let state = self.enter("open_dir", name)?;
        match self.node(&state, name) {
            None => Err(ErrorKind::NotFound.into()),
            Some(node) if node.kind != Kind::Directory => Err(ErrorKind::NotADirectory.into()),
            Some(node) => {
                state.check_readable(node.inode)?;
                Ok(Self {
                    disk: self.disk.clone(),
                    process: self.process.clone(),
                    inode: node.inode,
                    place: self.place.below(name),
                    _descriptor: Descriptor::open(&state, &self.process)?,
                })
            }
        }
    }

    fn id(&self) -> io::Result<Option<Id>> {
        Ok(Some((0, self.inode)))
    }

    fn is_removed(&self) -> io::Result<bool> {
        let state = self.enter("is_removed", &self.inode.to_string())?;
        check_room(&state, &self.process)?;
        Ok(!state.names.contains_key(&self.inode))
    }

    fn create_dir(&self, name: &str, _access: Access) -> io::Result<()> {
        let mut state = self.enter("create_dir", name)?;
        if self.node(&state, name).is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        if !state.names.contains_key(&self.inode) {
            return Err(ErrorKind::NotFound.into());
        }
        state.check_call(Call::CreateDir, (self.inode, name))?;
        let role = self.place.below(name).role();
        state.add(self.inode, name, Kind::Directory, role);
        Ok(())
    }

    fn remove_dir(&self, name: &str) -> io::Result<()> {
        let mut state = self.enter("remove_dir", name)?;
        let (spelled, node) = self.existing(&state, name)?;
        if node.kind != Kind::Directory {
            return Err(ErrorKind::NotADirectory.into());
        }
        state.check_call(Call::RemoveDir, (self.inode, name))?;
        if !state.names[&node.inode].is_empty() {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
        state.change(Change::Remove(self.inode, spelled));
        state.names.remove(&node.inode);
        Ok(())
    }

    fn create_file(&self, name: &str, access: Access) -> io::Result<SimFile> {
        let mut state = self.enter("create_file", name)?;
        if self.node(&state, name).is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let mode = match access {
            Access::Private => 0o600,
            Access::Usual => 0o644,
            Access::Mode(mode) => mode,
        };
        state.check_call(Call::CreateFile, (self.inode, name))?;
        check_room(&state, &self.process)?;
        let role = self.place.role_of(name);
        let inode = state.add_file(self.inode, name, role, mode);
        let node = Node {
            inode,
            kind: Kind::File,
            role,
        };
        SimFile::open(&self.disk, &state, &self.process, node, true)
    }

    fn open_file(&self, name: &str) -> io::Result<Option<SimFile>> {
        self.open(name, Call::Read)
    }

    fn open_file_to_change(&self, name: &str) -> io::Result<Option<SimFile>> {
        self.open(name, Call::OpenToChange)
    }

    fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        let state = self.enter("stat", name)?;
        state.check_call(Call::Read, (self.inode, name))?;
        Ok(self.node(&state, name).map(|node| stat_of(&state, node)))
    }

    fn rename(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        let mut state = self.enter("rename", &format!("{name} to {new_name}"))?;
        let (name, node) = self.existing(&state, name)?;
        let there = state.find(to.inode, new_name);
        if matches!(&there, Some((_, there)) if there.kind == Kind::Directory) {
            return Err(ErrorKind::IsADirectory.into());
        }
        if !state.names.contains_key(&to.inode) {
            return Err(ErrorKind::NotFound.into());
        }
        state.check_move(Call::RenameTo, (self.inode, &name), (to.inode, new_name))?;
        if matches!(&there, Some((_, there)) if there.inode == node.inode) {
            return Ok(());
        }
        // What is replaced keeps its spelling.
        let new_name = there.map_or_else(|| new_name.to_owned(), |(spelled, _)| spelled);
        let was_staged = node.role == Role::Staged;
        let role = to.place.role_of(&new_name);
        let node = Node { role, ..node };
        state.change(Change::Move(self.inode, name, to.inode, new_name, node));
        state.touch(node.inode);
        if state.deaf.sync_after_publish && was_staged {
            // The caller synced it before; here that takes effect only now, a
            // call later than the rename.
            state.flushes += 1;
        }
        Ok(())
    }

    fn hard_link(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        let mut state = self.enter("hard_link", name)?;
        let (name, node) = self.existing(&state, name)?;
        if to.node(&state, new_name).is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        state.check_move(Call::HardLink, (self.inode, &name), (to.inode, new_name))?;
        let role = to.place.role_of(new_name);
        let node = Node { role, ..node };
        state.change(Change::Add(to.inode, new_name.to_owned(), node));
        state.touch(node.inode);
        Ok(())
    }

    fn remove_file(&self, name: &str) -> io::Result<()> {
        let mut state = self.enter("remove_file", name)?;
        let (spelled, node) = self.existing(&state, name)?;
        if node.kind == Kind::Directory {
            return Err(ErrorKind::IsADirectory.into());
        }
        state.check_call(Call::RemoveFile, (self.inode, name))?;
        state.change(Change::Remove(self.inode, spelled));
        state.touch(node.inode);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.enter("sync_directory", &self.inode.to_string())?;
        state.check_handle(Call::Sync, self.inode)?;
        let deaf = match self.place {
            Place::Volume => state.deaf.directories,
            _ => state.deaf.private_directories,
        };
        if !deaf {
            state.sync_directory(self.inode);
        }
        if self.place == Place::Volume && state.deaf.sync_after_publish {
            let names = state.names.get(&self.inode).into_iter();
            let published: Vec<Inode> = names
                .flat_map(|names| names.values())
                .filter(|node| node.kind == Kind::File)
                .map(|node| node.inode)
                .collect();
            for inode in published {
                state.sync_file(inode);
            }
        }
        Ok(())
    }

    fn sync_file_system(&self) -> io::Result<()> {
        let call = || "sync_file_system".to_owned();
        let (mut state, fault) = enter(&self.disk, &self.process, call)?;
        check_room(&state, &self.process)?;
        if state.deaf != Deaf::default() {
            return Err(ErrorKind::Unsupported.into());
        }
        state.check_handle(Call::Sync, self.inode)?;
        if fault == Some(Fault::LostWrites) {
            state.lose_all();
        }
        state.take_next_loss_of_any();
        state.sync_all();
        state.report_to_file_system()
    }

    fn tells_changes_apart(&self, name: &str) -> io::Result<bool> {
        Ok(!self.enter("tells_changes_apart", name)?.coarse_clock)
    }

    fn entries(&self) -> io::Result<Vec<Entry>> {
        let state = self.enter("entries", &self.inode.to_string())?;
        state.check_readable(self.inode)?;
        check_room(&state, &self.process)?;
        let names = state.names.get(&self.inode).ok_or(ErrorKind::NotFound)?;
        Ok(names
            .iter()
            .map(|(name, node)| Entry {
                name: name.clone(),
                kind: node.kind,
            })
            .collect())
    }

    fn check_change(&self, names: &[&str], staging: &Self) -> Result<(), (usize, io::Error)> {
        for (number, name) in names.iter().enumerate() {
            let state = self.enter("check_change", name);
            state
                .and_then(|state| state.check_change((self.inode, name), staging.inode))
                .map_err(|error| (number, error))?;
        }
        Ok(())
    }

    fn ignores_case(&self) -> io::Result<bool> {
        let state = self.enter("ignores_case", &self.inode.to_string())?;
        Ok(state.folding.contains(&self.inode))
    }

    fn free_bytes(&self) -> Option<u64> {
        self.disk.state().free_bytes
    }

    fn lock(&self, name: &str) -> io::Result<SimLock> {
        self.lock_file(name).wait(false)
    }

    fn lock_again(&self, _name: &str, idle: SimLockFile) -> io::Result<Option<SimLock>> {
        idle.wait(false).map(Some)
    }

    fn lock_shared(&self, name: &str) -> io::Result<SimLock> {
        self.lock_file(name).wait(true)
    }

    fn share_again(&self, _name: &str, idle: SimLockFile) -> io::Result<Option<SimLock>> {
        idle.wait(true).map(Some)
    }

    fn mark_of(&self, _name: &str, lock: &SimMark) -> io::Result<Option<Vec<u8>>> {
        lock.read()
    }

    fn try_lock(&self, name: &str) -> io::Result<Option<SimLock>> {
        self.lock_file(name).acquire(false, false)
    }
}
