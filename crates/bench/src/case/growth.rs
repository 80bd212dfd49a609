//! Whether an operation costs more where there is more.

use super::{Bench, Case, subdirectory};
use crate::contents;
use crate::contestant::{Contestant, Kept, Kind, Store};
use crate::measure::{About, Entry};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

const BYTES: usize = 4 << 10;

/// Of each file that is only there. A file is no longer than what most file systems
/// allocate at once, so its length does not matter.
const BYSTANDER: usize = 64;

/// Files that are replaced, in turns.
const REPLACED: usize = 10;

const FILES_IN_EACH_VOLUME: usize = 10;

pub fn run(bench: &Bench<'_>) -> Result<()> {
    let (files, volumes) = match bench.quick() {
        true => ([10, 1_000, 10_000], [1, 10, 100]),
        false => ([10, 1_000, 100_000], [1, 100, 1_000]),
    };
    many_files(bench, &files)?;
    for (part, way) in [
        ("volumes at once", Way::Published),
        ("journaled volumes at once", Way::Journaled),
    ] {
        many_volumes(bench, part, way, &volumes)?;
    }
    opening(bench, &files)
}

/// Native ones that are durable, and the fewest system calls beside them, which show what
/// the file system itself adds.
fn is_measured(contestant: &dyn Contestant) -> bool {
    is_ours(contestant) || contestant.name() == "system calls"
}

/// How the commits of a volume are made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Published,
    Journaled,
}

impl Way {
    /// Who has a journal has files that are not plain at any time.
    fn is_of(self, contestant: &dyn Contestant) -> bool {
        contestant.guarantees().plain == (self == Way::Published)
    }
}

fn is_ours(contestant: &dyn Contestant) -> bool {
    contestant.kind() == Kind::Ours && contestant.guarantees().durable == Kept::Always
}

fn many_files(bench: &Bench<'_>, numbers: &[usize]) -> Result<()> {
    let directory = bench.runner.place.fresh()?;
    let contestants = bench.contestants();
    let mut entries = Vec::new();
    for contestant in contestants.iter().filter(|it| is_measured(&***it)) {
        for &number in numbers {
            let name = format!("{}, {}", contestant.name(), many(number, "file"));
            bench.runner.progress.say(&format!("preparing {name}"));
            let place = subdirectory(directory.path(), &name)?;
            populate(&place, number)?;
            let store = contestant.prepare(&place)?;
            let about = About::named(name, &**contestant);
            entries.push(Entry::new(about, in_turns(vec![store])));
        }
    }
    bench.runner.place.settle()?;
    bench.measure(
        Case::Growth,
        "files in a volume",
        "one replace of 4 KiB",
        entries,
    )
}

/// Of one way at a time: a thousand volumes have some ten thousand files open.
fn many_volumes(bench: &Bench<'_>, part: &str, way: Way, numbers: &[usize]) -> Result<()> {
    let directory = bench.runner.place.fresh()?;
    let contestants = bench.contestants();
    let mut entries = Vec::new();
    let is_measured = |it: &dyn Contestant| is_measured(it) && (!is_ours(it) || way.is_of(it));
    for contestant in contestants.iter().filter(|it| is_measured(&***it)) {
        for &number in numbers {
            let name = format!("{}, {}", contestant.name(), many(number, "volume"));
            bench.runner.progress.say(&format!("preparing {name}"));
            let parent = subdirectory(directory.path(), &name)?;
            let stores: Result<Vec<_>> = (0..number)
                .map(|volume| {
                    let place = subdirectory(&parent, &volume.to_string())?;
                    populate(&place, FILES_IN_EACH_VOLUME)?;
                    contestant.prepare(&place)
                })
                .collect();
            let about = About::named(name, &**contestant);
            entries.push(Entry::new(about, in_turns(stores?)));
        }
    }
    bench.runner.place.settle()?;
    bench.measure(
        Case::Growth,
        part,
        "one replace of 4 KiB, in turns in each volume",
        entries,
    )
}

/// Replaces a file in each of the stores, then the next file in each, and so on.
fn in_turns(stores: Vec<Box<dyn Store>>) -> impl FnMut(u64) -> Result<()> {
    let mut next = 0;
    let mut buffer = contents::of(BYTES, 0);
    move |count| {
        for _ in 0..count {
            let store = next % stores.len();
            let file = next / stores.len() % REPLACED;
            next += 1;
            contents::stamp(&mut buffer, next as u64);
            stores[store].replace(&file_name(file), &buffer)?;
        }
        Ok(())
    }
}

/// Opening a volume until it has answered how much it holds, which it must count.
fn opening(bench: &Bench<'_>, numbers: &[usize]) -> Result<()> {
    let directory = bench.runner.place.fresh()?;
    let contestants = bench.contestants();
    let mut entries = Vec::new();
    for contestant in contestants.iter().filter(|it| is_ours(&***it)) {
        for &number in numbers {
            let name = format!("{}, {}", contestant.name(), many(number, "file"));
            bench.runner.progress.say(&format!("preparing {name}"));
            let place = subdirectory(directory.path(), &name)?;
            populate(&place, number)?;
            let about = About::named(name, &**contestant);
            let mut next = 0;
            entries.push(Entry::new(about, move |count| {
                for _ in 0..count {
                    next += 1;
                    open_once(&**contestant, &place, next)?;
                }
                Ok(())
            }));
        }
    }
    bench.runner.place.settle()?;
    bench.measure(
        Case::Growth,
        "opening a volume",
        "open, one replace of 4 KiB, close",
        entries,
    )
}

fn open_once(contestant: &dyn Contestant, place: &Path, number: u64) -> Result<()> {
    let store = contestant.prepare(place)?;
    store.replace(&file_name(0), &contents::of(BYTES, number))
}

/// Not through a volume: what is measured is not how the files came there.
fn populate(directory: &Path, files: usize) -> Result<()> {
    let text = contents::of(BYSTANDER, 0);
    for file in 0..files {
        let path: PathBuf = directory.join(file_name(file));
        fs::write(&path, &text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Such as `1 volume` and `10,000 files`.
fn many(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    match (number / 1000, number % 1000) {
        (0, rest) => format!("{rest} {thing}{plural}"),
        (thousands, rest) => format!("{thousands},{rest:03} {thing}{plural}"),
    }
}

fn file_name(number: usize) -> String {
    format!("file-{number:06}.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_easily() {
        assert_eq!(many(1, "volume"), "1 volume");
        assert_eq!(many(10_000, "file"), "10,000 files");
    }
}
