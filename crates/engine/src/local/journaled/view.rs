//! The view: what the records of the journal make of the volume, as long as it is
//! not known to be in the files themselves.
//!
//! It holds every path that a live record names, and must follow the records in
//! their order. Nothing here touches the disk.

use super::super::unchanged::Wanted;
use super::effects::{Contents, Effect, Extension, Put, Record};
use super::parts::Parts;
use crate::{FilePath, Version};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::SystemTime;

/// Which of the two logs.
pub(super) type Which = usize;

#[derive(Default)]
pub(super) struct View {
    entries: HashMap<FilePath, Arc<Entry>>,
    /// How many files are shown in each directory, at any depth.
    files_in: InDirectories,
    /// The same of all entries.
    entries_in: InDirectories,
    /// What each log has records about.
    touched: [HashSet<FilePath>; 2],
    /// Counts how often entries were given up, so that who looked twice can tell.
    settlings: u64,
}

/// How many there are of something in each directory, at any depth.
#[derive(Default)]
struct InDirectories(HashMap<FilePath, usize>);

impl InDirectories {
    fn is_any_in(&self, directory: &FilePath) -> bool {
        self.0.contains_key(directory)
    }

    /// Whether there is one at `path`, before and now.
    fn change(&mut self, path: &FilePath, before: bool, now: bool) {
        if before == now {
            return;
        }
        for directory in path.ancestors() {
            let number = self.0.entry(directory.clone()).or_default();
            if now {
                *number += 1;
            } else {
                *number -= 1;
                if *number == 0 {
                    self.0.remove(&directory);
                }
            }
        }
    }
}

/// What has become of a path.
pub(super) struct Entry {
    which: Which,
    /// The number of the record that says so.
    pub(super) sequence: u64,
    /// `None`: there is no file.
    pub(super) file: Option<File>,
}

impl Entry {
    /// Whether it is a file of what is wanted, which is of this version.
    pub(super) fn is(&self, wanted: &Wanted<'_>, version: Version) -> bool {
        let file = self.file.as_ref();
        file.is_some_and(|file| file.is(wanted, version))
    }
}

/// A file whose contents are, in this order: a beginning that is in a file on the
/// disk, if there is one, and parts that the journal holds.
pub(super) struct File {
    pub(super) beginning: Option<Beginning>,
    parts: Parts,
    pub(super) bytes: u64,
    pub(super) modified: SystemTime,
    pub(super) mode: Option<u32>,
    /// Where it is known.
    pub(super) version: Option<Version>,
}

/// The first bytes of a file, which are on the disk.
#[derive(Clone)]
pub(super) struct Beginning {
    /// The name that the file is staged under; `None` for what is at the path
    /// itself. One that is not staged any more is at the path.
    pub(super) staged: Option<String>,
    pub(super) bytes: u64,
    /// Stands for the end of it, once there are parts behind it.
    pub(super) fence: Option<[u8; 32]>,
}

impl File {
    pub(super) fn parts(&self) -> Vec<Arc<[u8]>> {
        self.parts.all()
    }

    pub(super) fn has_parts(&self) -> bool {
        !self.parts.is_empty()
    }

    fn is(&self, wanted: &Wanted<'_>, version: Version) -> bool {
        if self.version.is_some() {
            return self.version == Some(version);
        }
        match wanted {
            Wanted::Bytes(bytes) if self.beginning.is_none() => self.has_just(bytes),
            _ => false,
        }
    }

    /// Whether its parts are these bytes.
    fn has_just(&self, mut bytes: &[u8]) -> bool {
        let same = self.parts().iter().all(|part| {
            let rest = bytes.strip_prefix(&**part);
            bytes = rest.unwrap_or_default();
            rest.is_some()
        });
        same && bytes.is_empty()
    }

    /// All parts as one.
    pub(super) fn joined_parts(&self) -> Vec<u8> {
        self.parts().concat()
    }

    fn put(put: Put) -> Self {
        let bytes = put.contents.bytes();
        let (beginning, parts) = match put.contents {
            Contents::Inline(contents) => (None, Parts::of(contents)),
            Contents::Staged { name, bytes } => {
                let staged = Some(name);
                let beginning = Beginning {
                    staged,
                    bytes,
                    fence: None,
                };
                (Some(beginning), Parts::default())
            }
        };
        Self {
            beginning,
            parts,
            bytes,
            modified: put.modified,
            mode: put.mode,
            version: put.version,
        }
    }

    /// What is in the volume, and more.
    fn grown(before: Option<&File>, extension: Extension, time: SystemTime) -> Self {
        let Extension {
            offset,
            fence,
            more,
        } = extension;
        let bytes = offset + more.len() as u64;
        let (beginning, parts, mode) = match before {
            Some(file) => {
                let mut beginning = file.beginning.clone();
                if let (Some(beginning), false) = (&mut beginning, file.has_parts()) {
                    beginning.fence = Some(fence);
                }
                (beginning, file.parts.and(more), file.mode)
            }
            None => {
                let beginning = Beginning {
                    staged: None,
                    bytes: offset,
                    fence: Some(fence),
                };
                (Some(beginning), Parts::of(more), None)
            }
        };
        Self {
            beginning,
            parts,
            bytes,
            modified: time,
            mode,
            version: None,
        }
    }
}

impl View {
    pub(super) fn get(&self, path: &FilePath) -> Option<Arc<Entry>> {
        self.entries.get(path).cloned()
    }

    pub(super) fn settlings(&self) -> u64 {
        self.settlings
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&FilePath, &Arc<Entry>)> {
        self.entries.iter()
    }

    /// What a log has records about, as it is now; and what has to go to make room for
    /// that, for files and directories can take each other's place.
    pub(super) fn touched(&self, which: Which) -> HashMap<FilePath, Arc<Entry>> {
        let mut touched = HashMap::new();
        let is_gone = |entry: &Arc<Entry>| entry.file.is_none();
        for path in &self.touched[which] {
            let Some(entry) = self.get(path) else {
                continue;
            };
            if entry.file.is_some() {
                let above = path.ancestors().filter_map(|path| {
                    let entry = self.get(&path)?;
                    Some((path, entry))
                });
                touched.extend(above.filter(|(_, entry)| is_gone(entry)));
                if self.entries_in.is_any_in(path) {
                    let beneath = self.entries.iter();
                    let beneath = beneath.filter(|(other, _)| other.is_under(path));
                    touched.extend(beneath.map(|(path, entry)| (path.clone(), entry.clone())));
                }
            }
            touched.insert(path.clone(), entry);
        }
        touched
    }

    /// Whether there are files in this directory.
    pub(super) fn has_files_in(&self, directory: &FilePath) -> bool {
        self.files_in.is_any_in(directory)
    }

    pub(super) fn apply(&mut self, which: Which, record: Record) {
        let Record {
            sequence,
            time,
            effects,
        } = record;
        for (path, effect) in effects {
            let file = match effect {
                Effect::Remove => None,
                Effect::Put(put) => Some(File::put(put)),
                Effect::Append(extension) => {
                    let before = self.entries.get(&path);
                    let before = before.and_then(|entry| entry.file.as_ref());
                    let before = before.filter(|file| file.bytes == extension.offset);
                    Some(File::grown(before, extension, time))
                }
            };
            self.touched[which].insert(path.clone());
            let entry = Entry {
                which,
                sequence,
                file,
            };
            self.set(path, Some(Arc::new(entry)));
        }
    }

    /// What this log has records about is in the files now.
    pub(super) fn settled(&mut self, which: Which) {
        let touched = std::mem::take(&mut self.touched[which]);
        if touched.is_empty() {
            return;
        }
        for path in touched {
            if self
                .entries
                .get(&path)
                .is_some_and(|entry| entry.which == which)
            {
                self.set(path, None);
            }
        }
        self.settlings += 1;
    }

    /// Forgets all, to be told all anew.
    pub(super) fn forget(&mut self) {
        *self = Self {
            settlings: self.settlings + 1,
            ..Self::default()
        };
    }

    fn set(&mut self, path: FilePath, entry: Option<Arc<Entry>>) {
        let is_file = |entry: &Option<Arc<Entry>>| {
            let entry = entry.as_ref();
            entry.is_some_and(|entry| entry.file.is_some())
        };
        let (is_there, shows_file) = (entry.is_some(), is_file(&entry));
        let before = match entry {
            Some(entry) => self.entries.insert(path.clone(), entry),
            None => self.entries.remove(&path),
        };
        self.entries_in.change(&path, before.is_some(), is_there);
        self.files_in.change(&path, is_file(&before), shows_file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> FilePath {
        FilePath::new(text).expect("valid")
    }

    fn put(contents: &[u8]) -> Effect {
        Effect::Put(Put {
            contents: Contents::Inline(contents.into()),
            mode: None,
            modified: SystemTime::UNIX_EPOCH,
            version: None,
        })
    }

    fn append(offset: u64, more: &[u8]) -> Effect {
        Effect::Append(Extension {
            offset,
            fence: [0; 32],
            more: more.into(),
        })
    }

    fn record(sequence: u64, effects: Vec<(FilePath, Effect)>) -> Record {
        Record {
            sequence,
            time: SystemTime::UNIX_EPOCH,
            effects,
        }
    }

    fn contents(view: &View, at: &str) -> Option<Vec<u8>> {
        let entry = view.get(&path(at))?;
        entry.file.as_ref().map(File::joined_parts)
    }

    #[test]
    fn the_last_record_about_a_path_counts() {
        let mut view = View::default();
        view.apply(0, record(1, vec![(path("a"), put(b"one"))]));
        view.apply(0, record(2, vec![(path("a"), append(3, b"+two"))]));
        assert_eq!(contents(&view, "a"), Some(b"one+two".to_vec()));
        view.apply(1, record(3, vec![(path("a"), Effect::Remove)]));
        assert_eq!(contents(&view, "a"), None);
        view.settled(0);
        assert!(view.get(&path("a")).is_some(), "it is still in the other");
        view.settled(1);
        assert!(view.is_empty());
    }

    #[test]
    fn an_older_version_keeps_its_length() {
        let mut view = View::default();
        view.apply(0, record(1, vec![(path("a"), put(b"one"))]));
        let before = view.get(&path("a")).expect("there");
        view.apply(0, record(2, vec![(path("a"), append(3, b"+two"))]));
        view.apply(0, record(3, vec![(path("a"), append(7, b"+three"))]));
        let file = before.file.as_ref().expect("a file");
        assert_eq!((file.joined_parts(), file.bytes), (b"one".to_vec(), 3));
    }

    #[test]
    fn what_takes_the_place_of_another_is_settled_with_it() {
        let mut view = View::default();
        view.apply(0, record(1, vec![(path("a"), put(b"1"))]));
        view.apply(0, record(2, vec![(path("b/c"), put(b"2"))]));
        view.apply(1, record(3, vec![(path("a/below"), Effect::Remove)]));
        view.apply(1, record(4, vec![(path("b"), Effect::Remove)]));
        view.apply(1, record(5, vec![(path("other"), put(b"3"))]));
        let mut touched: Vec<_> = view.touched(0).into_keys().collect();
        touched.sort_unstable();
        assert_eq!(
            touched,
            [path("a"), path("a/below"), path("b"), path("b/c")]
        );
    }

    #[test]
    fn directories_know_whether_files_are_in_them() {
        let mut view = View::default();
        view.apply(0, record(1, vec![(path("a/b/c"), put(b"1"))]));
        view.apply(0, record(2, vec![(path("a/b/c"), put(b"2"))]));
        assert!(view.has_files_in(&path("a")) && view.has_files_in(&path("a/b")));
        view.apply(0, record(3, vec![(path("a/b/c"), Effect::Remove)]));
        assert!(!view.has_files_in(&path("a")) && !view.has_files_in(&path("a/b")));
    }
}
