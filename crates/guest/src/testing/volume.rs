//! A volume in memory: one of the two places of a storage for tests.
//!
//! It does what the engine's volume in memory does. A change is played on a copy, which
//! replaces the files as a whole; so a step that fails leaves nothing.

use super::Limits;
use super::paths::{broken_rule, is_under};
use crate::bindings::batch::{Change, Failure, Step};
use crate::bindings::storage::FileEnd;
use crate::bindings::types::{Datetime, Error, FileInfo, Precondition};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const TEXT_ENDINGS: [&str; 8] = [
    ".txt", ".csv", ".json", ".md", ".log", ".yaml", ".yml", ".count",
];
const MAX_BATCH_STEPS: usize = 10_000;

/// A token for all contents that were seen: the same for the same contents.
#[derive(Default)]
pub(super) struct Versions(HashMap<Vec<u8>, usize>);

impl Versions {
    pub(super) fn of(&mut self, contents: &[u8]) -> String {
        let next = self.0.len();
        let number = match self.0.get(contents) {
            Some(number) => *number,
            None => *self.0.entry(contents.to_vec()).or_insert(next),
        };
        format!("memory-{number}")
    }
}

#[derive(Clone)]
struct File {
    contents: Arc<Vec<u8>>,
    modified: SystemTime,
}

impl File {
    fn now(contents: Vec<u8>) -> Self {
        Self {
            contents: Arc::new(contents),
            modified: SystemTime::now(),
        }
    }
}

type Files = BTreeMap<String, File>;

#[derive(Default)]
pub(super) struct Volume {
    files: Files,
}

impl Volume {
    pub(super) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let copied = |(path, file): (&String, &File)| (path.clone(), file.contents.to_vec());
        self.files.iter().map(copied).collect()
    }

    pub(super) fn exists(&self, path: &str) -> Result<bool, Error> {
        check_rules(path)?;
        Ok(self.files.contains_key(path))
    }

    pub(super) fn find(&self, path: &str) -> Result<Arc<Vec<u8>>, Error> {
        self.file(path).map(|file| file.contents.clone())
    }

    /// Whether the file at `path` ends so; none ends as an empty one does.
    pub(super) fn ends_with(&self, path: &str, end: &FileEnd) -> bool {
        let contents = self.files.get(path).map(|file| file.contents.as_slice());
        let contents = contents.unwrap_or_default();
        contents.len() as u64 == end.size && contents.ends_with(&end.last_bytes)
    }

    pub(super) fn contents(&self, path: &str, limits: &Limits) -> Result<Vec<u8>, Error> {
        let contents = self.find(path)?;
        check_value(contents.len(), limits)?;
        Ok(contents.to_vec())
    }

    pub(super) fn stat(&self, path: &str) -> Result<FileInfo, Error> {
        let file = self.file(path)?;
        let since_1970 = file.modified.duration_since(SystemTime::UNIX_EPOCH);
        let since_1970 = since_1970.unwrap_or(Duration::ZERO);
        Ok(FileInfo {
            size: file.contents.len() as u64,
            modified: Datetime {
                seconds: since_1970.as_secs(),
                nanoseconds: since_1970.subsec_nanos(),
            },
        })
    }

    pub(super) fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        // A lone slash stays, to be refused as what it is.
        let directory = match prefix.strip_suffix('/') {
            Some(directory) if !directory.is_empty() => directory,
            _ => prefix,
        };
        if !prefix.is_empty() {
            check_rules(directory)?;
        }
        let is_listed = |path: &&String| prefix.is_empty() || is_under(path, directory);
        Ok(self.files.keys().filter(is_listed).cloned().collect())
    }

    /// Makes all changes, or none. `in_pieces`: no call carried their contents.
    pub(super) fn commit(
        &mut self,
        steps: &[Step],
        in_pieces: bool,
        limits: &Limits,
        versions: &mut Versions,
    ) -> Result<Vec<Option<String>>, Failure> {
        check_batch(steps, in_pieces, limits)?;
        let mut after = self.files.clone();
        let mut deciders = BTreeMap::new();
        let mut written = Vec::with_capacity(steps.len());
        for (index, step) in steps.iter().enumerate() {
            let version = play(&mut after, step, limits, versions);
            written.push(version.map_err(blaming(index))?);
            deciders.insert(target_of(&step.change), index);
        }
        for (path, index) in deciders {
            if after.contains_key(path) {
                check_place(&after, path).map_err(blaming(index))?;
                self.check_usage(path, &after, limits)
                    .map_err(blaming(index))?;
            }
        }
        self.files = after;
        Ok(written)
    }

    fn file(&self, path: &str) -> Result<&File, Error> {
        check_rules(path)?;
        self.files.get(path).ok_or(Error::NotFound)
    }

    fn check_usage(&self, path: &str, after: &Files, limits: &Limits) -> Result<(), Error> {
        let exceeded = |what| {
            Err(Error::QuotaExceeded(format!(
                "{path} was not changed: {what}"
            )))
        };
        let total = total_bytes(after);
        if total > limits.max_total_bytes && total > total_bytes(&self.files) {
            let limit = limits.max_total_bytes;
            return exceeded(format!("all files together would exceed {limit} bytes"));
        }
        if after.len() > limits.max_files && after.len() > self.files.len() {
            let limit = limits.max_files;
            return exceeded(format!("there would be more than {limit} files"));
        }
        Ok(())
    }
}

/// Whether a path keeps the rules for names.
pub(super) fn check_rules(path: &str) -> Result<(), Error> {
    broken_rule(path).map_or(Ok(()), |reason| {
        let shown: String = path.chars().take(1024).collect();
        Err(Error::InvalidPath(format!(
            "{shown:?} cannot name a file: {reason}"
        )))
    })
}

/// Whether a file may have this path at all.
pub(super) fn check_path(path: &str, limits: &Limits) -> Result<(), Error> {
    let not_allowed = |reason: String| Err(Error::InvalidPath(reason));
    if path.split('/').count() > limits.max_depth {
        return not_allowed(format!("it has more than {} components", limits.max_depth));
    }
    let lower = path.to_lowercase();
    if limits.text_files_only && !TEXT_ENDINGS.iter().any(|ending| lower.ends_with(ending)) {
        return not_allowed(format!("it must end in one of {}", TEXT_ENDINGS.join(", ")));
    }
    Ok(())
}

/// Whether so many bytes may pass in one call.
pub(super) fn check_value(length: usize, limits: &Limits) -> Result<(), Error> {
    at_most(length, limits.max_value_bytes)
}

/// Whether a file may be so long.
pub(super) fn check_file(length: usize, limits: &Limits) -> Result<(), Error> {
    at_most(length, limits.max_file_bytes)
}

fn at_most(length: usize, limit: u64) -> Result<(), Error> {
    if length as u64 > limit {
        return Err(Error::TooLarge(limit));
    }
    Ok(())
}

/// What can be said of a batch without the files.
fn check_batch(steps: &[Step], in_pieces: bool, limits: &Limits) -> Result<(), Failure> {
    if steps.len() > MAX_BATCH_STEPS {
        let error = Error::QuotaExceeded(format!(
            "a batch has at most {MAX_BATCH_STEPS} steps, and this one has {}",
            steps.len()
        ));
        return Err(Failure { step: None, error });
    }
    let mut total = 0;
    for (index, step) in steps.iter().enumerate() {
        if let Change::Write(file) | Change::Append(file) = &step.change
            && !in_pieces
        {
            total += file.contents.len();
            check_value(total, limits).map_err(blaming(index))?;
        }
    }
    for (index, step) in steps.iter().enumerate() {
        if let Change::Rename(files) = &step.change {
            check_rules(&files.source).map_err(blaming(index))?;
        }
        check_rules(target_of(&step.change)).map_err(blaming(index))?;
    }
    Ok(())
}

/// Makes one change in `files`. Returns the version that it wrote.
fn play(
    files: &mut Files,
    step: &Step,
    limits: &Limits,
    versions: &mut Versions,
) -> Result<Option<String>, Error> {
    let target = target_of(&step.change);
    if !matches!(step.change, Change::Delete(_)) {
        check_path(target, limits)?;
    }
    if let Change::Write(file) = &step.change {
        check_file(file.contents.len(), limits)?;
    }
    check_precondition(files.get(target), &step.precondition, versions)?;
    match &step.change {
        Change::Write(file) => {
            files.insert(file.path.clone(), File::now(file.contents.clone()));
            return Ok(Some(versions.of(&file.contents)));
        }
        Change::Append(file) => {
            let old = files.get(target).map(|old| old.contents.to_vec());
            let whole = [old.unwrap_or_default(), file.contents.clone()].concat();
            check_file(whole.len(), limits)?;
            files.insert(file.path.clone(), File::now(whole));
        }
        Change::Rename(names) => {
            let moved = files.get(&names.source).cloned().ok_or(Error::NotFound)?;
            check_move(&names.source, target)?;
            files.remove(&names.source);
            files.insert(names.target.clone(), moved);
        }
        Change::Delete(path) => {
            files.remove(path);
        }
    }
    Ok(None)
}

fn check_precondition(
    found: Option<&File>,
    precondition: &Precondition,
    versions: &mut Versions,
) -> Result<(), Error> {
    let version = found.map(|file| versions.of(&file.contents));
    let holds = match precondition {
        Precondition::Any => true,
        Precondition::Absent => version.is_none(),
        Precondition::Version(expected) => version.as_ref() == Some(expected),
    };
    if holds {
        Ok(())
    } else {
        Err(Error::Conflict(version))
    }
}

/// No file can move to where its own path is a directory, or into one that has it.
fn check_move(source: &str, target: &str) -> Result<(), Error> {
    if source == target {
        Ok(())
    } else if is_under(target, source) {
        Err(not_a_file(&format!("{source} is not a directory")))
    } else if is_under(source, target) {
        Err(not_a_file("it is the directory of other files"))
    } else {
        Ok(())
    }
}

/// A path is a file or a directory of others, never both, as on a disk.
fn check_place(files: &Files, path: &str) -> Result<(), Error> {
    for (slash, _) in path.match_indices('/') {
        let ancestor = &path[..slash];
        if files.contains_key(ancestor) {
            return Err(not_a_file(&format!("{ancestor} is not a directory")));
        }
    }
    if files
        .keys()
        .any(|other| other != path && is_under(other, path))
    {
        return Err(not_a_file("it is the directory of other files"));
    }
    Ok(())
}

fn not_a_file(reason: &str) -> Error {
    Error::InvalidPath(reason.to_owned())
}

fn total_bytes(files: &Files) -> u64 {
    files.values().map(|file| file.contents.len() as u64).sum()
}

fn target_of(change: &Change) -> &str {
    match change {
        Change::Write(file) | Change::Append(file) => &file.path,
        Change::Rename(files) => &files.target,
        Change::Delete(path) => path,
    }
}

fn blaming(index: usize) -> impl Fn(Error) -> Failure {
    move |error| Failure {
        step: u32::try_from(index).ok(),
        error,
    }
}
