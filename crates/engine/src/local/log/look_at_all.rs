//! Looking at all files of a volume at once, as a list and a count do, with what the log shows
//! above those on the disk.
//!
//! Files may be checkpointed and records given up while a look goes on. It counts only if no
//! record may have come and gone unseen; what was given up meanwhile is kept for it. Where
//! other sessions give up records faster than the files are looked at, they are kept from it
//! until a look has succeeded.

use super::super::directory::Directory;
use super::super::layout::CHECKPOINT;
use super::entry::Entry;
use super::log_reader::LogReader;
use super::pending::Pending;
use super::record::Publication;
use crate::{FilePath, Usage};
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// How often all files are counted or listed again because of commits that came in between.
const LOOKS_AT_ALL: usize = 16;

/// After so many of these, checkpoints wait for the rest.
const LOOKS_BESIDE_CHECKPOINTS: usize = 4;

/// How long a reader tries to keep others from making checkpoints, and how often. One that
/// goes on at this moment has to end first; a process that was stopped may never end it.
const CHECKPOINT_WAIT: Duration = Duration::from_secs(10);
const CHECKPOINT_POLL: Duration = Duration::from_micros(50);

/// All that the log shows at one moment.
pub(crate) type Shown = HashMap<FilePath, Governed>;

/// What the log shows of a path.
pub(crate) struct Governed {
    /// The length of its file; `None` if there is none.
    pub(crate) bytes: Option<u64>,
    /// Whether the file on the disk follows at once, so that what another program has made
    /// of it may count.
    pub(crate) follows_at_once: bool,
}

impl Governed {
    fn by_log(bytes: Option<u64>) -> Self {
        Self {
            bytes,
            follows_at_once: false,
        }
    }
}

/// Entries and the number of their publications.
type Published = HashMap<FilePath, (Arc<Entry>, u64)>;

impl<D: Directory> LogReader<D> {
    /// Does `look` at all files, with what the log shows above them, so that of each
    /// commit all is in it or nothing.
    pub(crate) fn look_at_all<T>(
        &self,
        mut look: impl FnMut() -> io::Result<T>,
    ) -> io::Result<(T, Shown)> {
        let looking = Looking::begin(self)?;
        let mut _no_checkpoint = None;
        for looks in 0..LOOKS_AT_ALL {
            if looks == LOOKS_BESIDE_CHECKPOINTS {
                _no_checkpoint = self.hold_checkpoints()?;
            }
            let state = self.up_to_date()?;
            let (before, published) = (state.pending.gaps(), published(&state.pending));
            drop(state);
            let looked = look()?;
            let state = self.up_to_date()?;
            if state.pending.gaps() == before {
                let mut shown = shown(&state.pending);
                shown.retain(|path, _| !is_as_before(&published, state.pending.get(path), path));
                drop(state);
                drop(looking);
                return Ok((looked, shown));
            }
        }
        Err(io::Error::new(
            ErrorKind::ResourceBusy,
            "other sessions commit faster than the files can be looked at",
        ))
    }

    /// Keeps all sessions from giving up records as long as the lock lives; `None` if one
    /// does not end its checkpoint, or if the lock cannot be taken, as in a volume that may
    /// only be read.
    fn hold_checkpoints(&self) -> io::Result<Option<D::Lock>> {
        let Some(directory) = self.state().logs.directory()? else {
            return Ok(None);
        };
        let end = Instant::now() + CHECKPOINT_WAIT;
        loop {
            match directory.try_lock(CHECKPOINT) {
                Ok(None) if Instant::now() < end => thread::sleep(CHECKPOINT_POLL),
                Ok(lock) => return Ok(lock),
                Err(error) => {
                    tracing::debug!(%error, "checkpoints go on while the files are looked at");
                    return Ok(None);
                }
            }
        }
    }

    /// What all files come to, where `count` tells what those on the disk come to
    /// but for some.
    pub(crate) fn usage(
        &self,
        count: impl Fn(&dyn Fn(&FilePath) -> bool) -> io::Result<Usage>,
    ) -> io::Result<Usage> {
        let mut looks = 0;
        loop {
            let state = self.up_to_date()?;
            let (mut shown, published) = (live(&state.pending), published(&state.pending));
            drop(state);
            shown.retain(|path, _| !published.contains_key(path));
            let mut usage = count(&|path| shown.contains_key(path))?;
            let state = self.up_to_date()?;
            let mut after = live(&state.pending);
            after.retain(|path, _| !is_as_before(&published, state.pending.get(path), path));
            drop(state);
            looks += 1;
            let same_paths =
                after.len() == shown.len() && after.keys().all(|path| shown.contains_key(path));
            // Without the writer lock, others may come in between each time; the next
            // count notices.
            if !same_paths && looks < LOOKS_AT_ALL {
                continue;
            }
            for bytes in after.into_values().filter_map(|governed| governed.bytes) {
                usage.files = usage.files.saturating_add(1);
                usage.bytes = usage.bytes.saturating_add(bytes);
            }
            return Ok(usage);
        }
    }
}

/// Keeps what is given up while a reader looks at all files.
struct Looking<'a, D: Directory>(&'a LogReader<D>);

impl<'a, D: Directory> Looking<'a, D> {
    fn begin(reader: &'a LogReader<D>) -> io::Result<Self> {
        reader.up_to_date()?.pending.begin_look();
        Ok(Self(reader))
    }
}

impl<D: Directory> Drop for Looking<'_, D> {
    fn drop(&mut self) {
        self.0.state().pending.end_look();
    }
}

/// What was given up during a look counts as the log last had it: how much of it was on
/// the disk when the look came by is not known.
fn shown(pending: &Pending) -> Shown {
    let given_up = pending.given_up_in_looks().iter();
    let mut shown: Shown = given_up
        .map(|(path, is_file)| (path.clone(), Governed::by_log(is_file.then_some(0))))
        .collect();
    shown.extend(live(pending));
    shown
}

/// What the log has of each path that it governs.
fn live(pending: &Pending) -> Shown {
    let governed = |entry: &Arc<Entry>| Governed {
        bytes: entry.file.as_ref().map(|file| file.bytes),
        follows_at_once: entry.publication == Publication::Immediate,
    };
    let entries = pending.entries();
    entries
        .map(|(path, entry)| (path.clone(), governed(entry)))
        .collect()
}

/// The entries whose files are on the disk, and how often that has changed: what the disk
/// shows of them counts, for other programs may have changed it.
fn published(pending: &Pending) -> Published {
    let published = pending.entries().filter(|(_, entry)| entry.is_published());
    published
        .map(|(path, entry)| (path.clone(), (entry.clone(), entry.publications())))
        .collect()
}

fn is_as_before(published: &Published, now: Option<Arc<Entry>>, path: &FilePath) -> bool {
    let before = published.get(path).zip(now);
    before.is_some_and(|((entry, publications), now)| {
        Arc::ptr_eq(entry, &now) && now.publications() == *publications
    })
}
