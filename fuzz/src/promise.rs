//! What recovery may make of the files of a volume.
//!
//! A checksum says that a record is whole, not that it is honest: who can write one into the private
//! directory can write into the files themselves. So a whole record is an order, however odd, and
//! what is promised is this:
//!
//! - a file that no whole record names is untouched, whatever else lies in the private directory;
//! - a file that whole records name has what was in it before or what those records make of it,
//!   never anything else; if the volume opens, they are carried out to the end;
//! - a record of which any part makes no sense (a path that no guest may name, a name of a staged
//!   file that the engine does not give, a place beyond all numbers, a length that is not true)
//!   orders nothing: the volume refuses to open, for it may be the work of a newer version;
//! - files appear only where a record puts them, and only whole ones that were staged.

use crate::left_behind::PRIVATE;
use crate::names::is_allowed;
use crate::record::{self, Action, Append, Record};
use crate::scratch::{Entries, Entry};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A file as it may be; `None`: there is none.
type State = Option<Vec<u8>>;

pub(crate) struct Promise {
    before: BTreeMap<PathBuf, State>,
    /// What batches do to a path.
    by_batches: BTreeMap<PathBuf, Vec<State>>,
    /// The paths at which each staged file is to be put. Only the first gets it.
    puts: BTreeMap<PathBuf, Vec<PathBuf>>,
    /// For each path the journals that have appends to it.
    by_appends: BTreeMap<PathBuf, Vec<Vec<Append>>>,
    /// Whether some whole record makes no sense.
    pub(crate) is_refused: bool,
}

impl Promise {
    /// What the volume promises that is as `entries` say.
    pub(crate) fn of(entries: &Entries) -> Self {
        let mut promise = Self {
            before: files(entries)
                .into_iter()
                .map(|(path, contents)| (path, Some(contents)))
                .collect(),
            by_batches: BTreeMap::new(),
            puts: BTreeMap::new(),
            by_appends: BTreeMap::new(),
            is_refused: false,
        };
        for (path, entry) in entries {
            let (Entry::File(bytes), Some(directory)) = (entry, path.parent()) else {
                continue;
            };
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(name) = name else { continue };
            let (records, _) = record::journal(bytes);
            if directory == Path::new(PRIVATE).join("journals") {
                promise.add_appends(&records);
            } else if directory.parent() == Some(&Path::new(PRIVATE).join("sessions"))
                && directory.to_str().is_some()
                && name.starts_with("journal-")
            {
                promise.add_scripts(&records, directory, entries);
            }
        }
        promise
    }

    fn add_appends(&mut self, records: &[Record]) {
        let mut appends: BTreeMap<PathBuf, Vec<Append>> = BTreeMap::new();
        for record in records {
            match Append::decode(&record.payload).filter(|append| is_allowed(&append.path)) {
                Some(append) => appends
                    .entry(append.path.clone().into())
                    .or_default()
                    .push(append),
                None => self.is_refused = true,
            }
        }
        for (path, appends) in appends {
            self.by_appends.entry(path).or_default().push(appends);
        }
    }

    fn add_scripts(&mut self, records: &[Record], session: &Path, entries: &Entries) {
        for record in records {
            let script = record::decode_script(&record.payload);
            let is_sound = |actions: &Vec<Action>| {
                actions.iter().all(|action| match action {
                    Action::Remove(path) | Action::Put { path, .. } => is_allowed(path),
                })
            };
            let Some(actions) = script.filter(is_sound) else {
                self.is_refused = true;
                continue;
            };
            for action in actions {
                if let Action::Put { staged, path } = &action {
                    let puts = self.puts.entry(session.join(staged));
                    puts.or_default().push(path.into());
                }
                let (path, state) = match action {
                    Action::Remove(path) => (path, None),
                    Action::Put { staged, path } => match entries.get(&session.join(staged)) {
                        Some(Entry::File(contents)) => (path, Some(contents.clone())),
                        // Put already.
                        None => {
                            let there = self.before.get(Path::new(&path)).cloned();
                            (path, there.flatten())
                        }
                        Some(_) => {
                            self.is_refused = true;
                            continue;
                        }
                    },
                };
                self.by_batches.entry(path.into()).or_default().push(state);
            }
        }
    }

    /// Checks what the directory holds after an attempt to open it.
    pub(crate) fn check(&self, after: &Entries, is_open: bool) {
        let found = files(after);
        let paths: BTreeSet<&PathBuf> = self.before.keys().chain(found.keys()).collect();
        for path in paths {
            let contents = found.get(path).cloned();
            let allowed = self.allowed(path, is_open);
            assert!(
                allowed.contains(&contents),
                "{path:?} is {}, but may be one of {:?} (opened: {is_open})",
                show(&contents),
                allowed.iter().map(show).collect::<Vec<_>>()
            );
        }
        let others = after.iter().filter(|(path, _)| !path.starts_with(PRIVATE));
        for (path, entry) in others {
            let is_usual = matches!(entry, Entry::File(_) | Entry::Directory);
            assert!(is_usual, "{path:?} is {entry:?}");
        }
    }

    fn allowed(&self, path: &PathBuf, is_open: bool) -> Vec<State> {
        let mut states = vec![self.before.get(path).cloned().flatten()];
        if let Some(batches) = self.by_batches.get(path) {
            // With several that name it, their order decides.
            let mut puts = self.puts.values();
            let is_shared = puts.any(|paths| paths.len() > 1 && paths.contains(path));
            let is_sure = is_open && batches.len() == 1 && !is_shared;
            if is_sure {
                states.clear();
            }
            states.extend(batches.iter().cloned());
        }
        let journals = self.by_appends.get(path).map_or(&[][..], Vec::as_slice);
        if let (true, [journal]) = (is_open, journals) {
            for state in states.iter_mut().flatten() {
                journal.iter().for_each(|append| append.apply(state));
            }
            return states;
        }
        // In any order of the journals, and perhaps not to the end.
        for _ in 0..journals.len() {
            for journal in journals {
                for mut state in states.clone() {
                    for append in journal {
                        if let Some(contents) = &mut state {
                            append.apply(contents);
                        }
                        if !states.contains(&state) {
                            states.push(state.clone());
                        }
                    }
                }
            }
        }
        states
    }

    pub(crate) fn has_batches(&self) -> bool {
        !self.by_batches.is_empty()
    }

    /// Whether some record is about this path.
    pub(crate) fn names(&self, path: &Path) -> bool {
        self.by_batches.contains_key(path) || self.by_appends.contains_key(path)
    }
}

/// The files of the volume itself.
pub(crate) fn files(entries: &Entries) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for (path, entry) in entries {
        if let Entry::File(contents) = entry
            && !path.starts_with(PRIVATE)
        {
            files.insert(path.clone(), contents.clone());
        }
    }
    files
}

fn show(state: &State) -> String {
    match state {
        None => "absent".to_owned(),
        Some(contents) => format!(
            "{} bytes, {:.80?}",
            contents.len(),
            String::from_utf8_lossy(contents)
        ),
    }
}
