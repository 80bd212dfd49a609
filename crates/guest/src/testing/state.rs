//! What a storage in memory is at a moment: its files, and what it was told to do.

use super::volume::{Versions, Volume};
use super::{Failure, Limits};
use crate::bindings::batch::{self, Change, FileContents, Step};
use crate::bindings::storage::FileEnd;
use crate::bindings::types::{self, Error, Precondition};
use crate::scope::Scope;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;

pub(super) struct State {
    pub(super) limits: Limits,
    pub(super) versions: Versions,
    pub(super) disk_full: bool,
    pub(super) read_only: bool,
    pub(super) calls: usize,
    /// Which calls are to fail, by their number; later ones if those cannot.
    pub(super) failures: BTreeMap<usize, Failure>,
    pub(super) interference: VecDeque<Box<dyn FnOnce() + Send>>,
    /// How many writers and readers are open.
    pub(super) streams: usize,
    own: Volume,
    shared: Volume,
}

impl State {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            versions: Versions::default(),
            disk_full: false,
            read_only: false,
            calls: 0,
            failures: BTreeMap::new(),
            interference: VecDeque::new(),
            streams: 0,
            own: Volume::default(),
            shared: Volume::default(),
        }
    }

    pub(super) fn files(&self, scope: Scope) -> BTreeMap<String, Vec<u8>> {
        match scope {
            Scope::Ability => self.own.files(),
            Scope::User => self.shared.files(),
        }
    }

    /// A call that changes nothing.
    pub(super) fn read<R>(
        &mut self,
        scope: types::Scope,
        call: impl FnOnce(&Volume, &Limits) -> Result<R, Error>,
    ) -> Result<R, Error> {
        self.fail_if_told(Call::Read)?;
        let volume = match scope {
            types::Scope::Ability => &self.own,
            types::Scope::User => &self.shared,
        };
        call(volume, &self.limits)
    }

    pub(super) fn commit(
        &mut self,
        steps: &[Step],
        scope: types::Scope,
        in_pieces: bool,
    ) -> Result<Vec<Option<String>>, batch::Failure> {
        let whole = |error| batch::Failure { step: None, error };
        let told = self.count(Call::Commit);
        if let Some(failure) = told.filter(|failure| !failure.makes_the_change()) {
            return Err(whole(error_of(failure)));
        }
        self.check_disk(steps).map_err(whole)?;
        let volume = match scope {
            types::Scope::Ability => &mut self.own,
            types::Scope::User => &mut self.shared,
        };
        let made = volume.commit(steps, in_pieces, &self.limits, &mut self.versions)?;
        told.map_or(Ok(made), |failure| Err(whole(error_of(failure))))
    }

    /// Appends if the file ends so. As in the host, the condition is looked at after all
    /// that can be said without the file.
    pub(super) fn append_if(
        &mut self,
        file: FileContents,
        scope: types::Scope,
        end: &FileEnd,
    ) -> Result<(), Error> {
        let volume = match scope {
            types::Scope::Ability => &self.own,
            types::Scope::User => &self.shared,
        };
        let holds = volume.ends_with(&file.path, end);
        let append = Step {
            change: Change::Append(file),
            // What no file has, so that the rest is checked as for any append.
            precondition: match holds {
                true => Precondition::Any,
                false => Precondition::Version(String::new()),
            },
        };
        match self.commit(&[append], scope, false) {
            Ok(_) => Ok(()),
            Err(failure) => Err(match failure.error {
                Error::Conflict(_) => Error::Conflict(None),
                error => error,
            }),
        }
    }

    /// Counts a call that changes no file, and fails if it was told to.
    pub(super) fn fail_if_told(&mut self, call: Call) -> Result<(), Error> {
        self.count(call)
            .map_or(Ok(()), |failure| Err(error_of(failure)))
    }

    pub(super) fn check_streams(&self) -> Result<(), Error> {
        let limit = self.limits.max_streams;
        if self.streams < limit {
            return Ok(());
        }
        Err(Error::QuotaExceeded(format!(
            "{limit} writers and readers are open, and no more are allowed"
        )))
    }

    /// Counts a call; returns what it is told to fail with.
    fn count(&mut self, call: Call) -> Option<Failure> {
        self.calls += 1;
        let mut due = self.failures.range(..=self.calls);
        let (&at, _) = due.find(|(_, failure)| call.can_meet(**failure))?;
        self.failures.remove(&at)
    }

    fn check_disk(&self, steps: &[Step]) -> Result<(), Error> {
        if self.read_only {
            return Err(Error::ReadOnly);
        }
        let is_delete = |step: &Step| matches!(step.change, Change::Delete(_));
        if self.disk_full && !steps.iter().all(is_delete) {
            return Err(Error::NoSpace);
        }
        Ok(())
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("calls", &self.calls)
            .field("own", &self.own.files().keys())
            .field("shared", &self.shared.files().keys())
            .finish_non_exhaustive()
    }
}

/// A call, by the failures that it can meet.
#[derive(Clone, Copy)]
pub(super) enum Call {
    Read,
    /// One that prepares a change, which a writer commits.
    Prepare,
    Commit,
}

impl Call {
    fn can_meet(self, failure: Failure) -> bool {
        match failure {
            Failure::Unavailable | Failure::Other => true,
            Failure::NoSpace | Failure::QuotaExceeded | Failure::ReadOnly => {
                !matches!(self, Call::Read)
            }
            Failure::Unconfirmed | Failure::UnknownMade | Failure::UnknownNotMade => {
                matches!(self, Call::Commit)
            }
        }
    }
}

impl Failure {
    fn makes_the_change(self) -> bool {
        matches!(self, Failure::Unconfirmed | Failure::UnknownMade)
    }
}

fn error_of(failure: Failure) -> Error {
    let told = |what: &str| format!("a test told this call {what}");
    match failure {
        Failure::NoSpace => Error::NoSpace,
        Failure::QuotaExceeded => Error::QuotaExceeded(told("to exceed a quota")),
        Failure::ReadOnly => Error::ReadOnly,
        Failure::Unavailable => Error::Unavailable(told("to find no storage")),
        Failure::Unconfirmed => Error::Unconfirmed(told("not to confirm")),
        Failure::UnknownMade | Failure::UnknownNotMade => Error::Unconfirmed(
            "may have been changed, or not: a test lost the answer to this call".to_owned(),
        ),
        Failure::Other => Error::Other(told("to fail")),
    }
}
