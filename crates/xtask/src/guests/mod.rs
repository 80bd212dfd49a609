//! The guests of this repository: which they are, and how they become `target/guests/<name>.wasm`.
//!
//! Must never touch a built guest that did not change: hosts cache compiled components, tests by
//! their time stamps.

mod rust;
mod scripted;

use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

pub use rust::build as build_rust;

/// Where guests live, and abilities of the old platform.
const HOMES: [&str; 3] = ["examples", "tests/guests", "tests/abilities"];

/// Build all guests (examples and those of the tests) into target/guests
///
/// Guests are the folders in examples/, tests/guests/ and tests/abilities/ that hold a member of the
/// workspace with a src/main.rs, unless its Cargo.toml says, as an example of an embedding host does:
///
///     [package.metadata.ability]
///     guest = false
///
/// or a main.py, or a package.json: these are built by the `ability` command of this repository, with
/// what it installs for that in target/tools. They need Python 3.11 and Node 20, which are installed
/// where that can be done (as root, on Debian and its relatives).
///
/// Prints the name and size of each. A file that did not change is not touched, and nothing is built
/// again in Python or JavaScript that is newer than all it is made from.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Options {}

pub fn build(workspace: &Workspace) -> Result<()> {
    build_rust(workspace)?;
    scripted::build(workspace)
}

/// The folders that may hold a guest, in their order.
fn folders(root: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for home in HOMES.map(|home| root.join(home)) {
        if home.exists() {
            let first = folders.len();
            folders.extend(entries(&home)?.into_iter().filter(|path| path.is_dir()));
            folders[first..].sort();
        }
    }
    Ok(folders)
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}
