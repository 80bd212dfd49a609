//! What a batch comes to on a disk: for each path that it touches, what is there in the
//! end and where that comes from.
//!
//! Nothing is written for it, so that the last step can still be refused without a trace.
//! The plan holds as long as the locks of all its paths are held.

use super::directory::{Directory, Stat};
use super::reader::Reader;
use crate::author::plan::{self, Deciders, Edit, Files, Tail};
use crate::volume::{Change, Precondition, Step};
use crate::{Error, FilePath, Result, Version};
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;

pub(crate) struct Plan<'a> {
    pub(crate) effects: BTreeMap<FilePath, PlannedEffect<'a>>,
    /// What is deleted and was not there.
    pub(crate) absent: Vec<FilePath>,
    /// What each step writes.
    pub(crate) versions: Vec<Option<Version>>,
    /// Which step decided about a path, to blame it.
    deciders: Deciders,
    seen: Seen,
}

/// The files that a commit has looked at, so that it looks once at each. The locks that it
/// holds keep other commits from changing them meanwhile.
#[derive(Default)]
struct Seen(RefCell<BTreeMap<FilePath, Option<Stat>>>);

impl Seen {
    fn stat<D: Directory>(&self, reader: &Reader<D>, path: &FilePath) -> Result<Option<Stat>> {
        if let Some(seen) = self.0.borrow().get(path) {
            return Ok(*seen);
        }
        let stat = reader.stat_file(path);
        let stat = stat.map_err(|error| Error::not_changed(path, error))?;
        self.0.borrow_mut().insert(path.clone(), stat);
        Ok(stat)
    }

    /// The length of the file that a source stands for, in bytes.
    fn size_of<D: Directory>(&self, reader: &Reader<D>, source: &Source<'_>) -> Result<u64> {
        let (base, more) = match source {
            Source::Existing(path) => (Some(path), 0),
            Source::New(contents) => (contents.base.as_ref(), contents.more.len() as u64),
        };
        let Some(path) = base else { return Ok(more) };
        let stat = self.stat(reader, path)?;
        let stat = stat.ok_or_else(|| Error::not_found(path))?;
        Ok(stat.size + more)
    }
}

/// The files of a volume, as a commit looks at them.
struct SeenFiles<'a, D: Directory> {
    reader: &'a Reader<D>,
    seen: Seen,
}

/// What becomes of a path.
#[derive(Debug)]
pub(crate) enum PlannedEffect<'a> {
    Remove,
    Put(Source<'a>),
}

/// Where the file comes from that a path gets.
#[derive(Clone, Debug)]
pub(crate) enum Source<'a> {
    /// The file that had this path before the batch.
    Existing(FilePath),
    New(PlannedContents<'a>),
}

/// The contents of a file that had a path before the batch, if any, and more.
#[derive(Clone, Debug)]
pub(crate) struct PlannedContents<'a> {
    pub(crate) base: Option<FilePath>,
    /// Those of a step, unless several have to be put together.
    pub(crate) more: Cow<'a, [u8]>,
}

impl<'a> Plan<'a> {
    /// # Errors
    ///
    /// Those of the first step that cannot be made, as an error about that step.
    pub(crate) fn make<D: Directory>(
        reader: &'a Reader<D>,
        steps: &'a [Step],
        versions: Vec<Option<Version>>,
    ) -> Result<Self> {
        let files = SeenFiles {
            reader,
            seen: Seen::default(),
        };
        let outcome = plan::play(&files, steps.iter().map(edit), &reader.limits)?;
        let mut plan = Plan {
            effects: BTreeMap::new(),
            absent: Vec::new(),
            versions,
            deciders: outcome.deciders,
            seen: files.seen,
        };
        for (path, state) in outcome.files {
            let effect = match state {
                Some(Source::Existing(same)) if same == path => continue,
                Some(source) => PlannedEffect::Put(source),
                None if plan.stat(reader, &path)?.is_some() => PlannedEffect::Remove,
                None => {
                    plan.absent.push(path);
                    continue;
                }
            };
            plan.effects.insert(path, effect);
        }
        Ok(plan)
    }

    /// A plan that only writes `path`, with contents that are nothing to the plan.
    pub(crate) fn of_write(path: &FilePath) -> Self {
        let contents = PlannedContents {
            base: None,
            more: Cow::Borrowed(&[]),
        };
        Plan {
            effects: BTreeMap::from([(path.clone(), PlannedEffect::Put(Source::New(contents)))]),
            absent: Vec::new(),
            versions: Vec::new(),
            deciders: Deciders::default(),
            seen: Seen::default(),
        }
    }

    /// What kind of file was at `path` when the commit first looked; `None` if there was
    /// none.
    pub(crate) fn stat<D: Directory>(
        &self,
        reader: &Reader<D>,
        path: &FilePath,
    ) -> Result<Option<Stat>> {
        self.seen.stat(reader, path)
    }

    /// The length of the file that a source stands for, in bytes.
    pub(crate) fn size_of<D: Directory>(
        &self,
        reader: &Reader<D>,
        source: &Source<'_>,
    ) -> Result<u64> {
        self.seen.size_of(reader, source)
    }

    /// The version of the contents that `path` gets, if the last step about it says all of
    /// them.
    pub(crate) fn version_of(&self, path: &FilePath) -> Option<Version> {
        let step = self.deciders.step(path)?;
        self.versions.get(step).copied().flatten()
    }

    /// An error about a path, as one about the step that decided about it.
    pub(crate) fn blame(&self, path: &FilePath, error: Error) -> Error {
        self.deciders.blame(path, error)
    }

    /// Whether the file at `path` is removed, and nothing put there.
    pub(crate) fn removes(&self, path: &FilePath) -> bool {
        matches!(self.effects.get(path), Some(PlannedEffect::Remove))
    }

    pub(crate) fn puts(&self) -> impl Iterator<Item = (&FilePath, &Source<'a>)> {
        self.effects
            .iter()
            .filter_map(|(path, effect)| match effect {
                PlannedEffect::Put(source) => Some((path, source)),
                PlannedEffect::Remove => None,
            })
    }

    /// The paths that were written last by a step that says all of their contents,
    /// with the version of these.
    pub(crate) fn written(&self) -> Vec<(FilePath, Version)> {
        let decided = self.deciders.paths();
        decided
            .filter_map(|path| Some((path.clone(), self.version_of(path)?)))
            .collect()
    }

    /// That no path is to be both a file and the directory of another, as far as
    /// the batch itself tells.
    pub(crate) fn check_structure(&self) -> Result<()> {
        for (path, _) in self.puts() {
            for ancestor in path.ancestors() {
                if matches!(self.effects.get(&ancestor), Some(PlannedEffect::Put(_))) {
                    let error = Error::beneath_a_file(path, ancestor.as_str());
                    return Err(self.blame(path, error));
                }
            }
        }
        Ok(())
    }
}

fn edit(step: &Step) -> (Edit<Source<'_>, &[u8]>, Precondition) {
    let edit = match &step.change {
        Change::Write { path, contents } => Edit::Put {
            path: path.clone(),
            file: Source::New(PlannedContents {
                base: None,
                more: Cow::Borrowed(contents),
            }),
        },
        Change::Append { path, contents } => Edit::Append {
            path: path.clone(),
            addition: &contents[..],
        },
        Change::Rename { source, target } => Edit::Rename {
            source: source.clone(),
            target: target.clone(),
        },
        Change::Delete { path } => Edit::Delete { path: path.clone() },
    };
    (edit, step.precondition)
}

/// What each step writes. It takes time, so it is found out before any lock is taken.
pub(crate) fn versions_of(steps: &[Step]) -> Vec<Option<Version>> {
    let version = |step: &Step| match &step.change {
        Change::Write { contents, .. } => Some(Version::of(contents)),
        _ => None,
    };
    steps.iter().map(version).collect()
}

impl<'a, D: Directory> Files for SeenFiles<'a, D> {
    type File = Source<'a>;
    type Addition = &'a [u8];

    fn find(&self, path: &FilePath) -> Result<Option<Source<'a>>> {
        let existing = self.seen.stat(self.reader, path)?;
        Ok(existing.map(|_| Source::Existing(path.clone())))
    }

    fn version(&self, path: &FilePath) -> Result<Option<Version>> {
        self.reader.version(path)
    }

    fn version_of(&self, path: &FilePath, file: &Source<'a>) -> Result<Option<Version>> {
        let PlannedContents { base, more } = match file {
            Source::Existing(before) => return self.reader.version(before),
            Source::New(contents) => contents,
        };
        let base = base.as_ref().map(|base| self.reader.open_existing(base));
        Version::of_parts(base.transpose()?, more)
            .map(Some)
            .map_err(|error| Error::not_changed(path, error))
    }

    fn tail(&self, path: &FilePath, max_bytes: u64) -> Result<Option<Tail>> {
        self.reader.tail(path, max_bytes)
    }

    fn tail_of(&self, _: &FilePath, file: &Source<'a>, max_bytes: u64) -> Result<Option<Tail>> {
        let PlannedContents { base, more } = match file {
            Source::Existing(before) => return self.reader.tail(before, max_bytes),
            Source::New(contents) => contents,
        };
        let base = base.as_ref();
        let before = base.map(|base| self.reader.tail(base, max_bytes));
        let before = before.transpose()?.flatten().unwrap_or_default();
        Ok(Some(before.and(more, max_bytes)))
    }

    fn size_of(&self, _: &FilePath, file: &Source<'a>) -> Result<u64> {
        self.seen.size_of(self.reader, file)
    }

    fn appended(&self, before: Option<Source<'a>>, addition: &'a [u8]) -> Source<'a> {
        let contents = match before {
            None => PlannedContents {
                base: None,
                more: Cow::Borrowed(addition),
            },
            Some(Source::Existing(base)) => PlannedContents {
                base: Some(base),
                more: Cow::Borrowed(addition),
            },
            Some(Source::New(mut whole)) => {
                whole.more.to_mut().extend_from_slice(addition);
                whole
            }
        };
        Source::New(contents)
    }
}
