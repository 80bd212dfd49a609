//! Mounts that end with the value that stands for them.

use anyhow::{Context, Result};
use rustix::mount::{MountFlags, UnmountFlags};
use std::ffi::CString;
use std::fs;
use std::path::{Path, PathBuf};

/// A file system that is mounted.
#[derive(Debug)]
pub struct Mount {
    target: PathBuf,
}

impl Mount {
    /// Mounts `source` at `target`, which is created if need be. `options` are
    /// those of the file system, separated by commas.
    pub fn new(source: &Path, target: &Path, file_system: &str, options: &str) -> Result<Self> {
        fs::create_dir_all(target)
            .with_context(|| format!("cannot create {}", target.display()))?;
        let data = CString::new(options).context("mount options with a NUL")?;
        let mounted = rustix::mount::mount(
            source,
            target,
            file_system,
            MountFlags::empty(),
            data.as_c_str(),
        );
        mounted.with_context(|| {
            format!(
                "cannot mount {} as {file_system} at {}",
                source.display(),
                target.display()
            )
        })?;
        Ok(Self {
            target: target.to_owned(),
        })
    }

    /// A file system in memory.
    pub fn tmpfs(target: &Path, options: &str) -> Result<Self> {
        Self::new(Path::new("tmpfs"), target, "tmpfs", options)
    }

    pub fn path(&self) -> &Path {
        &self.target
    }

    /// Whether it may be written to, from now on.
    pub fn set_read_only(&self, read_only: bool) -> Result<()> {
        let flags = if read_only {
            MountFlags::RDONLY
        } else {
            MountFlags::empty()
        };
        rustix::mount::mount_remount(&self.target, flags, c"")
            .with_context(|| format!("cannot remount {}", self.target.display()))
    }

    /// Like dropping it, but tells if it fails.
    pub fn unmount(self) -> Result<()> {
        let target = self.target.clone();
        std::mem::forget(self);
        rustix::mount::unmount(&target, UnmountFlags::empty())
            .with_context(|| format!("cannot unmount {}", target.display()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Busy or not: it is out of the way now, and gone with its last user.
        let _ = rustix::mount::unmount(&self.target, UnmountFlags::DETACH);
    }
}
