//! What abilities do that have only `exists`, `read`, `write` and `delete`.

use super::{Contestant, Guarantees, Kept, Kind, Store};
use anyhow::{Result, ensure};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The old habit. A reader may find nothing or a part.
#[derive(Debug)]
pub struct DeleteThenWrite;

/// Writes the new contents to `<stem>_tmp.json`, reads them back, and only then deletes
/// and writes the file. What is there after a crash is one of two files, so a plain reader
/// may find nothing.
#[derive(Debug)]
pub struct ForwardJournal {
    pub synced: bool,
}

impl Contestant for DeleteThenWrite {
    fn name(&self) -> &'static str {
        "delete then write"
    }

    fn kind(&self) -> Kind {
        Kind::Peer
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees::TORN
    }

    fn prepare(&self, directory: &Path) -> Result<Box<dyn Store>> {
        Ok(Box::new(Deleting(directory.to_owned())))
    }
}

struct Deleting(PathBuf);

impl Store for Deleting {
    fn replace(&self, path: &str, contents: &[u8]) -> Result<()> {
        let path = self.0.join(path);
        delete(&path)?;
        Ok(fs::write(path, contents)?)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        Ok(fs::read(self.0.join(path))?)
    }
}

impl Contestant for ForwardJournal {
    fn name(&self) -> &'static str {
        match self.synced {
            true => "forward journal, synced",
            false => "forward journal",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Peer
    }

    fn guarantees(&self) -> Guarantees {
        match self.synced {
            true => Guarantees {
                whole: Kept::No,
                shared: false,
                ..Guarantees::ALL
            },
            false => Guarantees {
                shared: false,
                ..Guarantees::TORN
            },
        }
    }

    fn prepare(&self, directory: &Path) -> Result<Box<dyn Store>> {
        Ok(Box::new(Journaling {
            path: directory.to_owned(),
            directory: File::open(directory)?,
            synced: self.synced,
        }))
    }
}

struct Journaling {
    path: PathBuf,
    directory: File,
    synced: bool,
}

impl Journaling {
    fn write(&self, path: &Path, contents: &[u8]) -> Result<()> {
        let mut file = File::create(path)?;
        file.write_all(contents)?;
        if self.synced {
            file.sync_all()?;
            self.directory.sync_all()?;
        }
        Ok(())
    }

    fn delete(&self, path: &Path) -> Result<()> {
        delete(path)?;
        if self.synced {
            self.directory.sync_all()?;
        }
        Ok(())
    }
}

impl Store for Journaling {
    fn replace(&self, path: &str, contents: &[u8]) -> Result<()> {
        let path = self.path.join(path);
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let journal = path.with_file_name(format!("{stem}_tmp.json"));
        self.write(&journal, contents)?;
        ensure!(fs::read(&journal)? == contents, "the journal is not whole");
        self.delete(&path)?;
        self.write(&path, contents)?;
        self.delete(&journal)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        Ok(fs::read(self.path.join(path))?)
    }
}

fn delete(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
