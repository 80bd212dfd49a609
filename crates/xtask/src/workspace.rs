//! Where things are: the repository's root, its target directory, and cargo itself.
//!
//! Must never depend on the directory from which the command was started.

use anyhow::{Context, Result};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

pub struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    pub fn find() -> Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = here
            .ancestors()
            .nth(2)
            .context("crates/xtask is not two levels below the repository's root")?;
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(given) => {
                std::path::absolute(given).context("CARGO_TARGET_DIR is not a usable path")?
            }
            None => root.join("target"),
        };
        Ok(Self {
            root: root.to_owned(),
            target,
        })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's target directory: `CARGO_TARGET_DIR`, or `target` in the repository.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Where the built guests are, as `<name>.wasm`.
    pub fn guests(&self) -> PathBuf {
        self.target.join("guests")
    }

    /// Where `ability build` keeps the tools that it installs, for all guests together.
    pub fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// A command that runs in the root, so that `rust-toolchain.toml` applies to it.
    pub fn command(&self, program: impl Into<OsString>) -> Command {
        let mut command = Command::new(program.into());
        command.current_dir(&self.root);
        command
    }

    pub fn cargo(&self, subcommand: &str) -> Command {
        let mut command = self.command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.arg(subcommand);
        command
    }
}
