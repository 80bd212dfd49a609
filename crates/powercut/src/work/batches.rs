//! Many changes as one: all of them or none, whatever they are.

use super::contents::contents;
use super::desk::{Desk, append, delete, open, rename, write};
use crate::recording::Site;
use anyhow::Result;

pub fn batches(site: &Site) -> Result<()> {
    let volume = open(site)?;
    let mut desk = Desk::new(
        site,
        &volume,
        &["a", "b", "log", "many", "wide", "d", "spare"],
    );
    desk.commit([
        write("a", &contents("a", 0, 2_000))?,
        write("b", &contents("b", 0, 9_000))?,
    ])?;
    for round in 1..6 {
        let many = (0..6).map(|i| {
            let path = format!("many/{}/{i}", round % 2);
            write(&path, &contents(&path, round, 700 * i + 10))
        });
        desk.commit(many.collect::<Result<Vec<_>>>()?)?;
        // So many files and directories that they are synced all at once.
        let wide = (0..10).map(|i| {
            let path = format!("wide/{i}/{}", round % 2);
            write(&path, &contents(&path, round, 150 * i + 1))
        });
        desk.commit(wide.collect::<Result<Vec<_>>>()?)?;
        // Swap two files.
        desk.commit([
            rename("a", "spare")?,
            rename("b", "a")?,
            rename("spare", "b")?,
        ])?;
        // A record, and the state that it is about.
        desk.commit([
            append("log", &contents("line", round, 150))?,
            write("a", &contents("a", round, 4_096))?,
            delete("many/0/3")?,
        ])?;
        // A directory becomes a file, and a file a directory.
        desk.commit([
            write("d/e", &contents("e", round, 300))?,
            write("d/f", &contents("f", round, 300))?,
        ])?;
        desk.commit([
            delete("d/e")?,
            delete("d/f")?,
            write("d", &contents("d", round, 800))?,
        ])?;
        desk.commit([delete("d")?, append("log", b"and back\n")?])?;
        // A batch that were done once more would remove what came after it.
        desk.commit([delete("b")?, delete("many/1/2")?])?;
        desk.commit([write("b", &contents("b", round, 2_500))?])?;
    }
    Ok(())
}
