//! Settling: what the records say comes into the files, durably, and then the records
//! are given up.
//!
//! 1. wait until all that is to be settled is on the disk in the journal, so that no
//!    file shows half of a batch that a power cut would take back;
//! 2. *stage* the new files, and sync them: also who reads the files without this
//!    volume sees whole versions only, if older ones;
//! 3. *publish* them by renaming, and extend in place what only grew;
//! 4. sync what was extended, and the directories;
//! 5. *retire* the log.
//!
//! All of it can be done again from any point. Of each path the latest version is
//! settled, also if its record is in the log in use: settled again later, it is the
//! same. A log that is older than another is retired first.

use super::super::append::{Append, sync_files};
use super::super::batch::{Action, Script, sync_all};
use super::super::directory::{Directory, FileHandle, Kind, Stat, unless_absent};
use super::super::stage::{Complete, Staged};
use super::super::tree::Tree;
use super::super::unique;
use super::effects::Record;
use super::logs;
use super::view::{Beginning, Entry, File, View, Which};
use super::{Journaled, lock};
use crate::{FilePath, Version};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

type Latest = HashMap<FilePath, Arc<Entry>>;

/// Files that the journal has whole and that were published, with what they were when
/// they were staged.
type Published<'a> = HashMap<&'a FilePath, Option<Stat>>;

/// Puts what these entries say into the files, and makes it durable.
struct Settling<'a, D: Directory> {
    tree: &'a Tree<D>,
    redo: &'a D,
    /// Where new files are staged.
    staging: &'a Arc<D>,
    actions: Vec<Action>,
    /// With the path of those that the journal has whole.
    staged: Vec<(Option<&'a FilePath>, Complete<D>)>,
    grown: Vec<(&'a FilePath, &'a File)>,
}

impl<D: Directory> Journaled<D> {
    /// Settles one log, unless it is in use.
    pub(super) fn settle(&self, which: Which) -> io::Result<()> {
        let writing = self.writing()?;
        let _alone = writing.settling.take(&writing.redo)?;
        let state = self.up_to_date()?;
        if state.logs.is_empty(which) || which != state.logs.not_in_use() {
            return Ok(());
        }
        let latest = state.view.touched(which);
        drop(state);
        self.settle_entries(&latest)?;
        self.retire(which)
    }

    /// Settles all that is committed, while nobody commits.
    pub(crate) fn settle_all(&self) -> io::Result<()> {
        let writing = self.writing()?;
        let _turn = self.turn()?;
        let _alone = writing.settling.take(&writing.redo)?;
        let state = self.up_to_date()?;
        let latest: Latest = all_of(&state.view);
        let older = state.logs.not_in_use();
        if state.logs.is_empty(0) && state.logs.is_empty(1) {
            return Ok(());
        }
        drop(state);
        self.settle_entries(&latest)?;
        // Also one that is empty: whoever retired it may have been killed before that
        // was on the disk.
        self.retire(older)?;
        self.retire(1 - older)
    }

    /// Lets the records that there are be settled, while others are written.
    pub(super) fn settle_in_turn(&self) -> io::Result<()> {
        loop {
            let turn = self.turn()?;
            let state = self.up_to_date()?;
            if state.view.is_empty() {
                return Ok(());
            }
            let other = state.logs.not_in_use();
            let is_settled = state.logs.is_empty(other);
            let last = state.logs.last();
            drop(state);
            if !is_settled {
                drop(turn);
                self.settle(other)?;
                continue;
            }
            let synced = self.sync_log()?;
            let record = Record {
                sequence: last + 1,
                time: SystemTime::now(),
                effects: Vec::new(),
            };
            let closed = self.state().logs.close_in_use(turn.number(), &record);
            let closed = closed.inspect_err(|error| self.durable.fail(error))?;
            drop((synced, turn));
            return match closed {
                Some(which) => self.settle(which),
                None => Ok(()),
            };
        }
    }

    fn settle_entries(&self, latest: &Latest) -> io::Result<()> {
        let writing = self.writing()?;
        if latest.is_empty() {
            return Ok(());
        }
        drop(self.sync_log()?);
        let published = settle_entries(&self.tree, &writing.redo, &writing.staging, latest)?;
        let mut bases = lock(&writing.bases);
        for (path, entry) in latest {
            bases.take(path);
            let Some(file) = &entry.file else { continue };
            let stat = self.tree.stat(path)?;
            if let Some(completed) = published.get(path) {
                let version = Version::of(&file.joined_parts());
                let unchanged = &writing.unchanged;
                unchanged.remember(path, version, *completed, stat);
            }
            if let Some(stat) = stat {
                bases.put(path.clone(), (stat.size, stat.modified));
            }
        }
        Ok(())
    }

    fn retire(&self, which: Which) -> io::Result<()> {
        if let Some(mut log) = logs::open_to_retire(&*self.writing()?.redo, which)? {
            // If a part of it came back after a power cut, it would be older than what the
            // other one stands for by then.
            let _alone = self.sync_alone()?;
            log.retire().inspect_err(|error| self.durable.fail(error))?;
        }
        self.up_to_date().map(drop)
    }
}

/// Settles what a session left that is gone. Nobody else has the volume open.
/// Returns whether there was anything.
pub(super) fn recover<D: Directory>(tree: &Tree<D>, redo: &Arc<D>) -> io::Result<bool> {
    let records = logs::records(&**redo)?;
    let mut used: Vec<Which> = Vec::new();
    let mut view = View::default();
    for (which, record) in records {
        used.retain(|other| *other != which);
        used.push(which);
        view.apply(which, record);
    }
    let latest = all_of(&view);
    settle_entries(tree, redo, redo, &latest)?;
    for which in used {
        if let Some(mut log) = logs::open_to_retire(&**redo, which)? {
            log.retire()?;
        }
    }
    logs::shrink(&**redo)?;
    sweep(&**redo)?;
    if !latest.is_empty() {
        tracing::info!(files = latest.len(), "settled what a journal held");
    }
    Ok(!latest.is_empty())
}

/// Removes what was staged and is named by no record any more.
fn sweep<D: Directory>(redo: &D) -> io::Result<()> {
    for entry in redo.entries()? {
        let is_staged = entry.kind == Kind::File && unique::is_name(&entry.name);
        if is_staged {
            unless_absent(redo.remove_file(&entry.name))?;
        }
    }
    Ok(())
}

fn all_of(view: &View) -> Latest {
    let entries = view.entries();
    entries
        .map(|(path, entry)| (path.clone(), entry.clone()))
        .collect()
}

fn settle_entries<'a, D: Directory>(
    tree: &'a Tree<D>,
    redo: &'a D,
    staging: &'a Arc<D>,
    latest: &'a Latest,
) -> io::Result<Published<'a>> {
    let mut settling = Settling {
        tree,
        redo,
        staging,
        actions: Vec::new(),
        staged: Vec::new(),
        grown: Vec::new(),
    };
    for (path, entry) in latest {
        settling.plan(path, entry.file.as_ref())?;
    }
    settling.run()
}

impl<'a, D: Directory> Settling<'a, D> {
    fn plan(&mut self, path: &'a FilePath, file: Option<&'a File>) -> io::Result<()> {
        let Some(file) = file else {
            self.actions.push(Action::Remove(path.clone()));
            return Ok(());
        };
        let staged = match &file.beginning {
            None => Some(self.stage(None, file, Some(path))?),
            Some(beginning) => match self.with_other_names(path, beginning)? {
                Some(base) => Some(self.stage(Some((base, beginning.bytes)), file, None)?),
                None => {
                    if file.has_parts() {
                        self.grown.push((path, file));
                    }
                    beginning.staged.clone()
                }
            },
        };
        if let Some(staged) = staged {
            let path = path.clone();
            self.actions.push(Action::Put { staged, path });
        }
        Ok(())
    }

    /// The file at `path` if that is the beginning and has a second name, under which it
    /// must stay as it is.
    fn with_other_names(
        &self,
        path: &FilePath,
        beginning: &Beginning,
    ) -> io::Result<Option<D::File>> {
        if beginning.staged.is_some() {
            return Ok(None);
        }
        let Some(file) = self.tree.open_file(path)? else {
            return Ok(None);
        };
        Ok((file.stat()?.links > 1).then_some(file))
    }

    fn stage(
        &mut self,
        base: Option<(D::File, u64)>,
        file: &File,
        whole: Option<&'a FilePath>,
    ) -> io::Result<String> {
        let mode = match (&base, file.mode) {
            (Some((base, _)), None) => base.stat()?.mode,
            (_, mode) => mode,
        };
        let mut staged = Staged::create(self.staging.clone(), mode)?;
        if let Some((base, bytes)) = base {
            staged.copy_from(&mut io::Read::take(base, bytes))?;
        }
        for part in file.parts() {
            staged.write(&part)?;
        }
        let mut staged = staged.complete(mode)?;
        staged.set_modified(file.modified)?;
        let name = staged.name().to_owned();
        self.staged.push((whole, staged));
        Ok(name)
    }

    fn run(self) -> io::Result<Published<'a>> {
        let Self {
            tree,
            redo,
            staging,
            actions,
            staged,
            grown,
        } = self;
        let mut names = Vec::with_capacity(staged.len());
        let mut whole = HashMap::new();
        for (path, staged) in sync_all(staged, tree.root())? {
            whole.extend(path.map(|path| (path, staged.completed())));
            names.push(staged.name().to_owned());
            staged.hand_over();
        }
        let published = Script::new(actions).run(tree, &[&**staging, redo]);
        let settled = published.and_then(|places| {
            for (path, file) in &grown {
                extend(tree, path, file)?;
            }
            let grown = grown.iter().map(|(path, _)| (*path).clone());
            sync_files(tree, &grown.collect::<HashSet<_>>())?;
            tree.settle(places)
        });
        if settled.is_err() {
            for name in names {
                // It was staged for nothing; the session's end removes it at the latest.
                let _ = staging.remove_file(&name);
            }
        }
        settled.map(|()| whole)
    }
}

/// Adds to a file what it lacks.
fn extend<D: Directory>(tree: &Tree<D>, path: &FilePath, file: &File) -> io::Result<()> {
    let beginning = file.beginning.as_ref();
    let Some((bytes, fence)) = beginning.and_then(|it| Some((it.bytes, it.fence?))) else {
        return Ok(());
    };
    let contents = file.joined_parts();
    let append = Append {
        path: Cow::Borrowed(path),
        offset: bytes,
        fence,
        contents: &contents,
    };
    append.roll_forward(tree)
}
