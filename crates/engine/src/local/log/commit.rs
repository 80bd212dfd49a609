//! A commit through the log:
//!
//! 1. *plan*: play the steps through against what the volume holds now, and see that
//!    nothing is in the way of what each path has in the end;
//! 2. *stage* what does not go into the record, and sync it;
//! 3. *write* one record that says what each path becomes;
//! 4. *sync* the record, together with those of others. Committed;
//! 5. *publish* the files, where they follow at once.
//!
//! An error in 1 to 3 means *not applied*, unless a record could be neither written whole nor
//! taken back; one in 4 means *unconfirmed*: others see the record already. What cannot be
//! published stays in the log until it can.
//!
//! Where the files follow at once, the locks of all paths are held throughout; where they
//! follow later, the turn is held from 1 to 3.

use super::super::commit_plan::{Plan, versions_of};
use super::super::directory::Directory;
use super::super::locks::Held;
use super::super::writer::Writer;
use super::log_reader::State;
use super::record::{Effect, Publication, Record, payload_bytes};
use super::record_builder::RecordBuilder;
use super::staged_blob::Blob;
use super::writer_lock::WriterGuard;
use super::{CommitError, LogWriter};
use crate::volume::{Change, Step};
use crate::{Error, FilePath, Result, Version};
use std::sync::{Arc, MutexGuard};

/// What keeps others from changing the paths of a commit while it is planned.
pub(super) enum Exclusive<'a, D: Directory> {
    Paths {
        held: Held<'a, D>,
        /// Keeps the directories as they are.
        structure: Option<Held<'a, D>>,
    },
    WriterGuard(WriterGuard<'a, D>),
}

/// A record that is written.
pub(super) struct Written {
    sequence: u64,
    effects: Vec<(FilePath, Effect)>,
}

impl<D: Directory> Writer<D> {
    /// Makes all steps as one record.
    pub(in crate::local) fn commit_logged(&self, steps: &[Step]) -> Result<Vec<Option<Version>>> {
        let Some(first) = steps.first().map(|step| step.change.target()) else {
            return Ok(Vec::new());
        };
        self.commit_record(first, steps)
    }

    fn commit_record(&self, first: &FilePath, steps: &[Step]) -> Result<Vec<Option<Version>>> {
        if let [step] = steps
            && let Change::Write { path, contents } = &step.change
            && self.is_staged_first(path, contents)
        {
            let version = self.commit_long_write(path, contents, &step.precondition)?;
            return Ok(vec![Some(version)]);
        }
        let mut in_flight = self.accounts.in_flight();
        for step in steps {
            in_flight.add(self.limits(), step.change.target(), step.change.bytes())?;
        }
        let paths = paths_of(steps);
        let versions = versions_of(steps);
        let refusals = match self.seem_to_extend(steps) {
            true => None,
            false => Some(self.find_refusals(&paths)),
        };
        let mut exclusive = self.enter(first, &paths)?;
        self.check_spellings(&paths)?;
        let mut plan = Plan::make(&self.reader, steps, versions)?;
        plan.check_structure()?;
        let counts_on = self.leave_out_current(&mut plan);
        self.prepare_places(&mut exclusive, &plan)?;
        let reservation = self.reserve_for(&plan)?;
        let mut builder = RecordBuilder::new(&self.log);
        if let Some(refusals) = refusals {
            refusals.check(&plan)?;
            builder.add_all(&plan)?;
        } else {
            builder.add_all(&plan)?;
            if !self.just_extend(&builder.effects, &plan) {
                self.find_refusals(&paths).check(&plan)?;
            }
        }
        if builder.effects.is_empty() {
            drop(exclusive);
            // What it is acknowledged over has to last.
            let seen = paths.iter().filter_map(|path| self.reader.log.entry(path));
            let last = seen.map(|entry| entry.sequence).max();
            self.log.confirm(first, counts_on.max(last.unwrap_or(0)))?;
            return Ok(plan.versions);
        }
        let written = self.write_record(&mut exclusive, first, builder);
        if let Some(reservation) = reservation {
            reservation.keep_if_made(&written);
        }
        self.finish(exclusive, first, written?, &paths)?;
        Ok(plan.versions)
    }

    /// Takes what keeps others from changing these paths, when there is room in the log.
    pub(super) fn enter(&self, first: &FilePath, paths: &[FilePath]) -> Result<Exclusive<'_, D>> {
        let unavailable = |error| {
            Error::not_possible(
                Some(first),
                "the log of the volume takes no more commits",
                error,
            )
        };
        match self.log.publication {
            Publication::Deferred => Ok(Exclusive::WriterGuard(
                self.log.turn_with_room().map_err(unavailable)?,
            )),
            Publication::Immediate => {
                self.log.await_room().map_err(unavailable)?;
                let locked = |error| {
                    Error::not_possible(
                        Some(first),
                        "the locks of the volume cannot be taken",
                        error,
                    )
                };
                let held = self.locks.lock_all(paths).map_err(locked)?;
                self.reader.log.follow().map_err(unavailable)?;
                Ok(Exclusive::Paths {
                    held,
                    structure: None,
                })
            }
        }
    }

    /// Sees to it that each file of the plan can have its place.
    pub(super) fn prepare_places<'a>(
        &'a self,
        exclusive: &mut Exclusive<'a, D>,
        plan: &Plan<'_>,
    ) -> Result<()> {
        self.check_places(plan)?;
        if let Exclusive::Paths { structure, .. } = exclusive {
            *structure = self.prepare_directories(plan)?;
        }
        Ok(())
    }

    /// Step 3.
    pub(super) fn write_record(
        &self,
        exclusive: &mut Exclusive<'_, D>,
        first: &FilePath,
        builder: RecordBuilder<'_, D>,
    ) -> Result<Written> {
        let taken;
        let turn = match exclusive {
            Exclusive::WriterGuard(turn) => turn,
            Exclusive::Paths { .. } => {
                taken = self.log.turn().map_err(|error| {
                    Error::not_possible(
                        Some(first),
                        "the log of the volume takes no more commits",
                        error,
                    )
                })?;
                &taken
            }
        };
        self.log.write(turn, first, builder)
    }

    /// Steps 4 and 5.
    pub(super) fn finish(
        &self,
        exclusive: Exclusive<'_, D>,
        first: &FilePath,
        written: Written,
        paths: &[FilePath],
    ) -> Result<()> {
        let Written { sequence, effects } = written;
        match exclusive {
            Exclusive::WriterGuard(turn) => {
                drop(turn);
                self.log.checkpoint_later();
                self.log.confirm(first, sequence)?;
            }
            Exclusive::Paths { held, structure } => {
                let confirmed = self.log.confirm(first, sequence);
                if confirmed.is_ok() {
                    self.log.publish(&effects);
                }
                drop(structure);
                self.remove_empty_directories(&effects);
                drop(held);
                self.log.checkpoint_later();
                confirmed?;
            }
        }
        if payload_bytes(&effects) as u64 > self.log.sizes.max_log_bytes / 2 {
            self.log.checkpoint_soon(paths);
        }
        Ok(())
    }

    /// Directories that this commit left without files.
    fn remove_empty_directories(&self, effects: &[(FilePath, Effect)]) {
        for (path, effect) in effects {
            if matches!(effect, Effect::Remove)
                && path.parent().is_some()
                && let Ok(Some(directory)) = self.reader.tree.find(path)
            {
                self.remove_if_empty(&directory, path);
            }
        }
    }
}

impl<D: Directory> LogWriter<D> {
    fn write(
        &self,
        turn: &WriterGuard<'_, D>,
        first: &FilePath,
        builder: RecordBuilder<'_, D>,
    ) -> Result<Written> {
        let RecordBuilder { effects, blobs, .. } = builder;
        let not_possible = |error| {
            Error::not_possible(
                Some(first),
                "the log of the volume takes no more commits",
                error,
            )
        };
        self.check_space(&effects).map_err(not_possible)?;
        let state = self.make_room(turn, payload_bytes(&effects));
        let state = state.map_err(not_possible)?;
        match self.write_record(state, turn, effects.clone()) {
            Ok(sequence) => {
                blobs.into_iter().for_each(Blob::hand_over);
                Ok(Written { sequence, effects })
            }
            Err(CommitError::NotApplied(error)) => Err(Error::not_changed(first, error)),
            Err(CommitError::Unconfirmed(error)) => {
                // The record may count, so what it names must stay.
                blobs.into_iter().for_each(Blob::hand_over);
                Err(Error::in_doubt(first, error))
            }
        }
    }

    /// Writes a record of these effects, for which there is room, and shows it.
    /// Returns its number.
    fn write_record(
        &self,
        mut state: MutexGuard<'_, State<D>>,
        turn: &WriterGuard<'_, D>,
        effects: Vec<(FilePath, Effect)>,
    ) -> Result<u64, CommitError> {
        let record = Record {
            effects,
            ..self.record(state.logs.last() + 1, self.session)
        };
        let sequence = record.sequence;
        let which = state.logs.write(turn.number(), &record);
        if let Err(CommitError::Unconfirmed(_)) = which {
            // Where the records end is not known any more.
            state.is_suspect = true;
        }
        state.pending.apply(which?, record);
        Ok(sequence)
    }

    /// Step 4.
    pub(super) fn confirm(&self, first: &FilePath, sequence: u64) -> Result<()> {
        let durable = self.wait_durable(sequence);
        durable.map_err(|error| Error::unconfirmed(first, error))
    }

    pub(super) fn directory(&self) -> &Arc<D> {
        &self.directory
    }
}

pub(in crate::local) fn paths_of(steps: &[Step]) -> Vec<FilePath> {
    let paths = steps.iter().flat_map(|step| step.change.paths());
    let mut paths: Vec<FilePath> = paths.cloned().collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}
