//! A guest that replaces a file again and again, by the storage of its host or by
//! itself through WASI, so that the benchmarks can put the two beside each other.
//!
//! Arguments: `storage`, `rename` or `rename-synced`; the path; the length in bytes;
//! the number of the first version; how many there are. The contents must be those
//! that `crates/bench/src/contents.rs` makes.

use ability_storage_guest::{Scope, atomic_write_file};
use std::error::Error;
use std::fs::{self, File};
use std::io::Write;

/// What each part of a version begins with: its number in so many digits.
const DIGITS: usize = 16;

const PART: usize = 256;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [how, path, bytes, first, count] = arguments.as_slice() else {
        return Err("five arguments are wanted".into());
    };
    let mut contents = vec![b'.'; bytes.parse()?];
    let first: u64 = first.parse()?;
    let count: u64 = count.parse()?;
    let mut replace = replacement(how)?;
    for number in first..first + count {
        stamp(&mut contents, number);
        replace(path, &contents)?;
    }
    Ok(())
}

fn stamp(contents: &mut [u8], number: u64) {
    let digits = format!("{number:0DIGITS$x}");
    for part in contents.chunks_mut(PART) {
        let length = part.len().min(DIGITS);
        part[..length].copy_from_slice(&digits.as_bytes()[..length]);
    }
}

type Replace = Box<dyn FnMut(&str, &[u8]) -> Result<(), Box<dyn Error>>>;

fn replacement(how: &str) -> Result<Replace, Box<dyn Error>> {
    Ok(match how {
        "storage" => {
            Box::new(|path, contents| Ok(atomic_write_file(path, contents, Scope::Ability)?))
        }
        "rename" => Box::new(|path, contents| rename(path, contents, None)),
        "rename-synced" => {
            let directory = File::open(".")?;
            Box::new(move |path, contents| rename(path, contents, Some(&directory)))
        }
        _ => return Err(format!("{how:?} is no way to replace a file").into()),
    })
}

/// As a careful program does it; syncs file and directory if it is given that.
fn rename(path: &str, contents: &[u8], synced: Option<&File>) -> Result<(), Box<dyn Error>> {
    let temporary = format!("{path}.tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(contents)?;
    if synced.is_some() {
        file.sync_all()?;
    }
    drop(file);
    fs::rename(&temporary, path)?;
    if let Some(directory) = synced {
        directory.sync_all()?;
    }
    Ok(())
}
