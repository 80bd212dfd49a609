//! The same replaces from inside a guest and by native code: what WebAssembly adds.

use super::{Bench, Case, repeated, subdirectory};
use crate::contestant::Kind;
use crate::measure::About;
use anyhow::Result;

const SIZES: [(usize, &str); 2] = [(4 << 10, "4 KiB"), (1 << 20, "1 MiB")];

pub fn run(bench: &Bench<'_>) -> Result<()> {
    for (bytes, name) in SIZES {
        part(bench, &format!("{name} from a guest"), bytes)?;
    }
    Ok(())
}

fn part(bench: &Bench<'_>, name: &str, bytes: usize) -> Result<()> {
    let directory = bench.runner.place.fresh()?;
    let mut entries = Vec::new();
    let contestants = bench.contestants();
    for contestant in &contestants {
        let kind = contestant.kind();
        if !kind.is_guest() && !matches!(kind, Kind::Ours | Kind::Raw) {
            continue;
        }
        let store = contestant.prepare(&subdirectory(directory.path(), contestant.name())?)?;
        let about = About::contestant(&**contestant);
        entries.push(repeated(about, store, bytes, contestant.least_repeats()));
    }
    bench.measure(Case::Wasm, name, "one replace", entries)
}
