//! Rejects a commit that would make one path both a file and a directory, where
//! directories are made only by a checkpoint: what a record says must not be refused then.

use super::super::commit_plan::Plan;
use super::super::directory::{Directory, Kind};
use super::super::tree::files_that_go;
use super::super::writer::Writer;
use crate::{Error, FilePath, Result};
use std::io;

impl<D: Directory> Writer<D> {
    /// Whether there can be a file at `path`, once what the plan removes is gone. For the
    /// holder of the writer lock.
    pub(super) fn check_place(&self, path: &FilePath, plan: &Plan<'_>) -> Result<()> {
        let not_changed = |error| Error::not_changed(path, error);
        if plan.stat(&self.reader, path)?.is_some() {
            return Ok(());
        }
        for ancestor in path.ancestors() {
            if plan.removes(&ancestor) {
                continue;
            }
            if self.blocks(&ancestor).map_err(not_changed)? {
                return Err(Error::beneath_a_file(path, ancestor.as_str()));
            }
        }
        if !self.makes_room(path, plan).map_err(not_changed)? {
            return Err(Error::directory_of_others(path));
        }
        Ok(())
    }

    pub(super) fn check_places(&self, plan: &Plan) -> Result<()> {
        for (path, _) in plan.puts() {
            let way = self.check_place(path, plan);
            way.map_err(|error| plan.blame(path, error))?;
        }
        Ok(())
    }

    /// Whether what is at `ancestor` cannot be a directory.
    fn blocks(&self, ancestor: &FilePath) -> io::Result<bool> {
        if let Some(entry) = self.reader.log.entry(ancestor) {
            return Ok(entry.file.is_some());
        }
        let plain = self.reader.tree.stat(ancestor)?;
        Ok(plain.is_some_and(|stat| stat.kind != Kind::Directory))
    }

    /// Whether no file is left beneath `path`.
    fn makes_room(&self, path: &FilePath, plan: &Plan<'_>) -> io::Result<bool> {
        let is_beneath = |shown: &FilePath| shown.is_under(path) && shown != path;
        let state = self.reader.log.state();
        if state.pending.has_files_in(path) {
            let mut files = state
                .pending
                .entries()
                .filter(|(_, entry)| entry.file.is_some());
            if files.any(|(shown, _)| is_beneath(shown) && !plan.removes(shown)) {
                return Ok(false);
            }
        }
        drop(state);
        let plain = self.reader.tree.stat(path)?;
        if plain.is_none_or(|stat| stat.kind != Kind::Directory) {
            return Ok(true);
        }
        match self.reader.tree.find_directory(path)? {
            Some(directory) => {
                // By this commit or by those that are not settled.
                let goes = |path: &FilePath| {
                    let shown = self.reader.log.entry(path);
                    plan.removes(path) || shown.is_some_and(|entry| entry.file.is_none())
                };
                Ok(files_that_go(&*directory, path, &goes)?.is_some())
            }
            None => Ok(true),
        }
    }
}
