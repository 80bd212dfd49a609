//! Logs that grow: line by line, by more than a journal holds, and between
//! replaces, renames and deletes of the same file.

use super::contents::contents;
use super::desk::{Desk, append, delete, open, rename, write};
use crate::recording::Site;
use anyhow::Result;

pub fn appends(site: &Site) -> Result<()> {
    let volume = open(site)?;
    let mut desk = Desk::new(site, &volume, &["log", "other"]);
    for line in 0..30 {
        let bytes = desk.random().usize(20..400);
        desk.commit([append("log", &contents("line", line, bytes))?])?;
        if line % 5 == 0 {
            desk.commit([append("other/log", &contents("other", line, 100))?])?;
        }
    }
    Ok(())
}

/// The journal is full after a few of these, and begins anew.
pub fn long_appends(site: &Site) -> Result<()> {
    let volume = open(site)?;
    let mut desk = Desk::new(site, &volume, &["log"]);
    for (line, bytes) in [9_000, 20_000, 30_000, 100, 90_000, 50, 40_000, 40_000, 7]
        .into_iter()
        .enumerate()
    {
        desk.commit([append("log", &contents("line", line as u64, bytes))?])?;
    }
    Ok(())
}

/// A record must not find its way into what replaced its file.
pub fn appends_between(site: &Site) -> Result<()> {
    let volume = open(site)?;
    let mut desk = Desk::new(site, &volume, &["log", "kept", "last", "short"]);
    for round in 0..5 {
        for line in 0..3 {
            desk.commit([append("log", &contents("line", 10 * round + line, 300))?])?;
        }
        match round % 3 {
            0 => desk.commit([write("log", &contents("log", round, 1_500))?])?,
            1 => {
                desk.commit([rename("log", "kept/log")?])?;
                desk.commit([append("kept/log", b"moved\n")?])?;
            }
            _ => desk.commit([delete("log")?])?,
        }
        desk.commit([append("log", &contents("after", round, 200))?])?;
        take_back(&mut desk, round)?;
        desk.commit([write("last", &contents("last", round, 600))?])?;
        desk.commit([rename("last", "log")?])?;
        desk.commit([append("log", b"after the rename\n")?])?;
    }
    Ok(())
}

/// The file is replaced by what it was before the line, so that nothing in it
/// tells that the line is no longer to be there.
fn take_back(desk: &mut Desk, round: u64) -> Result<()> {
    let before = contents("short", round, 400 * (round as usize % 3));
    desk.commit([write("short", &before)?])?;
    desk.commit([append("short", &contents("line", round, 250))?])?;
    desk.commit([write("short", &before)?])
}
