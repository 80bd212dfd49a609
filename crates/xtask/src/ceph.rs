//! The laboratory of outages: what it needs is built and installed here, all else is in
//! `crates/outage`.

use crate::packages;
use crate::process::{exit_code, run_shown};
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::process::{Command, ExitCode};

/// The programs that it starts, and the packages that they are in.
const PROGRAMS: [(&str, &str); 8] = [
    ("ceph-mon", "ceph-mon"),
    ("ceph-osd", "ceph-osd"),
    ("radosgw", "radosgw"),
    ("ceph", "ceph-common"),
    ("ceph-authtool", "ceph-common"),
    ("radosgw-admin", "ceph-common"),
    ("monmaptool", "ceph-base"),
    ("setpriv", "util-linux"),
];

/// Run a Ceph cluster on loopback, to kill its daemons
///
/// Builds the laboratory, and installs Ceph where that can be done (as root, on Debian
/// and its relatives; 70 MB, half a minute). The arguments are its own: `cargo xtask
/// ceph --help` prints them; `cargo xtask ceph up` starts a cluster to try things with.
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
    install_programs(workspace);
    let mut build = workspace.cargo("build");
    run_shown(build.args(["--quiet", "--release", "--package", "outage"]))?;
    let mut command = Command::new(workspace.target().join("release/outage"));
    command
        .current_dir(workspace.root())
        .arg("--state")
        .arg(workspace.target().join("ceph"))
        .args(&options.arguments);
    let status = command.status().context("cannot start the laboratory")?;
    Ok(exit_code(status))
}

/// Installs what is missing, if it can. If it cannot, what needs it will say so.
pub fn install_programs(workspace: &Workspace) {
    packages::install_programs(workspace, &PROGRAMS);
}
