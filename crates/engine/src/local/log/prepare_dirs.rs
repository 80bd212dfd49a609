//! Preparing the directories of a batch, so that once it is decided every file
//! can have its place.
//!
//! Directories that are missing are made beforehand. A file that becomes a
//! directory, or a directory that becomes a file, can change only when the batch
//! is published; then nobody else may change directories until that is done.

use super::super::commit_plan::{Plan, PlannedEffect, Source};
use super::super::directory::{Directory, Kind};
use super::super::locks::Held;
use super::super::tree::{files_that_go, is_directory};
use super::super::writer::Writer;
use crate::{Error, FilePath, Result};
use std::io::ErrorKind;

/// How often the directories are prepared before others are held off.
const ATTEMPTS: usize = 16;

impl<D: Directory> Writer<D> {
    /// Sees to it that every file of the batch can have its place, and that this
    /// stays so while the returned lock is held. There is none if each step adds to a file
    /// that is there: the lock of its path keeps it, and so its directory, where it is.
    pub(super) fn prepare_directories(&self, plan: &Plan<'_>) -> Result<Option<Held<'_, D>>> {
        if self.adds_to_files(plan)? {
            return Ok(None);
        }
        let first = plan.effects.keys().next();
        let locked = |error| {
            Error::not_possible(
                first,
                "the directories of the volume cannot be locked",
                error,
            )
        };
        for _ in 0..ATTEMPTS {
            let lock = self.locks.structure_shared().map_err(locked)?;
            if self.has_all_directories(plan)? {
                return Ok(Some(lock));
            }
            drop(lock);
            let lock = self.locks.structure_exclusive().map_err(locked)?;
            let makes_room = self.check_directories(plan)?;
            for (path, _) in plan.puts() {
                let blame = |error| plan.blame(path, error);
                if path.ancestors().any(|ancestor| plan.removes(&ancestor)) {
                    continue;
                }
                let place = self.reader.tree.make(path);
                let place = place.map_err(|no_way| blame(no_way.into_error(path)))?;
                if is_directory(&*place.directory, path.name()) && !makes_room {
                    self.reader
                        .tree
                        .remove_empty(&place.directory, path)
                        .map_err(|error| blame(Error::not_removable(path, error)))?;
                }
            }
            if makes_room {
                return Ok(Some(lock));
            }
        }
        Err(locked(ErrorKind::ResourceBusy.into()))
    }

    fn adds_to_files(&self, plan: &Plan<'_>) -> Result<bool> {
        for (path, effect) in &plan.effects {
            let adds = match effect {
                PlannedEffect::Put(Source::New(contents)) => contents.base.as_ref() == Some(path),
                _ => false,
            };
            let seen = plan.stat(&self.reader, path)?;
            if !adds || seen.is_none_or(|stat| stat.stamp.is_none()) {
                return Ok(false);
            }
        }
        Ok(plan.absent.is_empty() && !plan.effects.is_empty())
    }

    fn has_all_directories(&self, plan: &Plan<'_>) -> Result<bool> {
        for (path, _) in plan.puts() {
            // The lock of its path keeps a file where it was seen.
            let seen = plan.stat(&self.reader, path)?;
            if seen.is_some_and(|stat| stat.stamp.is_some()) {
                continue;
            }
            match self.reader.tree.enter(path) {
                Ok(Some(place)) if !is_directory(&*place.directory, path.name()) => {}
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Checks that files can become directories and directories files where the
    /// batch asks for it; whether it does, with files that it removes.
    fn check_directories(&self, plan: &Plan<'_>) -> Result<bool> {
        let mut makes_room = false;
        for (path, _) in plan.puts() {
            let blame = |error| plan.blame(path, error);
            let no_way = |error| blame(Error::not_changed(path, error));
            for ancestor in path.ancestors() {
                let stat = self.reader.tree.stat(&ancestor).map_err(no_way)?;
                match stat.map(|stat| stat.kind) {
                    None | Some(Kind::Directory) => {}
                    Some(Kind::File) if plan.removes(&ancestor) => makes_room = true,
                    Some(_) => return Err(blame(Error::beneath_a_file(path, ancestor.as_str()))),
                }
            }
            if let Some(directory) = self.reader.tree.find_directory(path).map_err(no_way)? {
                let removes = |path: &FilePath| plan.removes(path);
                match files_that_go(&*directory, path, &removes).map_err(no_way)? {
                    None => return Err(blame(Error::directory_of_others(path))),
                    Some(removals) => makes_room |= removals > 0,
                }
            }
        }
        Ok(makes_room)
    }
}
