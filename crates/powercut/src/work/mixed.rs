//! Several writers at once, through two sessions, each with work of its own kind,
//! and one log that all append to.

use super::at_once::at_once;
use super::contents::contents;
use super::desk::{Desk, append, delete, open, rename, write};
use crate::promise::history::LogOfLines;
use crate::recording::Site;
use ability_storage_engine::{LocalVolume, Volume};
use anyhow::Result;

const ROUNDS: u64 = 8;
const LOG: &str = "shared/log";

type Round = fn(&mut Desk, u64) -> Result<()>;

/// What one writer does, and the files that it does it to.
const WRITERS: [(&str, &[&str], Round); 4] = [
    ("replacer", &["state.json", "daemon"], replace),
    ("logger", &["audit"], log),
    ("mover", &["inbox", "outbox"], move_around),
    ("batcher", &["ledger"], batch),
];

pub fn mixed(site: &Site) -> Result<()> {
    let volumes = [open(site)?, open(site)?];
    let shared = site.recorder.log(LOG);
    at_once(WRITERS.iter().enumerate().map(|(i, (name, owns, round))| {
        let volume = &volumes[i % 2];
        let mut desk = Desk::new(site, volume, owns);
        move || {
            for number in 0..ROUNDS {
                round(&mut desk, number)?;
                note(volume, shared, name, number)?;
            }
            Ok(())
        }
    }))
}

fn note(volume: &LocalVolume, shared: LogOfLines, name: &str, number: u64) -> Result<()> {
    let line = format!(
        "{name} {number} {}",
        "did its work; ".repeat(number as usize)
    );
    shared.append(&line, |line| {
        volume.commit(append(LOG, line)?.into())?;
        Ok(())
    })
}

fn replace(desk: &mut Desk, number: u64) -> Result<()> {
    let bytes = desk.random().usize(0..20_000);
    desk.commit([write("state.json", &contents("state", number, bytes))?])?;
    let path = format!("daemon/{}", number % 3);
    desk.commit([write(&path, &contents(&path, number, 500))?])
}

fn log(desk: &mut Desk, number: u64) -> Result<()> {
    desk.commit([append("audit", &contents("record", number, 370))?])?;
    desk.commit([append("audit", b"seen\n")?])
}

fn move_around(desk: &mut Desk, number: u64) -> Result<()> {
    desk.commit([write("inbox/letter", &contents("letter", number, 2_000))?])?;
    let target = format!("outbox/{}", number % 2);
    desk.commit([rename("inbox/letter", &target)?])?;
    if number % 3 == 2 {
        desk.commit([delete(&target)?])?;
    }
    Ok(())
}

fn batch(desk: &mut Desk, number: u64) -> Result<()> {
    desk.commit([
        write("ledger/from", &contents("from", number, 900))?,
        write("ledger/to", &contents("to", number, 900))?,
        append("ledger/log", &contents("entry", number, 120))?,
    ])
}
