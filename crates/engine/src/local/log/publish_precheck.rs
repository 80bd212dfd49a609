//! What the file system would refuse when a record is published, found out before the record
//! is written, as far as that can be known.

use super::super::commit_plan::Plan;
use super::super::directory::Directory;
use super::super::writer::Writer;
use crate::{Error, FilePath, Result};
use std::io;

impl<D: Directory> Writer<D> {
    /// Refuses what is known to be refused when it is published.
    pub(super) fn check_targets(&self, plan: &Plan<'_>) -> Result<()> {
        for path in plan.effects.keys() {
            let checked = self.check_target(path);
            checked.map_err(|error| plan.blame(path, Error::not_changed(path, error)))?;
        }
        Ok(())
    }

    fn check_target(&self, path: &FilePath) -> io::Result<()> {
        let staging = self.log.directory();
        let tree = &self.reader.tree;
        if let Some(parent) = tree.find(path)? {
            return parent.check_change(path.name(), staging);
        }
        // The first directory that has to be made is in the lowest that is there.
        let mut missing = path.name().to_owned();
        let mut above = path.parent();
        while let Some(directory) = above {
            missing = directory.name().to_owned();
            if let Some(parent) = tree.find(&directory)? {
                return parent.check_change(&missing, staging);
            }
            above = directory.parent();
        }
        tree.root().check_change(&missing, staging)
    }
}
