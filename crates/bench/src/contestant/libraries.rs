//! Crates that replace files, each as its documentation shows it.

use super::{Contestant, Guarantees, Kind, Store};
use anyhow::{Context, Result};
use cap_std_ext::cap_std::ambient_authority;
use cap_std_ext::cap_std::fs::Dir;
use cap_std_ext::prelude::CapStdExtDirExt;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub struct AtomicWriteFile;

#[derive(Debug)]
pub struct Atomicwrites;

#[derive(Debug)]
pub struct CapStdExt;

/// With the syncs that it leaves to its user.
#[derive(Debug)]
pub struct Tempfile;

/// A contestant that keeps plain files in a directory and all promises.
macro_rules! library {
    ($contestant:ty, $name:literal, $prepare:expr) => {
        impl Contestant for $contestant {
            fn name(&self) -> &'static str {
                $name
            }

            fn kind(&self) -> Kind {
                Kind::Peer
            }

            fn guarantees(&self) -> Guarantees {
                Guarantees::ALL
            }

            fn prepare(&self, directory: &Path) -> Result<Box<dyn Store>> {
                Ok(Box::new($prepare(directory)?))
            }
        }
    };
}

library!(AtomicWriteFile, "atomic-write-file", InDirectory::new);
library!(Atomicwrites, "atomicwrites", InDirectoryToo::new);
library!(CapStdExt, "cap-std-ext", InCapability::new);
library!(Tempfile, "tempfile, synced", WithTempfile::new);

struct InDirectory(PathBuf);

impl InDirectory {
    fn new(directory: &Path) -> Result<Self> {
        Ok(Self(directory.to_owned()))
    }
}

impl Store for InDirectory {
    fn replace(&self, path: &str, contents: &[u8]) -> Result<()> {
        let mut file = atomic_write_file::AtomicWriteFile::open(self.0.join(path))?;
        file.write_all(contents)?;
        Ok(file.commit()?)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        Ok(fs::read(self.0.join(path))?)
    }
}

struct InDirectoryToo(PathBuf);

impl InDirectoryToo {
    fn new(directory: &Path) -> Result<Self> {
        Ok(Self(directory.to_owned()))
    }
}

impl Store for InDirectoryToo {
    fn replace(&self, path: &str, contents: &[u8]) -> Result<()> {
        let path = self.0.join(path);
        let file = atomicwrites::AtomicFile::new(path, atomicwrites::AllowOverwrite);
        file.write(|file| file.write_all(contents))
            .map_err(std::io::Error::from)
            .context("it was not written")
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        Ok(fs::read(self.0.join(path))?)
    }
}

struct InCapability(Dir);

impl InCapability {
    fn new(directory: &Path) -> Result<Self> {
        Ok(Self(Dir::open_ambient_dir(directory, ambient_authority())?))
    }
}

impl Store for InCapability {
    fn replace(&self, path: &str, contents: &[u8]) -> Result<()> {
        // It syncs the file and the directory by itself.
        let replaced = self
            .0
            .atomic_replace_with(path, |file| file.write_all(contents));
        Ok(replaced?)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        Ok(self.0.read(path)?)
    }
}

struct WithTempfile {
    path: PathBuf,
    directory: File,
}

impl WithTempfile {
    fn new(directory: &Path) -> Result<Self> {
        Ok(Self {
            path: directory.to_owned(),
            directory: File::open(directory)?,
        })
    }
}

impl Store for WithTempfile {
    fn replace(&self, path: &str, contents: &[u8]) -> Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.path)?;
        file.write_all(contents)?;
        file.as_file().sync_all()?;
        file.persist(self.path.join(path))?;
        Ok(self.directory.sync_all()?)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        Ok(fs::read(self.path.join(path))?)
    }
}
