//! A program whose changes may fail, and which believes what it is answered.

use crate::look::all_of;
use crate::promise::history::Writer;
use crate::promise::{Answer, Files, Kind, Violation};
use crate::recording::Site;
use crate::work::contents::contents;
use crate::work::desk::{apply, open, open_at, write};
use ability_storage_engine::{Batch, Change, Error, LocalVolume, Outcome, Precondition, Volume};
use anyhow::{Result, bail};
use fastrand::Rng;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Where nothing is written while the disk fails.
const ELSEWHERE: &str = "elsewhere";

/// How often a path that met the fault is tried again, and how long between.
const TRIES: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

pub struct Client<'a> {
    site: &'a Site<'a>,
    volume: Option<Arc<LocalVolume>>,
    units: Vec<Unit<'a>>,
    elsewhere: Unit<'a>,
    random: Rng,
    version: u64,
    /// While it does, changes may be refused.
    disk_fails: bool,
}

/// Files with a history of their own.
struct Unit<'a> {
    owner: &'static str,
    writer: Writer<'a>,
    /// All that was ever changed.
    touched: BTreeSet<String>,
    /// Whether a change was not confirmed, so that only whole files tell what is there.
    is_unknown: bool,
}

impl<'a> Unit<'a> {
    fn new(site: &Site<'a>, owner: &'static str) -> Self {
        Self {
            owner,
            writer: site.recorder.writer(&[owner]),
            touched: BTreeSet::new(),
            is_unknown: false,
        }
    }

    fn ask(
        &mut self,
        changes: &[Change],
        act: impl FnOnce() -> ability_storage_engine::Result<()>,
    ) -> Result<(Answer, String)> {
        for change in changes {
            self.touched.insert(change.target().as_str().to_owned());
        }
        let mut said = String::new();
        let answer = self.writer.ask(
            |files| changes.iter().for_each(|change| apply(change, files)),
            || {
                let done = act();
                if let Err(error) = &done {
                    said = format!("{error:?}");
                }
                Ok(answer_of(done))
            },
        )?;
        Ok((answer, said))
    }
}

fn answer_of(result: ability_storage_engine::Result<()>) -> Answer {
    match result.as_ref().map_err(Error::outcome) {
        Ok(()) => Answer::Done,
        Err(Outcome::NotApplied) => Answer::NotApplied,
        // Also of what a later version may answer, nothing is certain.
        Err(_) => Answer::Unknown,
    }
}

impl<'a> Client<'a> {
    pub fn new(site: &'a Site<'a>, units: &[&'static str]) -> Self {
        Self {
            site,
            volume: None,
            units: units.iter().map(|owner| Unit::new(site, owner)).collect(),
            elsewhere: Unit::new(site, ELSEWHERE),
            random: Rng::with_seed(site.seed),
            version: 0,
            disk_fails: false,
        }
    }

    pub fn random(&mut self) -> &mut Rng {
        &mut self.random
    }

    /// Contents that a file has never had.
    pub fn next(&mut self, path: &str, bytes: usize) -> Vec<u8> {
        self.version += 1;
        contents(path, self.version, bytes)
    }

    /// Says whether the disk fails from now on.
    pub fn disk_fails(&mut self, fails: bool) {
        self.disk_fails = fails;
    }

    pub fn is_open(&self) -> bool {
        self.volume.is_some()
    }

    pub fn close(&mut self) {
        self.volume = None;
    }

    /// While the disk fails, opening may fail, too.
    pub fn try_to_open(&mut self) {
        self.volume = open(self.site).ok();
    }

    /// Opens the volume if it is not open. On a disk that works it must open.
    pub fn has_opened(&mut self) -> Result<bool> {
        if self.volume.is_none() {
            match open(self.site) {
                Ok(volume) => self.volume = Some(volume),
                Err(error) => self.broke(format!("the volume cannot be opened: {error:#}")),
            }
        }
        Ok(self.is_open())
    }

    fn broke(&self, what: String) {
        self.site
            .recorder
            .broke(Violation::new(Kind::Unusable, what));
    }

    /// Makes changes to the files of a unit, as one batch. Nothing is done if the
    /// volume is not open, or if it is not known what the files are.
    pub fn commit(&mut self, unit: usize, changes: &[Change]) -> Result<()> {
        let Some(volume) = self.volume.clone() else {
            return Ok(());
        };
        let batch: Batch = changes.iter().cloned().collect();
        self.try_to(unit, changes, || volume.commit(batch.clone()).map(drop))
    }

    /// Writes a file of a unit in pieces.
    pub fn stream(&mut self, unit: usize, change: &Change) -> Result<()> {
        let (Some(volume), Change::Write { path, contents, .. }) = (self.volume.clone(), change)
        else {
            return Ok(());
        };
        self.try_to(unit, std::slice::from_ref(change), || {
            let mut writer = volume.writer(path)?;
            for piece in contents.chunks(20_000) {
                writer.write(piece)?;
            }
            writer.commit(Precondition::Any).map(drop)
        })
    }

    /// Tries a change once, or on a disk that works, where an error may still be about
    /// what this path has met before, a few times.
    fn try_to(
        &mut self,
        unit: usize,
        changes: &[Change],
        act: impl Fn() -> ability_storage_engine::Result<()>,
    ) -> Result<()> {
        let tries = if self.disk_fails { 1 } else { TRIES };
        let mut said = String::new();
        for _ in 0..tries {
            let Some(of_unit) = self.units.get_mut(unit) else {
                bail!("there is no unit {unit}");
            };
            if of_unit.is_unknown {
                return Ok(());
            }
            let (answer, error) = of_unit.ask(changes, &act)?;
            of_unit.is_unknown = answer == Answer::Unknown;
            self.check_unit(unit);
            match answer {
                Answer::Done => return Ok(()),
                Answer::Unknown if self.disk_fails => return Ok(()),
                Answer::Unknown => return self.rewrite_unknown(unit),
                Answer::NotApplied => said = error,
            }
            thread::sleep(BETWEEN_TRIES);
        }
        if !self.disk_fails {
            self.broke(format!("a change fails though the disk works: {said}"));
        }
        Ok(())
    }

    /// The disk works again: so must the volume. `false` if it cannot even be opened.
    pub fn serves_again(&mut self) -> Result<bool> {
        if !self.has_opened()? {
            return Ok(false);
        }
        self.writes_elsewhere()?;
        if let Err(error) = open_at(&self.site.directory, self.site.way) {
            self.broke(format!("another session cannot open the volume: {error:#}"));
        }
        for unit in 0..self.units.len() {
            self.rewrite_unknown(unit)?;
        }
        self.check();
        Ok(true)
    }

    fn writes_elsewhere(&mut self) -> Result<()> {
        let change = write(ELSEWHERE, &self.next(ELSEWHERE, 700))?;
        let changes = [change.clone()];
        let Some(volume) = self.volume.clone() else {
            return Ok(());
        };
        let commit = || volume.commit(change.into()).map(drop);
        let (answer, said) = self.elsewhere.ask(&changes, commit)?;
        if answer != Answer::Done {
            self.broke(format!("another path cannot be written: {said}"));
            // What follows is shown by a volume that works.
            drop(volume);
            self.close();
            self.has_opened()?;
        }
        Ok(())
    }

    /// Writes whole files where it is not known what they are.
    fn rewrite_unknown(&mut self, unit: usize) -> Result<()> {
        let Some(volume) = self.volume.clone() else {
            return Ok(());
        };
        if !self.units[unit].is_unknown {
            return Ok(());
        }
        let mut said = String::new();
        for _ in 0..TRIES {
            let paths: Vec<_> = self.units[unit].touched.iter().cloned().collect();
            let changes = paths.iter().map(|path| write(path, &self.next(path, 500)));
            let changes = changes.collect::<Result<Vec<_>>>()?;
            let batch: Batch = changes.iter().cloned().collect();
            let commit = || volume.commit(batch).map(drop);
            let (answer, error) = self.units[unit].ask(&changes, commit)?;
            said = error;
            if answer == Answer::Done {
                self.units[unit].is_unknown = false;
                return Ok(());
            }
            thread::sleep(BETWEEN_TRIES);
        }
        self.broke(format!(
            "a path that met the fault cannot be written: {said}"
        ));
        Ok(())
    }

    /// What can be read must be what was answered.
    pub fn check(&self) {
        (0..self.units.len()).for_each(|unit| self.check_unit(unit));
    }

    fn check_unit(&self, unit: usize) {
        let unit = &self.units[unit];
        let Some(volume) = self.volume.as_ref().filter(|_| !unit.is_unknown) else {
            return;
        };
        let found = all_of(volume).map(|files| files.under(&[unit.owner.to_owned()]));
        let violation = match found {
            Ok(found) => difference(&found, unit.writer.files()),
            Err(violation) => Some(violation),
        };
        if let Some(mut violation) = violation {
            violation.detail += " (read while the workload ran)";
            self.site.recorder.broke(violation);
        }
    }
}

fn difference(found: &Files, wanted: &Files) -> Option<Violation> {
    (found != wanted).then(|| Violation::between(found, wanted))
}
