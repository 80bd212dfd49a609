//! A simulated disk that keeps what is durable apart from what is merely
//! written, and can be cut off, or made to fail, at any call.
//!
//! What a power cut may leave, as file systems that journal their names behave:
//! of all changes to names since the beginning, in their order, any number from
//! those that were synced on; and for each file, of the writes since its last
//! sync, any subset, the last of which may be cut short, and any range of which
//! may read as zeros.

mod directory;
mod file;
mod power_cut;

use super::directory::{Kind, Stamp, Stat};
pub(crate) use directory::SimDirectory;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

type Inode = u64;
type Interruption = Arc<dyn Fn() + Send + Sync>;
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
    /// What somebody else does right before a call.
    interruption: Option<(usize, Interruption)>,
    deaf: Deaf,
    /// To sync a directory makes no other durable.
    unordered: bool,
    /// All changes seem to be of one moment.
    coarse_clock: bool,
    flushes: usize,
    /// Syncs of a file take time, and one that begins during another does nothing.
    slow_syncs: bool,
    /// The files that are being synced slowly.
    syncing: BTreeSet<Inode>,
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
    Move(Inode, String, Inode, String, Node),
}

#[derive(Clone, Default)]
struct SimContents {
    now: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Pending>,
    mode: u32,
    modified: u64,
    changed: u64,
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

    /// Lets somebody else do something before one call, counted from now.
    pub(crate) fn interrupt_at(
        &self,
        call: usize,
        interruption: impl Fn() + Send + Sync + 'static,
    ) {
        let mut state = self.state();
        state.calls = 0;
        state.interruption = Some((call, Arc::new(interruption)));
    }

    /// Whether what was to be done before a call is still to be done.
    pub(crate) fn is_to_be_interrupted(&self) -> bool {
        self.state().interruption.is_some()
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

    /// Lets a sync of a directory make nothing durable but what is in it.
    pub(crate) fn set_unordered(&self) {
        self.state().unordered = true;
    }

    /// Lets all changes have the same time.
    pub(crate) fn set_coarse_clock(&self) {
        self.state().coarse_clock = true;
    }

    /// Lets syncs of a file take time, and one that begins while another of it goes on
    /// do nothing, as was seen with btrfs.
    pub(crate) fn set_slow_syncs(&self) {
        self.state().slow_syncs = true;
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

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no test panics while it holds the disk")
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
            Change::Move(from, name, to, new_name, node) => {
                names.entry(*from).or_default().remove(name);
                names
                    .entry(*to)
                    .or_default()
                    .insert(new_name.clone(), *node);
            }
        }
    }

    fn is_in(&self, directory: Inode) -> bool {
        match self {
            Change::Add(in_directory, ..) | Change::Remove(in_directory, _) => {
                *in_directory == directory
            }
            Change::Move(from, _, to, ..) => *from == directory || *to == directory,
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

    fn sync_directory(&mut self, inode: Inode) {
        self.flushes += 1;
        let pending = self.changes.split_off(self.durable_changes);
        if self.unordered {
            let (durable, pending): (Vec<_>, Vec<_>) =
                pending.into_iter().partition(|change| change.is_in(inode));
            for change in durable {
                change.apply(&mut self.durable_names);
            }
            self.changes.extend(pending);
        } else {
            self.changes.extend(pending);
            let last = self.changes.iter().rposition(|change| change.is_in(inode));
            self.make_durable(last.map_or(0, |last| last + 1));
        }
    }

    fn names_of(&self, inode: Inode) -> u64 {
        let nodes = self.names.values().flat_map(BTreeMap::values);
        nodes.filter(|node| node.inode == inode).count() as u64
    }

    fn sync_file(&mut self, inode: Inode) {
        self.flushes += 1;
        if let Some(file) = self.files.get_mut(&inode) {
            file.durable = file.now.clone();
            file.pending.clear();
        }
    }

    fn write(&mut self, inode: Inode, pending: Pending) {
        self.touch(inode);
        if let Some(file) = self.files.get_mut(&inode) {
            pending.apply(&mut file.now);
            file.pending.push(pending);
            file.modified = file.changed;
        }
    }

    /// The file changes in some way at this moment.
    fn touch(&mut self, inode: Inode) {
        self.clock += u64::from(!self.coarse_clock);
        let clock = self.clock;
        if let Some(file) = self.files.get_mut(&inode) {
            file.changed = clock;
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
    let calls = state.calls;
    if let Some((_, interruption)) = state.interruption.take_if(|(at, _)| *at == calls) {
        drop(state);
        interruption();
        drop(interruption);
        state = disk.state();
    }
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

fn stat_of(state: &State, node: Node) -> Stat {
    let file = state.files.get(&node.inode).cloned().unwrap_or_default();
    Stat {
        kind: node.kind,
        size: file.now.len() as u64,
        modified: SystemTime::UNIX_EPOCH + Duration::from_secs(file.modified),
        mode: Some(file.mode),
        links: state.names_of(node.inode),
        stamp: Some(Stamp {
            device: 0,
            inode: node.inode,
            changed: (file.changed as i64, 0),
        }),
    }
}
