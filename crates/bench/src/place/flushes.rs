//! How often the kernel has flushed a block device.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// In `/sys/block/<device>/stat`, from zero: flush requests that were completed.
const FLUSHES: usize = 15;

#[derive(Debug)]
pub struct FlushCounter {
    file: PathBuf,
}

impl FlushCounter {
    /// Of a device such as `/dev/loop0`; `None` if this kernel does not count.
    pub fn of_device(device: &Path) -> Option<Self> {
        let name = device.file_name()?;
        Self::checked(Path::new("/sys/block").join(name).join("stat"))
    }

    /// Of the device that a directory is on, whoever flushes it; `None` if it is on none.
    pub fn of_directory(directory: &Path) -> Option<Self> {
        let number = fs::metadata(directory).ok()?.dev();
        let (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
        Self::checked(format!("/sys/dev/block/{major}:{minor}/stat").into())
    }

    fn checked(file: PathBuf) -> Option<Self> {
        let counter = Self { file };
        counter.read()?;
        Some(counter)
    }

    pub fn read(&self) -> Option<u64> {
        let text = fs::read_to_string(&self.file).ok()?;
        text.split_whitespace().nth(FLUSHES)?.parse().ok()
    }
}
