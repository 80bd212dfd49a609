//! What an ability in JavaScript depends on, installed by npm into its own node_modules, as
//! its author would install it.
//!
//! Must never take packages for whole whose installation failed or was killed, nor let npm
//! change anything outside of the ability's folder.

use super::failure::NotBuildable;
use super::javascript::npm;
use super::{Job, step};
use crate::confined;
use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};
use std::fs;
use std::path::Path;

const MODULES: &str = "node_modules";

/// In node_modules, so that it goes with it.
const STAMP: &str = "node_modules/.ability-installed";

const KINDS: [&str; 3] = ["dependencies", "devDependencies", "optionalDependencies"];

/// What decides what npm installs, beside package.json.
const OTHERS: [&str; 3] = ["package-lock.json", "npm-shrinkwrap.json", ".npmrc"];

/// Installs the packages, if they are not there already.
pub fn ensure(job: &Job) -> Result<()> {
    let root = &job.folder.root;
    let manifest = root.join("package.json");
    let text =
        fs::read(&manifest).with_context(|| format!("{} could not be read", manifest.display()))?;
    // A byte order mark, as some editors write, is no reason not to build.
    let json = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    let package: Value = match serde_json::from_slice(json) {
        Ok(package) => package,
        Err(error) => bail!(NotBuildable(format!("{}: {error}", manifest.display()))),
    };
    if dependencies(&package).next().is_none() {
        return Ok(());
    }
    let modules = root.join(MODULES);
    if fs::symlink_metadata(&modules).is_ok_and(|metadata| metadata.is_symlink()) {
        step::note(&format!(
            "{} is a link: what it leads to is used as it is, and nothing is installed there",
            modules.display()
        ));
        return Ok(());
    }
    let before = stamp(root, &text, &package);
    if before.is_some() && confined::read(&root.join(STAMP))? == before {
        return Ok(());
    }
    confined::remove_file(&root.join(STAMP))
        .with_context(|| format!("{} could not be changed", modules.display()))?;
    install(job, &manifest)?;
    // npm may have written a lock file.
    match stamp(root, &text, &package) {
        Some(stamp) => confined::write_if_different(root, STAMP, &stamp),
        None => Ok(()),
    }
}

fn install(job: &Job, manifest: &Path) -> Result<()> {
    let root = &job.folder.root;
    let locked = ["package-lock.json", "npm-shrinkwrap.json"];
    let locked = locked.iter().any(|lock| root.join(lock).is_file());
    let mut npm = npm();
    npm.arg(if locked { "ci" } else { "install" });
    npm.args(["--no-audit", "--no-fund"]).current_dir(root);
    let what = format!("Installing the packages of {}", manifest.display());
    let ended = job.runner.run(&what, &mut npm)?;
    if !ended.ok() {
        bail!(NotBuildable(format!(
            "what {} depends on could not be installed:\n{}",
            manifest.display(),
            ended.said()
        )));
    }
    Ok(())
}

fn dependencies(package: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let kinds = KINDS.iter().filter_map(|kind| package[kind].as_object());
    kinds.flat_map(Map::iter)
}

/// What decides whether the packages are the right ones; none if that cannot be said.
fn stamp(root: &Path, text: &[u8], package: &Value) -> Option<Vec<u8>> {
    // Each member of a workspace names packages in a file of its own.
    if !package["workspaces"].is_null() {
        return None;
    }
    let mut hash = blake3::Hasher::new();
    let mut add = |bytes: &[u8]| {
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    add(text);
    for name in OTHERS {
        add(&read(&root.join(name)).unwrap_or_default());
    }
    for (_, version) in dependencies(package) {
        if let Some(file) = version.as_str()?.strip_prefix("file:") {
            let file = root.join(file);
            // A directory is linked, but what it depends on itself is not.
            let file = if file.is_dir() {
                file.join("package.json")
            } else {
                file
            };
            add(&read(&file)?);
        }
    }
    Some(hash.finalize().to_hex().as_bytes().to_vec())
}

/// A file, or the file that a link leads to.
fn read(path: &Path) -> Option<Vec<u8>> {
    if !path.is_file() {
        return None;
    }
    fs::read(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_npm_reads_counts() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path();
        let json = r#"{"dependencies": {"a": "file:a.tgz", "b": "file:b", "c": "1.0.0"}}"#;
        let package: Value = serde_json::from_str(json).expect("JSON");
        let stamp = || stamp(root, json.as_bytes(), &package);
        assert_eq!(stamp(), None, "a.tgz is missing");
        fs::create_dir(root.join("b")).expect("created");
        let write = |name: &str, text: &str| fs::write(root.join(name), text).expect("written");
        write("a.tgz", "1");
        write("b/package.json", "{}");
        let mut seen = vec![stamp()];
        assert_eq!(stamp(), seen[0]);
        for (name, text) in [
            ("a.tgz", "2"),
            ("b/package.json", "{\"dependencies\": {}}"),
            (".npmrc", "registry=https://example.org"),
            ("package-lock.json", "{}"),
        ] {
            write(name, text);
            assert!(!seen.contains(&stamp()), "{name}");
            seen.push(stamp());
        }
    }

    #[test]
    fn packages_of_every_kind_are_needed() {
        for kind in KINDS {
            let package = serde_json::json!({ kind: { "a": "1.0.0" } });
            assert_eq!(dependencies(&package).count(), 1, "{kind}");
        }
        assert_eq!(dependencies(&serde_json::json!({})).count(), 0);
    }
}
