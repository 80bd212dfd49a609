//! What a volume should hold after each event, and what it may lose again.

use crate::volume::Tail;
use crate::{Batch, Change, Error, FilePath, Precondition, Result, Step, Version};
use std::collections::{BTreeMap, BTreeSet};

pub(super) type Contents = BTreeMap<String, Vec<u8>>;

/// What the volume holds, and what it may lose again.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) files: Contents,
    /// Changes whose client was killed after they showed and before they were
    /// acknowledged: a power cut may undo each, until something is built on it.
    pub(super) shaky: Vec<Before>,
}

/// What some paths held before a change.
type Before = BTreeMap<String, Option<Vec<u8>>>;

impl Model {
    pub(super) fn was_acknowledged(&mut self, batch: &Batch, after: Contents) {
        let paths = paths_of(batch);
        self.shaky
            .retain(|before| !before.keys().any(|path| paths.contains(path)));
        self.files = after;
    }

    pub(super) fn is_visible(&mut self, after: Contents) {
        let all: BTreeSet<&String> = self.files.keys().chain(after.keys()).collect();
        let changed = all
            .into_iter()
            .filter(|path| self.files.get(*path) != after.get(*path));
        let before: Before = changed
            .map(|path| (path.clone(), self.files.get(path).cloned()))
            .collect();
        if !before.is_empty() {
            self.shaky.push(before);
        }
        self.files = after;
    }

    /// What a power cut may leave of it.
    pub(super) fn after_power_cut(&self) -> Vec<Contents> {
        let mut possible = vec![self.files.clone()];
        for before in self.shaky.iter().rev() {
            for mut files in possible.clone() {
                for (path, contents) in before {
                    match contents {
                        Some(contents) => files.insert(path.clone(), contents.clone()),
                        None => files.remove(path),
                    };
                }
                possible.push(files);
            }
        }
        possible
    }
}

/// Why the model refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Conflict,
    NotFound,
    NotAFile,
}

pub(super) fn expected(model: &Contents, batch: &Batch) -> (Contents, Result<(), Refusal>) {
    let mut after = model.clone();
    for step in batch.steps() {
        if let Err(refusal) = play_step(&mut after, step) {
            return (after, Err(refusal));
        }
    }
    let result = match batch.steps().iter().all(|step| has_place(&after, step)) {
        true => Ok(()),
        false => Err(Refusal::NotAFile),
    };
    (after, result)
}

pub(super) fn play_step(files: &mut Contents, step: &Step) -> Result<(), Refusal> {
    let target = step.change.target().to_string();
    let found = files.get(&target);
    let holds = match &step.precondition {
        Precondition::EndsWith(end) => {
            let tail = found.map(|contents| Tail::of(contents, end.compared_bytes()));
            end.is(tail.as_ref())
        }
        other => other.holds_for(found.map(|contents| Version::of(contents))),
    };
    if !holds {
        return Err(Refusal::Conflict);
    }
    match step.change.clone() {
        Change::Write { contents, .. } => {
            files.insert(target, contents);
        }
        Change::Append { contents, .. } => files.entry(target).or_default().extend(contents),
        Change::Rename { source, .. } => {
            let source = source.to_string();
            let file = files.get(&source).cloned().ok_or(Refusal::NotFound)?;
            let crossing = |one: &str, other: &str| one.starts_with(&format!("{other}/"));
            if crossing(&target, &source) || crossing(&source, &target) {
                return Err(Refusal::NotAFile);
            }
            files.remove(&source);
            files.insert(target, file);
        }
        Change::Delete { .. } => {
            files.remove(&target);
        }
    }
    Ok(())
}

/// Nothing is both a file and a directory.
pub(super) fn has_place(files: &Contents, step: &Step) -> bool {
    let path = step.change.target().as_str();
    !files.contains_key(path)
        || files.keys().all(|other| {
            !other.starts_with(&format!("{path}/")) && !path.starts_with(&format!("{other}/"))
        })
}

pub(super) fn kind_of(error: &Error) -> Option<Refusal> {
    match error {
        Error::Step { source, .. } => kind_of(source),
        Error::Conflict { .. } => Some(Refusal::Conflict),
        Error::NotFound { .. } => Some(Refusal::NotFound),
        Error::NotAFile { .. } => Some(Refusal::NotAFile),
        _ => None,
    }
}

pub(super) fn paths_of(batch: &Batch) -> BTreeSet<String> {
    let steps = batch.steps().iter();
    let paths = steps.flat_map(|step| step.change.paths());
    paths.map(FilePath::to_string).collect()
}
