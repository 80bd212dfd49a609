//! Another program that changes files, without locks and without a sync.
//!
//! None of this counts as a call or can fail; to be done between two calls it goes into
//! [`interrupt_at`](SimDisk::interrupt_at). Each returns whether it could be done: it
//! does nothing where the directory does not exist.

use super::{Change, Inode, Node, Pending, Place, SimDisk, State};
use crate::local::directory::Kind;
use std::sync::MutexGuard;

const MODE: u32 = 0o644;

/// A name, in a directory that exists.
struct Target<'a> {
    state: MutexGuard<'a, State>,
    directory: Inode,
    place: Place,
    /// As it is spelled there, if it is there.
    name: String,
    node: Option<Node>,
}

impl SimDisk {
    /// Cuts a file to nothing and writes it, in place; creates it if needed.
    pub(crate) fn outside_write(&self, path: &[&str], contents: &[u8]) -> bool {
        self.with_file(path, |state, inode| {
            state.write(inode, Pending::SetLen(0));
            state.write(inode, Pending::Write(0, contents.to_vec()));
        })
    }

    /// Adds to the end of a file; creates it if needed.
    pub(crate) fn outside_append(&self, path: &[&str], contents: &[u8]) -> bool {
        self.with_file(path, |state, inode| {
            let end = state.files[&inode].now.len() as u64;
            state.write(inode, Pending::Write(end, contents.to_vec()));
        })
    }

    /// Cuts or extends a file; creates it if needed.
    pub(crate) fn outside_truncate(&self, path: &[&str], bytes: u64) -> bool {
        self.with_file(path, |state, inode| {
            state.write(inode, Pending::SetLen(bytes));
        })
    }

    /// Renames a new file over what has this name.
    pub(crate) fn outside_replace(&self, path: &[&str], contents: &[u8]) -> bool {
        let Some(mut target) = self.target(path) else {
            return false;
        };
        if target.node.is_some_and(|node| node.kind != Kind::File) {
            return false;
        }
        let inode = target.add_file();
        let contents = Pending::Write(0, contents.to_vec());
        target.state.write(inode, contents);
        true
    }

    /// Removes a file, or a directory with all that is in it.
    pub(crate) fn outside_remove(&self, path: &[&str]) -> bool {
        let Some(mut target) = self.target(path) else {
            return false;
        };
        target.remove()
    }

    /// Makes a directory, in place of a file that had the name.
    pub(crate) fn outside_mkdir(&self, path: &[&str]) -> bool {
        let Some(mut target) = self.target(path) else {
            return false;
        };
        if target.node.is_some_and(|node| node.kind == Kind::Directory) {
            return true;
        }
        target.remove();
        let (directory, name) = (target.directory, target.name);
        let role = target.place.role();
        target.state.add(directory, &name, Kind::Directory, role);
        true
    }

    /// Puts a file with a name that is not UTF-8 into a directory.
    pub(crate) fn outside_name_not_utf8(&self, directory: &[&str]) -> bool {
        let mut state = self.state();
        let Some((inode, place)) = state.walk(directory) else {
            return false;
        };
        state.add(inode, "caf\u{fffd}", Kind::Other, place.role());
        true
    }

    /// Lets a directory be neither opened nor listed until the disk is
    /// [healed](Self::heal). Handles of it still serve for all else.
    pub(crate) fn outside_unreadable(&self, directory: &[&str]) -> bool {
        let mut state = self.state();
        let Some((inode, _)) = state.walk(directory) else {
            return false;
        };
        state.unreadable.insert(inode)
    }

    fn with_file(&self, path: &[&str], change: impl FnOnce(&mut State, Inode)) -> bool {
        let Some(mut target) = self.target(path) else {
            return false;
        };
        let inode = match target.node {
            Some(node) if node.kind != Kind::File => return false,
            Some(node) => node.inode,
            None => target.add_file(),
        };
        change(&mut target.state, inode);
        true
    }

    fn target(&self, path: &[&str]) -> Option<Target<'_>> {
        let (name, parent) = path.split_last()?;
        let state = self.state();
        let (directory, place) = state.walk(parent)?;
        let (name, node) = match state.find(directory, name) {
            Some((name, node)) => (name, Some(node)),
            None => ((*name).to_owned(), None),
        };
        Some(Target {
            state,
            directory,
            place,
            name,
            node,
        })
    }
}

impl Target<'_> {
    /// Under this name from now on, whatever had it before.
    fn add_file(&mut self) -> Inode {
        let role = self.place.role_of(&self.name);
        self.state.add_file(self.directory, &self.name, role, MODE)
    }

    fn remove(&mut self) -> bool {
        let Some(node) = self.node else {
            return false;
        };
        let change = Change::Remove(self.directory, self.name.clone());
        self.state.change(change);
        self.state.touch(node.inode);
        let mut gone = vec![node.inode];
        while let Some(directory) = gone.pop() {
            let names = self.state.names.remove(&directory).unwrap_or_default();
            gone.extend(names.values().map(|node| node.inode));
        }
        true
    }
}
