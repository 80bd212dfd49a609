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
//! All of it can be deleted: the next build makes it again. A build must never touch
//! anything outside of the ability's folder, whatever links are in it.

use super::lock::{self, Lock};
use crate::{confined, embedded};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

const OWN: &str = ".ability";

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
        let own = confined::directory(&root, OWN)?;
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

    /// The directory `.ability` itself.
    pub fn own(&self) -> &Path {
        &self.own
    }

    /// A directory in `.ability`.
    pub fn directory(&self, name: &str) -> Result<PathBuf> {
        confined::directory(&self.own, name)
    }

    /// The SDK `name` (`python`, `js`, `rust`, `wit`), as this command carries it.
    pub fn sdk(&self, name: &str) -> Result<PathBuf> {
        let sdk = format!("sdk/{name}");
        embedded::unpack(&sdk, &self.own, &sdk)
    }

    /// Where a tool is to put a component.
    pub fn built(&self, name: &str) -> Result<PathBuf> {
        Ok(self.directory("out")?.join(name).with_extension("wasm"))
    }
}

/// Lets git ignore a directory whatever is around it.
pub fn ignored_by_git(directory: &Path) -> Result<()> {
    match fs::symlink_metadata(directory.join(".gitignore")) {
        Ok(present) if present.is_file() => Ok(()),
        _ => confined::write_if_different(directory, ".gitignore", b"*\n"),
    }
}

/// The whole path, with links followed.
pub fn resolved(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path).with_context(|| format!("{} could not be opened", path.display()))
}
