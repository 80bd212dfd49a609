//! Batches: many changes as one.
//!
//! 1. *plan*: play the steps through under the locks of all their paths, down to
//!    what each path has in the end;
//! 2. *stage* and sync all new files, those that move included, and prepare the
//!    directories, so that nothing after the next step can be refused;
//! 3. *decide*: one record in a journal of the session names all that is to be
//!    done. When it is on the disk, the batch is committed;
//! 4. *publish*: do it; readers are shown the end of it from the first moment;
//! 5. *settle* the directories, and retire the record.
//!
//! Up to 3 an error means *not applied*. From then on the batch will be finished,
//! if not by this process then by recovery; until it is, the locks of its paths
//! are marked, so that nobody builds on half of it.

mod directories;
pub(crate) mod plan;
mod script;
mod staging;

use super::Local;
use super::commit::Writing;
use super::directory::{Access, Directory, Stat, unless_absent};
use super::exclusion::Stop;
use super::journal::Journal;
use super::locks::{Held, Locks};
use super::stage::Synced;
use super::tree::Tree;
use super::unchanged::Wanted;
use super::unique;
use super::usage::{Growth, InFlight, Reservation};
use crate::volume::Step;
use crate::{Error, FilePath, Result, Version};
pub(crate) use plan::{Contents, Effect, Plan, Source};
pub(crate) use script::{Action, Script};
pub(crate) use staging::sync_all;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Mutex, MutexGuard, PoisonError};

const JOURNAL_PREFIX: &str = "journal-";

/// The journals of a session's batches, one batch each.
pub(crate) struct Journals<D: Directory> {
    idle: Mutex<Vec<Slot<D>>>,
    /// Batches that are decided and could not be finished.
    stuck: Mutex<Vec<(String, Script)>>,
}

/// A journal with its name.
struct Slot<D: Directory> {
    name: String,
    journal: Journal<D::File>,
}

/// A batch that nothing can refuse any more.
struct Prepared<D: Directory> {
    script: Script,
    staged: Vec<(FilePath, Synced<D>)>,
    _in_flight: InFlight,
}

/// The paths of new files, and what each was when it was complete.
type Published = Vec<(FilePath, Option<Stat>)>;

impl<D: Directory> Default for Journals<D> {
    fn default() -> Self {
        Self {
            idle: Mutex::default(),
            stuck: Mutex::default(),
        }
    }
}

impl<D: Directory> Local<D> {
    pub(super) fn commit_batch(
        &self,
        writing: &Writing<D>,
        steps: Vec<Step>,
    ) -> Result<Vec<Option<Version>>> {
        let paths: Vec<FilePath> = paths_of(&steps);
        self.locked(writing, &paths, |held| {
            self.batch_under_locks(writing, held, &paths, &steps)
        })
    }

    fn batch_under_locks(
        &self,
        writing: &Writing<D>,
        held: &Held<'_, D>,
        paths: &[FilePath],
        steps: &[Step],
    ) -> Result<Vec<Option<Version>>, Stop> {
        let mut plan = Plan::make(self, steps)?;
        plan.check_structure()?;
        let blame = |path: &FilePath, error| plan.blame(path, Error::not_changed(path, error));
        for path in paths {
            let settled = self.appends_settled(writing, held, path);
            settled.map_err(|error| blame(path, error))?;
        }
        self.leave_out_unchanged(writing, &mut plan);
        let reservation = self.reserve_for(writing, &plan)?;
        let _structure = self.prepare_directories(writing, &plan)?;
        let Some(first) = plan.effects.keys().chain(&plan.absent).next().cloned() else {
            return Ok(plan.versions);
        };
        let prepared = self.stage_all(writing, &plan)?;
        let result = self.decide_and_publish(writing, held, &first, prepared);
        if let Ok(published) = &result {
            self.remember_batch(&plan, published);
        }
        if let Some(reservation) = reservation {
            reservation.keep_if_made(&result);
        }
        result?;
        for path in &plan.absent {
            let settled = self.tree.settle_absence(path);
            settled.map_err(|error| Error::unconfirmed(path, error))?;
        }
        Ok(plan.versions)
    }

    /// Takes those files out of the plan that are durably what they are to become.
    fn leave_out_unchanged(&self, writing: &Writing<D>, plan: &mut Plan<'_>) {
        for (path, version) in plan.written() {
            let Some(Effect::Put(Source::New(contents))) = plan.effects.get(&path) else {
                continue;
            };
            let wanted = Wanted::Bytes(&contents.more);
            if self.is_unchanged(writing, &path, version, &wanted) {
                plan.effects.remove(&path);
                self.observer.unchanged();
            }
        }
    }

    /// Counts what becomes of all files of the batch; `None` if nothing does.
    pub(crate) fn reserve_for<'a>(
        &self,
        writing: &'a Writing<D>,
        plan: &Plan<'_>,
    ) -> Result<Option<Reservation<'a>>> {
        let (growth, largest) = self.growth_of(plan)?;
        let Some(path) = largest else { return Ok(None) };
        let accounts = &writing.accounts;
        let reserved = accounts.reserve(&self.inventory(), &self.limits, &path, growth);
        reserved.map(Some).map_err(|error| plan.blame(&path, error))
    }

    /// How the batch changes the usage, and a path to blame if that is too much:
    /// that of its longest file.
    fn growth_of(&self, plan: &Plan<'_>) -> Result<(Growth, Option<FilePath>)> {
        let mut growth = Growth::default();
        let mut longest: Option<(u64, &FilePath)> = None;
        for (path, effect) in &plan.effects {
            let old = self.stat_file(path);
            let old = old.map_err(|error| Error::not_changed(path, error))?;
            let new = match effect {
                Effect::Remove => None,
                Effect::Put(source) => Some(plan::size_of(self, source)?),
            };
            growth.replace(old.map(|stat| stat.size), new);
            longest = longest.max(Some((new.unwrap_or(0), path)));
        }
        Ok((growth, longest.map(|(_, path)| path.clone())))
    }

    fn decide_and_publish(
        &self,
        writing: &Writing<D>,
        held: &Held<'_, D>,
        first: &FilePath,
        prepared: Prepared<D>,
    ) -> Result<Published> {
        let Prepared {
            script,
            staged,
            _in_flight,
        } = prepared;
        let not_changed = |error| self.whole(&script, error);
        let payload = script.encode();
        let mut slot = writing
            .journals
            .slot(writing.session.directory(), payload.len())
            .map_err(not_changed)?;
        writing
            .session
            .sync_names(self.tree.root())
            .map_err(not_changed)?;
        held.set_unfinished(writing.session.id())
            .map_err(not_changed)?;
        let mut decided = slot.journal.append(&payload);
        if let Err(error) = decided {
            // On a descriptor of its own: one whose sync failed says nothing.
            let voided = open_journal(&**writing.session.directory(), &slot.name)
                .and_then(|mut journal| journal.retire());
            if voided.is_ok() {
                // A mark that stays is found to be stale.
                let _ = held.set_unfinished("");
                return Err(not_changed(error));
            }
            decided = Err(error);
        }
        let mut published = Vec::with_capacity(staged.len());
        for (path, staged) in staged {
            published.push((path, staged.completed()));
            staged.hand_over();
        }
        self.overlay.show(script.shown());
        let staged_in = writing.session.directory();
        match decided.and_then(|()| finish(&self.tree, staged_in, &script, &mut slot.journal)) {
            Ok(()) => {
                self.overlay.hide(script.paths());
                let _ = held.set_unfinished("");
                writing.journals.idle().push(slot);
                Ok(published)
            }
            Err(error) => {
                writing.journals.stuck().push((slot.name, script));
                Err(Error::unconfirmed(first, error))
            }
        }
    }

    fn remember_batch(&self, plan: &Plan<'_>, published: &Published) {
        let versions: BTreeMap<FilePath, Version> = plan.written().into_iter().collect();
        for (path, completed) in published {
            if let Some(version) = versions.get(path) {
                self.remember(path, *version, *completed);
            }
        }
    }

    /// Tries once more to finish what this session could not.
    pub(super) fn finish_stuck(&self, writing: &Writing<D>) -> io::Result<()> {
        let stuck = std::mem::take(&mut *writing.journals.stuck());
        let mut result = Ok(());
        for (name, script) in stuck {
            if let Err(error) = self.finish_one(writing, &name, &script) {
                result = Err(error);
                writing.journals.stuck().push((name, script));
            }
        }
        result
    }

    fn finish_one(&self, writing: &Writing<D>, name: &str, script: &Script) -> io::Result<()> {
        let held = writing.locks.lock_all(script.paths())?;
        let _structure = writing.locks.structure_exclusive()?;
        let staged_in = writing.session.directory();
        let mut journal = open_journal(&**staged_in, name)?;
        finish(&self.tree, staged_in, script, &mut journal)?;
        self.overlay.hide(script.paths());
        held.set_unfinished("")
    }

    fn whole(&self, script: &Script, error: io::Error) -> Error {
        match script.paths().next() {
            Some(path) => Error::not_changed(path, error),
            None => Error::unavailable("the batch could not be journaled", error),
        }
    }
}

impl<D: Directory> Journals<D> {
    /// A journal that has room for a record of this length.
    fn slot(&self, directory: &D, payload_bytes: usize) -> io::Result<Slot<D>> {
        let idle = self.idle().pop();
        let mut slot = match idle {
            Some(slot) => slot,
            None => {
                let name = format!("{JOURNAL_PREFIX}{}", unique::name());
                drop(directory.create_file(&name, Access::Private)?);
                let journal = open_journal(directory, &name)?;
                Slot { name, journal }
            }
        };
        slot.journal.reserve(payload_bytes)?;
        Ok(slot)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Slot<D>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stuck(&self) -> MutexGuard<'_, Vec<(String, Script)>> {
        self.stuck.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The batches that are decided and not finished in the directory of a session,
/// with the names of their journals.
pub(super) fn unfinished<D: Directory>(directory: &D) -> io::Result<Vec<(String, Script)>> {
    let mut scripts = Vec::new();
    // The session may end at this moment.
    for entry in unless_absent(directory.entries())?.unwrap_or_default() {
        if !entry.name.starts_with(JOURNAL_PREFIX) {
            continue;
        }
        let Some(file) = directory.open_file(&entry.name)? else {
            continue;
        };
        Journal::open(file)?.scan(|payload| {
            scripts.push((entry.name.clone(), Script::decode(payload)?));
            Ok(())
        })?;
    }
    Ok(scripts)
}

pub(super) fn open_journal<D: Directory>(
    directory: &D,
    name: &str,
) -> io::Result<Journal<D::File>> {
    let file = directory.open_file_to_change(name)?;
    Journal::open(file.ok_or(ErrorKind::NotFound)?)
}

/// Steps 4 and 5.
fn finish<D: Directory>(
    tree: &Tree<D>,
    staged_in: &D,
    script: &Script,
    journal: &mut Journal<D::File>,
) -> io::Result<()> {
    let places = script.run(tree, &[staged_in])?;
    tree.settle(places)?;
    journal.retire()
}

/// Finishes the batches in the directory of a session that is dead.
pub(super) fn recover<D: Directory>(
    tree: &Tree<D>,
    locks: &Locks<D>,
    directory: &D,
) -> io::Result<()> {
    for (name, script) in unfinished(directory)? {
        let held = locks.lock_all(script.paths())?;
        let _structure = locks.structure_exclusive()?;
        let mut journal = open_journal(directory, &name)?;
        journal.sync()?;
        finish(tree, directory, &script, &mut journal)?;
        held.set_unfinished("")?;
        tracing::info!(
            files = script.paths().count(),
            "finished a batch that a dead session had decided"
        );
    }
    Ok(())
}

fn paths_of(steps: &[Step]) -> Vec<FilePath> {
    let paths = steps.iter().flat_map(|step| step.change.paths());
    let mut paths: Vec<FilePath> = paths.cloned().collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}
