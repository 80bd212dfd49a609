//! Files that move: to a new name, over another, into other directories.

use super::contents::contents;
use super::desk::{Desk, open, rename, write};
use crate::recording::Site;
use anyhow::Result;

pub fn renames(site: &Site) -> Result<()> {
    let volume = open(site)?;
    let mut desk = Desk::new(site, &volume, &["new", "current", "old", "far"]);
    for round in 0..8 {
        desk.commit([write("new", &contents("new", round, 3_000))?])?;
        if round > 0 {
            desk.commit([rename("current", "old")?])?;
        }
        desk.commit([rename("new", "current")?])?;
        desk.commit([write("far/source", &contents("far", round, 500))?])?;
        let target = format!("far/{}/target", round % 3);
        desk.commit([rename("far/source", &target)?])?;
        if round % 2 == 1 {
            desk.commit([rename(&target, "far/away/and/deep")?])?;
        }
    }
    Ok(())
}
