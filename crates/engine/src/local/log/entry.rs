//! What has become of one path by the records of the log.

use super::super::directory::Stat;
use super::super::session::SessionTag;
use super::log_file::LogSlot;
use super::pending_file::File;
use super::record::{Effect, Publication};
use crate::local::known_files::Wanted;
use crate::{FilePath, Version};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// How much the clock of a file system may be ahead of that of the host.
const CLOCK_DIFFERENCE: Duration = Duration::from_secs(2);

/// What has become of a path.
pub(super) struct Entry {
    pub(super) which: LogSlot,
    /// The number of the record that says so.
    pub(super) sequence: u64,
    pub(super) session: SessionTag,
    pub(super) publication: Publication,
    /// When the record was made, by the clock of the host.
    pub(super) time: SystemTime,
    /// `None`: there is no file.
    pub(super) file: Option<File>,
    /// Odd while this process knows that the file on the disk is what the entry says, or
    /// what another program made of it since; counts the changes of that.
    pub(super) published: AtomicU64,
}

impl Entry {
    /// Whether it is a file of what is wanted, which is of this version.
    pub(super) fn is(&self, wanted: &Wanted<'_>, version: Version) -> bool {
        let file = self.file.as_ref();
        file.is_some_and(|file| file.is(wanted, version))
    }

    pub(super) fn is_published(&self) -> bool {
        self.publications() % 2 == 1
    }

    /// Counts how often the file on the disk began and ceased to be what counts.
    pub(super) fn publications(&self) -> u64 {
        self.published.load(Ordering::Acquire)
    }

    /// Only for the holder of what keeps others from publishing this path.
    pub(super) fn set_published(&self, is_published: bool) {
        if self.is_published() != is_published {
            self.published.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Whether it begins with staged contents that are to get their place.
    pub(super) fn is_staged(&self) -> bool {
        self.blob().is_some()
    }

    /// The staged contents that it begins with and that may not be in their place yet, and
    /// the file of the log that names them.
    pub(super) fn blob(&self) -> Option<(&str, LogSlot)> {
        if self.is_published() {
            return None;
        }
        let beginning = self.file.as_ref()?.beginning.as_ref()?;
        if beginning.is_placed {
            return None;
        }
        Some((beginning.staged.as_deref()?, beginning.which()))
    }

    /// This entry without the records of a file of the log that was given up; `None` if it
    /// has none of them.
    pub(super) fn without(&self, given_up: LogSlot) -> Option<Self> {
        let file = self.file.as_ref()?.without(given_up)?;
        Some(Self {
            which: self.which,
            sequence: self.sequence,
            session: self.session,
            publication: self.publication,
            time: self.time,
            file: Some(file),
            published: AtomicU64::new(self.publications()),
        })
    }

    /// Whether it has removed a file, where removals follow at once: another program that makes
    /// a file there has seen the removal.
    pub(super) fn removes_at_once(&self) -> bool {
        self.file.is_none() && self.publication == Publication::Immediate
    }

    /// Whether the file on the disk has changed after this was recorded, as clocks tell.
    pub(super) fn is_before(&self, on_disk: &Stat) -> bool {
        let begin = self.time + CLOCK_DIFFERENCE;
        on_disk.stamp.is_some_and(|stamp| stamp.is_after(begin))
    }

    /// What the entry says, as the effects of a record that needs no other.
    pub(super) fn to_effects(&self, path: &FilePath) -> Vec<(FilePath, Effect)> {
        match &self.file {
            None => vec![(path.clone(), Effect::Remove)],
            Some(file) => file.to_effects(path),
        }
    }
}
