//! Doing work while holding locks, on files that nobody left half done.
//!
//! A process that dies in the middle of a batch leaves marks on the locks of its
//! paths. Who finds one gives up its locks, finishes that batch and begins again;
//! it must not wait for the gate of the sessions while it holds a lock.

use super::batch;
use super::commit::Writing;
use super::directory::Directory;
use super::locks::Held;
use super::{Local, remove_dead};
use crate::{Error, FilePath, Result};
use std::io::{self, ErrorKind};

/// Why a commit stopped while it held locks.
pub(crate) enum Stop {
    Error(Error),
    /// A batch of this session has to be finished first, which cannot be done
    /// while locks are held.
    Unfinished(String),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Error(error)
    }
}

impl<D: Directory> Local<D> {
    /// Does `work` while it holds the locks of `paths`, after finishing what
    /// others left half done there.
    pub(super) fn locked<T>(
        &self,
        writing: &Writing<D>,
        paths: &[FilePath],
        mut work: impl FnMut(&Held<'_, D>) -> Result<T, Stop>,
    ) -> Result<T> {
        let unavailable =
            |source| Error::not_possible(paths.first(), "its locks cannot be taken", source);
        let mut finished: Option<String> = None;
        loop {
            let held = writing.locks.lock_all(paths).map_err(unavailable)?;
            if let Some(session) = finished.take() {
                // Nothing is left of it but the marks.
                held.forget(&session).map_err(unavailable)?;
            }
            let session = match held.unfinished().map_err(unavailable)? {
                Some(session) => session,
                None => match work(&held) {
                    Ok(value) => return Ok(value),
                    Err(Stop::Error(error)) => return Err(error),
                    Err(Stop::Unfinished(session)) => session,
                },
            };
            drop(held);
            self.finish_session(writing, &session).map_err(|source| {
                let what = "an earlier batch over the same files could not be finished";
                Error::not_possible(paths.first(), what, source)
            })?;
            finished = Some(session);
        }
    }

    /// Finishes the batches that a session left. The caller holds no lock.
    fn finish_session(&self, writing: &Writing<D>, id: &str) -> io::Result<()> {
        if id == writing.session.id() {
            return self.finish_stuck(writing);
        }
        let gate = writing.sessions.gate()?;
        if let Some(dead) = writing.sessions.dead(&gate, id)? {
            batch::recover(&self.tree, &writing.locks, &dead.directory)?;
            self.observer.recovered();
            remove_dead(&writing.sessions, id, dead);
            return Ok(());
        }
        match writing.sessions.directory_of(id)? {
            Some(directory) if !batch::unfinished(&directory)?.is_empty() => Err(io::Error::new(
                ErrorKind::ResourceBusy,
                "the process that began it still runs, and could not finish it",
            )),
            _ => Ok(()),
        }
    }

    /// The lock under which directories are made and removed. A batch that was
    /// left unfinished is finished first: it counts on them.
    /// `path` is what it is needed for.
    pub(super) fn structure_to_change(
        &self,
        writing: &Writing<D>,
        path: Option<&FilePath>,
    ) -> Result<D::Lock, Stop> {
        let unavailable =
            |source| Error::not_possible(path, "its directories cannot be changed", source);
        let lock = writing.locks.structure_exclusive().map_err(unavailable)?;
        for id in writing.sessions.ids().map_err(unavailable)? {
            let directory = writing.sessions.directory_of(&id).map_err(unavailable)?;
            let Some(directory) = directory else { continue };
            if !batch::unfinished(&directory)
                .map_err(unavailable)?
                .is_empty()
            {
                return Err(Stop::Unfinished(id));
            }
        }
        Ok(lock)
    }
}
