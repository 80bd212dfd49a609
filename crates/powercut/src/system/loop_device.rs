//! A loop device over an image, gone as soon as nobody uses it any more.

use super::ioctl;
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A block device over a file. It is detached by the kernel when this handle is
/// closed and no mount uses it, even if the process is killed.
#[derive(Debug)]
pub struct LoopDevice {
    path: PathBuf,
    file: File,
}

impl LoopDevice {
    /// Direct I/O: what the file system writes reaches the image in the order in
    /// which it was written, and a flush of the device is an fsync of the image.
    pub fn attach(image: &Path) -> Result<Self> {
        let mut attach = Command::new("losetup");
        attach
            .args(["--find", "--show", "--direct-io=on"])
            .arg(image);
        let path = PathBuf::from(super::output_of(&mut attach)?);
        let file = File::options().read(true).write(true).open(&path);
        let file = file.with_context(|| format!("cannot open {}", path.display()));
        // Detaching a device that is open takes effect when it is closed.
        super::output_of(Command::new("losetup").arg("--detach").arg(&path))?;
        let device = Self { path, file: file? };
        if !device.is_direct()? {
            bail!("{} does not take direct I/O", image.display());
        }
        Ok(device)
    }

    /// Whether what is written passes the kernel's cache of the image: with it,
    /// writes would reach the image in another order, or not at all.
    fn is_direct(&self) -> Result<bool> {
        let name = self.path.file_name().unwrap_or_default();
        let told = Path::new("/sys/block").join(name).join("loop/dio");
        let told =
            fs::read_to_string(&told).with_context(|| format!("cannot read {}", told.display()))?;
        Ok(told.trim() == "1")
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// To be called after the image was changed other than through the device.
    pub fn drop_cache(&self) -> Result<()> {
        ioctl::drop_cache(&self.file)
            .with_context(|| format!("cannot drop the cache of {}", self.path.display()))
    }

    pub fn file(&self) -> &File {
        &self.file
    }
}
