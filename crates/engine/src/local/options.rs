//! How a volume is to be opened: what a host may choose, and what is chosen if it says
//! nothing.

#[cfg(doc)]
use super::LocalVolume;
use super::durability::Durability;
use super::log::{Publication, Sizes};
use super::usage::Accounts;
#[cfg(doc)]
use crate::{Error, Volume};
use crate::{Limits, Quota};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long commits to a journaled volume stay in the log alone, by default.
const CHECKPOINT_AFTER: Duration = Duration::from_secs(5);

/// How a [`LocalVolume`] is to be opened.
#[derive(Clone, Debug)]
#[must_use = "options do nothing before a volume is opened with them"]
pub struct LocalVolumeOptions {
    pub(super) limits: Limits,
    pub(crate) read_only: bool,
    pub(super) durability: Durability,
    pub(super) journaled: bool,
    /// `None`: only when it must be.
    pub(super) checkpoint_after: Option<Duration>,
    pub(super) quota: Option<Quota>,
    /// Where the volume is, for the quota.
    pub(super) directory: PathBuf,
    /// What the volume is called in what it reports: its directory.
    pub(super) name: String,
    pub(super) ability: Option<String>,
    pub(super) tuning: Tuning,
}

/// What depends on hardware and not on a host; tests make it small.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tuning {
    pub(crate) sizes: Sizes,
    /// No clock of a file system that keeps the promises ticks slower than this.
    pub(crate) slowest_tick: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            sizes: Sizes::default(),
            slowest_tick: Duration::from_secs(2),
        }
    }
}

impl Default for LocalVolumeOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            read_only: false,
            durability: Durability::default(),
            journaled: false,
            checkpoint_after: Some(CHECKPOINT_AFTER),
            quota: None,
            directory: PathBuf::new(),
            name: String::new(),
            ability: None,
            tuning: Tuning::default(),
        }
    }
}

impl LocalVolumeOptions {
    /// What the volume may hold. Default: [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What the volume may hold together with others that are opened with a clone of the same
    /// quota. The volume is counted when it is opened then. Default: none.
    pub fn quota(mut self, quota: Quota) -> Self {
        self.quota = Some(quota);
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

    /// Whether all commits go into the log first, which is the faster way: each is durable
    /// after one flush of the device, which it shares with all others that are made
    /// at that moment. All promises of [`Volume`] are kept. The price is that the files
    /// themselves follow [later](Self::checkpoint_after): other programs that read them
    /// see whole versions, but older ones, also after a power cut, until the volume is
    /// opened again or [checkpointed](LocalVolume::checkpoint). What they make of a file in
    /// between is overwritten by a write or a rename of the volume, and kept by an append,
    /// which comes behind it. Default: `false`.
    ///
    /// The log takes up to 8 MiB on the disk, and as much memory for what is not
    /// checkpointed yet.
    ///
    /// All sessions that have a volume open at a time open it in the same way: a session that
    /// opens it while others have it open does as they do ([`LocalVolume::is_journaled`]
    /// says how). Where file names ignore case, and on Windows and macOS, volumes are never
    /// journaled.
    pub fn journaled(mut self, journaled: bool) -> Self {
        self.journaled = journaled;
        self
    }

    /// How long it may take, as long as the disk keeps up, until what is in the log is also
    /// durable in the files themselves: all commits of a journaled volume, appends and
    /// batches of others. Default: 5 seconds.
    pub fn checkpoint_after(mut self, time: Duration) -> Self {
        self.checkpoint_after = Some(time);
        self
    }

    /// The id of the ability whose files these are, for what the volume reports by
    /// `tracing`: a root sets it to the id of each volume. Default: none.
    pub fn ability(mut self, id: impl Into<String>) -> Self {
        self.ability = Some(id.into());
        self
    }

    pub(crate) fn shared_quota(&self) -> Option<&Quota> {
        self.quota.as_ref()
    }

    pub(super) fn accounts(&self) -> Arc<Accounts> {
        let shared = self.quota.as_ref();
        shared.map_or_else(Arc::default, |quota| quota.accounts(&self.directory))
    }

    pub(super) fn publication(&self) -> Publication {
        match self.journaled {
            true => Publication::Deferred,
            false => Publication::Immediate,
        }
    }
}
