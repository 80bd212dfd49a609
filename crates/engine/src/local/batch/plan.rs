//! What a batch comes to: for each path that it touches, what is there in the
//! end and where that comes from.
//!
//! Steps are played through in their order without touching the disk, so that
//! the last of them can still be refused without a trace. The plan holds as long
//! as the locks of all its paths are held.

use super::super::Local;
use super::super::directory::Directory;
use crate::volume::{Change, Step, check_move};
use crate::{Error, FilePath, Result, Version};
use std::borrow::Cow;
use std::collections::BTreeMap;

pub(crate) struct Plan<'a> {
    pub(crate) effects: BTreeMap<FilePath, Effect<'a>>,
    /// What is deleted and was not there.
    pub(crate) absent: Vec<FilePath>,
    /// What each step wrote.
    pub(crate) versions: Vec<Option<Version>>,
    /// Which step decided about a path, to blame it.
    deciders: BTreeMap<FilePath, usize>,
}

/// What becomes of a path.
#[derive(Debug)]
pub(crate) enum Effect<'a> {
    Remove,
    Put(Source<'a>),
}

/// Where the file comes from that a path gets.
#[derive(Clone, Debug)]
pub(crate) enum Source<'a> {
    /// The file that had this path before the batch.
    Existing(FilePath),
    New(Contents<'a>),
}

/// The contents of a file that had a path before the batch, if any, and more.
#[derive(Clone, Debug)]
pub(crate) struct Contents<'a> {
    pub(crate) base: Option<FilePath>,
    /// Those of a step, unless several have to be put together.
    pub(crate) more: Cow<'a, [u8]>,
}

struct Planner<'a, D: Directory> {
    local: &'a Local<D>,
    /// `None` for a path without a file.
    states: BTreeMap<FilePath, Option<Source<'a>>>,
    deciders: BTreeMap<FilePath, usize>,
}

impl<'a> Plan<'a> {
    pub(crate) fn make<D: Directory>(local: &'a Local<D>, steps: &'a [Step]) -> Result<Self> {
        let mut planner = Planner {
            local,
            states: BTreeMap::new(),
            deciders: BTreeMap::new(),
        };
        let mut versions = Vec::with_capacity(steps.len());
        for (index, step) in steps.iter().enumerate() {
            let version = planner.play(index, step);
            versions.push(version.map_err(|error| blame(Some(index), error))?);
        }
        planner.finish(versions)
    }

    /// An error about a path, as one about the step that decided about it.
    pub(crate) fn blame(&self, path: &FilePath, error: Error) -> Error {
        blame(self.deciders.get(path).copied(), error)
    }

    /// Whether the file at `path` is removed, and nothing put there.
    pub(crate) fn removes(&self, path: &FilePath) -> bool {
        matches!(self.effects.get(path), Some(Effect::Remove))
    }

    pub(crate) fn puts(&self) -> impl Iterator<Item = (&FilePath, &Source<'a>)> {
        self.effects
            .iter()
            .filter_map(|(path, effect)| match effect {
                Effect::Put(source) => Some((path, source)),
                Effect::Remove => None,
            })
    }

    /// The paths that were written last by a step that says all of their contents,
    /// with the version of these.
    pub(crate) fn written(&self) -> Vec<(FilePath, Version)> {
        let decided = self.deciders.iter();
        decided
            .filter_map(|(path, step)| Some((path.clone(), self.versions[*step]?)))
            .collect()
    }

    /// That no path is to be both a file and the directory of another, as far as
    /// the batch itself tells.
    pub(crate) fn check_structure(&self) -> Result<()> {
        for (path, _) in self.puts() {
            for ancestor in path.ancestors() {
                if matches!(self.effects.get(&ancestor), Some(Effect::Put(_))) {
                    let error = Error::beneath_a_file(path, ancestor.as_str());
                    return Err(self.blame(path, error));
                }
            }
        }
        Ok(())
    }
}

impl<'a, D: Directory> Planner<'a, D> {
    fn play(&mut self, index: usize, step: &'a Step) -> Result<Option<Version>> {
        let target = step.change.target().clone();
        let limits = &self.local.limits;
        limits.check_change(&step.change)?;
        step.precondition.check(&target, || self.version(&target))?;
        let mut version = None;
        match &step.change {
            Change::Write { path, contents } => {
                version = Some(Version::of(contents));
                let contents = Contents {
                    base: None,
                    more: Cow::Borrowed(contents),
                };
                self.set(index, path, Some(Source::New(contents)));
            }
            Change::Append { path, contents } => {
                let more = Cow::Borrowed(&contents[..]);
                let whole = match self.take(path)? {
                    None => Contents { base: None, more },
                    Some(Source::Existing(base)) => Contents {
                        base: Some(base),
                        more,
                    },
                    Some(Source::New(mut whole)) => {
                        whole.more.to_mut().extend_from_slice(contents);
                        whole
                    }
                };
                let source = Source::New(whole);
                limits.check_file(path, size_of(self.local, &source)?)?;
                self.set(index, path, Some(source));
            }
            Change::Rename { source, target } => {
                let Some(file) = self.take(source)? else {
                    return Err(Error::not_found(source));
                };
                check_move(source, target)?;
                self.set(index, source, None);
                self.set(index, target, Some(file));
            }
            Change::Delete { path } => self.set(index, path, None),
        }
        Ok(version)
    }

    fn finish(self, versions: Vec<Option<Version>>) -> Result<Plan<'a>> {
        let mut plan = Plan {
            effects: BTreeMap::new(),
            absent: Vec::new(),
            versions,
            deciders: self.deciders,
        };
        for (path, state) in self.states {
            let effect = match state {
                Some(Source::Existing(same)) if same == path => continue,
                Some(source) => Effect::Put(source),
                None if exists(self.local, &path)? => Effect::Remove,
                None => {
                    plan.absent.push(path);
                    continue;
                }
            };
            plan.effects.insert(path, effect);
        }
        Ok(plan)
    }

    /// What a path has so far; the caller sets what it has from now on.
    fn take(&mut self, path: &FilePath) -> Result<Option<Source<'a>>> {
        if let Some(state) = self.states.remove(path) {
            return Ok(state);
        }
        let existing = exists(self.local, path)?;
        Ok(existing.then(|| Source::Existing(path.clone())))
    }

    fn set(&mut self, index: usize, path: &FilePath, state: Option<Source<'a>>) {
        self.deciders.insert(path.clone(), index);
        self.states.insert(path.clone(), state);
    }

    fn version(&self, path: &FilePath) -> Result<Option<Version>> {
        match self.states.get(path) {
            None => self.local.version(path),
            Some(None) => Ok(None),
            Some(Some(Source::Existing(before))) => self.local.version(before),
            Some(Some(Source::New(Contents { base, more }))) => {
                let base = match base {
                    Some(base) => Some(self.local.open_existing(base)?),
                    None => None,
                };
                Version::of_parts(base, more)
                    .map(Some)
                    .map_err(|error| Error::not_changed(path, error))
            }
        }
    }
}

/// The length of the file that a source stands for, in bytes.
pub(crate) fn size_of<D: Directory>(local: &Local<D>, source: &Source<'_>) -> Result<u64> {
    let (base, more) = match source {
        Source::Existing(path) => (Some(path), 0),
        Source::New(contents) => (contents.base.as_ref(), contents.more.len() as u64),
    };
    let Some(path) = base else { return Ok(more) };
    let stat = local.stat_file(path);
    let stat = stat.map_err(|error| Error::not_changed(path, error))?;
    let stat = stat.ok_or_else(|| Error::not_found(path))?;
    Ok(stat.size + more)
}

fn exists<D: Directory>(local: &Local<D>, path: &FilePath) -> Result<bool> {
    let stat = local.stat_file(path);
    Ok(stat
        .map_err(|error| Error::not_changed(path, error))?
        .is_some())
}

fn blame(step: Option<usize>, error: Error) -> Error {
    match step {
        Some(index) => Error::Step {
            index,
            source: Box::new(error),
        },
        None => error,
    }
}
