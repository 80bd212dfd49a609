//! What recovery may make of the files of a volume.
//!
//! A checksum says that a record is whole, not that it is honest: a program that can write one into
//! the private directory can write into the files themselves. So a whole record is an order, however
//! odd, and what is promised is this:
//!
//! - a file that no whole record names is untouched, whatever else lies in the private directory;
//! - a file that whole records name has what was in it before or what those records make of it,
//!   never anything else;
//! - if the volume opens and what the records say of a path makes sense, it is just that, in the
//!   volume and in the file, whatever other records say of other paths;
//! - a record of which any part makes no sense (a path that no guest may name, a name of a staged
//!   file that the engine does not give, a place beyond all numbers, a length that is not true), or
//!   that a newer version has written, orders nothing: the volume refuses to open.

use crate::left_behind::{FORMAT_TEXTS, LOG_FILES, PRIVATE, log_file};
use crate::record::{self, Commit, Effect, Log};
use crate::scratch::{Entries, Entry};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A file as it may be; `None`: there is none.
pub(crate) type State = Option<Vec<u8>>;

/// With more states than this, a path may have any: odd records about it have been piled up.
const MAX_STATES: usize = 1_000;

pub(crate) struct Promise {
    before: BTreeMap<PathBuf, State>,
    /// What there is of each name that is staged.
    staged: BTreeMap<String, Vec<u8>>,
    /// What the records say of each path, in the order of their numbers.
    effects: BTreeMap<PathBuf, Vec<Effect>>,
    /// Names that more than one effect gives to a path. Only the first gets what is staged.
    shared: BTreeSet<String>,
    /// Whether no two records have the same number.
    is_ordered: bool,
    /// Whether some whole record makes no sense, or the format is not known.
    pub(crate) is_refused: bool,
}

impl Promise {
    /// What the volume promises that is as `entries` say.
    pub(crate) fn of(entries: &Entries) -> Self {
        let before = files(entries).into_iter();
        let mut promise = Self {
            before: before.map(|(path, file)| (path, Some(file))).collect(),
            staged: staged(entries),
            effects: BTreeMap::new(),
            shared: BTreeSet::new(),
            is_ordered: true,
            is_refused: is_of_unknown_format(entries),
        };
        let mut commits = Vec::new();
        for name in LOG_FILES {
            let Some(Entry::File(bytes)) = entries.get(&log_file(name)) else {
                continue;
            };
            let log = Log::read(bytes);
            promise.is_refused |= log.is_newer;
            for payload in &log.payloads {
                match Commit::decode(payload) {
                    Some(commit) => commits.push(commit),
                    None => promise.is_refused = true,
                }
            }
        }
        promise.add(commits);
        promise
    }

    fn add(&mut self, mut commits: Vec<Commit>) {
        commits.retain(|commit| !commit.effects.is_empty());
        commits.sort_by_key(|commit| commit.sequence);
        let mut pairs = commits.iter().zip(commits.iter().skip(1));
        self.is_ordered = pairs.all(|(one, next)| one.sequence < next.sequence);
        let mut named = BTreeSet::new();
        for (path, effect) in commits.into_iter().flat_map(|commit| commit.effects) {
            if let Effect::PutStaged { name, .. } = &effect
                && !named.insert(name.clone())
            {
                self.shared.insert(name.clone());
            }
            self.effects.entry(path.into()).or_default().push(effect);
        }
    }

    /// Checks what the directory holds after an attempt to open it.
    pub(crate) fn check(&self, after: &Entries, is_open: bool) {
        let found = files(after);
        let paths: BTreeSet<&PathBuf> = self.before.keys().chain(found.keys()).collect();
        for path in paths {
            let contents = found.get(path).cloned();
            self.check_one(path, &contents, is_open);
        }
        for path in self.effects.keys().filter(|_| is_open) {
            self.check_one(path, &found.get(path).cloned(), true);
        }
        let others = after.iter().filter(|(path, _)| !path.starts_with(PRIVATE));
        for (path, entry) in others {
            let is_usual = matches!(entry, Entry::File(_) | Entry::Directory);
            assert!(is_usual, "{path:?} is {entry:?}");
        }
    }

    /// Checks that a path is one of what it may be, or what it must be if the volume is open.
    pub(crate) fn check_one(&self, path: &Path, found: &State, is_open: bool) {
        if let (Some(sure), true) = (self.sure(path), is_open) {
            assert!(
                *found == sure,
                "{path:?} is {}, but must be {}",
                show(found),
                show(&sure)
            );
        }
        let Some(possible) = self.possible(path) else {
            return;
        };
        assert!(
            possible.contains(found),
            "{path:?} is {}, but may be one of {:?} (opened: {is_open})",
            show(found),
            possible.iter().map(show).collect::<Vec<_>>()
        );
    }

    /// Whether some record is about this path.
    pub(crate) fn names(&self, path: &Path) -> bool {
        self.effects.contains_key(path)
    }

    /// Whether what the records say of this path, or of one above or beneath it, makes no sense.
    pub(crate) fn is_odd_near(&self, path: &Path) -> bool {
        let mut near = self.effects.keys().filter(|other| is_near(path, other));
        near.any(|other| self.sure(other).is_none())
    }

    pub(crate) fn orders_nothing(&self) -> bool {
        self.effects.is_empty()
    }

    /// Whether all that the records say makes sense.
    pub(crate) fn is_sure(&self) -> bool {
        self.effects.keys().all(|path| self.sure(path).is_some())
    }

    fn before(&self, path: &Path) -> State {
        self.before.get(path).cloned().flatten()
    }

    /// All that a path may be, at any moment and however far recovery comes; `None`: anything.
    fn possible(&self, path: &Path) -> Option<BTreeSet<State>> {
        let before = self.before(path);
        let mut states = BTreeSet::from([before.clone()]);
        for effect in self.effects.get(path).into_iter().flatten() {
            let mut more = BTreeSet::new();
            match effect {
                Effect::Former(_) => {}
                Effect::Remove => drop(more.insert(None)),
                Effect::Put { contents, .. } => drop(more.insert(Some(contents.clone()))),
                Effect::PutStaged { name, bytes, .. } => {
                    let there = [self.staged.get(name).cloned(), before.clone()];
                    for whole in there.into_iter().flatten() {
                        let mut cut = whole.clone();
                        cut.truncate(usize::try_from(*bytes).unwrap_or(usize::MAX));
                        more.extend([Some(whole), Some(cut)]);
                    }
                }
                Effect::Append {
                    offset,
                    more: added,
                    ..
                } => {
                    for state in states.iter().flatten() {
                        more.extend(appended(state, *offset, added).map(Some));
                    }
                }
            }
            states.append(&mut more);
            if states.len() > MAX_STATES {
                return None;
            }
        }
        Some(states)
    }

    /// What a path must be once the volume is open; `None` if that is not for sure.
    pub(crate) fn sure(&self, path: &Path) -> Option<State> {
        let before = self.before(path);
        let Some(effects) = self.effects.get(path) else {
            return Some(before);
        };
        let others = self.before.keys().chain(self.effects.keys());
        let is_alone = others
            .filter(|other| *other != path)
            .all(|other| !is_near(path, other));
        if !self.is_ordered || !is_alone {
            return None;
        }
        let mut state: Option<State> = None;
        let mut appended_from = None;
        for effect in effects {
            state = Some(match effect {
                Effect::Former(_) => continue,
                Effect::Remove => None,
                Effect::Put { contents, .. } => Some(contents.clone()),
                Effect::PutStaged {
                    name, bytes, inode, ..
                } => {
                    let there = self.staged.get(name).or(before.as_ref())?;
                    let is_true = *bytes == there.len() as u64 && *inode == 0;
                    if !is_true || self.shared.contains(name) {
                        return None;
                    }
                    Some(there.clone())
                }
                Effect::Append {
                    offset,
                    fence,
                    continues,
                    inode,
                    more,
                } => {
                    let offset = usize::try_from(*offset).ok()?;
                    let of_log = match (&state, continues) {
                        (Some(Some(file)), 1) if file.len() == offset => Some(file),
                        (None, 0) => None,
                        _ => return None,
                    };
                    let file = of_log.or(before.as_ref())?;
                    if of_log.is_none() {
                        let is_true = offset <= file.len()
                            && record::fence(file, offset) == *fence
                            && *inode == 0;
                        is_true.then_some(())?;
                        appended_from = Some(offset);
                    }
                    Some([&file[..offset], more].concat())
                }
            });
        }
        let state = state?;
        let (Some(from), Some(now), Some(before)) = (appended_from, &state, before) else {
            return Some(state);
        };
        // What another program made of the file stays.
        let mut rest = before[from..].iter().zip(now.get(from..)?);
        let is_ours = before.len() <= now.len() && rest.all(|(was, is)| was == is || *was == 0);
        is_ours.then_some(state)
    }
}

/// What an append may make of a file, if it is for it or not.
fn appended(file: &[u8], offset: u64, more: &[u8]) -> [Vec<u8>; 3] {
    let offset = usize::try_from(offset).map_or(file.len(), |offset| offset.min(file.len()));
    let replaced = [&file[..offset], more].concat();
    let rest = file.get(replaced.len()..).unwrap_or_default();
    let inserted = [&replaced[..], rest].concat();
    [replaced, inserted, [file, more].concat()]
}

/// Whether one of two different paths is beneath the other, or they are the same.
fn is_near(one: &Path, other: &Path) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// What is staged in the directory of the log.
fn staged(entries: &Entries) -> BTreeMap<String, Vec<u8>> {
    let mut staged = BTreeMap::new();
    for (path, entry) in entries {
        if let (Entry::File(contents), Some(name)) = (entry, path.file_name())
            && let Some(name) = name.to_str().filter(|name| *path == log_file(name))
        {
            staged.insert(name.to_owned(), contents.clone());
        }
    }
    staged
}

/// Whether there is a file that should name the format, and does not. A power cut may leave a part
/// of it before there is a log.
fn is_of_unknown_format(entries: &Entries) -> bool {
    let Some(Entry::File(format)) = entries.get(&Path::new(PRIVATE).join("format")) else {
        return false;
    };
    let end = format.iter().rposition(|byte| *byte != 0);
    let found = &format[..end.map_or(0, |end| end + 1)];
    let is_part = FORMAT_TEXTS.iter().any(|text| text.starts_with(found));
    let has_log = LOG_FILES
        .iter()
        .any(|name| entries.contains_key(&log_file(name)));
    !FORMAT_TEXTS.contains(&&format[..]) && (!is_part || has_log)
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
