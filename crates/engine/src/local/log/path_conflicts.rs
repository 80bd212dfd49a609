//! Rejects a commit that would make one path both a file and a directory, where
//! directories are made only by a checkpoint: what a record says must not be refused then.

use super::super::commit_plan::Plan;
use super::super::directory::{Directory, Kind};
use super::super::locks::lock_key;
use super::super::tree::files_that_go;
use super::super::writer::Writer;
use crate::{Error, FilePath, Result};
use std::collections::HashMap;
use std::io;

impl<D: Directory> Writer<D> {
    /// Whether there can be a file at `path`, once what the plan removes is gone. For
    /// who has the turn.
    pub(super) fn check_way(&self, path: &FilePath, plan: &Plan<'_>) -> Result<()> {
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

    pub(super) fn check_ways(&self, plan: &Plan) -> Result<()> {
        for (path, _) in plan.puts() {
            let way = self.check_way(path, plan);
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

    /// Refuses a commit over two spellings that the file system may take for one file: what
    /// its steps mean together is not known.
    pub(super) fn check_spellings(&self, paths: &[FilePath]) -> Result<()> {
        let mut seen: HashMap<String, &FilePath> = HashMap::new();
        for path in paths {
            let Some(other) = seen.insert(lock_key(path), path) else {
                continue;
            };
            let ignored = self.ignores_spelling(path);
            if ignored.map_err(|error| Error::not_changed(path, error))? {
                let reason = format!(
                    "{other} may be the same file on this file system; change them in two commits"
                );
                return Err(Error::NotAFile {
                    path: path.clone(),
                    reason,
                });
            }
        }
        Ok(())
    }

    /// Whether a directory on the way to `path` ignores case, as far as they are there.
    fn ignores_spelling(&self, path: &FilePath) -> io::Result<bool> {
        let tree = &self.reader.tree;
        if tree.root().ignores_case()? {
            return Ok(true);
        }
        for ancestor in path.ancestors() {
            match tree.find_directory(&ancestor)? {
                Some(directory) if directory.ignores_case()? => return Ok(true),
                Some(_) => {}
                None => break,
            }
        }
        Ok(false)
    }

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
