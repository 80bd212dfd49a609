//! The protocol of all libraries here, by the fewest system calls: create a temporary
//! file, write, sync, rename, sync the directory, which stays open.

use super::{Batching, Contestant, Guarantees, Kind, Store};
use anyhow::Result;
use rustix::fs::{CWD, Mode, OFlags, fsync, openat, renameat, syncfs};
use rustix::io::write;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub struct Raw {
    name: &'static str,
    synced: bool,
}

impl Raw {
    pub const SYNCED: Self = Self {
        name: "system calls",
        synced: true,
    };
    pub const UNSYNCED: Self = Self {
        name: "system calls, unsynced",
        synced: false,
    };
}

impl Contestant for Raw {
    fn name(&self) -> &'static str {
        self.name
    }

    fn kind(&self) -> Kind {
        Kind::Raw
    }

    fn guarantees(&self) -> Guarantees {
        match self.synced {
            true => Guarantees::ALL,
            false => Guarantees::UNSYNCED,
        }
    }

    fn batching(&self) -> Batching {
        Batching::Together
    }

    fn prepare(&self, directory: &Path) -> Result<Box<dyn Store>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Box::new(RawStore {
            path: directory.to_owned(),
            directory: openat(CWD, directory, flags, Mode::empty())?,
            synced: self.synced,
        }))
    }
}

struct RawStore {
    path: PathBuf,
    directory: OwnedFd,
    synced: bool,
}

impl RawStore {
    fn stage(&self, temporary: &str, contents: &[u8]) -> Result<OwnedFd> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = openat(&self.directory, temporary, flags, Mode::from(0o644))?;
        let mut left = contents;
        while !left.is_empty() {
            left = &left[write(&file, left)?..];
        }
        Ok(file)
    }
}

impl Store for RawStore {
    fn replace(&self, path: &str, contents: &[u8]) -> Result<()> {
        let temporary = temporary(path);
        let file = self.stage(&temporary, contents)?;
        if self.synced {
            fsync(&file)?;
        }
        drop(file);
        renameat(&self.directory, &temporary, &self.directory, path)?;
        if self.synced {
            fsync(&self.directory)?;
        }
        Ok(())
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        Ok(fs::read(self.path.join(path))?)
    }

    /// Each file is whole, but not all together: a power cut may leave some old.
    fn replace_all(&self, files: &[(String, Vec<u8>)]) -> Result<()> {
        for (path, contents) in files {
            self.stage(&temporary(path), contents)?;
        }
        if self.synced {
            syncfs(&self.directory)?;
        }
        for (path, _) in files {
            renameat(&self.directory, temporary(path), &self.directory, path)?;
        }
        if self.synced {
            fsync(&self.directory)?;
        }
        Ok(())
    }
}

fn temporary(path: &str) -> String {
    format!("{path}.tmp")
}
