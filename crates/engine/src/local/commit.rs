//! The commit protocol: the only code that changes files of a local volume.
//!
//! 1. *stage* the new contents in the session's directory, whole;
//! 2. *sync* them;
//! 3. *check* the precondition, under the path's lock;
//! 4. *publish* them by renaming;
//! 5. *settle*: sync the directories whose names changed.
//!
//! Until 4 is done an error means *not applied*; from then on it means
//! *unconfirmed*. No step may be left out, and none may move before another.

use super::directory::{Access, Directory, FileHandle, Kind};
use super::stage::{Staged, Synced};
use super::tree::Place;
use super::{Local, Writing};
use crate::volume::{Change, Precondition, Step};
use crate::{Error, FilePath, Result, Version};
use std::io::{self, ErrorKind};

/// How often a commit starts again because a directory vanished under it.
const ATTEMPTS: usize = 16;

impl<D: Directory> Local<D> {
    pub(super) fn commit(&self, step: Step) -> Result<Option<Version>> {
        let writing = self.writing.as_ref().ok_or(Error::ReadOnly)?;
        let precondition = step.precondition;
        match step.change {
            Change::Write { path, contents } => self
                .write(writing, &path, &contents, &precondition)
                .map(Some),
            Change::Append { path, contents } => self
                .append(writing, &path, &contents, &precondition)
                .map(Some),
            Change::Rename { source, target } => {
                self.rename(writing, &source, &target, &precondition)?;
                Ok(None)
            }
            Change::Delete { path } => {
                self.delete(writing, &path, &precondition)?;
                Ok(None)
            }
        }
    }

    fn write(
        &self,
        writing: &Writing<D>,
        path: &FilePath,
        contents: &[u8],
        precondition: &Precondition,
    ) -> Result<Version> {
        let not_changed = |error| Error::not_changed(path, error);
        self.limits.check_file(path, contents.len() as u64)?;
        // A first look, without the lock, spares staging what cannot succeed.
        precondition.check(path, || self.version(path))?;

        let mode = self.mode_of(path).map_err(not_changed)?;
        let mut staged = stage(writing, contents, mode).map_err(not_changed)?;

        let _lock = writing.locks.lock(path).map_err(not_changed)?;
        precondition.check(path, || self.version(path))?;
        self.publish(path, &mut staged)?;
        Ok(Version::of(contents))
    }

    /// Stages the whole file again, under the lock from the beginning: what is
    /// there must not change between reading it and replacing it.
    fn append(
        &self,
        writing: &Writing<D>,
        path: &FilePath,
        contents: &[u8],
        precondition: &Precondition,
    ) -> Result<Version> {
        let not_changed = |error| Error::not_changed(path, error);
        let _lock = writing.locks.lock(path).map_err(not_changed)?;
        precondition.check(path, || self.version(path))?;

        let mut whole = match self.read(path, self.limits.max_file_bytes) {
            Ok(snapshot) => snapshot.contents,
            Err(Error::NotFound { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        self.limits
            .check_file(path, whole.len() as u64 + contents.len() as u64)?;
        whole.extend_from_slice(contents);

        let mode = self.mode_of(path).map_err(not_changed)?;
        let mut staged = stage(writing, &whole, mode).map_err(not_changed)?;
        self.publish(path, &mut staged)?;
        Ok(Version::of(&whole))
    }

    fn rename(
        &self,
        writing: &Writing<D>,
        source: &FilePath,
        target: &FilePath,
        precondition: &Precondition,
    ) -> Result<()> {
        let not_changed = |error| Error::not_changed(target, error);
        let _locks = writing
            .locks
            .lock_two(source, target)
            .map_err(not_changed)?;
        let from = self.tree.find(source).map_err(not_changed)?;
        let from = from.ok_or_else(|| Error::not_found(source))?;
        let file = from.open_file(source.name()).map_err(not_changed)?;
        let file = file.ok_or_else(|| Error::not_found(source))?;
        precondition.check(target, || self.version(target))?;

        // Its contents may be from a program that did not sync them; published
        // here, they must be on the disk.
        file.sync().map_err(not_changed)?;
        self.place(target, |parent| {
            from.rename(source.name(), parent, target.name())
        })?;
        if source.parent() != target.parent() {
            from.sync()
                .map_err(|error| Error::unconfirmed(target, error))?;
        }
        Ok(())
    }

    fn delete(
        &self,
        writing: &Writing<D>,
        path: &FilePath,
        precondition: &Precondition,
    ) -> Result<()> {
        let not_changed = |error| Error::not_changed(path, error);
        let unconfirmed = |error| Error::unconfirmed(path, error);
        let _lock = writing.locks.lock(path).map_err(not_changed)?;
        precondition.check(path, || self.version(path))?;

        if self.stat_file(path).map_err(not_changed)?.is_none() {
            // Whoever removed it may have died before it was durable.
            return self.tree.settle_absence(path).map_err(unconfirmed);
        }
        let Some(parent) = self.tree.find(path).map_err(not_changed)? else {
            return self.tree.settle_absence(path).map_err(unconfirmed);
        };
        match parent.remove_file(path.name()) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(not_changed(error)),
            _ => {}
        }
        parent.sync().map_err(unconfirmed)
    }

    fn publish(&self, path: &FilePath, staged: &mut Synced<'_, D>) -> Result<()> {
        self.place(path, |parent| staged.publish(parent, path.name()))
    }

    /// Steps 4 and 5: makes the directories on the way, lets `rename` put the
    /// file into the last, and settles them. Nothing is applied until `rename`
    /// succeeds.
    fn place(&self, path: &FilePath, mut rename: impl FnMut(&D) -> io::Result<()>) -> Result<()> {
        let place = self.publish_with(path, &mut rename)?;
        self.tree
            .settle(place)
            .map_err(|error| Error::unconfirmed(path, error))
    }

    fn publish_with(
        &self,
        path: &FilePath,
        rename: &mut impl FnMut(&D) -> io::Result<()>,
    ) -> Result<Place<D>> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let place = self.tree.make(path)?;
            let error = match rename(&place.directory) {
                Ok(()) => return Ok(place),
                Err(error) => error,
            };
            if attempts == ATTEMPTS {
                return Err(Error::not_changed(path, error));
            }
            if is_directory(&*place.directory, path.name()) {
                self.tree
                    .remove_empty(&place.directory, path.name(), path)
                    .map_err(|_| Error::directory_of_others(path))?;
            } else if error.kind() != ErrorKind::NotFound {
                return Err(Error::not_changed(path, error));
            }
            // Else a directory that was empty is gone: a commit in between
            // needed its name for a file.
        }
    }

    /// The permission bits of the file that is to be replaced; `None` if there
    /// is no file.
    fn mode_of(&self, path: &FilePath) -> io::Result<Option<u32>> {
        Ok(self.stat_file(path)?.and_then(|stat| stat.mode))
    }
}

/// Steps 1 and 2.
fn stage<'a, D: Directory>(
    writing: &'a Writing<D>,
    contents: &[u8],
    mode: Option<u32>,
) -> io::Result<Synced<'a, D>> {
    let mut staged: Staged<'a, D> = writing
        .session
        .stage(mode.map_or(Access::Usual, Access::Mode))?;
    staged.write(contents)?;
    staged.sync(mode)
}

fn is_directory<D: Directory>(parent: &D, name: &str) -> bool {
    matches!(parent.stat(name), Ok(Some(stat)) if stat.kind == Kind::Directory)
}
