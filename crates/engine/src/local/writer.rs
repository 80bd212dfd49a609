//! Writing a file piece by piece: a staged file that grows, and the same steps
//! as any write in the end.

use super::Local;
use super::directory::Directory;
use super::stage::Staged;
use super::unchanged::Wanted;
use super::usage::{InFlight, WriterPlace};
use crate::observe::Observed;
use crate::version::Hasher;
use crate::volume::{Precondition, Writer};
use crate::{Error, FilePath, Result, Version};
use std::sync::Arc;

/// The disk gets a long file in pieces of this length while it is still being written,
/// and hashed.
const AT_ONCE_BYTES: u64 = 8 << 20;

/// A longer file is published without asking whether it is there already: to read it all
/// again would cost more than that.
const LONGEST_COMPARED: u64 = 1 << 20;

pub(crate) struct LocalWriter<D: Directory> {
    // Before the volume, so that it is gone before the session may be.
    staged: Staged<D>,
    local: Arc<Local<D>>,
    path: FilePath,
    hasher: Hasher,
    bytes: u64,
    /// How many of them the system was told to write to the disk.
    on_its_way: u64,
    /// Whether a write failed: what is staged is then not what was meant.
    failed: bool,
    in_flight: InFlight,
    _place: WriterPlace,
}

impl<D: Directory> LocalWriter<D> {
    pub(crate) fn open(local: Arc<Local<D>>, path: &FilePath) -> Result<Self> {
        local.limits.check_path(path)?;
        let writing = local.writing.as_ref().ok_or(Error::ReadOnly)?;
        let place = writing.accounts.open_writer(&local.limits, path)?;
        let staged = local
            .mode_of(path)
            .and_then(|mode| writing.session.stage(mode))
            .map_err(|error| Error::not_changed(path, error))?;
        let in_flight = writing.accounts.in_flight();
        Ok(Self {
            staged,
            local,
            path: path.clone(),
            hasher: Hasher::default(),
            bytes: 0,
            on_its_way: 0,
            failed: false,
            in_flight,
            _place: place,
        })
    }
}

impl<D: Directory> Writer for LocalWriter<D> {
    fn write(&mut self, contents: &[u8]) -> Result<()> {
        let result = self.stage(contents);
        self.failed |= result.is_err();
        result
    }

    fn commit(self: Box<Self>, precondition: Precondition) -> Result<Version> {
        let local = self.local.clone();
        let observed = Observed::stream(&self.path, self.bytes);
        let _span = observed.span().entered();
        let result = self.publish(&precondition);
        let result = result.map_err(|error| local.change_error(error));
        local.observer.committed(observed, &result);
        result
    }
}

impl<D: Directory> LocalWriter<D> {
    fn stage(&mut self, contents: &[u8]) -> Result<()> {
        let more = contents.len() as u64;
        let limits = &self.local.limits;
        limits.check_file(&self.path, self.bytes + more)?;
        self.in_flight.add(limits, &self.path, more)?;
        self.staged
            .write(contents)
            .map_err(|error| Error::not_changed(&self.path, error))?;
        self.hasher.update(contents);
        self.bytes += more;
        if self.bytes - self.on_its_way >= AT_ONCE_BYTES {
            self.staged.start_sync(self.on_its_way..self.bytes);
            self.on_its_way = self.bytes;
        }
        Ok(())
    }

    fn publish(self, precondition: &Precondition) -> Result<Version> {
        let Self {
            staged,
            local,
            path,
            hasher,
            bytes,
            on_its_way: _,
            failed,
            in_flight: _in_flight,
            _place,
        } = self;
        if failed {
            return Err(Error::after_failed_write(&path));
        }
        let writing = local.writing.as_ref().ok_or(Error::ReadOnly)?;
        let not_changed = |error| Error::not_changed(&path, error);
        let version = hasher.version();
        if local.journaled.is_none() && bytes <= LONGEST_COMPARED {
            let wanted = Wanted::Staged(bytes);
            if local.has_nothing_to_do(writing, &path, precondition, version, &wanted)? {
                return Ok(version);
            }
        }
        let mode = local.mode_of(&path).map_err(not_changed)?;
        let staged = staged.complete(mode).map_err(not_changed)?;
        if let Some(journaled) = &local.journaled {
            local.commit_stream(journaled, writing, &path, precondition, staged, version)?;
            return Ok(version);
        }
        let mut staged = staged.sync().map_err(not_changed)?;
        local.publish(writing, &path, precondition, &mut staged, bytes)?;
        local.remember(&path, version, staged.completed());
        Ok(version)
    }
}
