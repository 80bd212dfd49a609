//! Conditional writes: by one who knows what is there, by one who does not, and by
//! several at once who must not lose each other's updates.

use super::at_once::at_once;
use super::contents::contents;
use super::desk::{Desk, open, path, write};
use crate::promise::Files;
use crate::promise::history::Contended;
use crate::recording::Site;
use ability_storage_engine::{Error, LocalVolume, Precondition, Version, Volume};
use anyhow::Result;
use std::sync::Arc;

const ROUNDS: u64 = 8;

pub fn conditional(site: &Site) -> Result<()> {
    let volume = open(site)?;
    let mut desk = Desk::new(site, &volume, &["state"]);
    let next = |round| contents("state", round, 1_000 + 700 * round as usize);
    desk.commit_if([write("state", &next(0))?], Precondition::Absent)?;
    for round in 1..ROUNDS {
        desk.refused(write("state", b"lost")?, Precondition::Absent)?;
        let stale = Precondition::Version(Version::of(b"something else"));
        desk.refused(write("state", b"lost")?, stale)?;
        let seen = Precondition::Version(desk.version("state")?);
        desk.commit_if([write("state", &next(round))?], seen)?;
        desk.refused(write("state", b"lost")?, seen)?;
    }
    Ok(())
}

const COUNTER: &str = "counter";
const COUNTERS: usize = 3;
const COUNTS: usize = 24;

/// Several threads, through two sessions, count together.
pub fn counter(site: &Site) -> Result<()> {
    let volumes = [open(site)?, open(site)?];
    let counted = site.recorder.writer(&[COUNTER]).contended();
    at_once((0..COUNTERS).map(|i| {
        let (volume, counted) = (&volumes[i % 2], &counted);
        move || count(volume, counted)
    }))
}

fn count(volume: &Arc<LocalVolume>, counted: &Contended) -> Result<()> {
    loop {
        let (number, precondition) = match volume.read(&path(COUNTER)?, 1 << 20) {
            Ok(seen) => (
                number_of(seen.contents()),
                Precondition::Version(seen.version()),
            ),
            Err(Error::NotFound { .. }) => (0, Precondition::Absent),
            Err(error) => return Err(error.into()),
        };
        if number >= COUNTS {
            return Ok(());
        }
        let next = contents(COUNTER, number as u64 + 1, 2_000);
        let mut files = Files::default();
        files.put(COUNTER, &next);
        counted.attempt(number, files, || {
            let change = write(COUNTER, &next)?;
            match volume.commit(change.only_if(precondition).into()) {
                Ok(_) => Ok(true),
                Err(Error::Conflict { .. }) => Ok(false),
                Err(error) => Err(error.into()),
            }
        })?;
    }
}

/// The version that the header of the contents names.
fn number_of(contents: &[u8]) -> usize {
    let text = String::from_utf8_lossy(contents);
    let words = text.split([' ', ',']);
    let number = words.skip_while(|word| *word != "version").nth(1);
    number.and_then(|word| word.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_tell_their_number() {
        assert_eq!(number_of(&contents(COUNTER, 12, 2_000)), 12);
    }
}
