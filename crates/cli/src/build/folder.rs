//! The folder `.ability` in an ability's own: what the command keeps there.
//!
//! | name | holds |
//! |---|---|
//! | `.gitignore` | that git ignores all of this |
//! | `sdk/` | the SDKs, as this command carries them |
//! | `python/`, `js/` | the build tools, unless they are kept elsewhere |
//! | `packages/` | what the ability's requirements.txt asks for |
//! | `out/` | components before they are published |
//! | `*.lock` | locks |
//!
//! All of it can be deleted: the next build makes it anew.

use super::lock::{self, Lock};
use crate::embedded;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// An ability's folder, for one build at a time.
pub struct Folder {
    /// The ability's.
    pub root: PathBuf,
    /// The name of the ability's folder.
    pub name: String,
    /// Where `.ability` is.
    own: PathBuf,
    pub lock: Lock,
}

impl Folder {
    /// Waits until no other build is at work in it.
    pub fn open(root: &Path) -> Result<Self> {
        let root = resolved(root)?;
        let name = root.file_name().unwrap_or_default();
        let name = name
            .to_str()
            .with_context(|| format!("{} has no name that is text", root.display()))?
            .to_owned();
        let own = root.join(".ability");
        ignored_by_git(&own)?;
        let lock = lock::alone(
            &own.join("build.lock"),
            &format!("another build of {}", root.display()),
        )?;
        Ok(Self {
            root,
            name,
            own,
            lock,
        })
    }

    /// A place in `.ability`.
    pub fn own(&self, name: &str) -> PathBuf {
        self.own.join(name)
    }

    /// The SDK `name` (`python`, `js`, `rust`, `wit`), as this command carries it.
    pub fn sdk(&self, name: &str) -> Result<PathBuf> {
        let directory = self.own.join("sdk").join(name);
        embedded::unpack(&format!("sdk/{name}"), &directory)?;
        Ok(directory)
    }

    /// Where a tool is to put a component.
    pub fn built(&self, name: &str) -> Result<PathBuf> {
        let directory = self.own.join("out");
        fs::create_dir_all(&directory)
            .with_context(|| format!("{} could not be created", directory.display()))?;
        Ok(directory.join(name).with_extension("wasm"))
    }
}

/// Creates a directory that git ignores whatever is around it.
pub fn ignored_by_git(directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)
        .with_context(|| format!("{} could not be created", directory.display()))?;
    embedded::write_if_different(&directory.join(".gitignore"), b"*\n")
}

/// The whole path, with links followed.
pub fn resolved(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path).with_context(|| format!("{} could not be opened", path.display()))
}
