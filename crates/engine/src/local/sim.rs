//! A simulated disk that keeps what is durable apart from what is merely
//! written, and can be cut off, or made to fail, at any call.
//!
//! What a power cut may leave, as file systems that journal their names behave:
//! of all changes to names since the beginning, in their order, any number from
//! those that were synced on; and for each file, of the writes since its last
//! sync, any subset, the last of which may be cut short, and any range of which
//! may read as zeros.

use super::directory::{Access, Directory, Entry, FileHandle, Kind, Lock, Stat};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

type Inode = u64;
const ROOT: Inode = 0;

thread_local! {
    /// Makes every journal record count, whatever its checksum says.
    pub(crate) static IGNORE_CHECKSUMS: Cell<bool> = const { Cell::new(false) };
}

/// What a broken disk, or a broken protocol, leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Deaf {
    /// Syncs of staged files do nothing.
    pub(crate) staged_files: bool,
    /// Syncs of files of the volume do nothing.
    pub(crate) files: bool,
    /// Syncs of journals do nothing.
    pub(crate) journals: bool,
    /// Syncs of the directories of the volume do nothing.
    pub(crate) directories: bool,
    /// Syncs of the directories of sessions and journals do nothing.
    pub(crate) private_directories: bool,
    /// Staged files are synced only when they have been published.
    pub(crate) sync_after_publish: bool,
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Error(ErrorKind),
    /// A write writes half; any other call succeeds.
    Short,
}

#[derive(Clone, Default)]
pub(crate) struct SimDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Default)]
struct State {
    names: Names,
    files: BTreeMap<Inode, SimContents>,
    next_inode: Inode,
    changes: Vec<Change>,
    durable_changes: usize,
    durable_names: Names,
    locks: HashMap<(Inode, String), Vec<Holder>>,
    processes: u64,
    marks: HashMap<(Inode, String), Vec<u8>>,
    clock: u64,
    calls: usize,
    trace: Vec<String>,
    cut_at: Option<usize>,
    fault: Option<(usize, Fault)>,
    deaf: Deaf,
    flushes: usize,
}

/// Who holds a lock, and whether as one of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Holder {
    process: u64,
    shared: bool,
}

/// The directories with what is in them.
type Names = BTreeMap<Inode, BTreeMap<String, Node>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Node {
    inode: Inode,
    kind: Kind,
    role: Role,
}

/// What a file or a directory is for, to be deaf to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Volume,
    Private,
    Staged,
    Journal,
}

#[derive(Clone, Debug)]
enum Change {
    Add(Inode, String, Node),
    Remove(Inode, String),
    Move(Inode, String, Inode, String),
}

#[derive(Clone, Default)]
struct SimContents {
    now: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Pending>,
    mode: u32,
    modified: u64,
}

#[derive(Clone, Debug)]
enum Pending {
    Write(u64, Vec<u8>),
    SetLen(u64),
}

/// A process that uses the disk; what it held is gone when it is.
#[derive(Clone)]
pub(crate) struct Process {
    id: u64,
    alive: Arc<AtomicBool>,
}

pub(crate) struct SimDirectory {
    disk: SimDisk,
    process: Process,
    inode: Inode,
    role: Role,
}

pub(crate) struct SimFile {
    disk: SimDisk,
    process: Process,
    inode: Inode,
    role: Role,
    position: u64,
}

pub(crate) struct SimLock {
    disk: SimDisk,
    process: Process,
    key: (Inode, String),
    shared: bool,
}

impl SimDisk {
    pub(crate) fn new() -> Self {
        let disk = Self::default();
        disk.state().names.insert(ROOT, BTreeMap::new());
        disk.state().durable_names.insert(ROOT, BTreeMap::new());
        disk.state().next_inode = ROOT + 1;
        disk
    }

    /// The root of the disk for a new process.
    pub(crate) fn start(&self) -> (SimDirectory, Process) {
        let mut state = self.state();
        state.processes += 1;
        let process = Process {
            id: state.processes,
            alive: Arc::new(AtomicBool::new(true)),
        };
        let root = SimDirectory {
            disk: self.clone(),
            process: process.clone(),
            inode: ROOT,
            role: Role::Volume,
        };
        (root, process)
    }

    /// Ends a process without a trace: its locks are free, what it wrote stays.
    pub(crate) fn kill(&self, process: &Process) {
        process.alive.store(false, Ordering::SeqCst);
        for holders in self.state().locks.values_mut() {
            holders.retain(|holder| holder.process != process.id);
        }
    }

    /// A copy as it is now, with nobody using it.
    pub(crate) fn snapshot(&self) -> SimDisk {
        let mut state = self.state().clone();
        state.locks.clear();
        state.cut_at = None;
        state.fault = None;
        SimDisk {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Cuts the power right before the call of this number, counted from now.
    pub(crate) fn cut_at(&self, call: usize) {
        let mut state = self.state();
        state.calls = 0;
        state.trace.clear();
        state.cut_at = Some(call);
    }

    /// Lets all calls succeed again.
    pub(crate) fn heal(&self) {
        let mut state = self.state();
        state.cut_at = None;
        state.fault = None;
    }

    /// Lets one call fail, counted from now.
    pub(crate) fn fail_at(&self, call: usize, fault: Fault) {
        let mut state = self.state();
        state.calls = 0;
        state.trace.clear();
        state.fault = Some((call, fault));
    }

    /// The calls since [`cut_at`](Self::cut_at) or [`fail_at`](Self::fail_at).
    pub(crate) fn calls(&self) -> usize {
        self.state().calls
    }

    /// What the call of this number was.
    pub(crate) fn call(&self, number: usize) -> String {
        self.state().trace.get(number).cloned().unwrap_or_default()
    }

    pub(crate) fn set_deaf(&self, deaf: Deaf) {
        self.state().deaf = deaf;
    }

    /// How often something was made durable.
    pub(crate) fn flushes(&self) -> usize {
        self.state().flushes
    }

    /// Where the files of a directory are, for looking at what is private.
    pub(crate) fn names_in(&self, path: &[&str]) -> Vec<String> {
        let state = self.state();
        let mut inode = ROOT;
        for component in path {
            match state.names[&inode].get(*component) {
                Some(node) => inode = node.inode,
                None => return Vec::new(),
            }
        }
        state.names[&inode].keys().cloned().collect()
    }

    /// What a power cut at this moment may leave: at most `limit` states, all if
    /// there are no more.
    pub(crate) fn after_power_cut(
        &self,
        limit: usize,
        random: &mut impl FnMut() -> u64,
    ) -> Vec<SimDisk> {
        let state = self.state();
        let choices: Vec<(Inode, Vec<Vec<u8>>)> = state
            .files
            .iter()
            .filter(|(_, file)| !file.pending.is_empty())
            .map(|(inode, file)| (*inode, file.possible()))
            .collect();
        let prefixes = state.changes.len() - state.durable_changes + 1;
        let combinations = choices.iter().fold(prefixes * 2, |all, (_, file)| {
            all.saturating_mul(file.len())
        });
        let numbers: Vec<usize> = if combinations <= limit {
            (0..combinations).collect()
        } else {
            (0..limit)
                .map(|_| (random() % combinations as u64) as usize)
                .collect()
        };
        let build = |mut number: usize| {
            let mut next = |choices: usize| {
                let choice = number % choices;
                number /= choices;
                choice
            };
            let mut after = State {
                names: state.durable_names.clone(),
                durable_changes: 0,
                next_inode: state.next_inode,
                clock: state.clock,
                deaf: state.deaf,
                ..State::default()
            };
            for change in &state.changes[state.durable_changes..][..next(prefixes)] {
                change.apply(&mut after.names);
            }
            if next(2) == 1 {
                after.marks = state.marks.clone();
            }
            for (inode, file) in &state.files {
                let mut file = SimContents {
                    now: file.durable.clone(),
                    pending: Vec::new(),
                    ..file.clone()
                };
                if let Some((_, possible)) = choices.iter().find(|(other, _)| other == inode) {
                    file.now = possible[next(possible.len())].clone();
                }
                file.durable = file.now.clone();
                after.files.insert(*inode, file);
            }
            after.durable_names = after.names.clone();
            SimDisk {
                state: Arc::new(Mutex::new(after)),
            }
        };
        numbers.into_iter().map(build).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no test panics while it holds the disk")
    }
}

impl SimContents {
    /// What may be left of the file if the power is cut now.
    fn possible(&self) -> Vec<Vec<u8>> {
        let pending = &self.pending;
        // All subsets of a few; of many, those that miss one and those that are
        // cut off.
        let subsets: Vec<Vec<usize>> = if pending.len() <= 4 {
            (0..1_usize << pending.len())
                .map(|bits| {
                    (0..pending.len())
                        .filter(|i| bits & (1 << i) != 0)
                        .collect()
                })
                .collect()
        } else {
            let all = 0..pending.len();
            let missing = all
                .clone()
                .map(|i| all.clone().filter(|j| *j != i).collect());
            let prefix = (0..=pending.len()).map(|n| (0..n).collect());
            missing.chain(prefix).collect()
        };
        let mut possible = Vec::new();
        for subset in subsets {
            let mut contents = self.durable.clone();
            let mut torn = Vec::new();
            for (nth, &i) in subset.iter().enumerate() {
                if nth + 1 == subset.len()
                    && let Pending::Write(offset, bytes) = &pending[i]
                {
                    for half in [bytes[..bytes.len() / 2].to_vec(), vec![0; bytes.len()]] {
                        let mut cut = contents.clone();
                        Pending::Write(*offset, half).apply(&mut cut);
                        torn.push(cut);
                    }
                }
                pending[i].apply(&mut contents);
            }
            possible.push(contents);
            possible.extend(torn);
        }
        possible.sort();
        possible.dedup();
        possible
    }
}

impl Pending {
    fn apply(&self, contents: &mut Vec<u8>) {
        match self {
            Pending::Write(offset, bytes) => {
                let offset = *offset as usize;
                let end = offset + bytes.len();
                if contents.len() < end {
                    contents.resize(end, 0);
                }
                contents[offset..end].copy_from_slice(bytes);
            }
            Pending::SetLen(bytes) => contents.resize(*bytes as usize, 0),
        }
    }
}

impl Change {
    fn apply(&self, names: &mut Names) {
        match self {
            Change::Add(directory, name, node) => {
                if node.kind == Kind::Directory {
                    names.entry(node.inode).or_default();
                }
                names
                    .entry(*directory)
                    .or_default()
                    .insert(name.clone(), *node);
            }
            Change::Remove(directory, name) => {
                names.entry(*directory).or_default().remove(name);
            }
            Change::Move(from, name, to, new_name) => {
                let node = names.entry(*from).or_default().remove(name);
                if let Some(node) = node {
                    names.entry(*to).or_default().insert(new_name.clone(), node);
                }
            }
        }
    }

    fn is_in(&self, directory: Inode) -> bool {
        match self {
            Change::Add(in_directory, ..) | Change::Remove(in_directory, _) => {
                *in_directory == directory
            }
            Change::Move(from, _, to, _) => *from == directory || *to == directory,
        }
    }
}

impl State {
    fn change(&mut self, change: Change) {
        change.apply(&mut self.names);
        self.changes.push(change);
    }

    fn make_durable(&mut self, changes: usize) {
        while self.durable_changes < changes {
            self.changes[self.durable_changes].apply(&mut self.durable_names);
            self.durable_changes += 1;
        }
    }

    fn sync_file(&mut self, inode: Inode) {
        self.flushes += 1;
        if let Some(file) = self.files.get_mut(&inode) {
            file.durable = file.now.clone();
            file.pending.clear();
        }
    }

    fn write(&mut self, inode: Inode, pending: Pending) {
        self.clock += 1;
        let clock = self.clock;
        if let Some(file) = self.files.get_mut(&inode) {
            pending.apply(&mut file.now);
            file.pending.push(pending);
            file.modified = clock;
        }
    }
}

/// Every call passes here first.
fn enter<'a>(
    disk: &'a SimDisk,
    process: &Process,
    call: impl FnOnce() -> String,
) -> io::Result<(MutexGuard<'a, State>, bool)> {
    let mut state = disk.state();
    if !process.alive.load(Ordering::SeqCst) {
        return Err(io::Error::other("this process is dead"));
    }
    let number = state.calls;
    if state.cut_at == Some(number) {
        process.alive.store(false, Ordering::SeqCst);
        return Err(io::Error::other("the power is cut"));
    }
    state.calls += 1;
    if state.cut_at.is_some() || state.fault.is_some() {
        state.trace.push(call());
    }
    match state.fault {
        Some((at, Fault::Error(kind))) if at == number => Err(kind.into()),
        Some((at, Fault::Short)) if at == number => Ok((state, true)),
        _ => Ok((state, false)),
    }
}

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
        ));
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
        Ok(())
    }

    fn remove_file(&self, name: &str) -> io::Result<()> {
        let mut state = self.enter("remove_file", name)?;
        let node = self.node(&state, name).ok_or(ErrorKind::NotFound)?;
        if node.kind == Kind::Directory {
            return Err(ErrorKind::IsADirectory.into());
        }
        state.change(Change::Remove(self.inode, name.to_owned()));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.enter("sync_directory", &self.inode.to_string())?;
        let deaf = match self.role {
            Role::Volume => state.deaf.directories,
            _ => state.deaf.private_directories,
        };
        if !deaf {
            let last = state
                .changes
                .iter()
                .rposition(|change| change.is_in(self.inode));
            state.make_durable(last.map_or(0, |last| last + 1));
            state.flushes += 1;
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
        if !is_deaf {
            state.sync_file(self.inode);
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
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_as("sync")
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync_as("sync_data")
    }
}

fn stat_of(state: &State, node: Node) -> Stat {
    let file = state.files.get(&node.inode).cloned().unwrap_or_default();
    Stat {
        kind: node.kind,
        size: file.now.len() as u64,
        modified: SystemTime::UNIX_EPOCH + Duration::from_secs(file.modified),
        mode: Some(file.mode),
    }
}

impl Lock for SimLock {
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
