//! That nothing becomes both a file and the directory of others.
//!
//! It is asked before a commit is written: once a record is on the disk, settling it
//! must not be refused.

use super::super::batch::Plan;
use super::super::directory::{Directory, Kind};
use super::super::tree::files_that_go;
use super::Journaled;
use crate::{Error, FilePath, Result};
use std::io;

impl<D: Directory> Journaled<D> {
    /// Whether there can be a file at `path`, once what `removes` names is gone. For
    /// who has the turn.
    pub(super) fn check_way(
        &self,
        path: &FilePath,
        removes: &dyn Fn(&FilePath) -> bool,
    ) -> Result<()> {
        let not_changed = |error| Error::not_changed(path, error);
        if self.stat_current(path).map_err(not_changed)?.is_some() {
            return Ok(());
        }
        for ancestor in path.ancestors() {
            if removes(&ancestor) {
                continue;
            }
            if self.blocks(&ancestor).map_err(not_changed)? {
                return Err(Error::beneath_a_file(path, ancestor.as_str()));
            }
        }
        if !self.makes_room(path, removes).map_err(not_changed)? {
            return Err(Error::directory_of_others(path));
        }
        Ok(())
    }

    pub(super) fn check_ways(&self, plan: &Plan) -> Result<()> {
        let removes = |path: &FilePath| plan.removes(path);
        for (path, _) in plan.puts() {
            let way = self.check_way(path, &removes);
            way.map_err(|error| plan.blame(path, error))?;
        }
        Ok(())
    }

    /// Whether what is at `ancestor` cannot be a directory.
    fn blocks(&self, ancestor: &FilePath) -> io::Result<bool> {
        if let Some(entry) = self.entry(ancestor) {
            return Ok(entry.file.is_some());
        }
        let plain = self.tree.stat(ancestor)?;
        Ok(plain.is_some_and(|stat| stat.kind != Kind::Directory))
    }

    /// Whether no file is left beneath `path`.
    fn makes_room(&self, path: &FilePath, removes: &dyn Fn(&FilePath) -> bool) -> io::Result<bool> {
        let is_beneath = |shown: &FilePath| shown.is_under(path) && shown != path;
        let state = self.state();
        if state.view.has_files_in(path) {
            let mut files = state
                .view
                .entries()
                .filter(|(_, entry)| entry.file.is_some());
            if files.any(|(shown, _)| is_beneath(shown) && !removes(shown)) {
                return Ok(false);
            }
        }
        drop(state);
        let plain = self.tree.stat(path)?;
        if plain.is_none_or(|stat| stat.kind != Kind::Directory) {
            return Ok(true);
        }
        match self.tree.find_directory(path)? {
            Some(directory) => {
                // By this commit or by those that are not settled.
                let goes = |path: &FilePath| {
                    let shown = self.entry(path);
                    removes(path) || shown.is_some_and(|entry| entry.file.is_none())
                };
                Ok(files_that_go(&*directory, path, &goes)?.is_some())
            }
            None => Ok(true),
        }
    }
}
