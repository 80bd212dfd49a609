//! One file replaced again and again, by one writer or by sixteen with a file each, in one
//! volume or in one each.

use super::{Bench, Case, subdirectory};
use crate::contestant::Store;
use crate::counts::Task;
use crate::measure::{About, Entry, Operations};
use anyhow::{Context, Result, anyhow};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

const SIZES: [(usize, &str); 4] = [
    (4 << 10, "4 KiB"),
    (256, "256 B"),
    (64 << 10, "64 KiB"),
    (1 << 20, "1 MiB"),
];

pub(super) const MANY: usize = 16;

/// Who replaces files, and in how many directories of their own.
#[derive(Clone, Copy)]
struct Writers {
    writers: usize,
    volumes: usize,
}

const ALONE: Writers = Writers {
    writers: 1,
    volumes: 1,
};

pub fn run(bench: &Bench<'_>) -> Result<()> {
    let (bytes, name) = SIZES[0];
    part(bench, &format!("{name}, 1 writer"), bytes, ALONE)?;
    for volumes in [1, MANY] {
        let in_volumes = match volumes {
            1 => String::new(),
            _ => format!(" in {volumes} volumes"),
        };
        let name = format!("{name}, {MANY} writers{in_volumes}");
        let writers = MANY;
        part(bench, &name, bytes, Writers { writers, volumes })?;
    }
    for (bytes, name) in &SIZES[1..] {
        part(bench, &format!("{name}, 1 writer"), *bytes, ALONE)?;
    }
    Ok(())
}

fn part(bench: &Bench<'_>, name: &str, bytes: usize, who: Writers) -> Result<()> {
    let directory = bench.runner.place.fresh()?;
    let contestants = bench.contestants();
    let mut entries = Vec::new();
    for contestant in &contestants {
        // Sixteen make as many calls each as one.
        let calls = match who.writers {
            1 => bench.calls(&**contestant, Task::Replace, bytes),
            _ => None,
        };
        let place = subdirectory(directory.path(), contestant.name())?;
        let stores: Result<Vec<_>> = (0..who.volumes)
            .map(|volume| contestant.prepare(&subdirectory(&place, &volume.to_string())?))
            .collect();
        let (stores, writers) = (stores?, who.writers);
        let mut next = 0;
        entries.push(Entry {
            about: About::contestant(&**contestant),
            operations: Operations::MultipleOf(writers as u64 * contestant.least_repeats()),
            calls,
            run: Box::new(move |count| {
                let each = count / writers as u64;
                let elapsed = together(&stores, bytes, writers, next, each)?;
                next += count;
                Ok(elapsed)
            }),
        });
    }
    bench.measure(Case::Replace, name, "one replace", entries)
}

/// Each writer replaces its own file `count` times; the time in which all are done.
pub(super) fn together(
    stores: &[Box<dyn Store>],
    bytes: usize,
    writers: usize,
    first: u64,
    count: u64,
) -> Result<Duration> {
    if writers == 1 {
        let started = Instant::now();
        stores[0].repeat("file.json", bytes, first, count)?;
        return Ok(started.elapsed());
    }
    let barrier = Barrier::new(writers);
    let one = |writer: usize| -> Result<(Instant, Instant)> {
        let path = format!("file-{writer}.json");
        barrier.wait();
        let started = Instant::now();
        stores[writer % stores.len()].repeat(&path, bytes, first, count)?;
        Ok((started, Instant::now()))
    };
    let times: Result<Vec<_>> = thread::scope(|scope| {
        let one = &one;
        let threads: Vec<_> = (0..writers)
            .map(|writer| scope.spawn(move || one(writer)))
            .collect();
        let ends = threads.into_iter().map(|thread| thread.join());
        ends.map(|end| end.map_err(|_| anyhow!("a writer panicked"))?)
            .collect()
    });
    let times = times?;
    // Told by the writers: who waits for them may be woken late, on few cores.
    let started = times.iter().map(|(started, _)| *started).min();
    let ended = times.iter().map(|(_, ended)| *ended).max();
    let (started, ended) = started.zip(ended).context("there are no writers")?;
    Ok(ended - started)
}
