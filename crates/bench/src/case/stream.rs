//! A long file written piece by piece, against `cp` and a sync.

use super::{Bench, Case, subdirectory};
use crate::contestant::{Guarantees, Kind};
use crate::measure::{About, Entry, Operations};
use ability_storage::{FilePath, LocalVolume, Precondition, Volume};
use anyhow::{Context, Result, ensure};
use std::cell::Cell;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

const PIECE: usize = 1 << 20;

/// A gigabyte takes a second or more, long enough for a few to do.
const MOST_ROUNDS: usize = 9;

pub fn run(bench: &Bench<'_>) -> Result<()> {
    let pieces = if bench.quick() { 256 } else { 1024 };
    let directory = bench.runner.place.fresh()?;
    let source = directory.path().join("source");
    make(&source, pieces)?;
    let target = subdirectory(directory.path(), "copies")?;
    let (source, versions) = (&source, &Cell::new(0));
    // Each time another file, or who sees that nothing changed has nothing to do.
    let repeat = |count, run: &dyn Fn() -> Result<()>| {
        (0..count).try_for_each(|_| {
            versions.set(versions.get() + 1);
            stamp(source, versions.get())?;
            run()
        })
    };
    let contestants = bench.contestants();
    let mut entries = Vec::new();
    for ours in contestants.iter().filter_map(|it| it.as_ours()) {
        let volume = ours.open(&subdirectory(directory.path(), ours.name)?)?;
        entries.push(Entry::new(About::contestant(ours), move |count| {
            repeat(count, &|| stream(&volume, source))
        }));
    }
    entries.push(Entry::new(about("cp, then a sync", Guarantees::TORN), {
        let target = target.join("copied");
        move |count| repeat(count, &|| copy(source, &target))
    }));
    entries.push(Entry::new(
        about("write, sync, rename", Guarantees::ALL),
        move |count| repeat(count, &|| rename(source, &target)),
    ));
    for entry in &mut entries {
        entry.operations = Operations::Exactly(1);
    }
    let name = format!("{pieces} MiB streamed");
    let rounds = bench.runner.plan.rounds.min(MOST_ROUNDS);
    bench.measure_rounds(rounds, Case::Stream, &name, "the whole file", entries)
}

fn about(name: &str, guarantees: Guarantees) -> About {
    About {
        name: name.to_owned(),
        contestant: name.to_owned(),
        kind: Kind::Peer,
        guarantees,
    }
}

fn stamp(source: &Path, version: u64) -> Result<()> {
    let file = File::options().write(true).open(source)?;
    Ok(file.write_all_at(&version.to_le_bytes(), 0)?)
}

fn make(source: &Path, pieces: usize) -> Result<()> {
    let mut random = fastrand::Rng::with_seed(1);
    let mut piece = vec![0; PIECE];
    let mut file = File::create(source)?;
    for _ in 0..pieces {
        random.fill(&mut piece);
        file.write_all(&piece)?;
    }
    Ok(file.sync_all()?)
}

fn each_piece(source: &Path, mut put: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let mut file = File::open(source)?;
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(()),
            read => put(&piece[..read])?,
        }
    }
}

fn stream(volume: &LocalVolume, source: &Path) -> Result<()> {
    let mut writer = volume.writer(&FilePath::new("long.bin")?)?;
    each_piece(source, |piece| Ok(writer.write(piece)?))?;
    writer.commit(Precondition::Any)?;
    Ok(())
}

/// Without sharing blocks, which would copy nothing at all.
fn copy(source: &Path, target: &Path) -> Result<()> {
    let status = Command::new("cp")
        .arg("--reflink=never")
        .args([source, target])
        .status()
        .context("cannot start cp")?;
    ensure!(status.success(), "cp failed ({status})");
    Ok(File::open(target)?.sync_all()?)
}

fn rename(source: &Path, directory: &Path) -> Result<()> {
    let temporary = directory.join("long.tmp");
    let mut file = File::create(&temporary)?;
    each_piece(source, |piece| Ok(file.write_all(piece)?))?;
    file.sync_all()?;
    fs::rename(&temporary, directory.join("long.bin"))?;
    Ok(File::open(directory)?.sync_all()?)
}
