//! 64 files of 4 KiB, together or one by one, by all that are durable.

use super::{Bench, Case, subdirectory};
use crate::contents;
use crate::contestant::{Batching, Contestant, Kept, Store};
use crate::counts::{BATCH, Task};
use crate::measure::{About, Entry};
use anyhow::Result;
use std::path::Path;

const BYTES: usize = 4 << 10;

pub fn run(bench: &Bench<'_>) -> Result<()> {
    let directory = bench.runner.place.fresh()?;
    let contestants = bench.contestants();
    let mut entries = Vec::new();
    for contestant in &contestants {
        let is_durable = contestant.guarantees().durable == Kept::Always;
        if contestant.kind().is_guest() || !is_durable {
            continue;
        }
        let how = match contestant.batching() {
            Batching::Singly => None,
            Batching::Together => Some("together"),
            Batching::AllOrNothing => Some("all or nothing"),
        };
        if let Some(how) = how {
            let mut entry = entry(&**contestant, how, directory.path(), replace_together)?;
            entry.calls = bench.calls(&**contestant, Task::Batch, BYTES);
            entries.push(entry);
        }
        let singly = entry(&**contestant, "singly", directory.path(), replace_singly)?;
        entries.push(singly);
    }
    bench.measure(Case::Batch, "64 files of 4 KiB", "all 64 files", entries)
}

type Files = Vec<(String, Vec<u8>)>;

fn entry<'a>(
    contestant: &'a dyn Contestant,
    how: &str,
    directory: &Path,
    replace: fn(&dyn Store, &Files) -> Result<()>,
) -> Result<Entry<'a>> {
    let name = format!("{}, {how}", contestant.name());
    let store = contestant.prepare(&subdirectory(directory, &name)?)?;
    let mut files: Files = (0..BATCH)
        .map(|file| (format!("file-{file}.json"), contents::of(BYTES, 0)))
        .collect();
    let mut next = 0;
    Ok(Entry::new(About::named(name, contestant), move |count| {
        for _ in 0..count {
            next += 1;
            for (_, contents) in &mut files {
                contents::stamp(contents, next);
            }
            replace(&*store, &files)?;
        }
        Ok(())
    }))
}

fn replace_together(store: &dyn Store, files: &Files) -> Result<()> {
    store.replace_all(files)
}

fn replace_singly(store: &dyn Store, files: &Files) -> Result<()> {
    let mut files = files.iter();
    files.try_for_each(|(path, contents)| store.replace(path, contents))
}
