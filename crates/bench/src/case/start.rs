//! What a new instance of a guest costs until it has its first answer from the storage.

use super::{Bench, Case, repeated, subdirectory};
use crate::contestant::{Contestant, Guarantees, Guest, Memory};
use crate::measure::{About, Entry};
use ability_storage::LocalVolume;
use anyhow::Result;

const BYTES: usize = 4 << 10;

/// So many replaces by one instance that making it does not show.
const MANY: u64 = 64;

/// What an instance does, and how many replaces that is.
const WORK: [(&str, u64); 2] = [
    ("an instance that calls nothing", 0),
    ("an instance and one replace", 1),
];

pub fn run(bench: &Bench<'_>) -> Result<()> {
    let Some(guests) = &bench.guests else {
        return Ok(());
    };
    let directory = bench.runner.place.fresh()?;
    let guest = |memory| {
        let name = "guest: ability-storage";
        Guest::ours(name, Guarantees::ALL, LocalVolume::options, guests).with_memory(memory)
    };
    let mut entries = Vec::new();
    for (memory, kind) in [(Memory::OnDemand, "on demand"), (Memory::Pooled, "pooled")] {
        let guest = guest(memory);
        for (work, replaces) in WORK {
            let name = format!("{work}, {kind}");
            let store = guest.prepare(&subdirectory(directory.path(), &name)?)?;
            let mut next = 0;
            entries.push(Entry::new(About::named(name, &guest), move |count| {
                for _ in 0..count {
                    store.repeat("file.json", BYTES, next, replaces)?;
                    next += 1;
                }
                Ok(())
            }));
        }
    }
    let guest = guest(Memory::OnDemand);
    let name = "a replace of an instance that is there";
    let store = guest.prepare(&subdirectory(directory.path(), name)?)?;
    entries.push(repeated(About::named(name, &guest), store, BYTES, MANY));
    let operation = "from nothing to the end of the instance; of the last, one replace";
    bench.measure(Case::Start, "a new instance", operation, entries)
}
