//! The power-loss laboratory: what it needs is built and installed here, all else is in
//! `crates/powercut`.

use crate::ability;
use crate::guests;
use crate::packages;
use crate::process::{exit_code, run_shown};
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::process::{Command, ExitCode};

/// The programs that it starts, and the packages that they are in.
const PROGRAMS: [(&str, &str); 7] = [
    ("mkfs.ext4", "e2fsprogs"),
    ("mkfs.xfs", "xfsprogs"),
    ("mkfs.btrfs", "btrfs-progs"),
    ("losetup", "mount"),
    ("unshare", "util-linux"),
    // File systems in user space, for the tests of real faults.
    ("bindfs", "bindfs"),
    ("fuse-overlayfs", "fuse-overlayfs"),
];

/// Cut the power of real file systems and look at what is left
///
/// Builds the laboratory and what it runs, and installs the programs of the file
/// systems where that can be done (as root, on Debian and its relatives). The
/// arguments are its own: `cargo xtask powercut --help` prints them.
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

/// What CI runs of it.
pub fn short_form() -> Options {
    Options {
        arguments: vec!["--short".into(), "--or-skip".into()],
    }
}

pub fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    install_programs(workspace);
    if !workspace.guests().join("audit-chain.wasm").exists() {
        guests::build(workspace)?;
    }
    // The laboratory compares and copies gigabytes; the command is the one that
    // the tests have built.
    let package = |name: &'static str| ["--quiet", "--package", name];
    run_shown(workspace.cargo("build").args(package(ability::PACKAGE)))?;
    run_shown(
        workspace
            .cargo("build")
            .arg("--release")
            .args(package("powercut")),
    )?;
    let mut command = Command::new(workspace.target().join("release/powercut"));
    command
        .current_dir(workspace.root())
        .arg("--ability")
        .arg(ability::path(workspace))
        .arg("--guests")
        .arg(workspace.guests())
        .arg("--state")
        .arg(workspace.target().join("powercut"))
        .args(&options.arguments);
    let status = command.status().context("cannot start the laboratory")?;
    Ok(exit_code(status))
}

/// Installs what is missing, if it can. If it cannot, what needs it will say so.
pub fn install_programs(workspace: &Workspace) {
    packages::install_programs(workspace, &PROGRAMS);
}
