//! From one volume to another, file by file.
//!
//! Whatever is there is looked at before it is written, and written only if it is still
//! what was seen; so nothing that anybody does to the target meanwhile is lost. What was
//! written counts only if the target answers with the hash of what was read.
//!
//! Must never delete anything, nor hold a long file in memory.

use crate::copy::reading::{read_all, unless_absent, version_in};
use crate::copy::report::Done;
use crate::copy::trouble::{Trouble, in_source, in_target};
use ability_storage::{
    Batch, Change, Error, FilePath, Outcome, Precondition, Reader, Version, VersionHasher, Volume,
};
use std::collections::HashSet;

/// The longest file that goes along with others: each commit costs a store a request.
const SMALL: u64 = 64 << 10;

/// How many files are committed at once, and how long they are together.
const MOST_FILES: usize = 128;
const MOST_BYTES: usize = 4 << 20;

/// How often a file is written whose fate is not known.
const ATTEMPTS: usize = 3;

/// From where to where.
#[derive(Clone, Copy)]
pub struct Ends<'a> {
    pub source: &'a dyn Volume,
    pub target: &'a dyn Volume,
    /// Whether files with other contents are replaced.
    pub overwrite: bool,
    /// What is done with each file that is in the target as it is in the source, and
    /// whether it was there before.
    pub arrived: &'a Arrived<'a>,
}

/// An error says that the file is there, but not all that belongs to it.
pub type Arrived<'a> = dyn Fn(&FilePath, bool) -> std::io::Result<()> + 'a;

/// How far it has come: what is done of so many files, and how many bytes of one that is
/// under way.
pub type Tell<'a> = dyn Fn(&Done, usize, u64) + 'a;

/// Copies all files, and counts them in `done`.
///
/// # Errors
///
/// If one of the volumes cannot be used any more. All that `done` has counted is copied.
pub fn copy(ends: Ends<'_>, done: &mut Done, tell: &Tell<'_>) -> Result<(), Trouble> {
    let files = ends.source.list(None).map_err(in_source)?;
    let there: HashSet<FilePath> = match ends.target.list(None) {
        Ok(there) => there.into_iter().collect(),
        Err(error) => return Err(in_target(error)),
    };
    let common = files.iter().filter(|path| there.contains(*path)).count();
    done.only_in_target = (there.len() - common) as u64;
    let mut copying = Copying {
        ends,
        there,
        all: files.len(),
        waiting: Vec::new(),
        waiting_bytes: 0,
        done,
        tell,
    };
    for path in &files {
        let looked_at = copying.file(path);
        copying.note(path, looked_at)?;
    }
    copying.flush()
}

/// A copy that is under way.
struct Copying<'a> {
    ends: Ends<'a>,
    /// What the target had at first. It may have less and more by now.
    there: HashSet<FilePath>,
    all: usize,
    waiting: Vec<Small>,
    waiting_bytes: usize,
    done: &'a mut Done,
    tell: &'a Tell<'a>,
}

/// A file that waits to be committed with others.
struct Small {
    path: FilePath,
    contents: Vec<u8>,
    version: Version,
    precondition: Precondition,
}

/// What is to become of a file.
enum Decision {
    Same,
    Different,
    Write(Precondition),
}

/// What one attempt to write a file has read, and what the target said to it.
struct Attempt {
    bytes: u64,
    version: Version,
    answer: Result<Version, Error>,
}

impl Copying<'_> {
    fn file(&mut self, path: &FilePath) -> Result<(), Trouble> {
        let source = self.ends.source;
        let Some(reader) = unless_absent(source.reader(path)).map_err(in_source)? else {
            // It was deleted after the list was made.
            return Ok(());
        };
        let size = reader.size();
        if size <= SMALL {
            return self.small(path, reader);
        }
        let version = || {
            Ok(version_in(source, path)
                .map_err(in_source)?
                .map(|(_, is)| is))
        };
        match self.decide(path, size, version)? {
            Decision::Same => self.was_there(path, size),
            Decision::Different => self.done.different.push(path.clone()),
            Decision::Write(precondition) => {
                drop(reader);
                let write = |this: &Self, precondition| this.stream(path, precondition);
                self.write(path, precondition, false, write)?;
            }
        }
        Ok(())
    }

    fn small(&mut self, path: &FilePath, mut reader: Box<dyn Reader>) -> Result<(), Trouble> {
        let mut contents = Vec::new();
        read_all(&mut *reader, path, |piece| {
            contents.extend_from_slice(piece);
            Ok(())
        })?;
        let (size, version) = (contents.len() as u64, Version::of(&contents));
        match self.decide(path, size, || Ok(Some(version)))? {
            Decision::Same => self.was_there(path, size),
            Decision::Different => self.done.different.push(path.clone()),
            Decision::Write(precondition) => {
                let is_full = self.waiting.len() >= MOST_FILES
                    || self.waiting_bytes + contents.len() > MOST_BYTES;
                if is_full {
                    self.flush()?;
                }
                self.waiting_bytes += contents.len();
                self.waiting.push(Small {
                    path: path.clone(),
                    contents,
                    version,
                    precondition,
                });
            }
        }
        Ok(())
    }

    /// Compares what is there with what is to come: `size` bytes of a `version` that is
    /// only asked for if it matters.
    fn decide(
        &self,
        path: &FilePath,
        size: u64,
        version: impl FnOnce() -> Result<Option<Version>, Trouble>,
    ) -> Result<Decision, Trouble> {
        let Ends {
            target, overwrite, ..
        } = self.ends;
        if !self.there.contains(path) {
            return Ok(Decision::Write(Precondition::Absent));
        }
        let Some(info) = unless_absent(target.stat(path)).map_err(in_target)? else {
            return Ok(Decision::Write(Precondition::Absent));
        };
        if info.size != size && !overwrite {
            return Ok(Decision::Different);
        }
        let Some((found_size, found)) = version_in(target, path).map_err(in_target)? else {
            return Ok(Decision::Write(Precondition::Absent));
        };
        if found_size == size && version()? == Some(found) {
            return Ok(Decision::Same);
        }
        Ok(match overwrite {
            true => Decision::Write(Precondition::Version(found)),
            false => Decision::Different,
        })
    }

    /// Commits what waits, together if possible.
    fn flush(&mut self) -> Result<(), Trouble> {
        let waiting = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        if waiting.is_empty() {
            return Ok(());
        }
        let batch: Batch = waiting.iter().map(Small::step).collect();
        let error = match self.ends.target.commit(batch) {
            Ok(answers) => {
                let answers = answers.into_iter().chain(std::iter::repeat(None));
                for (small, answer) in waiting.iter().zip(answers) {
                    match answer == Some(small.version) {
                        true => self.written(&small.path, small.bytes(), small.precondition),
                        false => self.arrived_otherwise(&small.path),
                    }
                }
                self.tell(0);
                return Ok(());
            }
            Err(error) => in_target(error),
        };
        if error.ends_all() {
            return Err(error);
        }
        // One of them is to blame; the others must not suffer for it.
        let is_doubtful = error.outcome() == Outcome::Unconfirmed;
        for small in waiting {
            let write = |this: &Self, precondition| {
                let step = small.change().only_if(precondition);
                let answer = this.ends.target.commit(step.into());
                Ok(Attempt {
                    bytes: small.bytes(),
                    version: small.version,
                    answer: answer
                        .map(|answers| answers.first().copied().flatten())
                        .and_then(|answer| answer.ok_or_else(|| no_answer(&small.path))),
                })
            };
            let written = self.write(&small.path, small.precondition, is_doubtful, write);
            self.note(&small.path, written)?;
        }
        Ok(())
    }

    /// Writes one file, and again if it is not known what became of it.
    fn write(
        &mut self,
        path: &FilePath,
        precondition: Precondition,
        mut is_doubtful: bool,
        mut attempt: impl FnMut(&Self, Precondition) -> Result<Attempt, Trouble>,
    ) -> Result<(), Trouble> {
        let mut asked = precondition;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let Attempt {
                bytes,
                version,
                answer,
            } = attempt(self, asked)?;
            match answer {
                Ok(answer) if answer == version => {
                    self.written(path, bytes, precondition);
                    return Ok(());
                }
                Ok(_) => {
                    self.arrived_otherwise(path);
                    return Ok(());
                }
                Err(error) => match found_by(&error) {
                    // It is there, but perhaps not yet for good: that takes another write.
                    Some(found) if found == Some(version) && is_doubtful && attempts < ATTEMPTS => {
                        asked = Precondition::Version(version);
                    }
                    Some(found) if found == Some(version) => {
                        self.was_there(path, bytes);
                        return Ok(());
                    }
                    Some(_) if self.ends.overwrite => {
                        let reason = "somebody else changed it meanwhile, and that was kept; \
                                      run it again to decide anew";
                        self.done.failed.push((path.clone(), reason.to_owned()));
                        return Ok(());
                    }
                    Some(_) => {
                        self.done.different.push(path.clone());
                        return Ok(());
                    }
                    None if error.outcome() == Outcome::Unconfirmed && attempts < ATTEMPTS => {
                        is_doubtful = true;
                    }
                    None => return Err(in_target(error)),
                },
            }
        }
    }

    /// Writes a long file from its beginning to its end.
    fn stream(&self, path: &FilePath, precondition: Precondition) -> Result<Attempt, Trouble> {
        let mut reader = self.ends.source.reader(path).map_err(in_source)?;
        let mut writer = self.ends.target.writer(path).map_err(in_target)?;
        let (mut hasher, mut bytes) = (VersionHasher::default(), 0);
        read_all(&mut *reader, path, |piece| {
            hasher.update(piece);
            bytes += piece.len() as u64;
            writer.write(piece).map_err(in_target)?;
            self.tell(bytes);
            Ok(())
        })?;
        Ok(Attempt {
            bytes,
            version: hasher.version(),
            answer: writer.commit(precondition),
        })
    }

    fn was_there(&mut self, path: &FilePath, bytes: u64) {
        self.done.same.add(bytes);
        self.arrived(path, true);
    }

    fn arrived(&mut self, path: &FilePath, was_there: bool) {
        if let Err(error) = (self.ends.arrived)(path, was_there) {
            self.done
                .not_permitted
                .push((path.clone(), error.to_string()));
        }
    }

    fn written(&mut self, path: &FilePath, bytes: u64, precondition: Precondition) {
        self.arrived(path, false);
        match precondition {
            Precondition::Version(_) => self.done.replaced.add(bytes),
            _ => self.done.copied.add(bytes),
        }
    }

    fn arrived_otherwise(&mut self, path: &FilePath) {
        let reason = "the target says that it holds other contents than were read; compare \
                      them, and do not trust this copy";
        self.done.failed.push((path.clone(), reason.to_owned()));
    }

    /// Counts what went wrong with a file, and goes on if others may fare better.
    fn note(&mut self, path: &FilePath, result: Result<(), Trouble>) -> Result<(), Trouble> {
        match result {
            Err(trouble) if trouble.ends_all() => return Err(trouble),
            Err(trouble) if trouble.is_gone_from_source() => {}
            Err(trouble) => self.done.failed.push((path.clone(), trouble.to_string())),
            Ok(()) => {}
        }
        self.tell(0);
        Ok(())
    }

    fn tell(&self, under_way: u64) {
        (self.tell)(self.done, self.all, under_way);
    }
}

impl Small {
    fn bytes(&self) -> u64 {
        self.contents.len() as u64
    }

    fn change(&self) -> Change {
        Change::write(self.path.clone(), self.contents.clone())
    }

    fn step(&self) -> ability_storage::Step {
        self.change().only_if(self.precondition)
    }
}

/// What is there, if that is why a write was refused.
fn found_by(error: &Error) -> Option<Option<Version>> {
    match error {
        Error::Conflict { found, .. } => Some(*found),
        Error::Step { source, .. } => found_by(source),
        _ => None,
    }
}

fn no_answer(path: &FilePath) -> Error {
    let reason = "the target did not say which version it wrote";
    Error::unconfirmed(path, std::io::Error::other(reason))
}
