//! 370 bytes added to a file of 3.7 MB: an audit chain of 10,000 records gets one more.

use super::{Bench, Case, subdirectory};
use crate::contents;
use crate::contestant::{Contestant, Kind};
use crate::counts::{ADDITION, Task};
use crate::measure::{About, Entry};
use anyhow::Result;
use std::path::Path;

const BYTES: usize = 3_700_000;
const FILE: &str = "chain.log";

pub fn run(bench: &Bench<'_>) -> Result<()> {
    let directory = bench.runner.place.fresh()?;
    let contestants = bench.contestants();
    let mut entries = Vec::new();
    for contestant in &contestants {
        if contestant.kind().is_guest() {
            continue;
        }
        let calls = bench.calls(&**contestant, Task::Append, BYTES);
        let mut entry = appending(&**contestant, directory.path())?;
        entry.calls = calls;
        entries.push(entry);
        if contestant.kind() == Kind::Ours {
            entries.push(rewriting(&**contestant, directory.path())?);
        }
    }
    bench.measure(
        Case::Append,
        "370 B to 3.7 MB",
        "one append; who has none reads and rewrites all",
        entries,
    )
}

fn appending<'a>(contestant: &'a dyn Contestant, directory: &Path) -> Result<Entry<'a>> {
    let store = contestant.prepare(&subdirectory(directory, contestant.name())?)?;
    store.replace(FILE, &contents::of(BYTES, 0))?;
    let mut next = 0;
    Ok(Entry::new(About::contestant(contestant), move |count| {
        for _ in 0..count {
            next += 1;
            store.append(FILE, &contents::of(ADDITION, next))?;
        }
        Ok(())
    }))
}

fn rewriting<'a>(contestant: &'a dyn Contestant, directory: &Path) -> Result<Entry<'a>> {
    let name = format!("{}, rewriting", contestant.name());
    let store = contestant.prepare(&subdirectory(directory, &name)?)?;
    store.replace(FILE, &contents::of(BYTES, 0))?;
    let mut next = 0;
    Ok(Entry::new(About::named(name, contestant), move |count| {
        for _ in 0..count {
            next += 1;
            let mut contents = store.read(FILE)?;
            contents.extend_from_slice(&contents::of(ADDITION, next));
            store.replace(FILE, &contents)?;
        }
        Ok(())
    }))
}
