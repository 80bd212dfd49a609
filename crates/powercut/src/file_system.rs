//! The file systems whose power is cut.

use crate::system::ioctl::forget_btrfs_device;
use crate::system::loop_device::LoopDevice;
use crate::system::mount::Mount;
use crate::system::output_of;
use anyhow::Result;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;
use std::process::Command;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileSystem {
    Ext4,
    Xfs,
    Btrfs,
}

impl FileSystem {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
            Self::Btrfs => "btrfs",
        }
    }

    /// The program that makes one.
    pub fn maker(self) -> &'static str {
        match self {
            Self::Ext4 => "mkfs.ext4",
            Self::Xfs => "mkfs.xfs",
            Self::Btrfs => "mkfs.btrfs",
        }
    }

    /// As small as it may be, so that an image is made quickly.
    pub fn bytes(self) -> u64 {
        let megabytes = match self {
            Self::Ext4 => 64,
            Self::Xfs => 300,
            Self::Btrfs => 128,
        };
        megabytes << 20
    }

    /// Makes one on a device.
    pub fn make(self, device: &Path) -> Result<()> {
        let options: &[&str] = match self {
            // Nothing is left to be initialised later: those writes would be of
            // no interest, and in the way.
            Self::Ext4 => &[
                "-q",
                "-F",
                "-b",
                "4096",
                "-E",
                "lazy_itable_init=0,lazy_journal_init=0",
            ],
            Self::Xfs => &["-q", "-f"],
            Self::Btrfs => &["-q", "-f"],
        };
        output_of(Command::new(self.maker()).args(options).arg(device))?;
        Ok(())
    }

    fn mount_options(self) -> &'static str {
        match self {
            Self::Ext4 => "",
            // Several images of one file system are mounted at once.
            Self::Xfs => "nouuid",
            // There, to sync one file does not make the rename of another
            // durable, so that the neighbour alone would not make it commit.
            Self::Btrfs => "commit=1",
        }
    }

    /// Mounts one, which replays its journal.
    pub fn mount(self, device: &LoopDevice, target: &Path) -> Result<Mount> {
        if self == Self::Btrfs {
            // It may remember a newer one, of the image that was here before.
            let _ = forget_btrfs_device(device.path());
        }
        Mount::new(device.path(), target, self.name(), self.mount_options())
    }
}

impl fmt::Display for FileSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
