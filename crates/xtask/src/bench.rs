//! The benchmarks: what they need is built and installed here, all else is in
//! `crates/bench`.

use crate::ceph;
use crate::guests;
use crate::powercut;
use crate::process::{exit_code, run_shown};
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::process::{Command, ExitCode};

const PACKAGE: &str = "ability-storage-bench";

/// Measure ability-storage beside other ways to replace a file
///
/// Builds the benchmarks, optimized, and the guests in Rust, and installs the programs of
/// the file systems where that can be done (as root, on Debian and its relatives). The
/// arguments are its own: `cargo xtask bench --help` prints them.
#[derive(clap::Args)]
#[command(verbatim_doc_comment, disable_help_flag = true)]
pub struct Options {
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGUMENTS"
    )]
    arguments: Vec<OsString>,
}

pub fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    powercut::install_programs(workspace);
    ceph::install_programs(workspace);
    guests::build_rust(workspace)?;
    let mut build = workspace.cargo("build");
    run_shown(build.args(["--release", "--quiet", "--package", PACKAGE]))?;
    // From where the caller is, so that the files that are named are found.
    let status = Command::new(workspace.target().join("release").join(PACKAGE))
        .arg("--guests")
        .arg(workspace.guests())
        .arg("--state")
        .arg(workspace.target().join("bench"))
        .args(&options.arguments)
        .status()
        .context("cannot start the benchmarks")?;
    Ok(exit_code(status))
}
