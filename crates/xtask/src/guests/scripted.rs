//! Guests in Python and JavaScript, built by the `ability` command of this repository.
//!
//! Must never take an old component for a new one: it is built again as soon as anything is
//! newer that could have a part in it.

use super::{entries, folders};
use crate::ability;
use crate::process::run_logged;
use crate::progress::{Step, note};
use crate::scripting;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What `ability build` puts into every component, or makes it with.
const SOURCES: [&str; 6] = [
    "sdk/python/ability_storage",
    "sdk/python/entry",
    "sdk/python/facade",
    "sdk/js",
    "crates/cli",
    "wit",
];

/// The guest that is built for both JavaScript engines, the second time as
/// `<name>-<engine>.wasm`: it holds them to one suite.
const BOTH_ENGINES: &str = "js-probe";

const OTHER_ENGINE: &str = "starlingmonkey";

/// What is made from the sources, or belongs to whoever works on them.
const DERIVED: [&str; 4] = [".ability", "__pycache__", "node_modules", "target"];

pub fn build(workspace: &Workspace) -> Result<()> {
    let found: Vec<PathBuf> = folders(workspace.root())?
        .into_iter()
        .filter(|folder| folder.join("main.py").exists() || folder.join("package.json").exists())
        .collect();
    if found.is_empty() {
        return Ok(());
    }
    scripting::require(workspace)?;
    ability::build(workspace)?;
    fs::create_dir_all(workspace.guests())
        .with_context(|| format!("cannot create {}", workspace.guests().display()))?;
    let shared = newest_of(SOURCES.iter().map(|source| workspace.root().join(source)))?;
    for folder in &found {
        let name = folder
            .file_name()
            .and_then(|name| name.to_str())
            .with_context(|| format!("{} has no name that is text", folder.display()))?;
        build_one(workspace, folder, name, &[], shared)?;
        if name == BOTH_ENGINES {
            let name = format!("{name}-{OTHER_ENGINE}");
            build_one(
                workspace,
                folder,
                &name,
                &["--engine", OTHER_ENGINE],
                shared,
            )?;
        }
    }
    Ok(())
}

fn build_one(
    workspace: &Workspace,
    folder: &Path,
    name: &str,
    options: &[&str],
    shared: SystemTime,
) -> Result<()> {
    let output = workspace.guests().join(format!("{name}.wasm"));
    let stamp = workspace
        .target()
        .join("xtask")
        .join(format!("{name}.built"));
    let built = fs::metadata(&stamp).and_then(|stamp| stamp.modified());
    let sources = newest(folder)?.max(shared);
    let is_current = built.is_ok_and(|built| built > sources) && output.exists();
    if !is_current {
        let started = SystemTime::now();
        let step = Step::start(&format!("ability build {name}"), "10 to 20 s");
        let mut command = workspace.command(ability::path(workspace));
        command
            .arg("build")
            .arg(folder)
            .arg("--output")
            .arg(&output)
            .arg("--tools")
            .arg(workspace.tools())
            .args(options);
        let log = workspace.target().join("xtask").join(format!("{name}.log"));
        step.end_with(run_logged(&mut command, &log))?;
        // The output's own time tells when it last changed.
        fs::File::create(&stamp)
            .and_then(|stamp| stamp.set_modified(started))
            .with_context(|| format!("cannot write {}", stamp.display()))?;
    }
    let bytes = fs::metadata(&output)
        .with_context(|| format!("there is no {}", output.display()))?
        .len();
    let state = if is_current { "unchanged" } else { "built" };
    note(&format!(
        "  {:<32} {:>6} KB  {state}",
        format!("{name}.wasm"),
        bytes.div_ceil(1000)
    ));
    Ok(())
}

fn newest_of(paths: impl IntoIterator<Item = PathBuf>) -> Result<SystemTime> {
    paths
        .into_iter()
        .try_fold(SystemTime::UNIX_EPOCH, |latest, path| {
            Ok(latest.max(newest(&path)?))
        })
}

/// The time of the last change in a folder, or of a file.
fn newest(path: &Path) -> Result<SystemTime> {
    let metadata = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    let own = metadata.modified()?;
    if !metadata.is_dir() {
        return Ok(own);
    }
    let sources = entries(path)?.into_iter().filter(|entry| {
        let name = entry.file_name().and_then(|name| name.to_str());
        !name.is_some_and(|name| DERIVED.contains(&name))
    });
    // A folder's own time changes with what is derived, too.
    newest_of(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_derived_is_no_source() {
        let base = std::env::temp_dir().join(format!("xtask-newest-{}", std::process::id()));
        let derived = base.join("node_modules");
        fs::create_dir_all(&derived).expect("directories");
        fs::write(base.join("main.py"), "").expect("a source");
        let source = newest(&base).expect("a time");
        let later = source + std::time::Duration::from_secs(60);
        let touch = |path: PathBuf| {
            let file = fs::File::create(path).expect("a file");
            file.set_modified(later).expect("a time");
        };
        touch(derived.join("index.js"));
        assert_eq!(newest(&base).expect("a time"), source);
        touch(base.join("other.py"));
        assert_eq!(newest(&base).expect("a time"), later);
        let _ = fs::remove_dir_all(base);
    }
}
