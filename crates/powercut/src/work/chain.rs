//! One audit chain to which several append at once: each record names the hash of the one
//! before it, so that none can be missing, doubled or in another place.

use super::at_once::at_once;
use super::desk::{append, open, path};
use crate::promise::Files;
use crate::promise::history::Contended;
use crate::recording::Site;
use ability_storage_engine::{Error, FileEnd, LocalVolume, Precondition, Version, Volume};
use anyhow::{Result, ensure};
use std::sync::Arc;

const CHAIN: &str = "chain";
const WRITERS: usize = 4;
const RECORDS: usize = 40;

/// Several threads, through two sessions. Whoever is first with a record, it is the same, so
/// what may be left at each moment is known to the last byte.
pub fn chain(site: &Site) -> Result<()> {
    let volumes = [open(site)?, open(site)?];
    let chained = site.recorder.writer(&[CHAIN]).contended();
    at_once((0..WRITERS).map(|i| {
        let (volume, chained) = (&volumes[i % 2], &chained);
        move || extend(volume, chained)
    }))
}

/// Appends records on the condition that the chain ends as it was seen, as an `AuditLog` does.
fn extend(volume: &Arc<LocalVolume>, chained: &Contended) -> Result<()> {
    loop {
        let seen = match volume.read(&path(CHAIN)?, 1 << 20) {
            Ok(seen) => seen.into_contents(),
            Err(Error::NotFound { .. }) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let made = verified(&seen);
        ensure!(made.is_some(), "a writer saw a broken chain");
        let made = made.unwrap_or_default();
        if made >= RECORDS {
            return Ok(());
        }
        let record = record(made, last(&seen));
        let mut files = Files::default();
        files.put(CHAIN, &[&seen[..], &record].concat());
        chained.attempt(made, files, || {
            let end = FileEnd::new(seen.len() as u64, last(&seen));
            let change = append(CHAIN, &record)?.only_if(Precondition::EndsWith(end));
            match volume.commit(change.into()) {
                Ok(_) => Ok(true),
                Err(Error::Conflict { .. }) => Ok(false),
                Err(error) => Err(error.into()),
            }
        })?;
    }
}

/// Some are so long that they are not kept in the log in one piece with others.
fn record(number: usize, before: &[u8]) -> Vec<u8> {
    let before = Version::of(before);
    let filler = "x".repeat(50 + number * number % 13 * 400);
    format!("{number} {before} {filler}\n").into_bytes()
}

/// The last record, with its end.
fn last(chain: &[u8]) -> &[u8] {
    chain
        .split_inclusive(|byte| *byte == b'\n')
        .next_back()
        .unwrap_or_default()
}

/// How many records a chain has; `None` if it is broken.
fn verified(chain: &[u8]) -> Option<usize> {
    let mut before: &[u8] = &[];
    let mut count = 0;
    for found in chain.split_inclusive(|byte| *byte == b'\n') {
        if found != record(count, before) {
            return None;
        }
        before = found;
        count += 1;
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_without_one_of_its_records_is_broken() {
        let mut chain: Vec<u8> = Vec::new();
        for number in 0..5 {
            let next = record(number, last(&chain));
            chain.extend(next);
            assert_eq!(verified(&chain), Some(number + 1));
        }
        let records: Vec<&[u8]> = chain.split_inclusive(|byte| *byte == b'\n').collect();
        for missing in 0..4 {
            let rest = records.iter().enumerate().filter(|(i, _)| *i != missing);
            let rest: Vec<&[u8]> = rest.map(|(_, record)| *record).collect();
            assert_eq!(verified(&rest.concat()), None);
        }
        assert_eq!(verified(&chain[..chain.len() - 1]), None, "torn");
    }
}
