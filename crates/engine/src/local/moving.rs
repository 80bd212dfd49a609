//! Files that move or go: the steps of `commit` that are left of it where nothing is
//! staged.

use super::Local;
use super::commit::Writing;
use super::directory::{Directory, FileHandle};
use super::exclusion::Stop;
use super::locks::Held;
use crate::volume::Precondition;
use crate::{Error, FilePath, Result};
use std::io::ErrorKind;
use std::slice;

impl<D: Directory> Local<D> {
    pub(super) fn rename(
        &self,
        writing: &Writing<D>,
        source: &FilePath,
        target: &FilePath,
        precondition: &Precondition,
    ) -> Result<()> {
        self.locked(writing, &[source.clone(), target.clone()], |held| {
            self.rename_under_locks(writing, held, source, target, precondition)
        })
    }

    fn rename_under_locks(
        &self,
        writing: &Writing<D>,
        held: &Held<'_, D>,
        source: &FilePath,
        target: &FilePath,
        precondition: &Precondition,
    ) -> Result<(), Stop> {
        let not_changed = |error| Error::not_changed(target, error);
        for path in [source, target] {
            self.appends_settled(writing, held, path)
                .map_err(not_changed)?;
        }
        precondition.check(target, || self.version(target))?;
        let from = self.tree.find(source).map_err(not_changed)?;
        let from = from.ok_or_else(|| Error::not_found(source))?;
        let file = from.open_file(source.name()).map_err(not_changed)?;
        let file = file.ok_or_else(|| Error::not_found(source))?;
        if source == target {
            return Ok(());
        }

        // Its contents may be from a program that did not sync them; published
        // here, they must be on the disk.
        file.sync().map_err(not_changed)?;
        let reservation = self.reserve(writing, target, None)?;
        let place = self.place(writing, target, |parent| {
            from.rename(source.name(), parent, target.name())
        })?;
        reservation.keep();
        let settled = self.tree.settle(vec![place]).and_then(|()| {
            if source.parent() == target.parent() {
                return Ok(());
            }
            self.tree.sync(&from)
        });
        Ok(settled.map_err(|error| Error::unconfirmed(target, error))?)
    }

    pub(super) fn delete(
        &self,
        writing: &Writing<D>,
        path: &FilePath,
        precondition: &Precondition,
    ) -> Result<()> {
        self.locked(writing, slice::from_ref(path), |held| {
            self.delete_under_lock(writing, held, path, precondition)
        })
    }

    fn delete_under_lock(
        &self,
        writing: &Writing<D>,
        held: &Held<'_, D>,
        path: &FilePath,
        precondition: &Precondition,
    ) -> Result<(), Stop> {
        let not_changed = |error| Error::not_changed(path, error);
        let unconfirmed = |error| Error::unconfirmed(path, error);
        self.appends_settled(writing, held, path)
            .map_err(not_changed)?;
        precondition.check(path, || self.version(path))?;

        let parent = self.tree.find(path).map_err(not_changed)?;
        let is_there = self.stat_file(path).map_err(not_changed)?.is_some();
        let (Some(parent), true) = (parent, is_there) else {
            // Whoever removed it may have died before that was durable.
            return Ok(self.tree.settle_absence(path).map_err(unconfirmed)?);
        };
        let reservation = self.reserve(writing, path, None)?;
        match parent.remove_file(path.name()) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(not_changed(error).into());
            }
            _ => reservation.keep(),
        }
        Ok(self.tree.sync(&parent).map_err(unconfirmed)?)
    }
}
