//! Installing packages of Debian and its relatives.
//!
//! Must never remove a package.

use crate::process::{output_of, run_logged};
use crate::progress::{Step, note};
use crate::workspace::Workspace;
use anyhow::{Result, bail};

/// Installs the packages of those programs that are missing, if it can. If it cannot, what
/// needs them will say so.
pub fn install_programs(workspace: &Workspace, programs: &[(&str, &'static str)]) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let missing = programs.iter().filter(|(program, _)| {
        let mut directories = std::env::split_paths(&path);
        !directories.any(|directory| directory.join(program).is_file())
    });
    let mut packages: Vec<&str> = missing.map(|(_, package)| *package).collect();
    packages.dedup();
    if packages.is_empty() {
        return;
    }
    let installed = require_debian()
        .and_then(|()| require_root(workspace))
        .and_then(|()| install(workspace, &packages));
    if let Err(error) = installed {
        note(&format!(
            "not installed: {}: {error:#}",
            packages.join(", ")
        ));
    }
}

/// Installs packages of Debian; who calls has made sure that this can be done.
pub fn install(workspace: &Workspace, packages: &[&str]) -> Result<()> {
    apt_get(workspace, &["update"], "some seconds")?;
    let mut arguments = vec!["install", "--yes", "--no-install-recommends", "--no-remove"];
    arguments.extend(packages);
    apt_get(workspace, &arguments, "about 1 min")
}

fn apt_get(workspace: &Workspace, arguments: &[&str], expected: &str) -> Result<()> {
    let mut command = workspace.command("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    // No time limit stops it, which could leave packages half-installed; these bound the waits.
    command.args([
        "-o",
        "Acquire::http::Timeout=30",
        "-o",
        "Acquire::Retries=1",
    ]);
    command
        .args(["-o", "DPkg::Lock::Timeout=120"])
        .args(arguments);

    let shown: Vec<&str> = arguments
        .iter()
        .copied()
        .filter(|a| !a.starts_with('-'))
        .collect();
    let step = Step::start(&format!("apt-get {}", shown.join(" ")), expected);
    let log = workspace
        .target()
        .join("xtask")
        .join(format!("apt-get-{}.log", arguments[0]));
    let outcome = run_logged(&mut command, &log);
    step.end_with(outcome)
}

pub fn require_root(workspace: &Workspace) -> Result<()> {
    match output_of(workspace.command("id").arg("-u")).as_deref() {
        Some("0") => Ok(()),
        _ => {
            bail!("packages can only be installed as root; as root, this command does it by itself")
        }
    }
}

pub fn require_debian() -> Result<()> {
    if !is_debian(&std::fs::read_to_string("/etc/os-release").unwrap_or_default()) {
        bail!("this is not Debian, Ubuntu or a relative");
    }
    Ok(())
}

/// Whether a text like `/etc/os-release` describes Debian, Ubuntu, or what is made from them.
fn is_debian(os_release: &str) -> bool {
    os_release
        .lines()
        .filter_map(|line| line.split_once('='))
        .filter(|(key, _)| matches!(*key, "ID" | "ID_LIKE"))
        .flat_map(|(_, value)| value.trim_matches(['"', '\'']).split_whitespace())
        .any(|id| matches!(id, "debian" | "ubuntu"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_and_its_relatives_are_known() {
        assert!(is_debian(
            "NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n"
        ));
        assert!(is_debian("ID=ubuntu\nID_LIKE=debian\n"));
        assert!(is_debian("ID=\"linuxmint\"\nID_LIKE=\"ubuntu debian\"\n"));
    }

    #[test]
    fn others_are_not_debian() {
        assert!(!is_debian("ID=fedora\nNAME=\"not debian\"\n"));
        assert!(!is_debian("ID=nebian\nVERSION_ID=debian\n"));
        assert!(!is_debian(""));
    }
}
