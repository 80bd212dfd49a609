//! The commit protocol for one change. For a write:
//!
//! 1. *stage* the new contents in the session's directory, whole;
//! 2. *sync* them;
//! 3. *check* the precondition, under the path's lock;
//! 4. *publish* them by renaming, into a directory that is durable itself;
//! 5. *settle*: sync that directory.
//!
//! Until 4 is done an error means *not applied*; from then on it means
//! *unconfirmed*. No step may be left out, and none may move before another.
//! Nothing may be replaced, moved or removed before its appends are settled.

use super::append::{AppendError, Appends};
use super::batch::Journals;
use super::directory::{Directory, FileHandle, Stat};
use super::exclusion::Stop;
use super::locks::{Held, Locks};
use super::session::{Session, Sessions};
use super::stage::{Complete, Synced};
use super::tree::{Place, is_directory};
use super::unchanged::Wanted;
use super::usage::{Accounts, Growth, Reservation};
use super::{Durability, Local};
use crate::volume::{Change, Precondition, Step};
use crate::{Error, FilePath, Result, Version};
use std::io::{self, ErrorKind};
use std::slice;
use std::sync::Arc;

/// How often a commit starts again because a directory vanished under it.
const ATTEMPTS: usize = 16;

/// What it takes to write.
pub(crate) struct Writing<D: Directory> {
    // Before the session, so that none is open when its directory is removed.
    pub(crate) journals: Journals<D>,
    pub(crate) session: Session<D>,
    pub(crate) sessions: Arc<Sessions<D>>,
    pub(crate) locks: Locks<D>,
    pub(crate) appends: Arc<Appends<D>>,
    pub(crate) accounts: Arc<Accounts>,
}

impl<D: Directory> Local<D> {
    pub(super) fn commit_one(&self, writing: &Writing<D>, step: Step) -> Result<Option<Version>> {
        let precondition = step.precondition;
        self.limits.check_change(&step.change)?;
        match step.change {
            Change::Write { path, contents } => {
                let version = self.write(writing, &path, &contents, &precondition)?;
                Ok(Some(version))
            }
            Change::Append { path, contents } => {
                self.append(writing, &path, &contents, &precondition)?;
                Ok(None)
            }
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
        if self.durability == Durability::None {
            return self.write_unsynced(writing, path, contents, precondition);
        }
        // A first look, without the lock, spares staging what cannot succeed.
        precondition.check(path, || self.version(path))?;
        let version = Version::of(contents);
        let wanted = Wanted::Bytes(contents);
        if self.has_nothing_to_do(writing, path, precondition, version, &wanted)? {
            return Ok(version);
        }

        let mut in_flight = writing.accounts.in_flight();
        in_flight.add(&self.limits, path, contents.len() as u64)?;
        let staged = self.stage(writing, path, None, contents);
        let mut staged = staged.map_err(not_changed)?;
        self.publish(
            writing,
            path,
            precondition,
            &mut staged,
            contents.len() as u64,
        )?;
        self.remember(path, version, staged.completed());
        Ok(version)
    }

    /// Where nothing is synced nobody waits long, so that all can be done under the
    /// lock, where one look at the file is enough.
    fn write_unsynced(
        &self,
        writing: &Writing<D>,
        path: &FilePath,
        contents: &[u8],
        precondition: &Precondition,
    ) -> Result<Version> {
        let not_changed = |error| Error::not_changed(path, error);
        let bytes = contents.len() as u64;
        let mut in_flight = writing.accounts.in_flight();
        in_flight.add(&self.limits, path, bytes)?;
        self.locked(writing, slice::from_ref(path), |held| {
            let settled = self.appends_settled(writing, held, path);
            settled.map_err(not_changed)?;
            precondition.check(path, || self.version(path))?;
            let old = self.stat_file(path).map_err(not_changed)?;
            let mode = old.and_then(|old| old.mode);
            let staged = writing
                .session
                .stage_whole(None::<io::Empty>, contents, mode);
            let staged = staged.and_then(Complete::sync);
            let mut staged = staged.map_err(not_changed)?;
            self.publish_over(writing, path, old, &mut staged, bytes)
        })?;
        Ok(Version::of(contents))
    }

    /// Steps 1 and 2 for a file of all that is in `base`, if there is one, and
    /// `more`.
    fn stage(
        &self,
        writing: &Writing<D>,
        path: &FilePath,
        base: Option<D::File>,
        more: &[u8],
    ) -> io::Result<Synced<D>> {
        let mode = self.mode_of(path)?;
        writing.session.stage_whole(base, more, mode)?.sync()
    }

    /// Steps 3 to 5.
    pub(super) fn publish(
        &self,
        writing: &Writing<D>,
        path: &FilePath,
        precondition: &Precondition,
        staged: &mut Synced<D>,
        bytes: u64,
    ) -> Result<()> {
        self.locked(writing, slice::from_ref(path), |held| {
            self.publish_under_lock(writing, held, path, precondition, staged, bytes)
        })
    }

    fn publish_under_lock(
        &self,
        writing: &Writing<D>,
        held: &Held<'_, D>,
        path: &FilePath,
        precondition: &Precondition,
        staged: &mut Synced<D>,
        bytes: u64,
    ) -> Result<(), Stop> {
        let not_changed = |error| Error::not_changed(path, error);
        self.appends_settled(writing, held, path)
            .map_err(not_changed)?;
        precondition.check(path, || self.version(path))?;
        let old = self.stat_file(path).map_err(not_changed)?;
        self.publish_over(writing, path, old, staged, bytes)
    }

    /// Steps 4 and 5, over the file that is there.
    fn publish_over(
        &self,
        writing: &Writing<D>,
        path: &FilePath,
        old: Option<Stat>,
        staged: &mut Synced<D>,
        bytes: u64,
    ) -> Result<(), Stop> {
        let reservation = self.reserve_over(writing, path, old, Some(bytes))?;
        let place = self.place(writing, path, |parent| staged.publish(parent, path.name()))?;
        reservation.keep();
        let settled = self.tree.settle(vec![place]);
        Ok(settled.map_err(|error| Error::unconfirmed(path, error))?)
    }

    fn append(
        &self,
        writing: &Writing<D>,
        path: &FilePath,
        contents: &[u8],
        precondition: &Precondition,
    ) -> Result<()> {
        let mut in_flight = writing.accounts.in_flight();
        in_flight.add(&self.limits, path, contents.len() as u64)?;
        self.locked(writing, slice::from_ref(path), |held| {
            self.append_under_lock(writing, held, path, contents, precondition)
        })
    }

    fn append_under_lock(
        &self,
        writing: &Writing<D>,
        held: &Held<'_, D>,
        path: &FilePath,
        contents: &[u8],
        precondition: &Precondition,
    ) -> Result<(), Stop> {
        let not_changed = |error| Error::not_changed(path, error);
        if held.may_have_appends(path).map_err(not_changed)? {
            let appends = &writing.appends;
            appends.catch_up(&self.tree, path).map_err(not_changed)?;
        }
        precondition.check(path, || self.version(path))?;
        let file = self.tree.open_to_change(path).map_err(not_changed)?;
        let stat = file.as_ref().map(FileHandle::stat).transpose();
        let stat = stat.map_err(not_changed)?;
        let size = stat.map_or(0, |stat| stat.size);
        let bytes = size + contents.len() as u64;
        self.limits.check_file(path, bytes)?;
        let file = match (file, stat) {
            (Some(file), Some(stat)) if stat.links <= 1 => file,
            (base, _) => {
                // There is no file, or somebody gave it a second name, perhaps to
                // keep what it was.
                let staged = self.stage(writing, path, base, contents);
                let mut staged = staged.map_err(not_changed)?;
                let any = Precondition::Any;
                return self.publish_under_lock(writing, held, path, &any, &mut staged, bytes);
            }
        };
        let reservation = self.reserve(writing, path, Some(bytes))?;
        held.will_have_appends(path).map_err(not_changed)?;
        let appended = writing
            .appends
            .append(&self.tree, path, &file, size, contents);
        match appended {
            Ok(()) => {
                reservation.keep();
                Ok(())
            }
            Err(AppendError::NotApplied(error)) => Err(not_changed(error).into()),
            Err(AppendError::Unconfirmed(error)) => {
                reservation.keep();
                Err(Error::unconfirmed(path, error).into())
            }
        }
    }

    /// Counts what becomes of the file at `path`: `bytes` long, or gone.
    pub(super) fn reserve<'a>(
        &self,
        writing: &'a Writing<D>,
        path: &FilePath,
        bytes: Option<u64>,
    ) -> Result<Reservation<'a>> {
        let old = self.stat_file(path);
        let old = old.map_err(|error| Error::not_changed(path, error))?;
        self.reserve_over(writing, path, old, bytes)
    }

    pub(super) fn reserve_over<'a>(
        &self,
        writing: &'a Writing<D>,
        path: &FilePath,
        old: Option<Stat>,
        bytes: Option<u64>,
    ) -> Result<Reservation<'a>> {
        let mut growth = Growth::default();
        growth.replace(old.map(|stat| stat.size), bytes);
        writing
            .accounts
            .reserve(&self.inventory(), &self.limits, path, growth)
    }

    /// Step 4: lets `rename` put a file into the directory of `path`, which is
    /// made if it does not exist. Nothing is applied unless `rename` succeeds.
    pub(super) fn place(
        &self,
        writing: &Writing<D>,
        path: &FilePath,
        mut rename: impl FnMut(&D) -> io::Result<()>,
    ) -> Result<Place<D>, Stop> {
        let mut last = io::Error::from(ErrorKind::ResourceBusy);
        for _ in 0..ATTEMPTS {
            let place = self.tree.enter(path);
            if let Some(mut place) = place.map_err(|no_way| no_way.into_error(path))? {
                self.tree
                    .anchor(&mut place)
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
            self.make_way(writing, path)?;
        }
        Err(Error::not_changed(path, last).into())
    }

    /// Makes the directories of `path`, and removes those without files that
    /// have its name.
    fn make_way(&self, writing: &Writing<D>, path: &FilePath) -> Result<(), Stop> {
        let _structure = self.structure_to_change(writing, Some(path))?;
        let place = self.tree.make(path);
        let place = place.map_err(|no_way| no_way.into_error(path))?;
        if is_directory(&*place.directory, path.name()) {
            self.tree
                .remove_empty(&place.directory, path)
                .map_err(|error| Error::not_removable(path, error))?;
        }
        Ok(())
    }

    pub(super) fn appends_settled(
        &self,
        writing: &Writing<D>,
        held: &Held<'_, D>,
        path: &FilePath,
    ) -> io::Result<()> {
        match held.may_have_appends(path)? {
            true => writing.appends.settle(&self.tree, path),
            false => Ok(()),
        }
    }

    /// The permission bits of the file that is to be replaced; `None` if there
    /// is no file.
    pub(super) fn mode_of(&self, path: &FilePath) -> io::Result<Option<u32>> {
        Ok(self.stat_file(path)?.and_then(|stat| stat.mode))
    }
}
