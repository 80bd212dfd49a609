//! A direct write:
//!
//! 1. *stage* the new contents in the session's directory, whole;
//! 2. *sync* them;
//! 3. *check* the precondition, under the path's lock;
//! 4. *publish* them by renaming, into a directory that is durable itself;
//! 5. *sync* that directory.
//!
//! Until 4 is done an error means *not applied*; from then on it means
//! *unconfirmed*. No step may be left out, and none may move before another.

use super::super::directory::{Directory, Stat};
use super::super::known_files::Wanted;
use super::super::locks::Held;
use super::super::stage::{Complete, Synced};
use super::super::tree::{Place, is_directory};
use super::super::writer::{Abort, Writer};
use crate::volume::Precondition;
use crate::{Error, FilePath, Result, Version};
use std::io::{self, ErrorKind};
use std::slice;

/// How often a commit starts again because a directory vanished under it.
const ATTEMPTS: usize = 16;

/// From this attempt on, it keeps others from removing the directory.
const PATIENT_ATTEMPTS: usize = 3;

impl<D: Directory> Writer<D> {
    pub(in crate::local) fn write(
        &self,
        path: &FilePath,
        contents: &[u8],
        precondition: &Precondition,
    ) -> Result<Version, Abort> {
        let not_changed = |error| Error::not_changed(path, error);
        // First looks, without the lock, spare staging what cannot succeed.
        if self.reader.log.is_known_to_govern(path) {
            return Err(Abort::NeedsLog);
        }
        self.reader.check(path, precondition)?;
        let version = Version::of(contents);
        if self.has_nothing_to_do(path, precondition, version, &Wanted::Bytes(contents))? {
            return Ok(version);
        }
        let mut in_flight = self.accounts.in_flight();
        in_flight.add(self.limits(), path, contents.len() as u64)?;
        let mode = self.reader.stat_on_disk(path).map_err(not_changed)?;
        let mode = mode.and_then(|stat| stat.mode);
        let staged = self.session.stage_whole(None::<io::Empty>, contents, mode);
        let staged = staged.and_then(Complete::sync);
        let mut staged = staged.map_err(not_changed)?;
        self.publish(path, precondition, &mut staged, contents.len() as u64)?;
        self.remember(path, version, staged.completed());
        Ok(version)
    }

    /// Steps 3 to 5.
    pub(in crate::local) fn publish(
        &self,
        path: &FilePath,
        precondition: &Precondition,
        staged: &mut Synced<D>,
        bytes: u64,
    ) -> Result<(), Abort> {
        self.locked(slice::from_ref(path), || {
            self.reader.check(path, precondition)?;
            let old = self.reader.stat_on_disk(path);
            let old = old.map_err(|error| Error::not_changed(path, error))?;
            self.publish_over(path, old, staged, bytes)
        })
    }

    /// Steps 4 and 5, over the file that is there.
    fn publish_over(
        &self,
        path: &FilePath,
        old: Option<Stat>,
        staged: &mut Synced<D>,
        bytes: u64,
    ) -> Result<(), Abort> {
        let reservation = self.reserve_over(path, old, Some(bytes))?;
        let place = self.place(path, |parent| staged.publish(parent, path.name()))?;
        reservation.keep();
        let settled = self.reader.tree.sync_names(vec![place]);
        Ok(settled.map_err(|error| Error::unconfirmed(path, error))?)
    }

    /// Step 4: lets `rename` put a file into the directory of `path`, which is
    /// made if it does not exist. Nothing is applied unless `rename` succeeds.
    pub(super) fn place(
        &self,
        path: &FilePath,
        mut rename: impl FnMut(&D) -> io::Result<()>,
    ) -> Result<Place<D>> {
        let tree = &self.reader.tree;
        let mut last = io::Error::from(ErrorKind::ResourceBusy);
        // Held during an attempt once several have failed.
        let mut structure = None;
        for attempt in 0..ATTEMPTS {
            let place = tree.enter(path);
            if let Some(mut place) = place.map_err(|no_way| no_way.into_error(path))? {
                tree.anchor(&mut place)
                    .map_err(|error| Error::not_changed(path, error))?;
                last = match rename(&place.directory) {
                    Ok(()) => return Ok(place),
                    Err(error) => error,
                };
                let can_be_mended = last.kind() == ErrorKind::NotFound
                    || is_directory(&*place.directory, path.name());
                if !can_be_mended {
                    break;
                }
            }
            drop(structure.take());
            let lock = self.make_directories(path)?;
            structure = (attempt >= PATIENT_ATTEMPTS).then_some(lock);
        }
        Err(Error::not_changed(path, last))
    }

    /// Makes the directories of `path`, and removes those without files that
    /// have its name. No others are made or removed while the returned lock is held.
    fn make_directories(&self, path: &FilePath) -> Result<Held<'_, D>> {
        let tree = &self.reader.tree;
        let structure = self.locks.structure_exclusive().map_err(|error| {
            Error::not_possible(
                Some(path),
                "the directories of the volume cannot be changed",
                error,
            )
        })?;
        let place = tree.make(path);
        let place = place.map_err(|no_way| no_way.into_error(path))?;
        if is_directory(&*place.directory, path.name()) {
            tree.remove_empty(&place.directory, path)
                .map_err(|error| Error::not_removable(path, error))?;
        }
        Ok(structure)
    }
}
