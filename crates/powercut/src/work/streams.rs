//! Files that are written piece by piece, and some that are given up.

use super::contents::contents;
use super::desk::{Desk, open};
use crate::recording::Site;
use anyhow::Result;

pub fn streams(site: &Site) -> Result<()> {
    let volume = open(site)?;
    let mut desk = Desk::new(site, &volume, &["film", "shelf"]);
    for (round, bytes) in [0, 10, 50_000, 400_000, 4_097, 700_000]
        .into_iter()
        .enumerate()
    {
        let film = contents("film", round as u64, bytes);
        desk.stream("film", &film, 30_000)?;
        desk.abandon("film", &contents("draft", round as u64, 20_000))?;
        let path = format!("shelf/{}/film", round % 2);
        desk.stream(&path, &film[..bytes.min(60_000)], 8_192)?;
    }
    Ok(())
}
