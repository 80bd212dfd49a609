//! Deletes without a record, for when the disk is so full that the log cannot be written:
//! they are what makes room. No other commit may leave the log out.

use super::super::directory::{Directory, unless_absent};
use super::super::writer::{Abort, Writer};
use super::record::Publication;
use crate::volume::{Change, Precondition, Step};
use crate::{Error, FilePath, Result, Version};
use std::slice;

impl<D: Directory> Writer<D> {
    /// Deletes a file without a record, for which there is no space. `None` if that cannot be.
    pub(in crate::local) fn delete_without_record(
        &self,
        step: &Step,
    ) -> Result<Option<Option<Version>>> {
        let Change::Delete { path } = &step.change else {
            return Ok(None);
        };
        let deleted = match self.log.publication {
            Publication::Deferred => self.delete_in_turn(path, &step.precondition),
            Publication::Immediate => self.delete_staged(path, &step.precondition),
        };
        match deleted {
            Ok(()) => Ok(Some(None)),
            Err(Abort::NeedsLog) => Ok(None),
            Err(Abort::Error(error)) => Err(error),
        }
    }

    /// A file that the disk governs. The turn keeps others from changing it: no commit takes
    /// path locks here, which may need space.
    fn delete_in_turn(&self, path: &FilePath, precondition: &Precondition) -> Result<(), Abort> {
        let unavailable = |error| {
            Error::not_possible(
                Some(path),
                "the log of the volume takes no more commits",
                error,
            )
        };
        let turn = self.log.turn().map_err(unavailable)?;
        if self.reader.log.entry(path).is_some() {
            return Err(Abort::NeedsLog);
        }
        self.log.sync_given_up().map_err(unavailable)?;
        let deleted = self.delete_under_lock(path, precondition);
        drop(turn);
        deleted
    }

    /// A file that the log governs, and that is staged or was. Without its staged name, there
    /// is nothing to put into its place, and readers look at the place.
    fn delete_staged(&self, path: &FilePath, precondition: &Precondition) -> Result<(), Abort> {
        let unavailable = |error| {
            Error::not_possible(
                Some(path),
                "the log of the volume takes no more commits",
                error,
            )
        };
        let not_changed = |error| Error::not_changed(path, error);
        let unconfirmed = |error| Error::unconfirmed(path, error);
        let held = self.locks.lock_all(slice::from_ref(path));
        let held = held.map_err(unavailable)?;
        self.reader.log.follow().map_err(unavailable)?;
        let entry = self.reader.log.entry(path).ok_or(Abort::NeedsLog)?;
        let name = entry.file.as_ref().and_then(|file| file.staged_alone());
        let name = name.ok_or(Abort::NeedsLog)?;
        self.reader.check(path, precondition)?;
        let reservation = self.reserve(path, None)?;
        let place = self.log.remove(path).map_err(not_changed)?;
        let settled = self.reader.tree.sync_names(place.into_iter().collect());
        settled.map_err(|error| match entry.is_published() {
            true => unconfirmed(error),
            false => not_changed(error),
        })?;
        let removed = unless_absent(self.log.directory().remove_file(name));
        removed.map_err(not_changed)?;
        reservation.keep();
        entry.set_published(true);
        let synced = self.log.sync_names();
        drop(held);
        synced.map_err(|error| unconfirmed(error).into())
    }
}
