//! A simulated disk that keeps what is durable apart from what is merely
//! written, and can be cut off, or made to fail, at any call.
//!
//! What a power cut may leave, as file systems that journal their names behave:
//! of all changes to names since the beginning, in their order, any number from
//! those that were synced on; and for each file, of the writes since its last
//! sync, any subset, the last of which may be cut short, and any range of which
//! may read as zeros.
//!
//! What else may happen to it, each in a module: [`faults`] (calls fail), [`losses`]
//! (write-back fails and the pages are clean all the same), [`outside`] (other
//! programs change files), [`descriptors`] (few files can be open), and names that
//! fold case ([`names`]).

mod contents;
mod descriptors;
mod directory;
mod faults;
mod file;
mod lock;
mod losses;
mod names;
mod outside;
mod power_cut;
mod tests;

use super::directory::{Stamp, Stat};
use contents::{Pending, SimContents};
pub(crate) use directory::SimDirectory;
#[allow(unused_imports, reason = "tests of the log use them in a later commit")]
pub(crate) use faults::{Call, Fault};
use faults::{Interruption, PathFault, Watch};
use losses::{FileSystemErrors, NextLoss};
#[allow(unused_imports, reason = "tests of the log use it in a later commit")]
pub(crate) use names::Role;
use names::{Change, Names, Node, Place};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
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

#[derive(Clone, Default)]
pub(crate) struct SimDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Default)]
struct State {
    names: Names,
    files: BTreeMap<Inode, SimContents>,
    next_inode: Inode,
    /// The changes to names that are not durable.
    changes: Vec<Change>,
    durable_names: Names,
    /// The directories in which names that differ in case are one.
    folding: BTreeSet<Inode>,
    locks: HashMap<(Inode, String), Vec<Holder>>,
    processes: u64,
    /// Processes that were killed and still have locks.
    dying: BTreeSet<u64>,
    marks: HashMap<(Inode, String), Vec<u8>>,
    clock: u64,
    calls: usize,
    trace: Vec<String>,
    cut_at: Option<usize>,
    fault: Option<(usize, Fault)>,
    path_faults: Vec<PathFault>,
    /// The directories that can be neither opened nor listed.
    unreadable: BTreeSet<Inode>,
    next_loss: Option<NextLoss>,
    file_system_errors: FileSystemErrors,
    /// How many handles each process may have.
    descriptor_limit: Option<usize>,
    /// How much space the disk says it has left; `None` if it does not say.
    free_bytes: Option<u64>,
    /// What somebody else does right before a call.
    interruption: Option<(usize, Interruption)>,
    /// What looks at the disk right before each call.
    watch: Option<Watch>,
    deaf: Deaf,
    /// To sync a directory makes no other durable.
    unordered: bool,
    /// All changes seem to be of one moment.
    coarse_clock: bool,
    flushes: usize,
    /// Syncs of a file take time, and one that begins during another does nothing.
    slow_syncs: bool,
    /// One thread is all processes, so that to wait for a lock fails.
    one_thread: bool,
    /// The files that are being synced slowly.
    syncing: BTreeSet<Inode>,
}

/// Who holds a lock, and whether as one of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Holder {
    process: u64,
    shared: bool,
}

/// A process that uses the disk; what it held is gone when it is.
#[derive(Clone)]
pub(crate) struct Process {
    id: u64,
    alive: Arc<AtomicBool>,
    /// How many handles it has.
    open: Arc<AtomicUsize>,
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
            open: Arc::default(),
        };
        (SimDirectory::root(self, &process), process)
    }

    /// Ends a process without a trace: its locks are free, what it wrote stays.
    pub(crate) fn kill(&self, process: &Process) {
        process.alive.store(false, Ordering::SeqCst);
        for holders in self.state().locks.values_mut() {
            holders.retain(|holder| holder.process != process.id);
        }
    }

    /// The same, but its locks of this name become free only when another process has found
    /// them taken: the system gives back the locks of a process one after the other.
    pub(crate) fn kill_slowly(&self, process: &Process, last: &str) {
        process.alive.store(false, Ordering::SeqCst);
        let mut state = self.state();
        state.dying.insert(process.id);
        for ((_, name), holders) in &mut state.locks {
            if name != last {
                holders.retain(|holder| holder.process != process.id);
            }
        }
    }

    /// Whether it was killed slowly, and no other process has found a lock of it taken.
    pub(crate) fn is_dying(&self, process: &Process) -> bool {
        self.state().dying.contains(&process.id)
    }

    /// A copy as it is now, with nobody using it. What fails on a path fails there, too.
    pub(crate) fn snapshot(&self) -> SimDisk {
        let state = self.state().unused();
        SimDisk {
            state: Arc::new(Mutex::new(state)),
        }
    }

    pub(crate) fn set_deaf(&self, deaf: Deaf) {
        self.state().deaf = deaf;
    }

    /// Lets a sync of a directory make nothing durable but what is in it.
    pub(crate) fn set_unordered(&self) {
        self.state().unordered = true;
    }

    /// From now on the clock of the file system is a minute ahead of that of the host, as
    /// after some time.
    pub(crate) fn set_clock_ahead(&self) {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        self.state().clock = now.as_secs() + 60;
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

    /// Says that one thread is all processes in turn: to wait for a lock would be to wait for
    /// ever, so it fails.
    pub(crate) fn set_one_thread(&self) {
        self.state().one_thread = true;
    }

    /// Lets the disk say that it has this much space left. No write fails for it.
    pub(crate) fn set_free_bytes(&self, free_bytes: Option<u64>) {
        self.state().free_bytes = free_bytes;
    }

    /// How often something was made durable.
    pub(crate) fn flushes(&self) -> usize {
        self.state().flushes
    }

    /// Where the files of a directory are, for looking at what is private.
    pub(crate) fn names_in(&self, path: &[&str]) -> Vec<String> {
        let state = self.state();
        let found = state.walk(path);
        let names = found.and_then(|(inode, _)| state.names.get(&inode));
        names
            .map(|names| names.keys().cloned().collect())
            .unwrap_or_default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no test panics while it holds the disk")
    }
}

impl State {
    /// A copy that no process uses.
    fn unused(&self) -> State {
        let mut state = self.clone();
        state.locks.clear();
        state.dying.clear();
        state.trace.clear();
        state.cut_at = None;
        state.fault = None;
        state.next_loss = None;
        state.watch = None;
        state.one_thread = false;
        state
    }

    fn sync_file(&mut self, inode: Inode) {
        self.flushes += 1;
        if let Some(file) = self.files.get_mut(&inode) {
            file.sync();
        }
    }

    /// All files and all names.
    fn sync_all(&mut self) {
        let all = self.changes.len();
        self.make_durable(all);
        let inodes: Vec<Inode> = self.files.keys().copied().collect();
        for inode in inodes {
            self.sync_file(inode);
        }
    }

    fn write(&mut self, inode: Inode, pending: Pending) {
        self.touch(inode);
        if let Some(file) = self.files.get_mut(&inode) {
            file.write(pending);
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

/// Every call passes here first. Returns what is to be wrong with it.
fn enter<'a>(
    disk: &'a SimDisk,
    process: &Process,
    call: impl FnOnce() -> String,
) -> io::Result<(MutexGuard<'a, State>, Option<Fault>)> {
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
    if let Some(watch) = state.watch.clone() {
        let disk = SimDisk {
            state: Arc::new(Mutex::new(state.unused())),
        };
        watch(disk, &call());
        state.calls += 1;
        return Ok((state, None));
    }
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
        Some((at, fault)) if at == number => Ok((state, Some(fault))),
        _ => Ok((state, None)),
    }
}

fn stat_of(state: &State, node: Node) -> Stat {
    let file = state.files.get(&node.inode).cloned().unwrap_or_default();
    Stat {
        kind: node.kind,
        size: file.now.len() as u64,
        modified: SystemTime::UNIX_EPOCH + Duration::from_secs(file.modified),
        created: None,
        mode: Some(file.mode),
        links: state.names_of(node.inode),
        stamp: Some(Stamp {
            device: 0,
            inode: node.inode,
            changed: (file.changed as i64, 0),
        }),
        is_fixed: false,
    }
}
