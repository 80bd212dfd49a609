//! Staging all new files of a batch, those that move included.

use super::super::Local;
use super::super::commit::Writing;
use super::super::directory::Directory;
use super::super::stage::{Complete, Synced};
use super::Prepared;
use super::plan::{self, Contents, Effect, Plan, Source};
use super::script::{Action, Script};
use crate::{Error, FilePath, Result};
use std::io::{self, ErrorKind};

/// From how many staged files on it is better to sync the whole file system.
const MANY_FILES: usize = 8;

impl<D: Directory> Local<D> {
    pub(super) fn stage_all(&self, writing: &Writing<D>, plan: &Plan<'_>) -> Result<Prepared<D>> {
        let mut actions = Vec::with_capacity(plan.effects.len());
        let mut complete = Vec::new();
        let mut in_flight = writing.accounts.in_flight();
        for (path, effect) in &plan.effects {
            let Effect::Put(source) = effect else {
                actions.push(Action::Remove(path.clone()));
                continue;
            };
            let size = plan::size_of(self, source)?;
            in_flight
                .add(&self.limits, path, size)
                .map_err(|error| plan.blame(path, error))?;
            let staged = self
                .stage_source(writing, path, source)
                .map_err(|error| plan.blame(path, error))?;
            actions.push(Action::Put {
                staged: staged.name().to_owned(),
                path: path.clone(),
            });
            complete.push((path.clone(), staged));
        }
        let script = Script::new(actions);
        let staged =
            sync_all(complete, self.tree.root()).map_err(|error| self.whole(&script, error))?;
        Ok(Prepared {
            script,
            staged,
            _in_flight: in_flight,
        })
    }

    fn stage_source(
        &self,
        writing: &Writing<D>,
        path: &FilePath,
        source: &Source<'_>,
    ) -> Result<Complete<D>> {
        let not_changed = |error| Error::not_changed(path, error);
        let (base, more, like) = match source {
            Source::New(Contents { base, more }) => (base.as_ref(), &more[..], path),
            Source::Existing(before) => {
                let linked = self.link_existing(writing, before);
                if let Some(linked) = linked.map_err(not_changed)? {
                    return Ok(linked);
                }
                (Some(before), &[][..], before)
            }
        };
        let mode = self.mode_of(like).map_err(not_changed)?;
        let base = base.map(|base| self.open_existing(base)).transpose()?;
        let staged = writing.session.stage_whole(base, more, mode);
        staged.map_err(not_changed)
    }

    /// A file that moves gets a second name among the staged ones, so that it can
    /// be put into its place, and put there again, like a new one. `None` where
    /// files cannot have two names.
    fn link_existing(
        &self,
        writing: &Writing<D>,
        before: &FilePath,
    ) -> io::Result<Option<Complete<D>>> {
        let parent = self.tree.find(before)?.ok_or(ErrorKind::NotFound)?;
        let directory = writing.session.directory().clone();
        Ok(Complete::link(&*parent, before.name(), directory).ok())
    }
}

/// Makes all of them durable at once.
pub(crate) fn sync_all<D: Directory, K>(
    complete: Vec<(K, Complete<D>)>,
    root: &D,
) -> io::Result<Vec<(K, Synced<D>)>> {
    let is_synced = complete.len() >= MANY_FILES && root.sync_file_system().is_ok();
    let synced = complete.into_iter().map(|(key, staged)| {
        let staged = match is_synced {
            true => staged.was_synced(),
            false => staged.sync()?,
        };
        Ok((key, staged))
    });
    synced.collect()
}
