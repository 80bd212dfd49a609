//! A lock that one thread of all processes has at a time, and that is taken again without
//! opening a file.

use super::super::directory::{Directory, Lock};
use super::super::poison::lock;
use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};

/// How often a thread gives the lock to another of its process before others may
/// have it.
const MAX_PASSES: u32 = 100;

pub(super) struct ProcessLock<D: Directory> {
    name: &'static str,
    /// How many threads of this process wait for it.
    waiting: AtomicUsize,
    here: Mutex<Here<D>>,
}

/// What this process has of the lock while none of its threads has it.
struct Here<D: Directory> {
    left: Option<Left<D>>,
    /// How often it was taken from all others.
    times: u64,
    passes: u32,
}

enum Left<D: Directory> {
    /// Not given back: the next is a thread of this process.
    Passed(D::Lock),
    /// Free, to be taken again without opening a file.
    Idle(<D::Lock as Lock>::Idle),
}

pub(super) struct Held<'a, D: Directory> {
    waiting: &'a AtomicUsize,
    here: MutexGuard<'a, Here<D>>,
    /// `None` when it is given back.
    lock: Option<D::Lock>,
    /// Whether no other process may have it yet.
    is_kept: Cell<bool>,
}

impl<D: Directory> ProcessLock<D> {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            waiting: AtomicUsize::default(),
            here: Mutex::new(Here {
                left: None,
                times: 0,
                passes: 0,
            }),
        }
    }

    /// Waits for the lock, which is in `directory`.
    pub(super) fn take(&self, directory: &D) -> io::Result<Held<'_, D>> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let mut here = lock(&self.here);
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        let again = match here.left.take() {
            Some(Left::Passed(lock)) => Some(lock),
            left => {
                here.times += 1;
                here.passes = 0;
                match left {
                    Some(Left::Idle(idle)) => directory.lock_again(self.name, idle)?,
                    _ => None,
                }
            }
        };
        let lock = match again {
            Some(lock) => lock,
            None => directory.lock(self.name)?,
        };
        Ok(Held {
            waiting: &self.waiting,
            here,
            lock: Some(lock),
            is_kept: Cell::new(false),
        })
    }

    /// Takes the lock if no thread of any process has it; `None` instead of waiting.
    pub(super) fn try_take(&self, directory: &D) -> io::Result<Option<Held<'_, D>>> {
        let mut here = match self.here.try_lock() {
            Ok(here) => here,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(None),
        };
        let lock = match here.left.take() {
            Some(Left::Passed(lock)) => lock,
            idle => {
                here.left = idle;
                let Some(lock) = directory.try_lock(self.name)? else {
                    return Ok(None);
                };
                here.left = None;
                here.times += 1;
                here.passes = 0;
                lock
            }
        };
        Ok(Some(Held {
            waiting: &self.waiting,
            here,
            lock: Some(lock),
            is_kept: Cell::new(false),
        }))
    }
}

impl<D: Directory> Held<'_, D> {
    pub(super) fn lock(&self) -> io::Result<&D::Lock> {
        let lock = self.lock.as_ref();
        lock.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Keeps the lock from other processes until a thread of this one has had it again.
    pub(super) fn keep(&self) {
        self.is_kept.set(true);
    }

    /// How often this process has taken the lock from all others. As long as that is the
    /// same, nobody else has had it.
    pub(super) fn times(&self) -> u64 {
        self.here.times
    }
}

impl<D: Directory> Drop for Held<'_, D> {
    fn drop(&mut self) {
        let Some(lock) = self.lock.take() else { return };
        let is_wanted = self.waiting.load(Ordering::Relaxed) > 0;
        let is_passed = is_wanted && self.here.passes < MAX_PASSES;
        self.here.left = if is_passed || self.is_kept.get() {
            self.here.passes += 1;
            Some(Left::Passed(lock))
        } else {
            lock.release().map(Left::Idle)
        };
    }
}
