//! A lock that one has at a time, in whatever thread of whatever process, and that is
//! taken again without opening a file.

use super::super::directory::{Directory, Lock};
use super::lock;
use std::io;
use std::sync::{Mutex, MutexGuard};

pub(super) struct Alone<D: Directory> {
    name: &'static str,
    /// The lock while nobody in this process has it.
    idle: Mutex<Option<Idle<D>>>,
}

type Idle<D> = <<D as Directory>::Lock as Lock>::Idle;

pub(super) struct Held<'a, D: Directory> {
    idle: MutexGuard<'a, Option<Idle<D>>>,
    /// `None` when it is given back.
    lock: Option<D::Lock>,
}

impl<D: Directory> Alone<D> {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            idle: Mutex::default(),
        }
    }

    /// Waits for the lock, which is in `directory`.
    pub(super) fn take(&self, directory: &D) -> io::Result<Held<'_, D>> {
        let mut idle = lock(&self.idle);
        let lock = match idle.take().map(D::lock_again).transpose()?.flatten() {
            Some(lock) => lock,
            None => directory.lock(self.name)?,
        };
        Ok(Held {
            idle,
            lock: Some(lock),
        })
    }
}

impl<D: Directory> Held<'_, D> {
    pub(super) fn lock(&self) -> io::Result<&D::Lock> {
        let lock = self.lock.as_ref();
        lock.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl<D: Directory> Drop for Held<'_, D> {
    fn drop(&mut self) {
        *self.idle = self.lock.take().and_then(Lock::release);
    }
}
