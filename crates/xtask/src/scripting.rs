//! Python and Node: what guests in these languages are built and tested with.

use crate::packages;
use crate::process::output_of;
use crate::progress::note;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};

const OLDEST_PYTHON: (u32, u32) = (3, 11);
const OLDEST_NODE: u32 = 20;

/// Makes sure that both are there, and new enough; installs them if it can.
///
/// # Errors
///
/// If one is missing or too old and cannot be installed: with what a person has to do.
pub fn require(workspace: &Workspace) -> Result<()> {
    let missing = missing(workspace);
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().flat_map(|it| it.packages).copied().collect();
    let names: Vec<&str> = missing.iter().map(|it| it.what).collect();
    let names = names.join(" and ");
    packages::require_debian()
        .and_then(|()| packages::require_root(workspace))
        .and_then(|()| packages::install(workspace, &packages))
        .with_context(|| {
            format!("{names} is needed and not there; install it, and run this again")
        })?;
    match self::missing(workspace).first() {
        None => {
            note(&format!("installed {}", packages.join(", ")));
            Ok(())
        }
        Some(missing) => bail!(
            "{} is needed, and what this system installs is older; install a newer one",
            missing.what
        ),
    }
}

#[derive(Clone, Copy)]
struct Missing {
    what: &'static str,
    packages: &'static [&'static str],
}

fn missing(workspace: &Workspace) -> Vec<Missing> {
    let mut missing = Vec::new();
    if !has_python(workspace) {
        missing.push(Missing {
            what: "Python 3.11 or newer with venv and pip",
            packages: &["python3", "python3-venv", "python3-pip"],
        });
    }
    if !has_node(workspace) {
        missing.push(Missing {
            what: "Node 20 or newer with npm",
            packages: &["nodejs", "npm"],
        });
    }
    missing
}

fn has_python(workspace: &Workspace) -> bool {
    let (major, minor) = OLDEST_PYTHON;
    let check =
        format!("import ensurepip, sys, venv; assert sys.version_info >= ({major}, {minor})");
    output_of(workspace.command("python3").args(["-c", &check])).is_some()
}

fn has_node(workspace: &Workspace) -> bool {
    let version = output_of(workspace.command("node").arg("--version"));
    let has_npm = output_of(workspace.command("npm").arg("--version")).is_some();
    has_npm
        && version
            .as_deref()
            .and_then(major)
            .is_some_and(|major| major >= OLDEST_NODE)
}

/// Of a version as node prints it, `v20.20.0`.
fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node() {
        assert_eq!(major("v20.20.0"), Some(20));
        assert_eq!(major("v9.0"), Some(9));
        assert_eq!(major("20"), None);
        assert_eq!(major("v-"), None);
    }
}
