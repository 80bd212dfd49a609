//! Other programs change the files of a volume between its commits, and sync nothing.
//!
//! What they do may be lost or torn in a power cut; what the volume acknowledged
//! afterwards may not, and must be read.
//!
//! | module | holds |
//! |---|---|
//! | `change` | what other programs do |
//! | `author` | a program whose records must be there |

mod author;
mod change;

use crate::recording::{Site, Way};
use anyhow::Result;
use author::Author;
use change::Change;
use fastrand::Rng;
use std::io::ErrorKind;
use std::thread;
use std::time::Duration;

const ROUNDS: u64 = 24;

/// Between a change from outside and the next commit, at most: the volume puts what it
/// has logged into the files before or after.
const LONGEST_PAUSE_MICROSECONDS: u64 = 8_000;

/// Logs, and the files that are replaced.
const LOGS: [&str; 3] = ["log/a", "log/b", "book/log"];
const DOCUMENTS: [&str; 2] = ["document/text", "book/head"];

pub fn outside(site: &Site) -> Result<()> {
    let mut random = Rng::with_seed(site.seed);
    let mut author = Author::new(site, &["log", "document", "book"])?;
    for path in LOGS.into_iter().chain(DOCUMENTS) {
        author.write(path, 1_000)?;
    }
    for round in 0..ROUNDS {
        let path = match random.u8(0..4) {
            0 => random.choice(DOCUMENTS),
            _ => random.choice(LOGS),
        };
        let path = path.unwrap_or(LOGS[0]);
        for _ in 0..random.u8(0..3) {
            author.append(path, random.usize(50..3_000))?;
        }
        let change = random.choice(change::ALL).unwrap_or(Change::Truncate);
        if change.takes_away() || site.way == Way::Journaled {
            author.release(path)?;
        }
        match change.make(&site.directory.join(path), round, &mut random) {
            // Of a journaled volume the file, or its directory, may not be there yet.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            changed => changed?,
        }
        pause(&mut random);
        commit(&mut author, path, &mut random)?;
        pause(&mut random);
    }
    author.reopen()
}

fn commit(author: &mut Author, path: &str, random: &mut Rng) -> Result<()> {
    match random.u8(0..7) {
        0 => author.write(path, random.usize(100..9_000)),
        1 => author.book(700),
        2 => {
            author.append(path, 300)?;
            author.turn(path)
        }
        3 => {
            author.reopen()?;
            author.append(path, 500)
        }
        _ => {
            for _ in 0..random.u8(1..4) {
                author.append(path, random.usize(50..6_000))?;
            }
            Ok(())
        }
    }
}

fn pause(random: &mut Rng) {
    let pause = random.u64(0..LONGEST_PAUSE_MICROSECONDS);
    thread::sleep(Duration::from_micros(pause));
}
