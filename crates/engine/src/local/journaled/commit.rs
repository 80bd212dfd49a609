//! From the steps of a batch to a record:
//!
//! 1. *plan*, with the turn: play the steps through against what the volume holds now,
//!    and see that nothing is in the way of what each path has in the end;
//! 2. *write* one record that says it, and give the turn to the next;
//! 3. *sync* the record, together with those of others. Committed.
//!
//! An error in 1 or 2 means *not applied*, one in 3 *unconfirmed*: others see the
//! record already. What is too long for a record is on the disk before 2.

use super::super::Local;
use super::super::append::AppendError;
use super::super::batch::{Effect, Plan, Source};
use super::super::commit::Writing;
use super::super::directory::Directory;
use super::super::stage::Complete;
use super::super::unchanged::Wanted;
use super::draft::Draft;
use super::effects::EFFECT_BYTES;
use super::large::Large;
use super::turn::Turn;
use super::{ALL_INLINE_BYTES, INLINE_BYTES, Journaled};
use crate::volume::{Change, Precondition, Step};
use crate::{Error, FilePath, Result, Version};
use std::io;

impl<D: Directory> Local<D> {
    pub(in crate::local) fn commit_journaled(
        &self,
        journaled: &Journaled<D>,
        writing: &Writing<D>,
        mut steps: Vec<Step>,
    ) -> Result<Vec<Option<Version>>> {
        if let [step] = &mut steps[..] {
            self.limits.check_change(&step.change)?;
            if let Change::Write { path, contents } = &mut step.change
                && contents.len() as u64 > INLINE_BYTES
            {
                let (path, contents) = (path.clone(), std::mem::take(contents));
                let precondition = step.precondition;
                let version =
                    self.commit_large_write(journaled, writing, &path, &contents, &precondition)?;
                return Ok(vec![Some(version)]);
            }
        }
        let committed = self.commit_record(journaled, writing, &steps);
        committed.map_err(|error| match error {
            // Which step it was is no news.
            Error::Step { source, .. } if steps.len() == 1 => *source,
            error => error,
        })
    }

    fn commit_record(
        &self,
        journaled: &Journaled<D>,
        writing: &Writing<D>,
        steps: &[Step],
    ) -> Result<Vec<Option<Version>>> {
        let Some(first) = steps.first().map(|step| step.change.target()) else {
            return Ok(Vec::new());
        };
        let mut in_flight = writing.accounts.in_flight();
        for step in steps {
            in_flight.add(&self.limits, step.change.target(), step.change.bytes())?;
        }
        let turn =
            self.turn_with_room(journaled, first, |journaled| journaled.record_bytes(steps))?;
        let mut plan = Plan::make(self, steps)?;
        plan.check_structure()?;
        journaled.check_ways(&plan)?;
        let counts_on = self.leave_out_current(journaled, writing, &mut plan);
        let reservation = self.reserve_for(writing, &plan)?;
        let draft = Draft::of(self, journaled, &plan)?;
        if draft.effects.is_empty() {
            drop(turn);
            journaled.await_durable(first, counts_on)?;
            return Ok(plan.versions);
        }
        let written = journaled.commit_draft(turn, first, draft);
        if let Some(reservation) = reservation {
            reservation.keep_if_made(&written);
        }
        journaled.confirm(first, written?)?;
        Ok(plan.versions)
    }

    /// Takes those files out of the plan that are already what they are to become. Returns
    /// the last commit that has to be on the disk for that to last.
    fn leave_out_current(
        &self,
        journaled: &Journaled<D>,
        writing: &Writing<D>,
        plan: &mut Plan<'_>,
    ) -> u64 {
        let mut counts_on = 0;
        for (path, version) in plan.written() {
            let Some(Effect::Put(Source::New(contents))) = plan.effects.get(&path) else {
                continue;
            };
            let wanted = Wanted::Bytes(&contents.more);
            let current = self.is_current(journaled, writing, &path, version, &wanted);
            if let Some(sequence) = current {
                counts_on = counts_on.max(sequence);
                plan.effects.remove(&path);
            }
        }
        counts_on
    }

    /// Whether `path` has what is wanted: by which commit, 0 if that is in the file,
    /// durably. For who has the turn.
    fn is_current(
        &self,
        journaled: &Journaled<D>,
        writing: &Writing<D>,
        path: &FilePath,
        version: Version,
        wanted: &Wanted<'_>,
    ) -> Option<u64> {
        let sequence = match journaled.entry(path) {
            Some(entry) => entry.is(wanted, version).then_some(entry.sequence),
            None => {
                let unchanged = self.is_unchanged(writing, path, version, wanted);
                unchanged.then_some(0)
            }
        };
        if sequence.is_some() {
            self.observer.unchanged();
        }
        sequence
    }

    /// The turn, with room for a record of the length that is asked for when it is had.
    fn turn_with_room<'a>(
        &self,
        journaled: &'a Journaled<D>,
        path: &FilePath,
        payload_bytes: impl FnOnce(&Journaled<D>) -> io::Result<usize>,
    ) -> Result<Turn<'a, D>> {
        let not_possible =
            |error| Error::not_possible(Some(path), "its journal takes no more commits", error);
        let turn = journaled.turn().map_err(not_possible)?;
        let room = payload_bytes(journaled).and_then(|bytes| journaled.make_room(&turn, bytes));
        room.map_err(not_possible)?;
        Ok(turn)
    }

    fn commit_large_write(
        &self,
        journaled: &Journaled<D>,
        writing: &Writing<D>,
        path: &FilePath,
        contents: &[u8],
        precondition: &Precondition,
    ) -> Result<Version> {
        let not_changed = |error| Error::not_changed(path, error);
        // A first look spares staging what cannot succeed.
        precondition.check(path, || self.version(path))?;
        let version = Version::of(contents);
        let wanted = Wanted::Bytes(contents);
        if journaled.shows(path, &wanted, version) {
            let turn = self.turn_with_room(journaled, path, |_| Ok(0))?;
            precondition.check(path, || self.version(path))?;
            let current = self.is_current(journaled, writing, path, version, &wanted);
            if let Some(sequence) = current {
                drop(turn);
                journaled.await_durable(path, sequence)?;
                return Ok(version);
            }
        }
        let mut in_flight = writing.accounts.in_flight();
        in_flight.add(&self.limits, path, contents.len() as u64)?;
        let mode = self.mode_of(path).map_err(not_changed)?;
        let large = journaled.stage_large(None::<io::Empty>, contents, mode);
        let large = large.and_then(|large| journaled.sync_names().map(|()| large));
        let large = large.map_err(not_changed)?;
        self.commit_large(journaled, writing, path, precondition, large, version)?;
        Ok(version)
    }

    /// Commits what a writer staged.
    pub(in crate::local) fn commit_stream(
        &self,
        journaled: &Journaled<D>,
        writing: &Writing<D>,
        path: &FilePath,
        precondition: &Precondition,
        staged: Complete<D>,
        version: Version,
    ) -> Result<()> {
        let not_changed = |error| Error::not_changed(path, error);
        let bytes = staged.bytes();
        if bytes <= INLINE_BYTES {
            let contents = staged.read_back().map_err(not_changed)?;
            let path = path.clone();
            let step = Change::Write { path, contents }.only_if(*precondition);
            let committed = self.commit_journaled(journaled, writing, vec![step]);
            return committed.map(drop);
        }
        let large = journaled.adopt(staged, bytes).map_err(not_changed)?;
        self.commit_large(journaled, writing, path, precondition, large, version)
    }

    fn commit_large(
        &self,
        journaled: &Journaled<D>,
        writing: &Writing<D>,
        path: &FilePath,
        precondition: &Precondition,
        large: Large<D>,
        version: Version,
    ) -> Result<()> {
        let bytes = path.as_str().len() + 2 * EFFECT_BYTES;
        let turn = self.turn_with_room(journaled, path, |_| Ok(bytes))?;
        precondition.check(path, || self.version(path))?;
        journaled.check_way(path, &|_| false)?;
        let wanted = Wanted::Staged(large.bytes());
        let current = self.is_current(journaled, writing, path, version, &wanted);
        if let Some(sequence) = current {
            drop(turn);
            return journaled.await_durable(path, sequence);
        }
        let stat = self.stat_file(path);
        let stat = stat.map_err(|error| Error::not_changed(path, error))?;
        let reservation = self.reserve_over(writing, path, stat, Some(large.bytes()))?;
        let mut draft = Draft::new(self, journaled);
        let mode = stat.and_then(|stat| stat.mode);
        draft.put(path, large.contents(), mode, None, Some(version));
        draft.large.push(large);
        let written = journaled.commit_draft(turn, path, draft);
        reservation.keep_if_made(&written);
        journaled.confirm(path, written?)
    }
}

impl<D: Directory> Journaled<D> {
    /// Writes the record, and gives the turn to the next. `first` is whom to blame.
    fn commit_draft(
        &self,
        turn: Turn<'_, D>,
        first: &FilePath,
        draft: Draft<'_, D>,
    ) -> Result<u64> {
        let Draft {
            time,
            effects,
            large,
            ..
        } = draft;
        match self.write(&turn, time, effects) {
            Ok(sequence) => {
                large.into_iter().for_each(Large::hand_over);
                drop(turn);
                Ok(sequence)
            }
            Err(AppendError::NotApplied(error)) => Err(Error::not_changed(first, error)),
            Err(AppendError::Unconfirmed(error)) => {
                // The record may count, so what it names must stay.
                large.into_iter().for_each(Large::hand_over);
                drop(turn);
                self.fail(&error);
                Err(Error::unconfirmed(first, error))
            }
        }
    }

    /// Step 3.
    fn confirm(&self, first: &FilePath, sequence: u64) -> Result<()> {
        self.settle_later();
        self.await_durable(first, sequence)
    }

    fn await_durable(&self, first: &FilePath, sequence: u64) -> Result<()> {
        self.wait_durable(sequence).map_err(|error| {
            self.fail(&error);
            Error::unconfirmed(first, error)
        })
    }
}

impl<D: Directory> Journaled<D> {
    /// No record of these steps is longer. For who has the turn.
    fn record_bytes(&self, steps: &[Step]) -> io::Result<usize> {
        let mut names = EFFECT_BYTES;
        let mut contents = 0;
        for step in steps {
            let paths: usize = step.change.paths().map(|path| path.as_str().len()).sum();
            names += 2 * (paths + EFFECT_BYTES);
            contents += match &step.change {
                // A file that moves may go into the record, whole.
                Change::Rename { source, .. } => {
                    let stat = self.stat_current(source)?;
                    stat.map_or(0, |stat| stat.size)
                }
                change => change.bytes(),
            }
            .min(INLINE_BYTES);
        }
        Ok(names + contents.min(ALL_INLINE_BYTES) as usize)
    }
}
