//! Guests in Rust: members of the workspace, built for `wasm32-wasip2`.

use super::folders;
use crate::process::run_shown;
use crate::progress::note;
use crate::toolchain::{self, TARGET};
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

/// Of `[profile.guest]` in the root manifest.
const PROFILE: &str = "guest";

pub fn build(workspace: &Workspace) -> Result<()> {
    let names = find(workspace.root())?;
    let toolchain = toolchain::prepare(workspace)?;
    note(&format!(
        "building {} {}",
        names.join(", "),
        toolchain.describe()
    ));

    let scratch = workspace.target().join("guest-build");
    let mut cargo = workspace.cargo("build");
    cargo
        .args(["--target", TARGET, "--profile", PROFILE, "--target-dir"])
        .arg(&scratch);
    for name in &names {
        cargo.args(["--package", name]);
    }
    toolchain.apply(&mut cargo)?;
    run_shown(&mut cargo).context(toolchain.hint())?;

    let built = scratch.join(TARGET).join(PROFILE);
    for name in &names {
        publish(&built, &workspace.guests(), name)?;
    }
    Ok(())
}

/// Package names, in the order of their folders.
fn find(root: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for folder in folders(root)? {
        let manifest = folder.join("Cargo.toml");
        if !manifest.exists() || !folder.join("src/main.rs").exists() {
            continue;
        }
        let text = fs::read_to_string(&manifest)
            .with_context(|| format!("cannot read {}", manifest.display()))?;
        names.extend(guest_name(&text));
    }
    if names.is_empty() {
        bail!("there are no guests in {}", root.display());
    }
    Ok(names)
}

/// The package's name, unless the manifest says that it is no guest or belongs to no workspace.
///
/// Reads the plain form in which this repository's manifests are written, not all of TOML: that is
/// one dependency less to compile before anything else can start.
fn guest_name(manifest: &str) -> Option<String> {
    let mut table = "";
    let mut name = None;
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            table = line;
        }
        let (key, value) = line.split_once('=').unwrap_or_default();
        match (table, key.trim(), value.trim()) {
            ("[workspace]", ..) | ("[package.metadata.ability]", "guest", "false") => return None,
            ("[package]", "name", value) => name = Some(value.trim_matches('"').to_owned()),
            _ => {}
        }
    }
    name
}

/// Copies a built guest to where it is used, in one step, so that a host that runs at the same time
/// never loads half of it.
fn publish(built: &Path, guests: &Path, name: &str) -> Result<()> {
    let source = built.join(format!("{name}.wasm"));
    let contents = fs::read(&source).with_context(|| {
        format!(
            "cargo did not build {}; is the binary named like its package?",
            source.display()
        )
    })?;
    let target = guests.join(format!("{name}.wasm"));
    let unchanged = fs::read(&target).is_ok_and(|present| present == contents);
    if !unchanged {
        let staged = guests.join(format!(".{name}.wasm-{}", std::process::id()));
        fs::create_dir_all(guests)
            .and_then(|()| fs::write(&staged, &contents))
            .and_then(|()| fs::rename(&staged, &target))
            .with_context(|| format!("cannot write {}", target.display()))?;
    }
    let state = if unchanged { "unchanged" } else { "new" };
    note(&format!(
        "  {:<32} {:>6} KB  {state}",
        format!("{name}.wasm"),
        contents.len().div_ceil(1000)
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_a_guest() {
        let manifest =
            "[package]\nname = \"counter\"\nversion.workspace = true\n\n[[bin]]\nname = \"x\"\n";
        assert_eq!(guest_name(manifest).as_deref(), Some("counter"));
    }

    #[test]
    fn a_host_says_that_it_is_none() {
        let manifest = "[package]\nname = \"embed\"\n\n[package.metadata.ability]\nguest = false\n";
        assert_eq!(guest_name(manifest), None);
    }

    #[test]
    fn a_workspace_of_its_own_is_left_alone() {
        assert_eq!(
            guest_name("[package]\nname = \"other\"\n[workspace]\n"),
            None
        );
    }

    #[test]
    fn this_repository_has_guests() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let names = find(&root).expect("guests");
        assert!(names.iter().any(|name| name == "audit-chain"), "{names:?}");
    }

    #[test]
    fn an_unchanged_guest_is_not_touched() {
        let base = std::env::temp_dir().join(format!("xtask-publish-{}", std::process::id()));
        let (built, guests) = (base.join("built"), base.join("guests"));
        fs::create_dir_all(&built).expect("a directory");
        fs::write(built.join("a.wasm"), "one").expect("a guest");
        publish(&built, &guests, "a").expect("first");
        let first = fs::metadata(guests.join("a.wasm"))
            .and_then(|m| m.modified())
            .expect("a time");
        publish(&built, &guests, "a").expect("second");
        let second = fs::metadata(guests.join("a.wasm"))
            .and_then(|m| m.modified())
            .expect("a time");
        assert_eq!(first, second);
        assert_eq!(
            fs::read_dir(&guests).expect("a list").count(),
            1,
            "nothing staged is left"
        );
        let _ = fs::remove_dir_all(base);
    }
}
