//! Processes that are killed in the middle of a change, and others that go on with
//! the same files; then the power is cut, too.
//!
//! What a killed process left must not be built upon before it is durable.

use super::desk::path;
use super::worker::{Piece, Task, Worker};
use crate::promise::Files;
use crate::promise::history::Writer;
use crate::recording::Site;
use ability_storage_engine::{Error, LocalVolume, Volume};
use anyhow::{Result, ensure};
use fastrand::Rng;
use std::thread;
use std::time::Duration;

const ROUNDS: u64 = 14;

/// About as long as a change takes on the disk of the laboratory.
const LONGEST_LIFE_MICROSECONDS: u64 = 12_000;

/// Files that change together. Each unit has its own promise, for what a killed
/// process did to one says nothing about another.
const UNITS: [(&[&str], &[&str]); 4] = [
    (&["state"], &[]),
    (&[], &["log"]),
    (&["pair/a", "pair/b"], &[]),
    (&["book/head"], &["book/log"]),
];

pub fn killed(site: &Site) -> Result<()> {
    let mut random = Rng::with_seed(site.seed);
    let mut writers: Vec<Writer> = UNITS
        .iter()
        .map(|(writes, appends)| site.recorder.writer(&[*writes, *appends].concat()))
        .collect();
    let start = || Worker::start(site.program, &site.directory, site.way);
    let mut workers = [start()?, start()?];
    for round in 0..ROUNDS {
        for (unit, writer) in writers.iter_mut().enumerate() {
            let [victim, survivor] = &mut workers;
            let task = task(unit, 2 * round, &mut random);
            let life = Duration::from_micros(random.u64(0..LONGEST_LIFE_MICROSECONDS));
            let acknowledged = writer.attempt(
                |files| apply(&task, files),
                || {
                    victim.tell(&task)?;
                    thread::sleep(life);
                    victim.kill();
                    victim.is_done()
                },
            )?;
            // The survivor has the volume open all the time; or somebody opens it
            // anew, and recovers.
            let next = self::task(unit, 2 * round + 1, &mut random);
            if random.bool() {
                *victim = start()?;
            }
            let before = writer.files().clone();
            writer.step_then_look(|| {
                survivor.tell(&next)?;
                ensure!(survivor.is_done()?, "a worker died that was not killed");
                look(&next, site)
            })?;
            ensure!(
                follows(&before, acknowledged, &task, &next, writer.files()),
                "after a kill, a change was made to what it should not have been"
            );
            *victim = start()?;
            workers.swap(0, 1);
        }
    }
    Ok(())
}

fn task(unit: usize, version: u64, random: &mut Rng) -> Task {
    let mut pieces = |paths: &[&str], most| -> Vec<Piece> {
        let pieces = paths.iter().map(|path| Piece {
            path: (*path).to_owned(),
            version,
            bytes: random.usize(50..most),
        });
        pieces.collect()
    };
    let (writes, appends) = UNITS[unit];
    Task {
        writes: pieces(writes, 9_000),
        appends: pieces(appends, 600),
    }
}

fn apply(task: &Task, files: &mut Files) {
    for piece in &task.writes {
        files.put(&piece.path, &piece.contents());
    }
    for piece in &task.appends {
        files.append(&piece.path, &piece.contents());
    }
}

/// The files of a task as they are now.
fn look(task: &Task, site: &Site) -> Result<Files> {
    let volume = LocalVolume::options()
        .read_only(true)
        .open(&site.directory)?;
    let mut files = Files::default();
    for piece in task.writes.iter().chain(&task.appends) {
        match volume.read(&path(&piece.path)?, 1 << 24) {
            Ok(snapshot) => files.put(&piece.path, snapshot.contents()),
            Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(files)
}

/// Whether `after` is what `next` makes of the files with `killed` in them, or,
/// unless that was acknowledged, without.
fn follows(before: &Files, acknowledged: bool, killed: &Task, next: &Task, after: &Files) -> bool {
    let made_of = |mut files: Files| {
        apply(next, &mut files);
        files == *after
    };
    let mut with = before.clone();
    if !acknowledged {
        apply(killed, &mut with);
    }
    made_of(with) || (!acknowledged && made_of(before.clone()))
}
