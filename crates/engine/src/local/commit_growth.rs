//! How many bytes and files a commit adds, and the reservation of that.

use super::commit_plan::{Plan, PlannedEffect};
use super::directory::{Directory, Stat};
use super::usage::{Growth, Reservation};
use super::writer::Writer;
use crate::{Error, FilePath, Result};

impl<D: Directory> Writer<D> {
    /// Counts what becomes of the file at `path`: `bytes` long, or gone.
    pub(super) fn reserve(&self, path: &FilePath, bytes: Option<u64>) -> Result<Reservation<'_>> {
        let old = self.reader.stat_file(path);
        let old = old.map_err(|error| Error::not_changed(path, error))?;
        self.reserve_over(path, old, bytes)
    }

    pub(super) fn reserve_over(
        &self,
        path: &FilePath,
        old: Option<Stat>,
        bytes: Option<u64>,
    ) -> Result<Reservation<'_>> {
        let mut growth = Growth::default();
        growth.replace(old.map(|stat| stat.size), bytes);
        self.accounts
            .reserve(&self.reader.inventory(), self.limits(), path, growth)
    }

    /// Counts what becomes of all files of a plan; `None` if nothing does.
    pub(super) fn reserve_for(&self, plan: &Plan<'_>) -> Result<Option<Reservation<'_>>> {
        let (growth, largest) = self.growth_of(plan)?;
        let Some(path) = largest else { return Ok(None) };
        let accounts = &self.accounts;
        let reserved = accounts.reserve(&self.reader.inventory(), self.limits(), &path, growth);
        reserved.map(Some).map_err(|error| plan.blame(&path, error))
    }

    /// How a plan changes the usage, and a path to blame if that is too much: that of its
    /// longest file.
    fn growth_of(&self, plan: &Plan<'_>) -> Result<(Growth, Option<FilePath>)> {
        let mut growth = Growth::default();
        let mut longest: Option<(u64, &FilePath)> = None;
        for (path, effect) in &plan.effects {
            let old = plan.stat(&self.reader, path)?;
            let new = match effect {
                PlannedEffect::Remove => None,
                PlannedEffect::Put(source) => Some(plan.size_of(&self.reader, source)?),
            };
            growth.replace(old.map(|stat| stat.size), new);
            longest = longest.max(Some((new.unwrap_or(0), path)));
        }
        Ok((growth, longest.map(|(_, path)| path.clone())))
    }
}
