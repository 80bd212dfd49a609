//! Whether a write has nothing to do, because the file is what it would be.

use super::super::Durability;
use super::super::directory::{Directory, FileHandle, Stat};
use super::super::known_files::{Known, Wanted};
use super::super::unique_name;
use super::super::writer::{Abort, Writer};
use crate::volume::Precondition;
use crate::{FilePath, Version};
use std::io;
use std::slice;
use std::time::Instant;

impl<D: Directory> Writer<D> {
    /// Remembers a file as [`KnownFiles::remember`](super::super::known_files::KnownFiles::remember) says.
    pub(in crate::local) fn remember(
        &self,
        path: &FilePath,
        version: Version,
        completed: Option<Stat>,
    ) {
        if self.durability != Durability::None {
            let now = self.reader.tree.stat(path).ok().flatten();
            self.known_files.remember(path, version, completed, now);
        }
    }

    /// Whether a write of this version has nothing to do. Takes the path's lock only
    /// if that may be so.
    pub(in crate::local) fn has_nothing_to_do(
        &self,
        path: &FilePath,
        precondition: &Precondition,
        version: Version,
        wanted: &Wanted<'_>,
    ) -> Result<bool, Abort> {
        if self.known_files.get(path, version).is_none() {
            return Ok(false);
        }
        let unchanged = self.locked(slice::from_ref(path), || {
            self.reader.check(path, precondition)?;
            Ok(self.is_unchanged(path, version, wanted))
        })?;
        if unchanged {
            self.observer.unchanged();
        }
        Ok(unchanged)
    }

    /// Whether the file at `path` is what is wanted, durably. The caller holds its
    /// lock, and the disk governs it. Whatever goes wrong here will show again when
    /// the file is written.
    pub(in crate::local) fn is_unchanged(
        &self,
        path: &FilePath,
        version: Version,
        wanted: &Wanted<'_>,
    ) -> bool {
        let Some(known) = self.known_files.get(path, version) else {
            return false;
        };
        let looked = self.look(path, known, wanted);
        let is_unchanged = looked.unwrap_or_else(|error| {
            tracing::debug!(%path, %error, "a file is written though it may be unchanged");
            false
        });
        if !is_unchanged {
            self.known_files.forget(path);
        }
        is_unchanged
    }

    fn look(&self, path: &FilePath, known: Known, wanted: &Wanted<'_>) -> io::Result<bool> {
        let Ok(Some(place)) = self.reader.tree.enter(path) else {
            return Ok(false);
        };
        let now = Instant::now();
        let Some(mut file) = place.directory.open_file(path.name())? else {
            return Ok(false);
        };
        if file.stat_when_opened()? != known.stat || known.stat.links != 1 {
            return Ok(false);
        }
        if !wanted.is_in(&mut file, known.stat.size, known.version)? {
            return Ok(false);
        }
        let directory = self.session.directory();
        let has_fine_clock = || {
            self.known_files
                .tells_changes_apart(&**directory, unique_name::name)
        };
        if known.is_certain || has_fine_clock()? {
            return Ok(true);
        }
        file.sync()?;
        self.reader.tree.sync_names(vec![place])?;
        let is_certain = now.duration_since(known.since) >= self.known_files.slowest_tick;
        self.known_files.put(
            path,
            Known {
                is_certain,
                ..known
            },
        );
        Ok(true)
    }
}
