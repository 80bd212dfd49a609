//! The files that the command carries, so that it works without its repository:
//! SDKs (`sdk/`), build tools (`tools/`) and templates (`templates/`).
//!
//! Must never touch a file that is as it should be: builds and editors look at
//! time stamps.

use crate::confined;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// Name and contents, sorted by name. See `build.rs`.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

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

/// Makes the directory `name` in `base` hold the files of a folder, and no others.
pub fn unpack(folder: &str, base: &Path, name: &str) -> Result<PathBuf> {
    confined::unpack(base, name, under(folder))
}
