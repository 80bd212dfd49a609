//! What the file system would refuse when a record is published, found out before the record
//! is written, as far as that can be known.

use super::super::commit_plan::Plan;
use super::super::directory::Directory;
use super::super::poison::lock;
use super::super::writer::Writer;
use super::record::Effect;
use crate::volume::{Change, Step};
use crate::{Error, FilePath, Result};
use std::collections::BTreeMap;
use std::io;

/// Paths whose files cannot be changed, and why.
#[derive(Default)]
pub(super) struct Refusals(BTreeMap<FilePath, io::Error>);

impl Refusals {
    /// # Errors
    ///
    /// If the plan changes one of these paths.
    pub(super) fn check(mut self, plan: &Plan<'_>) -> Result<()> {
        for path in plan.effects.keys() {
            if let Some(error) = self.0.remove(path) {
                return Err(plan.blame(path, Error::not_changed(path, error)));
            }
        }
        Ok(())
    }
}

impl<D: Directory> Writer<D> {
    /// Whether these steps seem to do no more than add to a file that is open to be extended.
    pub(super) fn seem_to_extend(&self, steps: &[Step]) -> bool {
        match steps {
            [step] => match &step.change {
                Change::Append { path, .. } => lock(&self.log.appended).get(path).is_some(),
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether these effects do so. What is open already may be extended, unless the file was
    /// made immutable since.
    pub(super) fn just_extend(&self, effects: &[(FilePath, Effect)], plan: &Plan<'_>) -> bool {
        let [(path, Effect::Append(append))] = effects else {
            return false;
        };
        let seen = plan.stat(&self.reader, path).ok().flatten();
        let kept = lock(&self.log.appended).get(path);
        let both = kept.zip(seen.filter(|seen| !seen.is_fixed));
        both.is_some_and(|(kept, seen)| kept.is(&seen) && append.inode == seen.inode())
    }

    /// Finds which of these paths, which are sorted, are known to be refused when a record is
    /// published. It needs no lock: whatever the answer, it may be another at that moment.
    pub(super) fn find_refusals(&self, paths: &[FilePath]) -> Refusals {
        let mut refusals = Refusals::default();
        let directory = |path: &FilePath| path.parent();
        for siblings in paths.chunk_by(|one, other| directory(one) == directory(other)) {
            let mut rest = siblings;
            while let Err((number, error)) = self.check_siblings(rest) {
                let Some((path, after)) = rest[number..].split_first() else {
                    break;
                };
                refusals.0.insert(path.clone(), error);
                rest = after;
            }
        }
        refusals
    }

    /// Looks at some files of one directory.
    fn check_siblings(&self, paths: &[FilePath]) -> Result<(), (usize, io::Error)> {
        let [first, ..] = paths else { return Ok(()) };
        let parent = self.reader.tree.find(first);
        let Some(parent) = parent.map_err(|error| (0, error))? else {
            return self.check_missing(first).map_err(|error| (0, error));
        };
        let names: Vec<_> = paths.iter().map(|path| path.name()).collect();
        parent.check_change(&names, self.log.directory())
    }

    /// Looks at a file whose directory is not there.
    fn check_missing(&self, path: &FilePath) -> io::Result<()> {
        let tree = &self.reader.tree;
        let check = |parent: &D, name: &str| {
            let checked = parent.check_change(&[name], self.log.directory());
            checked.map_err(|(_, error)| error)
        };
        // The first directory that has to be made is in the lowest that is there.
        let mut missing = path.name().to_owned();
        let mut above = path.parent();
        while let Some(directory) = above {
            missing = directory.name().to_owned();
            if let Some(parent) = tree.find(&directory)? {
                return check(&parent, &missing);
            }
            above = directory.parent();
        }
        check(tree.root(), &missing)
    }
}
