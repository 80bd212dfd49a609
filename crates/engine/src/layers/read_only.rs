//! `ReadOnly`: any volume, without its changes.

use crate::{Batch, Error, FilePath, Result, Version, Volume, Writer};

/// A volume that can only be read: every change answers [`Error::ReadOnly`].
///
/// The volume beneath stays as it is, and may be changed through other ways to it.
///
/// ```
/// use ability_storage_engine::{Change, Error, FilePath, MemoryVolume, ReadOnly, Volume};
///
/// let volume = MemoryVolume::new();
/// let write = Change::write(FilePath::new("a.txt")?, b"text");
/// volume.commit(write.clone().into())?;
///
/// let read_only = ReadOnly::new(&volume);
/// assert_eq!(read_only.list(None)?.len(), 1);
/// assert!(matches!(read_only.commit(write.into()), Err(Error::ReadOnly)));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ReadOnly<V>(V);

impl<V: Volume> ReadOnly<V> {
    /// A layer over `volume`.
    pub fn new(volume: V) -> Self {
        Self(volume)
    }

    /// The volume beneath.
    pub fn inner(&self) -> &V {
        &self.0
    }
}

impl<V: Volume> Volume for ReadOnly<V> {
    __delegate_volume!(self => self.0; read, stat, list, reader, usage, counters, close, exists);

    fn commit(&self, _batch: Batch) -> Result<Vec<Option<Version>>> {
        Err(Error::ReadOnly)
    }

    fn writer(&self, _path: &FilePath) -> Result<Box<dyn Writer>> {
        Err(Error::ReadOnly)
    }
}
