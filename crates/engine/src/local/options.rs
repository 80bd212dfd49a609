//! How a volume is to be opened: what a host may choose, and what is chosen if it says
//! nothing.

use super::cap::CapDirectory;
use super::durability::Durability;
use super::{Local, LocalVolume};
#[cfg(doc)]
use crate::Volume;
use crate::{Error, Limits, Result};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long commits to a journaled volume stay in the journal, if nothing is said.
const SETTLE_AFTER: Duration = Duration::from_secs(5);

/// How a [`LocalVolume`] is to be opened.
#[derive(Clone, Debug)]
pub struct LocalVolumeOptions {
    pub(super) limits: Limits,
    pub(super) read_only: bool,
    pub(super) durability: Durability,
    pub(super) journaled: bool,
    /// `None`: only when it must be.
    pub(super) settle_after: Option<Duration>,
}

impl Default for LocalVolumeOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            read_only: false,
            durability: Durability::default(),
            journaled: false,
            settle_after: Some(SETTLE_AFTER),
        }
    }
}

impl LocalVolumeOptions {
    /// What the volume may hold. Default: [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether the volume is for reading only; then nothing is written to the
    /// directory, not even `.ability-storage/`, and [`Volume::commit`] answers
    /// [`Error::ReadOnly`]. Default: `false`.
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// What commits are to survive. Default: [`Durability::Full`], which is what a
    /// [`Volume`] promises; with anything less it is not *durable*.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Whether commits go into a journal, which is the faster way: each is durable
    /// after one flush of the device, which it shares with all others that are made
    /// at that moment. All promises of [`Volume`] are kept. The price is that the files
    /// themselves follow [later](Self::settle_after): other programs that read them
    /// see whole versions, but older ones, also after a power cut, until the volume is
    /// opened again or [settled](LocalVolume::settle); and what they write into a file
    /// in between is overwritten. Default: `false`.
    ///
    /// The journal takes up to 8 MiB on the disk, and as much memory for what is not
    /// settled yet.
    ///
    /// All who have a volume open do it in the same way: whoever opens one that others
    /// have open does as they do ([`LocalVolume::is_journaled`] tells). Where names are
    /// not told apart by case, and on Windows and macOS, volumes are never journaled.
    pub fn journaled(mut self, journaled: bool) -> Self {
        self.journaled = journaled;
        self
    }

    /// How long a commit to a journaled volume may take to be in the file itself, as
    /// long as the disk keeps up. Default: 5 seconds.
    pub fn settle_after(mut self, time: Duration) -> Self {
        self.settle_after = Some(time);
        self
    }

    /// Opens the directory at `path`, which must exist.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if it does not exist, cannot be written to, or is
    /// on a file system without locks.
    pub fn open(self, path: impl AsRef<Path>) -> Result<LocalVolume> {
        let path = path.as_ref();
        let unavailable = |source| Error::Unavailable {
            what: format!("the directory {} could not be opened", path.display()),
            source,
        };
        let root = CapDirectory::open(path, self.durability).map_err(unavailable)?;
        let local = Local::open(root, self).map_err(unavailable)?;
        Ok(LocalVolume {
            local: Arc::new(local),
        })
    }
}
