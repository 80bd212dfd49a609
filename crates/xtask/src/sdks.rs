//! The SDKs in Python and JavaScript: their own checks, without a host.
//!
//! Must never install anything outside `target` and the `node_modules` of this repository.

use crate::process::{run_logged, run_shown};
use crate::progress::Step;
use crate::scripting;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PYTHON_SDK: &str = "sdk/python";

/// What `unittest` discovers.
const PYTHON_TESTS: [&str; 2] = ["sdk/python/tests", "examples/python-journal/tests"];

/// What `npm ci` installs for a folder, and what runs there.
const JAVASCRIPT: [(&str, &[&str], &[&str]); 4] = [
    ("sdk/js/tools", &[], &["npm", "run", "types"]),
    ("sdk/js", &[], &["npm", "test"]),
    ("examples/js-settings", &[], &["npm", "test"]),
    (
        "crates/cli/tools/js",
        &["--omit=dev"],
        &["node", "--test", "test"],
    ),
];

/// Check the SDKs in Python and JavaScript: formatting, lints, types, tests
///
/// What that takes is installed into target/tools and into folders node_modules, with the versions
/// that this repository pins. Their tests inside the real host are those of `cargo test`.
#[derive(clap::Args)]
pub struct Options {}

pub fn check(workspace: &Workspace) -> Result<()> {
    scripting::require(workspace)?;
    check_python(workspace)?;
    for (folder, install, test) in JAVASCRIPT {
        let folder = workspace.root().join(folder);
        install_packages(workspace, &folder, install)?;
        run_shown(
            workspace
                .command(test[0])
                .args(&test[1..])
                .current_dir(folder),
        )?;
    }
    Ok(())
}

fn check_python(workspace: &Workspace) -> Result<()> {
    let folder = workspace.root().join(PYTHON_SDK);
    let environment = environment(workspace, &folder.join("requirements-dev.txt"))?;
    let tool = |name: &str, arguments: &[&str]| {
        let mut command = workspace.command(environment.join("bin").join(name));
        run_shown(command.args(arguments).current_dir(&folder))
    };
    tool("ruff", &["format", "--check", "."])
        .context("the Python code is not formatted; run `ruff format` in sdk/python")?;
    tool("ruff", &["check", "."])?;
    tool("mypy", &[])?;
    for tests in PYTHON_TESTS {
        let mut python = workspace.command("python3");
        python.args(["-B", "-m", "unittest", "discover", tests]);
        run_shown(&mut python)?;
    }
    Ok(())
}

/// A virtual environment with these requirements.
fn environment(workspace: &Workspace, requirements: &Path) -> Result<PathBuf> {
    let directory = workspace.tools().join("python-checks");
    installed(workspace, &directory, requirements, "ruff and mypy", || {
        let mut create = workspace.command("python3");
        create.args(["-m", "venv", "--clear"]).arg(&directory);
        let mut install = workspace.command(directory.join("bin/pip"));
        install.args(["--quiet", "--disable-pip-version-check", "install", "-r"]);
        install.arg(requirements);
        vec![create, install]
    })?;
    Ok(directory)
}

fn install_packages(workspace: &Workspace, folder: &Path, options: &[&str]) -> Result<()> {
    let lock = folder.join("package-lock.json");
    if !lock.exists() {
        return Ok(());
    }
    let modules = folder.join("node_modules");
    let shown = folder.strip_prefix(workspace.root()).unwrap_or(folder);
    let what = format!("npm ci in {}", shown.display());
    installed(workspace, &modules, &lock, &what, || {
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
