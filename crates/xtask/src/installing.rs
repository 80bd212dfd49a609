//! Packages from PyPI and npm, installed once, in the versions that this repository pins.
//!
//! Must never install anything outside `target` and the `node_modules` of this repository, nor
//! take what was interrupted for installed.

use crate::process::run_logged;
use crate::progress::Step;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A virtual environment among the tools, of this name and with these requirements; what it
/// holds, for a person.
pub fn python_environment(
    workspace: &Workspace,
    name: &str,
    requirements: &Path,
    what: &str,
) -> Result<PathBuf> {
    let directory = workspace.tools().join(name);
    installed(workspace, &directory, requirements, what, || {
        let mut create = workspace.command("python3");
        create.args(["-m", "venv", "--clear"]).arg(&directory);
        let mut install = workspace.command(directory.join("bin/pip"));
        install.args(["--quiet", "--disable-pip-version-check", "install", "-r"]);
        install.arg(requirements);
        vec![create, install]
    })?;
    Ok(directory)
}

/// The `node_modules` of a folder that holds a `package.json`, as `lock` has them.
pub fn node_packages(
    workspace: &Workspace,
    folder: &Path,
    lock: &Path,
    options: &[&str],
    what: &str,
) -> Result<()> {
    installed(workspace, &folder.join("node_modules"), lock, what, || {
        let mut npm = workspace.command("npm");
        npm.arg("ci").args(options).current_dir(folder);
        vec![npm]
    })
}

/// Runs `commands` unless they have installed into `directory` what the file `wanted` says.
fn installed(
    workspace: &Workspace,
    directory: &Path,
    wanted: &Path,
    what: &str,
    commands: impl FnOnce() -> Vec<Command>,
) -> Result<()> {
    let wanted = fs::read(wanted).with_context(|| format!("cannot read {}", wanted.display()))?;
    // Written last: what was interrupted is installed again.
    let stamp = directory.join(".installed");
    if fs::read(&stamp).is_ok_and(|stamp| stamp == wanted) {
        return Ok(());
    }
    let step = Step::start(what, "some seconds");
    let log = workspace.target().join("xtask/install.log");
    let outcome = commands()
        .iter_mut()
        .try_for_each(|command| run_logged(command, &log));
    step.end_with(outcome)?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}
