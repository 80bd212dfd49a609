//! The way of rustup: its target, and its components.
//!
//! Must never wait without end: on a closed network rustup hangs instead of failing.

use crate::process::{output_of, run_limited};
use crate::progress::Step;
use crate::workspace::Workspace;
use anyhow::{Result, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(90);

/// The rustc that cargo would run.
fn rustc() -> OsString {
    std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

/// Where the active rustc keeps the standard library of a target, installed or not; of the host if
/// none is given.
pub fn library_directory(workspace: &Workspace, target: Option<&str>) -> Option<PathBuf> {
    let mut command = workspace.command(rustc());
    command.args(["--print", "target-libdir"]);
    if let Some(target) = target {
        command.args(["--target", target]);
    }
    output_of(&mut command).map(PathBuf::from)
}

/// Whether the active rustc can build for a target as it is.
pub fn has_target(workspace: &Workspace, target: &str) -> bool {
    library_directory(workspace, Some(target)).is_some_and(|directory| holds_std(&directory))
}

/// A directory alone proves nothing: rustup leaves it behind when it removes a target.
fn holds_std(directory: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return false;
    };
    let names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    ["libstd-", "libcore-"].iter().all(|library| {
        names
            .iter()
            .any(|name| name.starts_with(library) && name.ends_with(".rlib"))
    })
}

pub fn add_target(workspace: &Workspace, target: &str) -> Result<()> {
    add(workspace, "target", target)?;
    if !has_target(workspace, target) {
        bail!("rustup added {target}, but to another toolchain than that of the rustc in use");
    }
    Ok(())
}

pub fn add_component(workspace: &Workspace, component: &str) -> Result<()> {
    add(workspace, "component", component)
}

fn add(workspace: &Workspace, kind: &str, name: &str) -> Result<()> {
    if output_of(workspace.command("rustup").arg("--version")).is_none() {
        bail!("there is no rustup to add {name} with");
    }
    let step = Step::start(
        &format!("rustup {kind} add {name}"),
        &format!("some seconds; given up after {} s", LIMIT.as_secs()),
    );
    let log = workspace
        .target()
        .join("xtask")
        .join(format!("rustup-{kind}-{name}.log"));
    let mut command = workspace.command("rustup");
    // A backtrace of rustup's would push what went wrong out of the lines that are shown.
    command
        .args([kind, "add", name])
        .env_remove("RUST_BACKTRACE");
    let outcome = run_limited(&mut command, &log, LIMIT);
    step.end_with(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_directory_holds_no_std() {
        let directory = std::env::temp_dir().join(format!("xtask-std-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory");
        assert!(!holds_std(&directory));
        for file in ["libstd-0.rmeta", "libcore-0.rlib"] {
            std::fs::write(directory.join(file), "").expect("a file");
        }
        assert!(!holds_std(&directory), "std's metadata alone links nothing");
        std::fs::write(directory.join("libstd-0.rlib"), "").expect("a file");
        assert!(holds_std(&directory));
        let _ = std::fs::remove_dir_all(directory);
    }
}
