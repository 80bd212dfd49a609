//! The SDKs in Python and JavaScript: their own checks, without a host.
//!
//! Must never install anything outside `target` and the `node_modules` of this repository.

use crate::installing;
use crate::process::run_shown;
use crate::scripting;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::path::Path;

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
    check_together(workspace)
}

/// What one language saves, all give back: the test needs `python3` and `node`.
fn check_together(workspace: &Workspace) -> Result<()> {
    let mut test = workspace.cargo("test");
    test.args(["-p", "ability-storage-guest", "--all-features"]);
    test.args(["--test", "languages", "--", "--ignored"]);
    run_shown(&mut test)
}

fn check_python(workspace: &Workspace) -> Result<()> {
    let folder = workspace.root().join(PYTHON_SDK);
    let environment = installing::python_environment(
        workspace,
        "python-checks",
        &folder.join("requirements-dev.txt"),
        "ruff and mypy",
    )?;
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

fn install_packages(workspace: &Workspace, folder: &Path, options: &[&str]) -> Result<()> {
    let lock = folder.join("package-lock.json");
    if !lock.exists() {
        return Ok(());
    }
    let shown = folder.strip_prefix(workspace.root()).unwrap_or(folder);
    let what = format!("npm ci in {}", shown.display());
    installing::node_packages(workspace, folder, &lock, options, &what)
}
