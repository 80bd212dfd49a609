//! `Quota`: a limit that several volumes share.
//!
//! It knows for each volume what that holds, and what all commits under way may add. Both
//! change under one mutex, so that no two commits take the same room.

use crate::local::Accounts;
use crate::{Error, FilePath, Result, Usage};
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// How long a count of the volumes that are not open is good for.
const COUNT_AGE: Duration = Duration::from_secs(1);

/// How much several volumes may hold together, such as all of a user: the volumes that were
/// opened with clones of one `Quota`. What would go beyond is an
/// [`Error::QuotaExceeded`](crate::Error::QuotaExceeded) and changes nothing; each volume has
/// its own [`Limits`](crate::Limits) besides.
///
/// What commits that are under way may add counts, so that many at once cannot go beyond.
/// A [`LocalRoot`](crate::LocalRoot) also counts its volumes that are not open. Other
/// processes have a `Quota` of their own: what they add is seen when a volume is counted
/// again, as with all limits.
///
/// ```
/// use ability_storage_engine::{Change, Error, FilePath, LocalRoot, LocalVolume, Quota, Root, Volume};
///
/// # let directory = tempfile::tempdir()?;
/// let quota = Quota::default().max_bytes(1_000);
/// let options = LocalVolume::options().quota(quota.clone());
/// let root = LocalRoot::options().volumes(options).open_or_create(directory.path())?;
/// let path = FilePath::new("file")?;
/// root.ability("one")?.commit(Change::write(path.clone(), vec![0; 800]).into())?;
///
/// let refused = root.ability("two")?.commit(Change::write(path, vec![0; 300]).into());
/// assert!(matches!(refused, Err(Error::QuotaExceeded { .. })));
/// assert_eq!(quota.usage().bytes, 800);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Quota {
    max: Usage,
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    volumes: HashMap<PathBuf, Usage>,
    reserved: Usage,
    /// Of the volumes that are open, or were.
    opened: HashMap<PathBuf, Opened>,
    /// When those that are not open were counted.
    closed_counted: Option<Instant>,
}

#[derive(Default)]
struct Opened {
    accounts: Weak<Accounts>,
    /// How often it was opened while it was not open.
    times: u64,
}

/// A volume that is not open and is to be counted.
pub(crate) struct Closed {
    pub(crate) volume: PathBuf,
    /// How often it had been opened before.
    opened: u64,
}

impl Default for Quota {
    /// Without limits.
    fn default() -> Self {
        let (bytes, files) = (u64::MAX, u64::MAX);
        Self {
            max: Usage { bytes, files },
            held: Arc::default(),
        }
    }
}

impl Quota {
    /// With another limit of the lengths of all files together, in bytes. Volumes that were
    /// opened with a clone before keep the limit of that clone.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max.bytes = bytes;
        self
    }

    /// With another limit of the number of all files.
    #[must_use]
    pub fn max_files(mut self, files: u64) -> Self {
        self.max.files = files;
        self
    }

    /// What the volumes hold, as far as it is known, and what commits under way may add.
    pub fn usage(&self) -> Usage {
        self.held().total()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The accounts of the volume in this directory: all of its sessions have the same.
    pub(crate) fn accounts(&self, volume: &Path) -> Arc<Accounts> {
        let mut held = self.held();
        let opened = held.opened.entry(volume.to_owned()).or_default();
        opened.accounts.upgrade().unwrap_or_else(|| {
            let share = Share {
                quota: self.clone(),
                volume: volume.to_owned(),
            };
            let accounts = Arc::new(Accounts::with_share(share));
            opened.accounts = Arc::downgrade(&accounts);
            opened.times += 1;
            accounts
        })
    }

    /// A volume of which nothing is known, to be counted.
    pub(crate) fn unknown(&self, volume: PathBuf) -> Option<Closed> {
        let held = self.held();
        let is_known = held.volumes.contains_key(&volume) || held.is_open(&volume);
        (!is_known).then(|| held.closed(volume))
    }

    /// A volume was counted; that counts unless it was opened since, and has counted itself.
    pub(crate) fn set_closed(&self, closed: Closed, usage: Usage) {
        let mut held = self.held();
        if !held.is_open(&closed.volume) && held.times_opened(&closed.volume) == closed.opened {
            held.volumes.insert(closed.volume, usage);
        }
    }

    /// The volumes that are not open, if they have to be counted before anything is refused.
    pub(crate) fn closed_to_count(&self) -> Vec<Closed> {
        let mut held = self.held();
        if held
            .closed_counted
            .is_some_and(|at| at.elapsed() < COUNT_AGE)
        {
            return Vec::new();
        }
        held.closed_counted = Some(Instant::now());
        let volumes = held.volumes.keys();
        let closed = volumes.filter(|volume| !held.is_open(volume));
        closed.map(|volume| held.closed(volume.clone())).collect()
    }
}

impl Held {
    fn is_open(&self, volume: &Path) -> bool {
        let opened = self.opened.get(volume);
        opened.is_some_and(|opened| opened.accounts.strong_count() > 0)
    }

    fn times_opened(&self, volume: &Path) -> u64 {
        self.opened.get(volume).map_or(0, |opened| opened.times)
    }

    fn closed(&self, volume: PathBuf) -> Closed {
        let opened = self.times_opened(&volume);
        Closed { volume, opened }
    }

    fn total(&self) -> Usage {
        let volumes = self.volumes.values();
        volumes.fold(self.reserved, |sum, usage| plus(sum, *usage))
    }
}

/// The part of a [`Quota`] that one volume takes.
pub(crate) struct Share {
    quota: Quota,
    volume: PathBuf,
}

impl Share {
    pub(crate) fn quota(&self) -> &Quota {
        &self.quota
    }

    /// Reserves what a commit may add. One that adds nothing is never refused.
    pub(crate) fn reserve(&self, path: &FilePath, more: Usage) -> Result<()> {
        let mut held = self.quota.held();
        let Usage { bytes, files } = plus(held.total(), more);
        let max = self.quota.max;
        if more.bytes > 0 && bytes > max.bytes {
            let limit = max.bytes;
            let reason = format!("the volumes that share a quota would exceed {limit} bytes");
            return Err(Error::quota_exceeded(path, reason));
        }
        if more.files > 0 && files > max.files {
            let limit = max.files;
            let reason =
                format!("the volumes that share a quota would have more than {limit} files");
            return Err(Error::quota_exceeded(path, reason));
        }
        held.reserved = plus(held.reserved, more);
        Ok(())
    }

    /// A count is over, or a commit for which this was reserved; the volume holds so much now.
    pub(crate) fn end(&self, more: Usage, usage: Option<Usage>) {
        let mut held = self.quota.held();
        held.reserved = Usage {
            bytes: held.reserved.bytes.saturating_sub(more.bytes),
            files: held.reserved.files.saturating_sub(more.files),
        };
        if let Some(usage) = usage {
            held.volumes.insert(self.volume.clone(), usage);
        }
    }
}

fn plus(one: Usage, other: Usage) -> Usage {
    Usage {
        bytes: one.bytes.saturating_add(other.bytes),
        files: one.files.saturating_add(other.files),
    }
}

impl fmt::Debug for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quota")
            .field("max", &self.max)
            .field("usage", &self.usage())
            .finish_non_exhaustive()
    }
}
