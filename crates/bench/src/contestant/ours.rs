//! `LocalVolume`, with whatever options; and any volume, called by native code.

use super::{Batching, Contestant, Guarantees, Kind, Store};
use ability_storage::{Batch, Change, FilePath, Limits, LocalVolume, LocalVolumeOptions, Volume};
use anyhow::Result;
use std::path::Path;

/// A volume as its options make it.
#[derive(Debug)]
pub struct Ours {
    pub name: &'static str,
    pub guarantees: Guarantees,
    pub options: fn() -> LocalVolumeOptions,
}

impl Ours {
    pub fn open(&self, directory: &Path) -> Result<LocalVolume> {
        open(self.options, directory)
    }
}

/// With room for as many files as the largest case has.
pub fn open(options: fn() -> LocalVolumeOptions, directory: &Path) -> Result<LocalVolume> {
    let limits = Limits::default()
        .max_files(1 << 20)
        .max_file_bytes(4 << 30)
        .max_total_bytes(16 << 30);
    Ok(options().limits(limits).open(directory)?)
}

impl Contestant for Ours {
    fn name(&self) -> &'static str {
        self.name
    }

    fn kind(&self) -> Kind {
        Kind::Ours
    }

    fn guarantees(&self) -> Guarantees {
        self.guarantees
    }

    fn batching(&self) -> Batching {
        Batching::AllOrNothing
    }

    fn as_ours(&self) -> Option<&Ours> {
        Some(self)
    }

    fn prepare(&self, directory: &Path) -> Result<Box<dyn Store>> {
        Ok(Box::new(Native(self.open(directory)?)))
    }
}

/// A volume, called by native code.
pub struct Native<V>(pub V);

impl<V: Volume> Store for Native<V> {
    fn replace(&self, path: &str, contents: &[u8]) -> Result<()> {
        self.0.commit(write(path, contents)?.into())?;
        Ok(())
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        Ok(self
            .0
            .read(&FilePath::new(path)?, u64::MAX)?
            .into_contents())
    }

    fn append(&self, path: &str, addition: &[u8]) -> Result<()> {
        let append = Change::append(FilePath::new(path)?, addition.to_vec());
        self.0.commit(append.into())?;
        Ok(())
    }

    fn replace_all(&self, files: &[(String, Vec<u8>)]) -> Result<()> {
        let mut batch = Batch::new();
        for (path, contents) in files {
            batch.push(write(path, contents)?);
        }
        self.0.commit(batch)?;
        Ok(())
    }
}

fn write(path: &str, contents: &[u8]) -> Result<Change> {
    Ok(Change::write(FilePath::new(path)?, contents.to_vec()))
}
