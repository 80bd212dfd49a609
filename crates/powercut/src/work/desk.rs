//! A volume whose every change is noted before it is made and after.

use crate::promise::Files;
use crate::promise::history::Writer;
use crate::recording::{Site, Way};
use ability_storage_engine::{
    Batch, Change, Error, FilePath, LocalVolume, Precondition, Version, Volume,
};
use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Between two changes, at most.
const LONGEST_PAUSE_MICROSECONDS: u64 = 1_500;

/// So soon that it happens all the time.
const CHECKPOINT_AFTER: Duration = Duration::from_millis(4);

/// One writer at a volume.
pub struct Desk<'a> {
    volume: Arc<LocalVolume>,
    writer: Writer<'a>,
    random: Rng,
}

/// Opens the directory of a site as a volume.
pub fn open(site: &Site) -> Result<Arc<LocalVolume>> {
    open_at(&site.directory, site.way)
}

/// Opens a directory as a volume.
pub fn open_at(directory: &Path, way: Way) -> Result<Arc<LocalVolume>> {
    let volume = LocalVolume::options()
        .journaled(way == Way::Journaled)
        .checkpoint_after(CHECKPOINT_AFTER)
        .open(directory)?;
    ensure!(
        volume.is_journaled() == (way == Way::Journaled),
        "the volume is not opened in the way that is asked for"
    );
    Ok(Arc::new(volume))
}

pub fn path(path: &str) -> Result<FilePath> {
    Ok(FilePath::new(path)?)
}

pub fn write(to: &str, contents: &[u8]) -> Result<Change> {
    Ok(Change::write(path(to)?, contents.to_vec()))
}

pub fn append(to: &str, contents: &[u8]) -> Result<Change> {
    Ok(Change::append(path(to)?, contents.to_vec()))
}

pub fn rename(source: &str, target: &str) -> Result<Change> {
    Ok(Change::rename(path(source)?, path(target)?))
}

pub fn delete(what: &str) -> Result<Change> {
    Ok(Change::delete(path(what)?))
}

/// Does to files what a change does to a volume.
pub(super) fn apply(change: &Change, files: &mut Files) {
    match change {
        Change::Write { path, contents, .. } => files.put(path.as_str(), contents),
        Change::Append { path, contents, .. } => files.append(path.as_str(), contents),
        Change::Rename { source, target, .. } => files.rename(source.as_str(), target.as_str()),
        Change::Delete { path, .. } => files.remove(path.as_str()),
        other => unreachable!("the laboratory makes no {other:?}"),
    }
}

impl<'a> Desk<'a> {
    /// All files at and under `owns` must be this desk's alone.
    pub fn new(site: &Site<'a>, volume: &Arc<LocalVolume>, owns: &[&str]) -> Self {
        let seed = owns.iter().flat_map(|path| path.bytes()).map(u64::from);
        Self {
            volume: volume.clone(),
            writer: site.recorder.writer(owns),
            random: Rng::with_seed(site.seed ^ seed.sum::<u64>()),
        }
    }

    pub fn pause(&mut self) {
        let pause = self.random.u64(0..LONGEST_PAUSE_MICROSECONDS);
        thread::sleep(Duration::from_micros(pause));
    }

    pub fn random(&mut self) -> &mut Rng {
        &mut self.random
    }

    pub fn commit(&mut self, changes: impl IntoIterator<Item = Change>) -> Result<()> {
        self.commit_if(changes, Precondition::Any)
    }

    /// All changes as one batch, if the precondition holds for each.
    pub fn commit_if(
        &mut self,
        changes: impl IntoIterator<Item = Change>,
        precondition: Precondition,
    ) -> Result<()> {
        self.pause();
        let changes: Vec<Change> = changes.into_iter().collect();
        let steps = changes.iter().map(|it| it.clone().only_if(precondition));
        let batch: Batch = steps.collect();
        let volume = self.volume.clone();
        self.writer.step(
            |files| changes.iter().for_each(|change| apply(change, files)),
            || {
                volume.commit(batch).context("a commit failed")?;
                Ok(())
            },
        )
    }

    /// A change that must be refused, because its precondition does not hold.
    pub fn refused(&mut self, change: Change, precondition: Precondition) -> Result<()> {
        self.pause();
        let refused = self.volume.commit(change.only_if(precondition).into());
        let conflict = matches!(refused, Err(Error::Conflict { .. }));
        ensure!(conflict, "a change was not refused: {refused:?}");
        Ok(())
    }

    /// Writes a file in pieces.
    pub fn stream(&mut self, to: &str, contents: &[u8], piece: usize) -> Result<()> {
        self.pause();
        let volume = self.volume.clone();
        self.writer.step(
            |files| files.put(to, contents),
            || {
                let mut writer = volume.writer(&path(to)?)?;
                for piece in contents.chunks(piece.max(1)) {
                    writer.write(piece)?;
                }
                writer.commit(Precondition::Any)?;
                Ok(())
            },
        )
    }

    /// Begins to write a file in pieces and thinks better of it.
    pub fn abandon(&mut self, to: &str, contents: &[u8]) -> Result<()> {
        let mut writer = self.volume.writer(&path(to)?)?;
        writer.write(contents)?;
        self.pause();
        Ok(())
    }

    /// The version of a file as it must be now.
    pub fn version(&self, of: &str) -> Result<Version> {
        let contents = self.writer.files().get(of);
        Ok(Version::of(contents.context("there is no such file")?))
    }
}
