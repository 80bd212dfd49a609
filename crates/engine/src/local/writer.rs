//! What it takes to change a volume: a session with its locks, its log and its accounts.

use super::Durability;
use super::directory::Directory;
use super::known_files::KnownFiles;
use super::locks::Locks;
use super::log::LogWriter;
use super::reader::Reader;
use super::session::Session;
use super::usage::Accounts;
use crate::author::OpenCalls;
use crate::error::is_no_space;
use crate::observe::Observer;
use crate::volume::{Change, Step};
use crate::{Error, FilePath, Limits, Result, Version};
use std::sync::Arc;

pub(crate) struct Writer<D: Directory> {
    pub(crate) reader: Arc<Reader<D>>,
    pub(crate) log: Arc<LogWriter<D>>,
    // After the log, which may still stage in its directory.
    pub(crate) session: Session<D>,
    pub(crate) locks: Arc<Locks<D>>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) known_files: Arc<KnownFiles>,
    pub(crate) observer: Arc<Observer>,
    pub(crate) calls: Arc<OpenCalls>,
    pub(crate) durability: Durability,
    /// Says to other sessions when the files follow the log.
    pub(crate) _mode: D::Lock,
}

/// Why a direct commit stopped while it held locks.
pub(crate) enum Abort {
    Error(Error),
    /// The log governs a path, so the commit has to go through it.
    NeedsLog,
}

impl From<Error> for Abort {
    fn from(error: Error) -> Self {
        Abort::Error(error)
    }
}

impl<D: Directory> Writer<D> {
    pub(crate) fn limits(&self) -> &Limits {
        &self.reader.limits
    }

    pub(super) fn commit(&self, steps: &[Step]) -> Result<Vec<Option<Version>>> {
        if let [step] = steps {
            self.limits().check_change(&step.change)?;
            if self.log.publishes_immediately()
                && let Some(version) = self.commit_direct(step)?
            {
                return Ok(vec![version]);
            }
        }
        let committed = self.commit_logged(steps);
        match committed {
            Err(error) if self.may_succeed_after_checkpoint(&error) => {
                match self.log.checkpoint_all() {
                    // One that fails for want of space may still have made some.
                    Err(cause) if !is_no_space(&cause) => Err(error),
                    _ => self.commit_again(steps),
                }
            }
            committed => committed,
        }
    }

    /// Whether a checkpoint may remove what a commit was refused for: files that are gone
    /// and still take room, or that dead sessions have removed and not taken away.
    pub(super) fn may_succeed_after_checkpoint(&self, error: &Error) -> bool {
        match error {
            Error::Step { source, .. } => self.may_succeed_after_checkpoint(source),
            Error::NoSpace { .. } => true,
            Error::NotAFile { .. } => self.log.has_unpublished(),
            _ => false,
        }
    }

    /// After a checkpoint, so that the disk governs most paths.
    fn commit_again(&self, steps: &[Step]) -> Result<Vec<Option<Version>>> {
        if let [step] = steps
            && self.log.publishes_immediately()
            && let Some(version) = self.commit_direct(step)?
        {
            return Ok(vec![version]);
        }
        let committed = self.commit_logged(steps);
        if let (Err(Error::NoSpace { .. }), [step]) = (&committed, steps)
            && let Some(version) = self.delete_without_record(step)?
        {
            return Ok(vec![version]);
        }
        committed
    }

    /// Makes a change by the direct protocol; `None` if it has to go through the log.
    fn commit_direct(&self, step: &Step) -> Result<Option<Option<Version>>> {
        let precondition = &step.precondition;
        let done = match &step.change {
            Change::Append { .. } => return Ok(None),
            Change::Write { path, contents } => self
                .write(path, contents, precondition)
                .map(|version| Some(Some(version))),
            Change::Rename { source, target } => self
                .rename(source, target, precondition)
                .map(|()| Some(None)),
            Change::Delete { path } => self.delete(path, precondition).map(|()| Some(None)),
        };
        match done {
            Err(Abort::NeedsLog) => Ok(None),
            Err(Abort::Error(error)) => Err(error),
            Ok(done) => Ok(done),
        }
    }

    /// Does `work` while it holds the locks of `paths`, if the disk governs all of them.
    pub(super) fn locked<T>(
        &self,
        paths: &[FilePath],
        work: impl FnOnce() -> Result<T, Abort>,
    ) -> Result<T, Abort> {
        let unavailable = |source| {
            Error::not_possible(
                paths.first(),
                "the locks of the volume cannot be taken",
                source,
            )
        };
        let held = self.locks.lock_all(paths).map_err(unavailable)?;
        let not_read = |source| {
            Error::not_possible(
                paths.first(),
                "the log of the volume cannot be read",
                source,
            )
        };
        if self.reader.log.governs(paths).map_err(not_read)? {
            return Err(Abort::NeedsLog);
        }
        let not_durable = |source| {
            Error::not_possible(
                paths.first(),
                "the log of the volume cannot be made durable",
                source,
            )
        };
        self.log.sync_given_up().map_err(not_durable)?;
        let done = work();
        drop(held);
        done
    }
}

impl<D: Directory> Drop for Writer<D> {
    fn drop(&mut self) {
        if let Err(error) = self.log.close() {
            tracing::warn!(%error, "the last checkpoint failed; what is committed stays durable in the log, and the next session that can puts it into the files");
        }
    }
}
