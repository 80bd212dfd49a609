//! Where it is measured: file systems in images, one in memory, a directory.
//!
//! Must never leave a mount or a loop device behind: all mounts are made in a private
//! namespace, and each device goes with its last user.

mod flushes;
mod image;

pub use image::Images;

use anyhow::{Context, Result};
use clap::ValueEnum;
use flushes::FlushCounter;
use image::Image;
use powercut::file_system::FileSystem;
use powercut::system::mount::Mount;
use rustix::fs::{CWD, Mode, OFlags, openat, syncfs};
use serde::{Deserialize, Serialize};
use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// The kinds of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sort {
    Ext4,
    Xfs,
    Btrfs,
    Tmpfs,
    /// The directory that was named.
    Dir,
}

impl Sort {
    pub fn file_system(self) -> Option<FileSystem> {
        match self {
            Self::Ext4 => Some(FileSystem::Ext4),
            Self::Xfs => Some(FileSystem::Xfs),
            Self::Btrfs => Some(FileSystem::Btrfs),
            Self::Tmpfs | Self::Dir => None,
        }
    }
}

/// What is known of a place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Facts {
    pub name: String,
    pub file_system: String,
    pub options: String,
    /// What its bytes are kept on.
    pub backing: String,
}

/// A directory to measure in.
pub struct Place {
    facts: Facts,
    handle: OwnedFd,
    directory: PathBuf,
    counter: Option<FlushCounter>,
    // In this order they go.
    _temporary: Option<tempfile::TempDir>,
    _mount: Option<Mount>,
    _image: Option<Image>,
}

impl Place {
    /// A new file system in an image.
    pub fn image(file_system: FileSystem, images: &Images) -> Result<Self> {
        let (image, mount) = Image::make(file_system, images)?;
        let mut place = Self::at(file_system.name(), mount.path())?;
        place.facts.backing = images.backing.clone();
        place.counter = FlushCounter::of_device(image.device());
        place._mount = Some(mount);
        place._image = Some(image);
        Ok(place)
    }

    /// Whatever `directory` is on; a directory in it is used, and removed.
    pub fn directory(name: &str, directory: &Path) -> Result<Self> {
        let temporary = tempfile::Builder::new()
            .prefix("ability-storage-bench-")
            .tempdir_in(directory)
            .with_context(|| format!("cannot make a directory in {}", directory.display()))?;
        let mut place = Self::at(name, temporary.path())?;
        place.counter = FlushCounter::of_directory(temporary.path());
        place._temporary = Some(temporary);
        Ok(place)
    }

    fn at(name: &str, directory: &Path) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            facts: facts(name, directory)?,
            handle: openat(CWD, directory, flags, Mode::empty())?,
            directory: directory.to_owned(),
            counter: None,
            _temporary: None,
            _mount: None,
            _image: None,
        })
    }

    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// An empty directory, removed with what is in it when the value is dropped.
    pub fn fresh(&self) -> Result<tempfile::TempDir> {
        tempfile::Builder::new()
            .prefix("case-")
            .tempdir_in(&self.directory)
            .context("cannot make a directory to measure in")
    }

    /// Writes back all that is dirty here.
    pub fn settle(&self) -> Result<()> {
        syncfs(&self.handle).context("cannot sync the file system")
    }

    /// How often the device was flushed so far; `None` if nobody counts.
    pub fn flushes(&self) -> Option<u64> {
        self.counter.as_ref()?.read()
    }
}

/// From the list of mounts: the last one that the directory is under.
fn facts(name: &str, directory: &Path) -> Result<Facts> {
    let directory = fs::canonicalize(directory)?;
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let mount = mounts
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let (device, target) = (words.next()?, words.next()?);
            let (kind, options) = (words.next()?, words.next()?);
            let is_over = directory.starts_with(target);
            is_over.then_some((target.len(), device, kind, options))
        })
        .max_by_key(|(length, ..)| *length);
    let (_, device, kind, options) = mount.context("the directory is on no mount")?;
    Ok(Facts {
        name: name.to_owned(),
        file_system: kind.to_owned(),
        options: options.to_owned(),
        backing: device.to_owned(),
    })
}

#[cfg(test)]
mod tests;
