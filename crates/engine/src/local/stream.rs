//! Writing a file piece by piece: a staged file that grows, and the same steps
//! as any write in the end.

use super::directory::Directory;
use super::known_files::Wanted;
use super::stage::Staged;
use super::usage::{InFlight, WriterPlace};
use super::writer::{Abort, Writer};
use crate::version::VersionHasher;
use crate::volume::{Precondition, Writer as VolumeWriter};
use crate::{Error, FilePath, Result, Version};
use std::io;
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
    writer: Arc<Writer<D>>,
    path: FilePath,
    hasher: VersionHasher,
    bytes: u64,
    /// How many of them the system was told to write to the disk.
    on_its_way: u64,
    /// Whether a write failed: what is staged is then not what was meant.
    failed: bool,
    /// The process that opened it, and whose session it belongs to.
    process: u32,
    in_flight: InFlight,
    _place: WriterPlace,
}

impl<D: Directory> LocalWriter<D> {
    pub(crate) fn open(writer: Arc<Writer<D>>, path: &FilePath) -> Result<Self> {
        writer.limits().check_path(path)?;
        let place = writer.accounts.open_writer(writer.limits(), path)?;
        let staged = writer
            .reader
            .mode_of(path)
            .and_then(|mode| writer.session.stage(mode))
            .map_err(|error| Error::not_changed(path, error))?;
        let in_flight = writer.accounts.in_flight();
        Ok(Self {
            staged,
            writer,
            path: path.clone(),
            hasher: VersionHasher::default(),
            bytes: 0,
            on_its_way: 0,
            failed: false,
            process: std::process::id(),
            in_flight,
            _place: place,
        })
    }
}

impl<D: Directory> VolumeWriter for LocalWriter<D> {
    fn write(&mut self, contents: &[u8]) -> Result<()> {
        self.check_process()?;
        let result = self.stage(contents);
        self.failed |= result.is_err();
        result
    }

    fn commit(self: Box<Self>, precondition: Precondition) -> Result<Version> {
        self.check_process()?;
        let writer = self.writer.clone();
        let observed = writer.observer.stream(&self.path, self.bytes);
        let _span = observed.span().entered();
        let call = writer.calls.begin();
        let result = call.and_then(|_call| self.publish(&precondition));
        let result = result.map_err(|error| writer.change_error(error));
        observed.committed(&result);
        result
    }
}

impl<D: Directory> LocalWriter<D> {
    /// That this is not a child of `fork`: the locks of the session would not exclude its
    /// parent.
    fn check_process(&self) -> Result<()> {
        if self.process == std::process::id() {
            return Ok(());
        }
        let reason = "it was opened before this process was forked; open it again";
        Err(Error::not_changed(&self.path, io::Error::other(reason)))
    }

    fn stage(&mut self, contents: &[u8]) -> Result<()> {
        let more = contents.len() as u64;
        let limits = self.writer.limits();
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
            writer,
            path,
            hasher,
            bytes,
            on_its_way: _,
            failed,
            process: _,
            in_flight: _in_flight,
            _place,
        } = self;
        if failed {
            return Err(Error::after_failed_write(&path));
        }
        let not_changed = |error| Error::not_changed(&path, error);
        let version = hasher.version();
        let is_direct = writer.log.publishes_immediately()
            && !writer.reader.log.governs([&path]).map_err(not_changed)?;
        if is_direct && bytes <= LONGEST_COMPARED {
            let wanted = Wanted::Staged(bytes);
            let nothing_to_do = writer.has_nothing_to_do(&path, precondition, version, &wanted);
            match nothing_to_do {
                Ok(true) => return Ok(version),
                Err(Abort::Error(error)) => return Err(error),
                Ok(false) | Err(Abort::NeedsLog) => {}
            }
        }
        let mode = writer.reader.mode_of(&path).map_err(not_changed)?;
        let staged = staged.complete(mode).map_err(not_changed)?;
        if !is_direct {
            writer.commit_staged(&path, precondition, staged, version)?;
            return Ok(version);
        }
        let mut staged = staged.sync().map_err(not_changed)?;
        match writer.publish(&path, precondition, &mut staged, bytes) {
            Ok(()) => writer.remember(&path, version, staged.completed()),
            Err(Abort::Error(error)) => return Err(error),
            Err(Abort::NeedsLog) => {
                writer.commit_synced(&path, precondition, staged, bytes, version)?;
            }
        }
        Ok(version)
    }
}
