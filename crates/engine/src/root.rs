//! `Root`: what any place that holds the volumes of many abilities promises.
//!
//! The layout is that of [`VolumeId`], wherever a root is.

use crate::{Result, Volume, VolumeId};
use std::sync::Arc;

/// A place with a volume for each ability, and one that all abilities share.
///
/// ```
/// use ability_storage_engine::{LocalRoot, Root, VolumeId};
///
/// let directory = tempfile::tempdir()?;
/// let root: Box<dyn Root> = Box::new(LocalRoot::open_or_create(directory.path())?);
/// root.ability("todo")?;
/// root.user()?;
/// assert_eq!(root.list()?, [VolumeId::ability("todo")?, VolumeId::user()]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Root: Send + Sync {
    /// Opens a volume, which is created when it is needed.
    ///
    /// If the root is read-only, a volume that does not exist is empty.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    fn volume(&self, id: &VolumeId) -> Result<Arc<dyn Volume>>;

    /// The volumes that exist: those of abilities, sorted, and after them the one that
    /// all share. It opens none and creates nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    fn list(&self) -> Result<Vec<VolumeId>>;

    /// Opens the volume of the ability `id`; see [`VolumeId::ability`] for what an id
    /// may be.
    ///
    /// # Errors
    ///
    /// [`Error::Id`](crate::Error::Id) if `id` cannot be an id, and as
    /// [`volume`](Self::volume).
    fn ability(&self, id: &str) -> Result<Arc<dyn Volume>> {
        self.volume(&VolumeId::ability(id)?)
    }

    /// Opens the volume that all abilities share.
    ///
    /// # Errors
    ///
    /// As [`volume`](Self::volume).
    fn user(&self) -> Result<Arc<dyn Volume>> {
        self.volume(&VolumeId::user())
    }
}
