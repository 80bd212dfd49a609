//! What other programs do to plain files. None of them syncs.

use crate::work::contents::contents;
use fastrand::Rng;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A change of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// `> file`
    Truncate,
    /// `mode="w"`
    TruncateAndWrite,
    /// As logrotate does it with `copytruncate`.
    CopyAndTruncate,
    /// As editors do it: a new file that takes the name.
    Replace,
    EditInPlace,
    Delete,
    Append,
}

pub const ALL: [Change; 7] = [
    Change::Truncate,
    Change::TruncateAndWrite,
    Change::CopyAndTruncate,
    Change::Replace,
    Change::EditInPlace,
    Change::Delete,
    Change::Append,
];

impl Change {
    /// Whether what was in the file is gone afterwards, or may be.
    pub fn takes_away(self) -> bool {
        self != Change::Append
    }

    /// Does it, whatever is there. `number` makes its bytes differ from all others.
    pub fn make(self, path: &Path, number: u64, random: &mut Rng) -> io::Result<()> {
        let bytes = contents("from outside", number, random.usize(40..5_000));
        match self {
            Change::Truncate => File::create(path).map(drop),
            Change::TruncateAndWrite => fs::write(path, &bytes),
            Change::CopyAndTruncate => {
                if path.exists() {
                    fs::copy(path, path.with_extension("1"))?;
                }
                File::create(path).map(drop)
            }
            Change::Replace => {
                let new = path.with_extension("swp");
                fs::write(&new, &bytes)?;
                fs::rename(new, path)
            }
            Change::EditInPlace => edit(path, random),
            Change::Delete => match fs::remove_file(path) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
            Change::Append => {
                let mut options = File::options();
                let file = options.append(true).create(true).open(path);
                file?.write_all(&bytes)
            }
        }
    }
}

fn edit(path: &Path, random: &mut Rng) -> io::Result<()> {
    let file = match File::options().write(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    let length = file.metadata()?.len();
    if length > 0 {
        let at = random.u64(0..length);
        let bytes = random.u64(1..=200).min(length - at);
        file.write_all_at(&vec![b'e'; bytes as usize], at)?;
    }
    Ok(())
}
