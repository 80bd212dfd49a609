//! What a volume was told and has answered, and so what it must have.

use super::{Mode, append, checkpoint, commit, delete, file, open, options, read, write};
use ability_storage_engine::{Change, LocalVolume, Outcome, Result, Volume};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The contents of the files that a test has named; `None`: there is no file.
type State = BTreeMap<String, Option<Vec<u8>>>;

/// All states that the answers of a volume allow: one, until an answer is "unconfirmed".
pub struct Ledger {
    states: Vec<State>,
}

/// How often a volume of this process was found usable, for names that are new.
static ROUNDS: AtomicUsize = AtomicUsize::new(0);

impl Ledger {
    /// A volume that has these files.
    pub fn of(files: &[(&str, &str)]) -> Self {
        let entry = |(path, contents): &(&str, &str)| {
            (
                (*path).to_owned(),
                Some((*contents).to_owned().into_bytes()),
            )
        };
        Self {
            states: vec![files.iter().map(entry).collect()],
        }
    }

    /// Commits a batch that may be refused, and checks that the answer is true.
    pub fn attempt(
        &mut self,
        volume: &LocalVolume,
        changes: impl IntoIterator<Item = Change>,
    ) -> Result<()> {
        let changes: Vec<_> = changes.into_iter().collect();
        let what = described(&changes);
        let result = self.attempt_unread(volume, changes);
        self.check(volume, &what);
        result
    }

    /// Commits a batch that may be refused, where the answer cannot be checked yet.
    pub fn attempt_unread(&mut self, volume: &LocalVolume, changes: Vec<Change>) -> Result<()> {
        let what = described(&changes);
        let after: Vec<_> = self.states.iter().map(|s| applied(s, &changes)).collect();
        let names = applied(&State::new(), &changes).into_keys();
        for path in names {
            for state in &mut self.states {
                state.entry(path.clone()).or_insert(None);
            }
        }
        let result = commit(volume, changes);
        match &result {
            Ok(()) => {
                eprintln!("{what}: ok");
                self.states = after;
            }
            Err(error) => {
                eprintln!("{what}: {:?}: {error:?}", error.outcome());
                if error.outcome() == Outcome::Unconfirmed {
                    self.states.extend(after);
                }
            }
        }
        result
    }

    /// Commits a batch that must succeed.
    pub fn acknowledged(
        &mut self,
        volume: &LocalVolume,
        changes: impl IntoIterator<Item = Change>,
    ) {
        if let Err(error) = self.attempt(volume, changes) {
            panic!("refused though nothing is in its way: {error:?}");
        }
    }

    /// Checks that the volume has what it has answered.
    pub fn check(&mut self, volume: &LocalVolume, when: &str) {
        let paths: Vec<_> = self.states.iter().flat_map(State::keys).cloned().collect();
        let found: State = paths
            .into_iter()
            .map(|path| (path.clone(), read(volume, &path)))
            .collect();
        let expected = shown(&self.states);
        self.states.retain(|state| *state == found);
        self.states.dedup();
        assert!(
            !self.states.is_empty(),
            "after {when}: found {}, expected one of {expected}",
            shown(&[found])
        );
    }

    /// Checks that the volume takes changes to paths that have nothing to do with the
    /// trouble, and can list and count its files.
    pub fn check_usable(&mut self, volume: &LocalVolume) {
        let round = ROUNDS.fetch_add(1, Ordering::Relaxed);
        let [new, log, gone, first, second] = ["new/file", "log", "gone", "first", "second/file"]
            .map(|name| format!("available-{round}/{name}"));
        self.acknowledged(volume, [write(&new, "new")]);
        self.acknowledged(volume, [append(&log, "a line\n")]);
        self.acknowledged(volume, [append(&log, "a line\n")]);
        self.acknowledged(volume, [write(&first, "1"), write(&second, "2")]);
        self.acknowledged(volume, [write(&gone, "gone")]);
        self.acknowledged(volume, [delete(&gone)]);
        let files = match volume.list(None) {
            Ok(files) => files,
            Err(error) => panic!("the files are not listed: {error:?}"),
        };
        assert!(files.contains(&file(&new)), "{new} is not listed");
        assert!(!files.contains(&file(&gone)), "{gone} is listed");
        if let Err(error) = volume.usage() {
            panic!("the files are not counted: {error:?}");
        }
    }

    /// Asserts the promise *available* of a volume that had trouble and is open.
    pub fn check_available(&mut self, root: &Path, mode: Mode, volume: LocalVolume) {
        self.check_usable(&volume);
        eprintln!("checkpoint: {:?}", checkpoint(&volume));
        self.check(&volume, "the checkpoint");
        self.check_usable(&volume);
        // Another session, while the first is open.
        let second = open(root, mode);
        self.check(&second, "opening it a second time");
        self.check_usable(&second);
        drop(second);
        self.check(&volume, "the second session");
        drop(volume);
        self.check_opens(root, mode);
    }

    /// Asserts that the closed volume opens in every mode and has all of its files.
    pub fn check_opens(&mut self, root: &Path, mode: Mode) {
        for mode in [mode, mode.other()] {
            let volume = open(root, mode);
            eprintln!("opened again, {mode:?}");
            self.check(&volume, "opening it again");
            self.check_usable(&volume);
        }
        self.check_reads(root, mode);
    }

    /// Asserts that the closed volume opens for reading and has all of its files.
    pub fn check_reads(&mut self, root: &Path, mode: Mode) {
        let reading = options(mode).read_only(true).open(root);
        let reading = reading.expect("opened for reading");
        self.check(&reading, "opening it for reading");
    }
}

/// What the changes make of a state.
fn applied(state: &State, changes: &[Change]) -> State {
    let mut state = state.clone();
    for change in changes {
        let target = change.target().as_str().to_owned();
        let contents = match change {
            Change::Write { contents, .. } => Some(contents.clone()),
            Change::Append { contents, .. } => {
                let mut all = state.get(&target).cloned().flatten().unwrap_or_default();
                all.extend_from_slice(contents);
                Some(all)
            }
            Change::Rename { source, .. } => {
                let moved = state.insert(source.as_str().to_owned(), None);
                moved.flatten()
            }
            Change::Delete { .. } => None,
            other => panic!("a change of an unknown kind: {other:?}"),
        };
        state.insert(target, contents);
    }
    state
}

fn described(changes: &[Change]) -> String {
    let one = |change: &Change| match change {
        Change::Write { path, contents, .. } => format!("write {path} ({} bytes)", contents.len()),
        Change::Append { path, contents, .. } => {
            format!("append {path} ({} bytes)", contents.len())
        }
        Change::Rename { source, target, .. } => format!("rename {source} to {target}"),
        Change::Delete { path, .. } => format!("delete {path}"),
        other => format!("{other:?}"),
    };
    changes.iter().map(one).collect::<Vec<_>>().join(" + ")
}

/// States without the files of [`Ledger::check_usable`], and with long contents cut.
fn shown(states: &[State]) -> String {
    let contents = |contents: &Option<Vec<u8>>| match contents {
        None => "absent".to_owned(),
        Some(bytes) if bytes.len() > 60 => format!("{} bytes", bytes.len()),
        Some(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
    };
    let state = |state: &State| {
        let files = state.iter().filter(|(_, c)| c.is_some());
        let files = files.map(|(path, found)| format!("{path}={}", contents(found)));
        files.collect::<Vec<_>>().join(", ")
    };
    let states: Vec<_> = states.iter().map(state).collect();
    format!("[{}]", states.join(" | "))
}
