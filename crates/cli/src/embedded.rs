//! The files that the command carries, so that it works without its repository:
//! SDKs (`sdk/`), build tools (`tools/`) and templates (`templates/`).
//!
//! Must never touch a file that is as it should be: builds and editors look at
//! time stamps.

use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Name and contents, sorted by name. See `build.rs`.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// What other programs put among unpacked files. It stays.
const LEFT_ALONE: [&str; 3] = ["__pycache__", "node_modules", "target"];

/// The files of a folder: the rest of their names, and contents.
pub fn under(folder: &str) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    FILES.iter().filter_map(move |&(name, contents)| {
        let rest = name.strip_prefix(folder)?.strip_prefix('/')?;
        Some((rest, contents))
    })
}

/// One file.
pub fn file(name: &str) -> &'static [u8] {
    let found = FILES.iter().find(|(other, _)| *other == name);
    // Each name is written in this program, and each is tried by a test.
    found.map_or(&[], |(_, contents)| contents)
}

/// Makes `directory` hold the files of a folder, and no others.
pub fn unpack(folder: &str, directory: &Path) -> Result<()> {
    let mut wanted = BTreeSet::new();
    for (name, contents) in under(folder) {
        let path = directory.join(name);
        write_if_different(&path, contents)?;
        wanted.insert(path);
    }
    remove_others(directory, &wanted)
        .with_context(|| format!("{} could not be tidied up", directory.display()))
}

/// Makes `contents` the file at `path`.
pub fn write_if_different(path: &Path, contents: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|present| present == contents) {
        return Ok(());
    }
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, contents))
        .with_context(|| format!("{} could not be written", path.display()))
}

/// Removes what an older version of this command unpacked.
fn remove_others(directory: &Path, wanted: &BTreeSet<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        if LEFT_ALONE.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            remove_others(&path, wanted)?;
            // Only if it is empty now.
            let _ = fs::remove_dir(&path);
        } else if !wanted.contains(&path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}
