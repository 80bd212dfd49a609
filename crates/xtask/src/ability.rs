//! The `ability` command of this repository.

use crate::process::run_shown;
use crate::workspace::Workspace;
use anyhow::Result;
use std::path::PathBuf;

pub const PACKAGE: &str = "ability-storage-cli";

pub fn build(workspace: &Workspace) -> Result<()> {
    // Chosen like this, dependencies are built as for `cargo test --workspace`, and only once.
    let mut cargo = workspace.cargo("build");
    run_shown(cargo.args(["--workspace", "--all-features", "--bin", "ability"]))
}

/// Where it is once it is built.
pub fn path(workspace: &Workspace) -> PathBuf {
    built(workspace, "debug")
}

/// Where the optimized one is once that is built.
pub fn release_path(workspace: &Workspace) -> PathBuf {
    built(workspace, "release")
}

fn built(workspace: &Workspace, profile: &str) -> PathBuf {
    let command = format!("ability{}", std::env::consts::EXE_SUFFIX);
    workspace.target().join(profile).join(command)
}
