//! What the file system would refuse when a record is published, found out before the record
//! is written, as far as that can be known.

use super::super::commit_plan::Plan;
use super::super::directory::Directory;
use super::super::writer::Writer;
use crate::{Error, FilePath};
use std::io;

impl<D: Directory> Writer<D> {
    /// Refuses what is known to be refused when it is published.
    pub(super) fn check_targets(&self, plan: &Plan<'_>) -> crate::Result<()> {
        let paths: Vec<_> = plan.effects.keys().collect();
        let directory = |path: &&FilePath| path.parent();
        for siblings in paths.chunk_by(|one, other| directory(one) == directory(other)) {
            self.check_siblings(siblings)
                .map_err(|(path, error)| plan.blame(path, Error::not_changed(path, error)))?;
        }
        Ok(())
    }

    /// Looks at some files of one directory.
    fn check_siblings<'a>(&self, paths: &[&'a FilePath]) -> Result<(), (&'a FilePath, io::Error)> {
        let [first, ..] = *paths else { return Ok(()) };
        let parent = self.reader.tree.find(first);
        let Some(parent) = parent.map_err(|error| (first, error))? else {
            return self.check_missing(first).map_err(|error| (first, error));
        };
        let names: Vec<_> = paths.iter().map(|path| path.name()).collect();
        let checked = parent.check_change(&names, self.log.directory());
        checked.map_err(|(number, error)| (paths.get(number).copied().unwrap_or(first), error))
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
