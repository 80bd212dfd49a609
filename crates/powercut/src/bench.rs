//! Where crash images are mounted and looked at, one after the other.

use crate::disk::Image;
use crate::file_system::FileSystem;
use crate::look::Look;
use crate::promise::{Expectation, Kind, Violation};
use crate::recording::{DIRECTORY, save};
use crate::system::loop_device::LoopDevice;
use anyhow::{Context, Result};
use std::fs::File;
use std::path::{Path, PathBuf};

/// A loop device that becomes one image after the other.
#[derive(Debug)]
pub struct Bench {
    file_system: FileSystem,
    file: File,
    device: LoopDevice,
    mount_at: PathBuf,
}

impl Bench {
    /// `directory` must be in memory, and nobody else's.
    pub fn new(file_system: FileSystem, directory: &Path) -> Result<Self> {
        let path = directory.join("image");
        let file = save(&Image::zeros(file_system.bytes()), &path)?;
        Ok(Self {
            file_system,
            file,
            device: LoopDevice::attach(&path)?,
            mount_at: directory.join("mount"),
        })
    }

    /// Mounts an image, so that the file system recovers, looks at what is there,
    /// and judges.
    ///
    /// The outer error is one of the laboratory, the inner one a promise that was
    /// not kept.
    pub fn check(
        &mut self,
        image: &Image,
        look: &Look,
        expectation: &Expectation,
    ) -> Result<Result<(), Violation>> {
        image.put(&self.file).context("cannot write an image")?;
        self.device.drop_cache()?;
        let mount = match self.file_system.mount(&self.device, &self.mount_at) {
            Ok(mount) => mount,
            Err(error) => {
                return Ok(Err(Violation::new(Kind::Unmountable, format!("{error:#}"))));
            }
        };
        let verdict = look.judge(&mount.path().join(DIRECTORY), expectation);
        mount.unmount()?;
        Ok(verdict)
    }
}
