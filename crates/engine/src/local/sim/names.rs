//! The names of a simulated disk: what has them, which of them are durable, and
//! which two are one.

use super::{Inode, ROOT, SimContents, SimDisk, State};
use crate::local::directory::Kind;
use std::collections::{BTreeMap, HashSet};

/// The directories with what is in them.
pub(super) type Names = BTreeMap<Inode, BTreeMap<String, Node>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Node {
    pub(super) inode: Inode,
    pub(super) kind: Kind,
    pub(super) role: Role,
}

/// What a file or a directory is for, to be deaf to it or to fail it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    Volume,
    Private,
    Staged,
    Journal,
}

/// Which directory it is: what its files are for depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The root or one below it.
    Volume,
    /// `.ability-storage`, or one in it that is no other of these.
    Private,
    Sessions,
    /// That of one session.
    Session,
    /// That of the journals of appends.
    Journals,
    /// That of the redo log.
    Log,
}

impl Place {
    pub(super) fn below(self, name: &str) -> Self {
        match (self, name) {
            (Place::Volume, ".ability-storage") => Place::Private,
            (Place::Volume, _) => Place::Volume,
            (Place::Private, "sessions") => Place::Sessions,
            (Place::Private, "journals") => Place::Journals,
            (Place::Private, "log" | "redo") => Place::Log,
            (Place::Sessions, _) => Place::Session,
            _ => Place::Private,
        }
    }

    pub(super) fn role(self) -> Role {
        match self {
            Place::Volume => Role::Volume,
            _ => Role::Private,
        }
    }

    /// What a file of this name is for.
    pub(super) fn role_of(self, name: &str) -> Role {
        let is_staged = name.len() == 32 && name.bytes().all(|b| b.is_ascii_hexdigit());
        match self {
            Place::Volume => Role::Volume,
            Place::Log if name.starts_with("log-") => Role::Journal,
            Place::Session if name.starts_with("journal-") => Role::Journal,
            Place::Journals if name.len() == 2 => Role::Journal,
            Place::Log | Place::Session if is_staged => Role::Staged,
            _ => Role::Private,
        }
    }
}

#[derive(Clone, Debug, Hash)]
pub(super) enum Change {
    Add(Inode, String, Node),
    Remove(Inode, String),
    Move(Inode, String, Inode, String, Node),
}

impl Change {
    pub(super) fn apply(&self, names: &mut Names) {
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

    /// What gets a name.
    pub(super) fn node(&self) -> Option<Node> {
        match self {
            Change::Add(.., node) | Change::Move(.., node) => Some(*node),
            Change::Remove(..) => None,
        }
    }

    fn is_in(&self, directory: Inode) -> bool {
        self.names().any(|(other, _)| other == directory)
    }

    /// The names that it changes.
    fn names(&self) -> impl Iterator<Item = (Inode, String)> {
        let (first, second) = match self {
            Change::Add(directory, name, _) | Change::Remove(directory, name) => {
                ((*directory, name.clone()), None)
            }
            Change::Move(from, name, to, new_name, _) => {
                ((*from, name.clone()), Some((*to, new_name.clone())))
            }
        };
        [Some(first), second].into_iter().flatten()
    }
}

impl SimDisk {
    /// Lets two names that differ only in case, or in the Unicode form of some letters,
    /// be one, in this directory and those below it; `&[]` is the whole disk.
    pub(crate) fn fold_names(&self, path: &[&str]) {
        let mut state = self.state();
        let mut directories: Vec<Inode> = state
            .walk(path)
            .map(|(inode, _)| inode)
            .into_iter()
            .collect();
        while let Some(directory) = directories.pop() {
            state.folding.insert(directory);
            let nodes = state
                .names
                .get(&directory)
                .into_iter()
                .flat_map(BTreeMap::values);
            let below = nodes.filter(|node| node.kind == Kind::Directory);
            directories.extend(below.map(|node| node.inode));
        }
    }
}

impl State {
    /// What has this name, and how it is spelled in the directory.
    pub(super) fn find(&self, directory: Inode, name: &str) -> Option<(String, Node)> {
        let names = self.names.get(&directory)?;
        let found = match names.get_key_value(name) {
            None if self.folding.contains(&directory) => {
                let folded = folded(name);
                names
                    .iter()
                    .find(|(other, _)| self::folded(other) == folded)
            }
            found => found,
        };
        // These stand for bytes that no string can name.
        let found = found.filter(|(name, _)| !name.contains(char::REPLACEMENT_CHARACTER));
        found.map(|(name, node)| (name.clone(), *node))
    }

    /// The directory of this path.
    pub(super) fn walk(&self, path: &[&str]) -> Option<(Inode, Place)> {
        let mut found = (ROOT, Place::Volume);
        for name in path {
            let (_, node) = self.find(found.0, name)?;
            found = (node.inode, found.1.below(name));
        }
        self.names.contains_key(&found.0).then_some(found)
    }

    /// The first path that leads to this file or directory.
    pub(super) fn path_of(&self, inode: Inode) -> Option<Vec<String>> {
        let mut pending = vec![(ROOT, Vec::new())];
        while let Some((found, path)) = pending.pop() {
            if found == inode {
                return Some(path);
            }
            for (name, node) in self.names.get(&found).into_iter().flatten() {
                let mut path = path.clone();
                path.push(name.clone());
                pending.push((node.inode, path));
            }
        }
        None
    }

    pub(super) fn change(&mut self, change: Change) {
        change.apply(&mut self.names);
        self.changes.push(change);
    }

    pub(super) fn add_file(
        &mut self,
        directory: Inode,
        name: &str,
        role: Role,
        mode: u32,
    ) -> Inode {
        let contents = SimContents {
            mode,
            ..SimContents::default()
        };
        let inode = self.add(directory, name, Kind::File, role);
        self.files.insert(inode, contents);
        inode
    }

    pub(super) fn add(&mut self, directory: Inode, name: &str, kind: Kind, role: Role) -> Inode {
        let inode = self.next_inode;
        self.next_inode += 1;
        if kind == Kind::Directory && self.folding.contains(&directory) {
            self.folding.insert(inode);
        }
        let node = Node { inode, kind, role };
        self.change(Change::Add(directory, name.to_owned(), node));
        inode
    }

    pub(super) fn make_durable(&mut self, changes: usize) {
        for change in self.changes.drain(..changes) {
            change.apply(&mut self.durable_names);
        }
    }

    pub(super) fn sync_directory(&mut self, inode: Inode) {
        self.flushes += 1;
        if self.unordered {
            for change in self.take_changes_in(inode) {
                change.apply(&mut self.durable_names);
            }
        } else {
            let last = self.changes.iter().rposition(|change| change.is_in(inode));
            self.make_durable(last.map_or(0, |last| last + 1));
        }
    }

    /// The changes in this directory, and those before them of the same names: what a name
    /// stood for before is never durable after what it stands for later.
    fn take_changes_in(&mut self, directory: Inode) -> Vec<Change> {
        let mut names = HashSet::new();
        let mut is_durable = vec![false; self.changes.len()];
        for (change, is_durable) in self.changes.iter().zip(&mut is_durable).rev() {
            let same_name = change.names().any(|name| names.contains(&name));
            if change.is_in(directory) || same_name {
                *is_durable = true;
                names.extend(change.names());
            }
        }
        let changes = std::mem::take(&mut self.changes);
        let (durable, pending): (Vec<_>, Vec<_>) = changes
            .into_iter()
            .zip(is_durable)
            .partition(|(_, is_durable)| *is_durable);
        self.changes = pending.into_iter().map(|(change, _)| change).collect();
        durable.into_iter().map(|(change, _)| change).collect()
    }

    pub(super) fn names_of(&self, inode: Inode) -> u64 {
        let nodes = self.names.values().flat_map(BTreeMap::values);
        nodes.filter(|node| node.inode == inode).count() as u64
    }
}

/// What names that are one have in common.
fn folded(name: &str) -> String {
    const COMPOSED: [(&str, &str); 5] = [
        ("a\u{308}", "ä"),
        ("e\u{301}", "é"),
        ("n\u{303}", "ñ"),
        ("o\u{308}", "ö"),
        ("u\u{308}", "ü"),
    ];
    let lower = name.to_lowercase();
    let compose = |name: String, (apart, one): (&str, &str)| name.replace(apart, one);
    COMPOSED.into_iter().fold(lower, compose)
}
