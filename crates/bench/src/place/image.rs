//! A file system in a file, on a loop device.

use anyhow::{Context, Result};
use powercut::file_system::FileSystem;
use powercut::system::loop_device::LoopDevice;
use powercut::system::mount::Mount;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Where images are made, and how large.
#[derive(Clone, Debug)]
pub struct Images {
    pub directory: PathBuf,
    pub bytes: u64,
    /// What to tell of where they are.
    pub backing: String,
}

/// An image, removed when dropped; the file system on it must be unmounted by then.
pub struct Image {
    device: LoopDevice,
    file: PathBuf,
}

impl Image {
    /// Makes a file system with the defaults of its maker, and mounts it with the
    /// defaults of the kernel.
    pub fn make(file_system: FileSystem, images: &Images) -> Result<(Self, Mount)> {
        let file = images.directory.join(format!("{file_system}.image"));
        let created = File::create(&file).and_then(|it| it.set_len(images.bytes));
        created.with_context(|| format!("cannot create {}", file.display()))?;
        let device = match LoopDevice::attach(&file) {
            Ok(device) => device,
            Err(error) => {
                let _ = fs::remove_file(&file);
                return Err(error);
            }
        };
        let image = Self { device, file };
        file_system.make(image.device())?;
        let target = images.directory.join(file_system.name());
        let mount = Mount::new(image.device(), &target, file_system.name(), "")?;
        Ok((image, mount))
    }

    pub fn device(&self) -> &Path {
        self.device.path()
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}
