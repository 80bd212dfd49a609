//! New files, replaced files, in directories old and new, of no bytes to a
//! megabyte; and deleted ones.

use super::contents::contents;
use super::desk::{Desk, delete, open, write};
use crate::recording::Site;
use anyhow::Result;

const SIZES: [usize; 7] = [0, 1, 370, 4_096, 5_000, 65_536, 1 << 20];

pub fn writes(site: &Site) -> Result<()> {
    let volume = open(site)?;
    let mut desk = Desk::new(site, &volume, &["state.json", "notes", "deep"]);
    let mut version = 0;
    let mut next = |desk: &mut Desk, path: &str, bytes| {
        version += 1;
        desk.commit([write(path, &contents(path, version, bytes))?])
    };
    for bytes in SIZES {
        next(&mut desk, "state.json", bytes)?;
    }
    for bytes in SIZES.into_iter().rev().skip(1) {
        next(&mut desk, "state.json", bytes)?;
        next(&mut desk, &format!("notes/{bytes}.md"), bytes)?;
    }
    for depth in ["deep/a", "deep/b/c", "deep/b/d/e/f"] {
        next(&mut desk, depth, 3_000)?;
        next(&mut desk, depth, 200)?;
    }
    Ok(())
}

pub fn deletes(site: &Site) -> Result<()> {
    let volume = open(site)?;
    let mut desk = Desk::new(site, &volume, &["a", "b", "d"]);
    for round in 0..6 {
        for path in ["a", "b", "d/e", "d/f/g"] {
            desk.commit([write(path, &contents(path, round, 2_000))?])?;
        }
        desk.commit([delete("b")?])?;
        desk.commit([delete("d/f/g")?])?;
        // Of what is not there.
        desk.commit([delete("b")?])?;
        desk.commit([delete("d/e")?])?;
        // A directory without files makes room for a file, and back.
        desk.commit([write("d", &contents("d", round, 100))?])?;
        desk.commit([delete("d")?])?;
        desk.commit([delete("a")?])?;
    }
    Ok(())
}
