//! What the tests over the simulated disk share.

use super::sim::{SimDirectory, SimDisk};
use super::{Local, LocalVolumeOptions};
use crate::{Batch, Change, FilePath};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// All files of a volume.
pub(crate) type Contents = BTreeMap<String, Vec<u8>>;

pub(crate) fn open(disk: &SimDisk) -> io::Result<Arc<Local<SimDirectory>>> {
    let volume = Local::open(disk.start().0, LocalVolumeOptions::default())?;
    Ok(Arc::new(volume))
}

pub(crate) fn contents(volume: &Local<SimDirectory>) -> crate::Result<Contents> {
    let read = |path: FilePath| {
        let snapshot = volume.read(&path, 1 << 20)?;
        Ok((path.to_string(), snapshot.contents))
    };
    volume.list(None)?.into_iter().map(read).collect()
}

pub(crate) fn sessions_left(disk: &SimDisk) -> Vec<String> {
    disk.names_in(&[".ability-storage", "sessions"])
}

pub(crate) fn write(path: &str, contents: &[u8]) -> Change {
    let (path, contents) = (file(path), contents.to_vec());
    Change::Write { path, contents }
}

pub(crate) fn append(path: &str, contents: &[u8]) -> Change {
    let (path, contents) = (file(path), contents.to_vec());
    Change::Append { path, contents }
}

pub(crate) fn rename(source: &str, target: &str) -> Change {
    let (source, target) = (file(source), file(target));
    Change::Rename { source, target }
}

pub(crate) fn delete(path: &str) -> Change {
    Change::Delete { path: file(path) }
}

pub(crate) fn batch<const N: usize>(changes: [Change; N]) -> Batch {
    changes.into_iter().collect()
}

pub(crate) fn file(path: &str) -> FilePath {
    FilePath::new(path).expect("valid")
}
