//! The pending state: what the records of the log make of the volume, as long as it is
//! not known to be in the files themselves.
//!
//! It holds every path that a live record names, and must follow the records in
//! their order. Nothing here touches the disk.

use super::directory_counts::DirectoryCounts;
use super::disk_space::file_bytes;
use super::entry::Entry;
use super::former_file::FormerFiles;
use super::lag::Lag;
use super::log_file::LogSlot;
use super::pending_file::File;
use super::record::{Effect, Record};
use crate::FilePath;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

#[derive(Default)]
pub(super) struct Pending {
    entries: HashMap<FilePath, Arc<Entry>>,
    /// How many files are shown in each directory, at any depth.
    files_in: DirectoryCounts,
    /// The same of all entries.
    entries_in: DirectoryCounts,
    /// What each file of the log has records about.
    touched: [HashSet<FilePath>; 2],
    /// Staged contents that only records of each file of the log name, which do not count
    /// any more.
    superseded: [Vec<String>; 2],
    /// How many bytes the files of the volume may take for the records of each file of the
    /// log.
    unpublished_bytes: [u64; 2],
    /// The same of all records that there ever were.
    all_bytes: u64,
    /// What the records of each file of the log come to.
    lag: [Lag; 2],
    /// Counts how often entries were given up, so that a reader that looked twice can
    /// tell.
    given_up: u64,
    /// Counts how often records may have been written and given up unseen.
    gaps: u64,
    /// How many readers are looking at all files.
    looks: usize,
    /// What was given up while they did, and whether it was a file.
    given_up_in_looks: BTreeMap<FilePath, bool>,
    /// What was at the paths before.
    pub(super) former_files: FormerFiles,
}

impl Pending {
    pub(super) fn get(&self, path: &FilePath) -> Option<Arc<Entry>> {
        self.entries.get(path).cloned()
    }

    /// How often entries were given up.
    pub(super) fn given_up(&self) -> u64 {
        self.given_up
    }

    /// How often records may have been missed.
    pub(super) fn gaps(&self) -> u64 {
        self.gaps
    }

    /// Readers that look at all files look again: what was given up unseen is in the files,
    /// and the last that is known of it may be older.
    pub(super) fn count_gap(&mut self) {
        self.gaps += 1;
        self.given_up_in_looks.clear();
    }

    /// How many bytes the files of the volume may take for what the log has, at most.
    pub(super) fn unpublished_bytes(&self) -> u64 {
        self.unpublished_bytes.iter().sum()
    }

    /// The same of all that the log ever had: it only grows.
    pub(super) fn all_bytes(&self) -> u64 {
        self.all_bytes
    }

    /// What the records of both files come to.
    pub(super) fn lag(&self) -> Lag {
        let [one, other] = self.lag;
        Lag {
            records: one.records + other.records,
            bytes: one.bytes + other.bytes,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&FilePath, &Arc<Entry>)> {
        self.entries.iter()
    }

    /// From now on, until [`end_look`](Self::end_look), what is given up is kept for
    /// a reader that looks at all files.
    pub(super) fn begin_look(&mut self) {
        self.looks += 1;
    }

    /// What was given up since any reader began to look.
    pub(super) fn given_up_in_looks(&self) -> &BTreeMap<FilePath, bool> {
        &self.given_up_in_looks
    }

    pub(super) fn end_look(&mut self) {
        self.looks = self.looks.saturating_sub(1);
        if self.looks == 0 {
            self.given_up_in_looks.clear();
        }
    }

    /// Whether no record of this file of the log counts.
    pub(super) fn is_untouched(&self, which: LogSlot) -> bool {
        self.touched[which].is_empty()
    }

    /// The paths that a file of the log has records about; and those that have to go to
    /// make room for them, for files and directories can take each other's place.
    pub(super) fn touched(&self, which: LogSlot) -> HashSet<FilePath> {
        let mut touched = HashSet::new();
        let is_gone = |path: &FilePath| {
            let entry = self.entries.get(path);
            entry.is_some_and(|entry| entry.file.is_none())
        };
        for path in &self.touched[which] {
            let Some(entry) = self.entries.get(path) else {
                continue;
            };
            if entry.file.is_some() {
                touched.extend(path.ancestors().filter(is_gone));
                if self.entries_in.is_any_in(path) {
                    let beneath = self.entries.keys().filter(|other| other.is_under(path));
                    touched.extend(beneath.cloned());
                }
            }
            touched.insert(path.clone());
        }
        touched
    }

    /// The path of a file that is staged, or was, and is that of this inode; and the name that
    /// it is staged by.
    pub(super) fn staged_file(&self, inode: u64) -> Option<(FilePath, String)> {
        let mut entries = self.entries.iter().filter(|_| inode != 0);
        entries.find_map(|(path, entry)| {
            let beginning = entry.file.as_ref()?.beginning.as_ref()?;
            let name = beginning.staged.as_ref()?;
            (beginning.inode == inode).then(|| (path.clone(), name.clone()))
        })
    }

    /// Whether there are files in this directory.
    pub(super) fn has_files_in(&self, directory: &FilePath) -> bool {
        self.files_in.is_any_in(directory)
    }

    /// Whether there are entries in this directory.
    pub(super) fn has_entries_in(&self, directory: &FilePath) -> bool {
        self.entries_in.is_any_in(directory)
    }

    /// Whether there is an entry for this path, or for what is above or beneath it.
    pub(super) fn governs(&self, path: &FilePath) -> bool {
        let is_entry = |path: &FilePath| self.entries.contains_key(path);
        !self.entries.is_empty()
            && (is_entry(path)
                || self.has_entries_in(path)
                || path.ancestors().any(|ancestor| is_entry(&ancestor)))
    }

    pub(super) fn apply(&mut self, which: LogSlot, record: Record) {
        self.lag[which].add(&record);
        let Record {
            sequence,
            session,
            publication,
            time,
            effects,
        } = record;
        let bytes = file_bytes(&effects);
        self.unpublished_bytes[which] += bytes;
        self.all_bytes += bytes;
        for (path, effect) in effects {
            let file = match effect {
                Effect::Former(file) => {
                    self.former_files.add(&path, which, file);
                    continue;
                }
                Effect::Remove => None,
                Effect::Put(put) => Some(File::put(put, which)),
                Effect::Append(append) => {
                    let before = self.entries.get(&path);
                    let is_published = before.is_some_and(|entry| entry.is_published());
                    let before = before.and_then(|entry| entry.file.as_ref());
                    let before =
                        before.filter(|file| append.continues && file.bytes == append.offset);
                    Some(File::grown(before, is_published, append, time, which))
                }
            };
            self.touched[which].insert(path.clone());
            let entry = Entry {
                which,
                sequence,
                session,
                publication,
                time,
                file,
                published: AtomicU64::new(0),
            };
            self.set(path, Some(Arc::new(entry)));
        }
    }

    /// Applies a record that says once more what some paths have.
    pub(super) fn carry_over(&mut self, which: LogSlot, record: Record) {
        let paths = record.effects.iter().map(|(path, _)| path);
        let is_published = |path: &&FilePath| self.get(path).is_some_and(|e| e.is_published());
        let published: Vec<FilePath> = paths.filter(is_published).cloned().collect();
        self.apply(which, record);
        for path in published {
            if let Some(entry) = self.entries.get(&path) {
                entry.set_published(true);
            }
        }
    }

    /// What this file of the log has records about is in the files of the volume, or in
    /// the other one. Returns the names of staged contents that no record names any more;
    /// some may have become files of the volume.
    pub(super) fn give_up(&mut self, which: LogSlot) -> Vec<String> {
        for path in std::mem::take(&mut self.touched[which]) {
            self.former_files.give_up(&path, which);
            let Some(entry) = self.entries.get(&path) else {
                continue;
            };
            if entry.which != which {
                if let Some(rebased) = entry.without(which) {
                    self.set(path, Some(Arc::new(rebased)));
                }
                continue;
            }
            let is_file = entry.file.is_some();
            if self.looks > 0 {
                self.given_up_in_looks.insert(path.clone(), is_file);
            }
            self.set(path, None);
        }
        self.given_up += 1;
        self.unpublished_bytes[which] = 0;
        self.lag[which] = Lag::default();
        let mut superseded = std::mem::take(&mut self.superseded[which]);
        if !superseded.is_empty() {
            // A record that was written once more may name them again.
            let entries = self.entries.values();
            let named: HashSet<&str> = entries.filter_map(|entry| Some(entry.blob()?.0)).collect();
            superseded.retain(|name| !named.contains(&**name));
        }
        superseded
    }

    /// Forgets all, to be told all again.
    pub(super) fn forget(&mut self) {
        *self = Self {
            given_up: self.given_up + 1,
            gaps: self.gaps + 1,
            looks: self.looks,
            all_bytes: self.all_bytes,
            ..Self::default()
        };
    }

    fn set(&mut self, path: FilePath, entry: Option<Arc<Entry>>) {
        let is_file = |entry: &Option<Arc<Entry>>| {
            let entry = entry.as_ref();
            entry.is_some_and(|entry| entry.file.is_some())
        };
        let (is_there, shows_file) = (entry.is_some(), is_file(&entry));
        if let Some(before) = self.entries.get(&path)
            && let Some((name, which)) = before.blob()
            && entry
                .as_ref()
                .and_then(|entry| entry.blob())
                .is_none_or(|(now, _)| now != name)
        {
            self.superseded[which].push(name.to_owned());
        }
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
    use super::super::record::{Append, Contents, Publication, Put};
    use super::*;
    use std::time::SystemTime;

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
        Effect::Append(Append {
            offset,
            fence: [0; 32],
            continues: true,
            inode: 0,
            more: more.into(),
        })
    }

    fn record(sequence: u64, effects: Vec<(FilePath, Effect)>) -> Record {
        Record {
            sequence,
            session: 1,
            publication: Publication::Deferred,
            time: SystemTime::UNIX_EPOCH,
            effects,
        }
    }

    fn contents(pending: &Pending, at: &str) -> Option<Vec<u8>> {
        let entry = pending.get(&path(at))?;
        entry.file.as_ref().map(File::joined_chunks)
    }

    #[test]
    fn the_last_record_about_a_path_counts() {
        let mut pending = Pending::default();
        pending.apply(0, record(1, vec![(path("a"), put(b"one"))]));
        pending.apply(0, record(2, vec![(path("a"), append(3, b"+two"))]));
        assert_eq!(contents(&pending, "a"), Some(b"one+two".to_vec()));
        pending.apply(1, record(3, vec![(path("a"), Effect::Remove)]));
        assert_eq!(contents(&pending, "a"), None);
        pending.give_up(0);
        assert!(
            pending.get(&path("a")).is_some(),
            "it is still in the other"
        );
        pending.give_up(1);
        assert!(pending.is_empty());
    }

    #[test]
    fn what_was_given_up_unseen_is_not_held_against_the_files() {
        let mut pending = Pending::default();
        pending.begin_look();
        pending.apply(0, record(1, vec![(path("a"), Effect::Remove)]));
        pending.give_up(0);
        assert_eq!(pending.given_up_in_looks().len(), 1);
        // A record that was not seen may have made the file again.
        pending.count_gap();
        assert!(pending.given_up_in_looks().is_empty());
        pending.apply(0, record(9, vec![(path("a"), Effect::Remove)]));
        pending.give_up(0);
        pending.forget();
        assert!(pending.given_up_in_looks().is_empty());
    }

    #[test]
    fn an_older_version_keeps_its_length() {
        let mut pending = Pending::default();
        pending.apply(0, record(1, vec![(path("a"), put(b"one"))]));
        let before = pending.get(&path("a")).expect("there");
        pending.apply(0, record(2, vec![(path("a"), append(3, b"+two"))]));
        pending.apply(0, record(3, vec![(path("a"), append(7, b"+three"))]));
        let file = before.file.as_ref().expect("a file");
        assert_eq!((file.joined_chunks(), file.bytes), (b"one".to_vec(), 3));
    }

    #[test]
    fn files_and_directories_that_swap_places_are_checkpointed_together() {
        let mut pending = Pending::default();
        pending.apply(0, record(1, vec![(path("a"), put(b"1"))]));
        pending.apply(0, record(2, vec![(path("b/c"), put(b"2"))]));
        pending.apply(1, record(3, vec![(path("a/below"), Effect::Remove)]));
        pending.apply(1, record(4, vec![(path("b"), Effect::Remove)]));
        pending.apply(1, record(5, vec![(path("other"), put(b"3"))]));
        let mut touched: Vec<_> = pending.touched(0).into_iter().collect();
        touched.sort_unstable();
        assert_eq!(
            touched,
            [path("a"), path("a/below"), path("b"), path("b/c")]
        );
    }

    #[test]
    fn directories_know_whether_files_are_in_them() {
        let mut pending = Pending::default();
        pending.apply(0, record(1, vec![(path("a/b/c"), put(b"1"))]));
        pending.apply(0, record(2, vec![(path("a/b/c"), put(b"2"))]));
        assert!(pending.has_files_in(&path("a")) && pending.has_files_in(&path("a/b")));
        pending.apply(0, record(3, vec![(path("a/b/c"), Effect::Remove)]));
        assert!(!pending.has_files_in(&path("a")) && !pending.has_files_in(&path("a/b")));
    }
}
