//! What is done on a disk that fails now and then.

use super::client::Client;
use super::window::Thief;
use crate::work::desk::{append, delete, rename, write};
use anyhow::Result;

/// A kind of work.
#[derive(Debug)]
pub struct Kind {
    /// Paths at and under which files have a history of their own.
    pub units: &'static [&'static str],
    /// Some changes, each in one of these units.
    pub work: fn(&mut Client, u64) -> Result<()>,
    /// Who takes the errors, in one round after the other.
    pub thieves: &'static [Option<Thief>],
    /// Whether the disk fails when the volume is opened for the first time.
    pub opens_inside: bool,
}

/// Single files: written, written in pieces, moved.
pub const WRITES: Kind = Kind {
    units: &["single", "film", "moved"],
    work: writes,
    thieves: &[Some(Thief::OfFileSystem), None, Some(Thief::OfFiles)],
    opens_inside: false,
};

/// Logs that grow, and are replaced and moved.
pub const APPENDS: Kind = Kind {
    units: &["log/a", "log/b", "log/c", "turned"],
    work: appends,
    thieves: &[Some(Thief::OfFileSystem), None, Some(Thief::OfFiles)],
    opens_inside: false,
};

/// Many changes as one.
pub const BATCHES: Kind = Kind {
    units: &["wide", "small"],
    work: batches,
    thieves: &[Some(Thief::OfFileSystem), Some(Thief::OfFileSystem), None],
    opens_inside: false,
};

/// What makes the engine's own log, and makes it grow.
pub const LOG: Kind = Kind {
    units: &["fresh", "long"],
    work: log,
    thieves: &[Some(Thief::OfFileSystem), None, Some(Thief::OfFiles)],
    opens_inside: true,
};

fn writes(client: &mut Client, round: u64) -> Result<()> {
    for i in 0..3 {
        let path = format!("single/{i}");
        let bytes = client.random().usize(300..40_000);
        let change = write(&path, &client.next(&path, bytes))?;
        client.commit(0, &[change])?;
    }
    let film = write("film", &client.next("film", 70_000))?;
    client.stream(1, &film)?;
    let new = write("moved/new", &client.next("moved/new", 5_000))?;
    client.commit(2, &[new])?;
    client.commit(2, &[rename("moved/new", "moved/current")?])?;
    if round % 2 == 1 {
        client.commit(2, &[delete("moved/current")?])?;
    }
    Ok(())
}

fn appends(client: &mut Client, round: u64) -> Result<()> {
    for (unit, path) in ["log/a", "log/b", "log/c"].into_iter().enumerate() {
        for _ in 0..2 {
            let bytes = client.random().usize(60..6_000);
            let line = append(path, &client.next(path, bytes))?;
            client.commit(unit, &[line])?;
        }
    }
    // What is appended goes into the file before that moves, or is replaced.
    let line = append("turned/log", &client.next("turned/log", 4_096))?;
    client.commit(3, &[line])?;
    match round % 2 {
        0 => client.commit(3, &[rename("turned/log", "turned/old")?]),
        _ => {
            let whole = write("log/b", &client.next("log/b", 2_000))?;
            client.commit(1, &[whole])
        }
    }
}

fn batches(client: &mut Client, round: u64) -> Result<()> {
    // Few enough to be synced one by one, or so many that the file system is synced as
    // a whole; and more, so that an error may come and go before that.
    for files in [8, 100, 100] {
        let mut wide = Vec::new();
        // What is lost must not be written again at once.
        let set = client.random().u8(0..3);
        for i in 0..files {
            let path = format!("wide/{set}/{i}");
            let bytes = client.random().usize(100..3_000);
            wide.push(write(&path, &client.next(&path, bytes))?);
        }
        if round % 2 == 1 {
            wide.push(append("wide/log", &client.next("wide/log", 900))?);
        }
        client.commit(0, &wide)?;
    }
    let mut small = Vec::new();
    for path in ["small/a", "small/b"] {
        small.push(write(path, &client.next(path, 3_000))?);
    }
    small.push(append("small/log", &client.next("small/log", 300))?);
    client.commit(1, &small)?;
    client.commit(
        1,
        &[
            rename("small/a", "small/spare")?,
            rename("small/b", "small/a")?,
            rename("small/spare", "small/b")?,
        ],
    )
}

fn log(client: &mut Client, round: u64) -> Result<()> {
    for i in 0..3 {
        let path = format!("fresh/{round}/{i}");
        let line = append(&path, &client.next(&path, 800))?;
        client.commit(0, &[line])?;
    }
    let bytes = client.random().usize(30_000..100_000);
    let long = append("long", &client.next("long", bytes))?;
    client.commit(1, &[long])?;
    if round % 3 == 2 {
        let whole = write("long", &client.next("long", 1_000))?;
        client.commit(1, &[whole])?;
    }
    Ok(())
}
