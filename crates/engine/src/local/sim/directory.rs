//! The directories of a simulated disk, and the locks in them.

use super::file::SimFile;
use super::{
    Change, Deaf, Holder, Inode, Node, Process, Role, SimContents, SimDisk, State, enter, stat_of,
};
use crate::local::directory::{Access, Directory, Entry, Id, Kind, Lock, Stat};
use std::io::{self, ErrorKind};
use std::sync::MutexGuard;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub(crate) struct SimDirectory {
    pub(super) disk: SimDisk,
    pub(super) process: Process,
    pub(super) inode: Inode,
    pub(super) role: Role,
}

pub(crate) struct SimLock {
    pub(super) disk: SimDisk,
    pub(super) process: Process,
    pub(super) key: (Inode, String),
    pub(super) shared: bool,
}

/// A lock that nobody holds.
pub(crate) struct SimIdle(SimDirectory, String);

impl SimDirectory {
    fn enter(&self, call: &str, name: &str) -> io::Result<MutexGuard<'_, State>> {
        let (state, _) = enter(&self.disk, &self.process, || format!("{call} {name}"))?;
        Ok(state)
    }

    fn node(&self, state: &State, name: &str) -> Option<Node> {
        state.names.get(&self.inode)?.get(name).copied()
    }

    fn role_of(&self, name: &str) -> Role {
        match (self.role, name) {
            (Role::Volume, ".ability-storage") => Role::Private,
            (Role::Volume, _) => Role::Volume,
            (_, name) if name.starts_with("journal-") || name.len() == 2 => Role::Journal,
            (_, name) if name.starts_with("log-") => Role::Journal,
            (_, name) if name.len() == 32 => Role::Staged,
            _ => Role::Private,
        }
    }

    fn open(&self, name: &str) -> io::Result<Option<SimFile>> {
        let state = self.enter("open", name)?;
        let node = self
            .node(&state, name)
            .filter(|node| node.kind == Kind::File);
        Ok(node.map(|node| self.file(node)))
    }

    fn file(&self, node: Node) -> SimFile {
        SimFile {
            disk: self.disk.clone(),
            process: self.process.clone(),
            inode: node.inode,
            role: node.role,
            position: 0,
        }
    }

    fn acquire(&self, name: &str, shared: bool, wait: bool) -> io::Result<Option<SimLock>> {
        let key = (self.inode, name.to_owned());
        loop {
            let mut state = self.enter("lock", name)?;
            let holders = state.locks.entry(key.clone()).or_default();
            if holders.iter().all(|holder| shared && holder.shared) {
                let process = self.process.id;
                holders.push(Holder { process, shared });
                let exists = state.names[&self.inode].contains_key(name);
                if !exists {
                    add_file(&mut state, self.inode, name, Role::Private, 0o600);
                }
                return Ok(Some(SimLock {
                    disk: self.disk.clone(),
                    process: self.process.clone(),
                    key,
                    shared,
                }));
            }
            if !wait {
                return Ok(None);
            }
            drop(state);
            std::thread::sleep(Duration::from_micros(50));
        }
    }
}

fn add_file(state: &mut State, directory: Inode, name: &str, role: Role, mode: u32) -> Inode {
    let inode = state.next_inode;
    state.next_inode += 1;
    let file = SimContents {
        mode,
        ..SimContents::default()
    };
    state.files.insert(inode, file);
    let node = Node {
        inode,
        kind: Kind::File,
        role,
    };
    state.change(Change::Add(directory, name.to_owned(), node));
    inode
}

impl Directory for SimDirectory {
    type File = SimFile;
    type Lock = SimLock;

    fn open_dir(&self, name: &str) -> io::Result<Self> {
        let state = self.enter("open_dir", name)?;
        match self.node(&state, name) {
            None => Err(ErrorKind::NotFound.into()),
            Some(node) if node.kind != Kind::Directory => Err(ErrorKind::NotADirectory.into()),
            Some(node) => Ok(Self {
                disk: self.disk.clone(),
                process: self.process.clone(),
                inode: node.inode,
                role: self.role_of_dir(name),
            }),
        }
    }

    fn id(&self) -> io::Result<Option<Id>> {
        Ok(Some((0, self.inode)))
    }

    fn is_removed(&self) -> io::Result<bool> {
        let state = self.enter("is_removed", &self.inode.to_string())?;
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
        let inode = state.next_inode;
        state.next_inode += 1;
        let node = Node {
            inode,
            kind: Kind::Directory,
            role: self.role_of_dir(name),
        };
        state.change(Change::Add(self.inode, name.to_owned(), node));
        Ok(())
    }

    fn remove_dir(&self, name: &str) -> io::Result<()> {
        let mut state = self.enter("remove_dir", name)?;
        let node = self.node(&state, name).ok_or(ErrorKind::NotFound)?;
        if !state.names[&node.inode].is_empty() {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
        state.change(Change::Remove(self.inode, name.to_owned()));
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
        let role = self.role_of(name);
        let inode = add_file(&mut state, self.inode, name, role, mode);
        Ok(self.file(Node {
            inode,
            kind: Kind::File,
            role,
        }))
    }

    fn open_file(&self, name: &str) -> io::Result<Option<SimFile>> {
        self.open(name)
    }

    fn open_file_to_change(&self, name: &str) -> io::Result<Option<SimFile>> {
        self.open(name)
    }

    fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        let state = self.enter("stat", name)?;
        Ok(self.node(&state, name).map(|node| stat_of(&state, node)))
    }

    fn rename(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        let mut state = self.enter("rename", &format!("{name} to {new_name}"))?;
        let node = self.node(&state, name).ok_or(ErrorKind::NotFound)?;
        match to.node(&state, new_name) {
            Some(there) if there.kind == Kind::Directory => {
                return Err(ErrorKind::IsADirectory.into());
            }
            Some(there) if there.inode == node.inode => return Ok(()),
            _ => {}
        }
        if !state.names.contains_key(&to.inode) {
            return Err(ErrorKind::NotFound.into());
        }
        state.change(Change::Move(
            self.inode,
            name.to_owned(),
            to.inode,
            new_name.to_owned(),
            node,
        ));
        state.touch(node.inode);
        let deaf = state.deaf;
        let node = state.names[&to.inode][new_name];
        if to.role == Role::Volume
            && let Some(entry) = state.names.get_mut(&to.inode)
        {
            let role = Role::Volume;
            entry.insert(new_name.to_owned(), Node { role, ..node });
        }
        if deaf.sync_after_publish && node.role == Role::Staged {
            // The caller synced it before; here that takes effect only now, a
            // call later than the rename.
            state.flushes += 1;
        }
        Ok(())
    }

    fn hard_link(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        let mut state = self.enter("hard_link", name)?;
        let node = self.node(&state, name).ok_or(ErrorKind::NotFound)?;
        if to.node(&state, new_name).is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let role = to.role_of(new_name);
        let node = Node { role, ..node };
        state.change(Change::Add(to.inode, new_name.to_owned(), node));
        state.touch(node.inode);
        Ok(())
    }

    fn remove_file(&self, name: &str) -> io::Result<()> {
        let mut state = self.enter("remove_file", name)?;
        let node = self.node(&state, name).ok_or(ErrorKind::NotFound)?;
        if node.kind == Kind::Directory {
            return Err(ErrorKind::IsADirectory.into());
        }
        state.change(Change::Remove(self.inode, name.to_owned()));
        state.touch(node.inode);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.enter("sync_directory", &self.inode.to_string())?;
        let deaf = match self.role {
            Role::Volume => state.deaf.directories,
            _ => state.deaf.private_directories,
        };
        if !deaf {
            state.sync_directory(self.inode);
        }
        if self.role == Role::Volume && state.deaf.sync_after_publish {
            let published: Vec<Inode> = state.names[&self.inode]
                .values()
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
        let mut state = self.enter("sync_file_system", "")?;
        if state.deaf != Deaf::default() {
            return Err(ErrorKind::Unsupported.into());
        }
        let all = state.changes.len();
        state.make_durable(all);
        let inodes: Vec<Inode> = state.files.keys().copied().collect();
        for inode in inodes {
            state.sync_file(inode);
        }
        Ok(())
    }

    fn tells_changes_apart(&self, name: &str) -> io::Result<bool> {
        Ok(!self.enter("tells_changes_apart", name)?.coarse_clock)
    }

    fn entries(&self) -> io::Result<Vec<Entry>> {
        let state = self.enter("entries", &self.inode.to_string())?;
        let names = state.names.get(&self.inode).ok_or(ErrorKind::NotFound)?;
        Ok(names
            .iter()
            .map(|(name, node)| Entry {
                name: name.clone(),
                kind: node.kind,
            })
            .collect())
    }

    fn lock(&self, name: &str) -> io::Result<SimLock> {
        let lock = self.acquire(name, false, true)?;
        lock.ok_or_else(|| ErrorKind::WouldBlock.into())
    }

    fn lock_again(idle: SimIdle) -> io::Result<Option<SimLock>> {
        let SimIdle(directory, name) = idle;
        directory.lock(&name).map(Some)
    }

    fn lock_shared(&self, name: &str) -> io::Result<SimLock> {
        let lock = self.acquire(name, true, true)?;
        lock.ok_or_else(|| ErrorKind::WouldBlock.into())
    }

    fn try_lock(&self, name: &str) -> io::Result<Option<SimLock>> {
        self.acquire(name, false, false)
    }
}

impl SimDirectory {
    fn role_of_dir(&self, name: &str) -> Role {
        match (self.role, name) {
            (Role::Volume, ".ability-storage") => Role::Private,
            (role, _) => role,
        }
    }
}

impl Lock for SimLock {
    type Idle = SimIdle;

    fn release(self) -> Option<SimIdle> {
        let directory = SimDirectory {
            disk: self.disk.clone(),
            process: self.process.clone(),
            inode: self.key.0,
            role: Role::Private,
        };
        Some(SimIdle(directory, self.key.1.clone()))
    }

    fn is_blank(&self) -> io::Result<bool> {
        Ok(!self.disk.state().marks.contains_key(&self.key))
    }

    fn mark(&self) -> io::Result<Vec<u8>> {
        let (state, _) = enter(&self.disk, &self.process, || "mark".to_owned())?;
        Ok(state.marks.get(&self.key).cloned().unwrap_or_default())
    }

    fn set_mark(&self, mark: &[u8]) -> io::Result<()> {
        let (mut state, _) = enter(&self.disk, &self.process, || "set_mark".to_owned())?;
        state.marks.insert(self.key.clone(), mark.to_vec());
        Ok(())
    }
}

impl Drop for SimLock {
    fn drop(&mut self) {
        if !self.process.alive.load(Ordering::SeqCst) {
            return;
        }
        let mut state = self.disk.state();
        let holders = state.locks.entry(self.key.clone()).or_default();
        let own = Holder {
            process: self.process.id,
            shared: self.shared,
        };
        if let Some(place) = holders.iter().position(|holder| *holder == own) {
            holders.swap_remove(place);
        }
    }
}
