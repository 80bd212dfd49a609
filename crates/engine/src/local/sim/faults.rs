//! Calls that fail: one, or all of a kind on a path for as long as nothing is mended.

use super::{Inode, SimDisk, State};
use std::io::{self, ErrorKind};
use std::sync::Arc;

pub(super) type Interruption = Arc<dyn Fn() + Send + Sync>;

/// Takes a copy of the disk, and what the call is.
pub(super) type Watch = Arc<dyn Fn(SimDisk, &str) + Send + Sync>;

/// How one call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Error(ErrorKind),
    /// A write writes half; any other call succeeds.
    Short,
    /// A sync fails, and the system takes for written what it was to write: see
    /// [`lose_in_background`](SimDisk::lose_in_background). Any other call succeeds.
    LostWrites,
}

/// A kind of call that can fail on a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    CreateFile,
    CreateDir,
    /// Of the path that a file is moved from.
    RenameFrom,
    /// Of the path that a file is moved to.
    RenameTo,
    /// Of the new path.
    HardLink,
    RemoveFile,
    RemoveDir,
    OpenToChange,
    /// Through any handle.
    Write,
    /// Cutting or extending, through any handle.
    SetLen,
    /// Of a file or a directory, or of its file system by a handle of it.
    Sync,
    /// Opening for reading, listing, `stat` and reading.
    Read,
}

/// All calls of some kinds that fail on a path and all that is below it.
#[derive(Clone, Debug)]
pub(super) struct PathFault {
    path: Vec<String>,
    kind: ErrorKind,
    calls: Vec<Call>,
    is_announced: bool,
}

impl SimDisk {
    /// Cuts the power right before the call of this number, counted from now.
    pub(crate) fn cut_at(&self, call: usize) {
        let mut state = self.state();
        state.calls = 0;
        state.trace.clear();
        state.cut_at = Some(call);
    }

    /// Shows a copy of the disk right before each call, to look at what a cut at that call
    /// leaves without running up to each call again. No call is cut off or fails meanwhile.
    pub(crate) fn watch(&self, watch: impl Fn(SimDisk, &str) + Send + Sync + 'static) {
        let mut state = self.state();
        state.calls = 0;
        state.watch = Some(Arc::new(watch));
    }

    /// Lets all calls succeed again: ends faults of every kind, and the limit of
    /// descriptors. What was lost stays lost.
    pub(crate) fn heal(&self) {
        let mut state = self.state();
        state.cut_at = None;
        state.fault = None;
        state.path_faults.clear();
        state.unreadable.clear();
        state.next_loss = None;
        state.descriptor_limit = None;
    }

    /// Lets one call fail, counted from now.
    pub(crate) fn fail_at(&self, call: usize, fault: Fault) {
        let mut state = self.state();
        state.calls = 0;
        state.trace.clear();
        state.fault = Some((call, fault));
    }

    /// Lets each call that changes this path, or one below it, fail until the disk is
    /// [healed](Self::heal), also after a power cut. Which calls these are depends on the
    /// error:
    ///
    /// - `CrossesDevices`, as if something were mounted there: renames and hard links
    ///   that lead in or out
    /// - `DirectoryNotEmpty`: removing directories
    /// - `ResourceBusy`: renames and removals
    /// - `StorageFull`, `QuotaExceeded`: what takes space, and syncs
    /// - `PermissionDenied`: all changes of names, and opening files to change them
    /// - others: all these, writes and syncs
    ///
    /// `check_change` knows of it beforehand, except of the second and the fourth.
    pub(crate) fn fail_path(&self, path: &[&str], kind: ErrorKind) {
        use ErrorKind::{DirectoryNotEmpty, QuotaExceeded, StorageFull};
        let is_announced = !matches!(kind, DirectoryNotEmpty | StorageFull | QuotaExceeded);
        self.add_path_fault(path, kind, calls_that_fail(kind), is_announced);
    }

    /// Like [`fail_path`](Self::fail_path), but `check_change` finds nothing wrong.
    pub(crate) fn fail_path_unannounced(&self, path: &[&str], kind: ErrorKind) {
        self.add_path_fault(path, kind, calls_that_fail(kind), false);
    }

    /// Like [`fail_path_unannounced`](Self::fail_path_unannounced), with the calls given:
    /// for reading, and for what no real system refuses in this way.
    pub(crate) fn fail_calls(&self, path: &[&str], kind: ErrorKind, calls: &[Call]) {
        self.add_path_fault(path, kind, calls.to_vec(), false);
    }

    fn add_path_fault(&self, path: &[&str], kind: ErrorKind, calls: Vec<Call>, is_announced: bool) {
        let path = path.iter().map(|name| (*name).to_owned()).collect();
        let fault = PathFault {
            path,
            kind,
            calls,
            is_announced,
        };
        self.state().path_faults.push(fault);
    }

    /// Lets somebody else do something before one call, counted from now.
    pub(crate) fn interrupt_at(
        &self,
        call: usize,
        interruption: impl Fn() + Send + Sync + 'static,
    ) {
        let mut state = self.state();
        state.calls = 0;
        state.trace.clear();
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
}

fn calls_that_fail(kind: ErrorKind) -> Vec<Call> {
    use Call::*;
    match kind {
        ErrorKind::CrossesDevices => vec![RenameFrom, RenameTo, HardLink],
        ErrorKind::DirectoryNotEmpty => vec![RemoveDir],
        ErrorKind::ResourceBusy => vec![RenameFrom, RenameTo, RemoveFile, RemoveDir],
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            vec![CreateFile, CreateDir, RenameTo, HardLink, Write, Sync]
        }
        _ => {
            let mut calls = vec![CreateFile, CreateDir, RenameFrom, RenameTo, HardLink];
            calls.extend([RemoveFile, RemoveDir, OpenToChange]);
            if kind != ErrorKind::PermissionDenied {
                calls.extend([Write, SetLen, Sync]);
            }
            calls
        }
    }
}

/// A name in a directory.
pub(super) type Named<'a> = (Inode, &'a str);

impl State {
    /// Fails if this call is to fail on this name.
    pub(super) fn check_call(&self, call: Call, (directory, name): Named<'_>) -> io::Result<()> {
        if self.path_faults.is_empty() {
            return Ok(());
        }
        self.check_path(call, self.path_below(directory, name))
    }

    /// Like [`check_call`](Self::check_call), by a handle.
    pub(super) fn check_handle(&self, call: Call, inode: Inode) -> io::Result<()> {
        if self.path_faults.is_empty() {
            return Ok(());
        }
        self.check_path(call, self.path_of(inode))
    }

    /// Fails if a file cannot get this new name in this way.
    pub(super) fn check_move(
        &self,
        call: Call,
        (from, name): Named<'_>,
        (to, new_name): Named<'_>,
    ) -> io::Result<()> {
        if self.path_faults.is_empty() {
            return Ok(());
        }
        let source = self.path_below(from, name);
        let target = self.path_below(to, new_name);
        for fault in &self.path_faults {
            let (leaves, enters) = (fault.covers(&source), fault.covers(&target));
            let fails = match fault.kind {
                ErrorKind::CrossesDevices => leaves != enters && fault.calls.contains(&call),
                _ => {
                    let leaves = leaves && call == Call::RenameTo;
                    leaves && fault.calls.contains(&Call::RenameFrom)
                        || enters && fault.calls.contains(&call)
                }
            };
            if fails {
                return Err(fault.kind.into());
            }
        }
        Ok(())
    }

    /// What a look beforehand finds wrong with renaming a file of the directory `staging`
    /// to this name.
    pub(super) fn check_change(
        &self,
        (directory, name): Named<'_>,
        staging: Inode,
    ) -> io::Result<()> {
        let source = self.path_of(staging);
        let target = self.path_below(directory, name);
        let is_found = |fault: &&PathFault| {
            let is_same_device = fault.kind == ErrorKind::CrossesDevices && fault.covers(&source);
            fault.is_announced && fault.covers(&target) && !is_same_device
        };
        match self.path_faults.iter().find(is_found) {
            Some(fault) => Err(fault.kind.into()),
            None => Ok(()),
        }
    }

    /// Fails if this directory can be neither opened nor listed.
    pub(super) fn check_readable(&self, directory: Inode) -> io::Result<()> {
        match self.unreadable.contains(&directory) {
            true => Err(ErrorKind::PermissionDenied.into()),
            false => self.check_handle(Call::Read, directory),
        }
    }

    fn check_path(&self, call: Call, path: Option<Vec<String>>) -> io::Result<()> {
        let fails = |fault: &&PathFault| fault.calls.contains(&call) && fault.covers(&path);
        match self.path_faults.iter().find(fails) {
            Some(fault) => Err(fault.kind.into()),
            None => Ok(()),
        }
    }

    fn path_below(&self, directory: Inode, name: &str) -> Option<Vec<String>> {
        let mut path = self.path_of(directory)?;
        path.push(name.to_owned());
        Some(path)
    }
}

impl PathFault {
    /// A file or directory that was removed has no path, and nothing of it fails.
    fn covers(&self, path: &Option<Vec<String>>) -> bool {
        path.as_ref()
            .is_some_and(|path| path.starts_with(&self.path))
    }
}
