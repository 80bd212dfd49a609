//! Write-backs that fail.
//!
//! As on Linux: what was to be written is marked clean, so that the next sync has
//! nothing to do and succeeds; on ext4 not even writing the same bytes again brings
//! them to the disk before the file was cut off where they begin. Each descriptor that
//! was open is told once by its next sync; a descriptor that is opened when some program
//! was told already is not. A sync of the whole file system tells it to one program.

use super::{Inode, Role, SimContents, SimDisk, State};
use std::io;

/// The sync that is to fail.
#[derive(Clone, Debug)]
pub(super) enum NextLoss {
    OfPath(Vec<String>),
    OfRole(Role),
}

/// How many write-backs failed, and of how many of them a sync of the whole file system
/// was told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FileSystemErrors {
    all: u64,
    reported: u64,
}

impl SimDisk {
    /// Lets the next sync of the file at this path fail and lose what it was to write.
    pub(crate) fn lose_next_sync(&self, path: &[&str]) {
        let path = path.iter().map(|name| (*name).to_owned()).collect();
        self.state().next_loss = Some(NextLoss::OfPath(path));
    }

    /// Lets the next sync of a file that is for this fail and lose what it was to write.
    /// What a file is for is known by the name that it was opened or created with.
    pub(crate) fn lose_next_sync_of(&self, role: Role) {
        self.state().next_loss = Some(NextLoss::OfRole(role));
    }

    /// Whether the sync that is to fail has not been made yet.
    pub(crate) fn is_to_lose(&self) -> bool {
        self.state().next_loss.is_some()
    }

    /// The system fails at this moment to write what is pending of this file, or of all
    /// files below this directory, `&[]` being all there are. Files that are open and
    /// have no name any more are spared. Returns how many files lost something.
    pub(crate) fn lose_in_background(&self, path: &[&str]) -> usize {
        let mut state = self.state();
        let is_below = |state: &State, inode: &Inode| {
            let found = state.path_of(*inode);
            found.is_some_and(|found| {
                found.len() >= path.len() && found.iter().zip(path).all(|(a, b)| a == b)
            })
        };
        let inodes: Vec<Inode> = state.unwritten().collect();
        let inodes: Vec<Inode> = inodes
            .into_iter()
            .filter(|inode| is_below(&state, inode))
            .collect();
        for inode in &inodes {
            state.lose(*inode);
        }
        inodes.len()
    }

    /// Another program syncs the whole file system. Returns whether that told it of a
    /// write-back that failed.
    pub(crate) fn outside_sync_file_system(&self) -> bool {
        let mut state = self.state();
        state.sync_all();
        state.report_to_file_system().is_err()
    }
}

impl State {
    /// The write-back of this file fails.
    pub(super) fn lose(&mut self, inode: Inode) {
        if let Some(file) = self.files.get_mut(&inode) {
            file.lose();
            self.file_system_errors.all += 1;
        }
    }

    /// The write-back of all files fails, and of what else the file system has to write.
    pub(super) fn lose_all(&mut self) {
        self.file_system_errors.all += 1;
        let inodes: Vec<Inode> = self.unwritten().collect();
        for inode in inodes {
            self.lose(inode);
        }
    }

    fn unwritten(&self) -> impl Iterator<Item = Inode> {
        let unwritten = self.files.iter().filter(|(_, file)| file.is_unwritten());
        unwritten.map(|(inode, _)| *inode)
    }

    /// Whether this sync was to fail, which it does once.
    pub(super) fn takes_next_loss(&mut self, inode: Inode, role: Role) -> bool {
        let is_meant = match &self.next_loss {
            None => false,
            Some(NextLoss::OfRole(meant)) => *meant == role,
            Some(NextLoss::OfPath(path)) => self.path_of(inode).as_ref() == Some(path),
        };
        if is_meant {
            self.next_loss = None;
        }
        is_meant
    }

    /// The same for a sync of all files: loses what is meant.
    pub(super) fn take_next_loss_of_any(&mut self) {
        let nodes = self.names.values().flat_map(|names| names.values());
        let candidates: Vec<(Inode, Role)> = nodes.map(|node| (node.inode, node.role)).collect();
        for (inode, role) in candidates {
            let is_unwritten = |inode| {
                self.files
                    .get(&inode)
                    .is_some_and(SimContents::is_unwritten)
            };
            if is_unwritten(inode) && self.takes_next_loss(inode, role) {
                self.lose(inode);
            }
        }
    }

    /// What a descriptor that has seen so many errors of its file is told by a sync.
    pub(super) fn report(&mut self, inode: Inode, seen: &mut u64) -> io::Result<()> {
        let Some(file) = self.files.get_mut(&inode) else {
            return Ok(());
        };
        if file.errors == *seen {
            return Ok(());
        }
        *seen = file.errors;
        file.reported_errors = file.errors;
        Err(write_back_failed())
    }

    /// What a sync of the whole file system by a new descriptor is told.
    pub(super) fn report_to_file_system(&mut self) -> io::Result<()> {
        let errors = &mut self.file_system_errors;
        if errors.all == errors.reported {
            return Ok(());
        }
        errors.reported = errors.all;
        for file in self.files.values_mut() {
            file.reported_errors = file.errors;
        }
        Err(write_back_failed())
    }
}

fn write_back_failed() -> io::Error {
    io::Error::other("a write-back failed")
}
