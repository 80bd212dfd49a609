//! Open volumes that are idle sleep when the process runs short of descriptors.
//!
//! A volume that sleeps has ended its session and keeps one descriptor, that of its root.
//! The next call wakes it: it begins a session, as opening does. How many volumes may be
//! awake follows from the descriptor limit of the process; the ones that were used least
//! recently go to sleep first, after a checkpoint. One that is in use stays awake, so a
//! process that uses many at once goes beyond the number, and no call waits for another.
//!
//! A volume is put to sleep by a thread that holds no lock of any other volume. It waits
//! for no other process: a volume stays awake while another session has a lock that its
//! checkpoint takes, for that may be one of a process that was stopped.

use super::directory::Directory;
use super::options::LocalVolumeOptions;
use super::per_process::PerProcess;
use super::poison::lock;
use super::process_fds::{RootDescriptor, spare_descriptors};
use super::{Lasting, Local};
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, TryLockError, Weak};

/// How many descriptors a volume has while it is awake: those of its session and its log,
/// and the locks that it is about to take again.
const DESCRIPTORS: u64 = 16;

/// Counts calls, so that it is known which volume was used last.
static CALLS: AtomicU64 = AtomicU64::new(0);

type Volumes = Mutex<BTreeMap<u64, Weak<dyn Sleep>>>;

/// Those of this process that are awake.
fn volumes_awake() -> &'static Volumes {
    static AWAKE: OnceLock<PerProcess<Volumes>> = OnceLock::new();
    AWAKE
        .get_or_init(|| PerProcess::new(Mutex::default()))
        .get(|_| Mutex::default())
}

/// An open volume, awake or asleep.
pub(super) struct Sleeper<D: Directory> {
    id: u64,
    lasting: Lasting<D>,
    /// `None` while it sleeps.
    local: Mutex<Option<Arc<Local<D>>>>,
    last_used: AtomicU64,
    is_journaled: AtomicBool,
    _root: RootDescriptor,
}

/// A [`Sleeper`] over any directory.
pub(super) trait Sleep: Send + Sync {
    fn last_used(&self) -> u64;

    /// Puts the volume to sleep, if it is idle and its log can be checkpointed without
    /// waiting for another process.
    fn try_sleep(&self);
}

/// Puts volumes to sleep until one more may be awake. The caller holds no lock.
pub(super) fn make_room() {
    sleep_until(most_awake(spare_descriptors()).saturating_sub(1));
}

/// Half of the descriptors that are left are for volumes that are awake.
fn most_awake(spare: Option<u64>) -> usize {
    let most = spare.map_or(u64::MAX, |spare| spare / 2 / DESCRIPTORS);
    usize::try_from(most.max(1)).unwrap_or(usize::MAX)
}

fn sleep_until(awake: usize) {
    if lock(volumes_awake()).len() <= awake {
        return;
    }
    let mut volumes: Vec<_> = lock(volumes_awake())
        .values()
        .filter_map(Weak::upgrade)
        .collect();
    volumes.sort_by_cached_key(|volume| volume.last_used());
    for volume in volumes {
        if lock(volumes_awake()).len() <= awake {
            return;
        }
        volume.try_sleep();
    }
}

impl<D: Directory> Sleeper<D> {
    /// Opens a volume, which is awake then.
    pub(super) fn open(root: D, options: LocalVolumeOptions) -> io::Result<Arc<Self>> {
        let opened = Arc::new(Self::over(Lasting::new(root, options)));
        opened.awake()?;
        Ok(opened)
    }

    /// The same volume for a child of `fork`, asleep: the session of the parent has locks that
    /// exclude nobody here.
    pub(super) fn in_child(&self) -> Self {
        let in_child = Self::over(self.lasting.in_child());
        let is_journaled = self.is_journaled();
        in_child.is_journaled.store(is_journaled, Ordering::Relaxed);
        in_child
    }

    fn over(lasting: Lasting<D>) -> Self {
        Self {
            id: CALLS.fetch_add(1, Ordering::Relaxed),
            lasting,
            local: Mutex::default(),
            last_used: AtomicU64::default(),
            is_journaled: AtomicBool::default(),
            _root: RootDescriptor::count(),
        }
    }

    /// The volume; it stays awake as long as what is returned lives.
    pub(super) fn awake(self: &Arc<Self>) -> io::Result<Arc<Local<D>>> {
        self.touch();
        let awake = lock(&self.local).clone();
        match awake {
            Some(local) => Ok(local),
            None => self.wake(),
        }
    }

    /// What the volume keeps while it sleeps.
    pub(super) fn lasting(&self) -> &Lasting<D> {
        &self.lasting
    }

    /// Whether it was journaled when it was last awake.
    pub(super) fn is_journaled(&self) -> bool {
        self.is_journaled.load(Ordering::Relaxed)
    }

    /// The volume, unless it sleeps. It is not used by that.
    pub(super) fn if_awake(&self) -> Option<Arc<Local<D>>> {
        lock(&self.local).clone()
    }

    /// Puts all that is committed into the files, and ends the session, if there is one.
    pub(super) fn close(&self) -> io::Result<()> {
        self.lasting.context.run(|| {
            let mut slot = lock(&self.local);
            let finished = slot.as_ref().map_or(Ok(()), |local| local.finish());
            self.end_session(&mut slot);
            finished
        })
    }

    /// Ends the session, if there is one.
    pub(super) fn end(&self) {
        let end = || self.end_session(&mut lock(&self.local));
        self.lasting.context.run(end);
    }

    fn wake(self: &Arc<Self>) -> io::Result<Arc<Local<D>>> {
        make_room();
        let mut slot = lock(&self.local);
        if let Some(local) = &*slot {
            return Ok(local.clone());
        }
        let span = self.lasting.observer.span();
        let local = Arc::new(span.in_scope(|| Local::begin(&self.lasting))?);
        self.is_journaled
            .store(local.is_journaled(), Ordering::Relaxed);
        *slot = Some(local.clone());
        let me: Weak<Self> = Arc::downgrade(self);
        lock(volumes_awake()).insert(self.id, me);
        Ok(local)
    }

    /// The caller has the mutex, so that the next session begins when this one has ended.
    fn end_session(&self, slot: &mut Option<Arc<Local<D>>>) {
        drop(slot.take());
        self.lasting.tree.close_kept();
        lock(volumes_awake()).remove(&self.id);
    }

    #[cfg(test)]
    pub(super) fn is_asleep(&self) -> bool {
        lock(&self.local).is_none()
    }

    fn touch(&self) {
        let now = CALLS.fetch_add(1, Ordering::Relaxed);
        self.last_used.store(now, Ordering::Relaxed);
    }
}

impl<D: Directory> Sleep for Sleeper<D> {
    fn last_used(&self) -> u64 {
        self.last_used.load(Ordering::Relaxed)
    }

    fn try_sleep(&self) {
        self.lasting.context.run(|| self.try_sleep_here());
    }
}

impl<D: Directory> Sleeper<D> {
    fn try_sleep_here(&self) {
        let mut slot = match self.local.try_lock() {
            Ok(slot) => slot,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let Some(local) = slot.as_ref().filter(|local| is_idle(local)) else {
            return;
        };
        local.accounts.stop_count();
        match local.try_finish() {
            Ok(true) => self.end_session(&mut slot),
            Ok(false) => {
                tracing::debug!(
                    "an idle volume keeps its descriptors, for another session has a lock that its checkpoint takes"
                );
                self.touch();
            }
            Err(error) => {
                local.warn_of_no_sleep(&error);
                self.touch();
            }
        }
    }
}

/// Whether no call and no stream is under way.
fn is_idle<D: Directory>(local: &Arc<Local<D>>) -> bool {
    let writer = local.writer.as_ref();
    Arc::strong_count(local) == 1 && writer.is_none_or(|writer| Arc::strong_count(writer) == 1)
}

impl<D: Directory> Drop for Sleeper<D> {
    fn drop(&mut self) {
        lock(volumes_awake()).remove(&self.id);
    }
}

#[cfg(test)]
#[path = "idle_sleep_tests.rs"]
mod tests;
