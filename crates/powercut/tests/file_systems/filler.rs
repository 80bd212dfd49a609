//! Filling small disks to the last block, or to the last file.

use anyhow::Result;
use powercut::system::loop_device::LoopDevice;
use powercut::system::mount::Mount;
use powercut::system::output_of;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

const BLOCK: u64 = 4096;

/// What takes all space on a disk, or all room for files.
pub enum Filler {
    Blocks {
        path: PathBuf,
        file: File,
        bytes: u64,
    },
    Files {
        directory: PathBuf,
        count: u64,
    },
}

impl Filler {
    pub fn of_blocks(mounted: &Path) -> io::Result<Self> {
        sync(mounted)?;
        let path = mounted.join("filler");
        let mut file = File::create(&path)?;
        let mut bytes = 0;
        let mut chunk = 64 * BLOCK;
        while chunk >= BLOCK {
            match file.write(&vec![b'x'; chunk as usize]) {
                Ok(written) => bytes += written as u64,
                Err(error) if error.kind() == ErrorKind::StorageFull => chunk /= 2,
                Err(error) => return Err(error),
            }
        }
        file.sync_all()?;
        Ok(Self::Blocks { path, file, bytes })
    }

    pub fn of_files(mounted: &Path) -> io::Result<Self> {
        let directory = mounted.join("filler");
        fs::create_dir(&directory)?;
        let mut count = 0;
        loop {
            match File::create(directory.join(count.to_string())) {
                Ok(_) => count += 1,
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Self::Files { directory, count })
    }

    /// Gives so many blocks or files back.
    pub fn leave(&self, free: u64) -> io::Result<()> {
        match self {
            Self::Blocks { path, file, bytes } => {
                file.set_len(bytes.saturating_sub(free * BLOCK))?;
                sync(path)
            }
            Self::Files { directory, count } => (count.saturating_sub(free)..*count)
                .try_for_each(|i| fs::remove_file(directory.join(i.to_string()))),
        }
    }

    pub fn remove(self) -> io::Result<()> {
        match self {
            Self::Blocks { path, .. } => {
                fs::remove_file(&path)?;
                sync(path.parent().unwrap_or(Path::new("/")))
            }
            Self::Files { directory, .. } => fs::remove_dir_all(directory),
        }
    }
}

/// What was freed can be had again only after that.
fn sync(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(path)?)?)
}

/// An ext4 of a few megabytes, with a journal.
pub struct SmallExt4 {
    mount: Mount,
    _device: LoopDevice,
}

impl SmallExt4 {
    pub fn new(place: &Path) -> Result<Self> {
        let image = place.join("image");
        File::create(&image)?.set_len(16 << 20)?;
        let device = LoopDevice::attach(&image)?;
        let mut make = Command::new("mkfs.ext4");
        // Without blocks that only root may have: root it is who runs this.
        make.args(["-q", "-b", "4096", "-m", "0"])
            .arg(device.path());
        output_of(&mut make)?;
        let mount = Mount::new(device.path(), &place.join("ext4"), "ext4", "")?;
        Ok(Self {
            mount,
            _device: device,
        })
    }

    pub fn path(&self) -> &Path {
        self.mount.path()
    }
}
