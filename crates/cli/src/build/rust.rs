//! An ability in Rust: cargo builds it, for `wasm32-wasip2`.

use super::failure::NotBuildable;
use super::tool::{output_of, run_limited};
use super::{Built, Job, step};
use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const TARGET: &str = "wasm32-wasip2";

/// On a closed network rustup hangs instead of failing.
const LIMIT: Duration = Duration::from_secs(90);

pub fn build(job: &Job) -> Result<Built> {
    let root = &job.folder.root;
    // Before cargo, which may depend on it by its path.
    job.folder.sdk("rust")?;
    let version = |program: &str| output_of(program_in(root, program).arg("--version"));
    let cargo = version("cargo").context(
        "there is no cargo, which builds abilities in Rust: get it from https://rustup.rs",
    )?;
    let rustc = version("rustc").unwrap_or_default();
    need_target(root)?;

    let mut command = program_in(root, "cargo");
    command.args(["build", "--release", "--target", TARGET]);
    command.arg("--message-format=json-render-diagnostics");
    if let Some(bin) = &job.args.bin {
        command.args(["--bin", bin]);
    }
    if stderr().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let what = format!("Building {} with cargo", job.folder.name);
    let ended = job.runner.run(&what, &mut command)?;
    if !ended.ok() {
        let said = ended.stderr.trim_end();
        bail!(NotBuildable(match said {
            "" => "cargo could not build it; see above".to_owned(),
            said => format!("cargo could not build it:\n{said}"),
        }));
    }
    Ok(Built {
        component: artefact(root, &ended.stdout)?,
        background: None,
        kind: None,
        tools: BTreeMap::from([number(&cargo), number(&rustc)]),
    })
}

/// A program of the toolchain that counts in the crate's folder.
fn program_in(root: &Path, name: &str) -> Command {
    let variable = name.to_uppercase();
    let program = std::env::var_os(variable).unwrap_or_else(|| OsString::from(name));
    let mut command = Command::new(program);
    command.current_dir(root);
    command
}

/// `cargo 1.95.0 (...)` is cargo, 1.95.0.
fn number(version: &str) -> (String, String) {
    let mut words = version.split_whitespace().map(str::to_owned);
    (
        words.next().unwrap_or_else(|| "rustc".to_owned()),
        words
            .next()
            .unwrap_or_else(|| "of unknown version".to_owned()),
    )
}

fn need_target(root: &Path) -> Result<()> {
    if has_target(root) {
        return Ok(());
    }
    let what = format!(
        "Adding {TARGET} with rustup (once; given up after {} s)",
        LIMIT.as_secs()
    );
    let mut rustup = Command::new("rustup");
    rustup.current_dir(root).args(["target", "add", TARGET]);
    let outcome = step::while_doing(&what, false, || run_limited(&mut rustup, LIMIT));
    let outcome = outcome.and_then(|()| match has_target(root) {
        true => Ok(()),
        false => Err(anyhow!(
            "rustup added it to another toolchain than that in use"
        )),
    });
    outcome.with_context(|| {
        format!(
            "Rust here cannot build for {TARGET}, and it could not be added; run `rustup target \
             add {TARGET}` yourself, or where Rust comes from packages, install its standard \
             library for that target"
        )
    })
}

/// Whether the rustc in use can build for the target as it is. A directory alone
/// proves nothing: rustup leaves it behind when it removes a target.
fn has_target(root: &Path) -> bool {
    let mut command = program_in(root, "rustc");
    command.args(["--print", "target-libdir", "--target", TARGET]);
    let entries = output_of(&mut command).and_then(|directory| fs::read_dir(directory).ok());
    entries.into_iter().flatten().flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with("libstd-") && name.ends_with(".rlib")
    })
}

/// The crate's one program, from what cargo says that it made.
fn artefact(root: &Path, messages: &str) -> Result<PathBuf> {
    let manifest = root.join("Cargo.toml");
    let made: Vec<(String, PathBuf)> = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter(|message| message["manifest_path"].as_str().map(Path::new) == Some(&manifest))
        .filter(|message| message["target"]["kind"] == serde_json::json!(["bin"]))
        .filter_map(|message| {
            let name = message["target"]["name"].as_str()?.to_owned();
            let files = message["filenames"].as_array()?.iter();
            let mut paths = files.filter_map(Value::as_str).map(PathBuf::from);
            let wasm = paths.find(|path| path.extension().is_some_and(|is| is == "wasm"))?;
            Some((name, wasm))
        })
        .collect();
    match &made[..] {
        [(_, path)] => Ok(path.clone()),
        [] => Err(NotBuildable(
            "the crate has no program: an ability in Rust is a crate with src/main.rs (in a \
             workspace, name the folder of the member)"
                .to_owned(),
        )
        .into()),
        _ => {
            let names: Vec<_> = made.iter().map(|(name, _)| name.as_str()).collect();
            Err(NotBuildable(format!(
                "the crate has several programs; choose one with --bin {}",
                names.join(" or --bin ")
            ))
            .into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(name: &str, kind: &str, manifest: &str) -> String {
        serde_json::json!({
            "reason": "compiler-artifact",
            "manifest_path": manifest,
            "target": {"name": name, "kind": [kind]},
            "filenames": [format!("/t/{name}.wasm")],
        })
        .to_string()
    }

    #[test]
    fn the_program_of_the_crate_itself_is_found() {
        let root = Path::new("/a");
        let other = message("dependency", "bin", "/b/Cargo.toml");
        let library = message("notes", "lib", "/a/Cargo.toml");
        let program = message("notes", "bin", "/a/Cargo.toml");
        let found = artefact(
            root,
            &[&other, &library, "noise", &program]
                .map(|line| line as &str)
                .join("\n"),
        );
        assert_eq!(found.expect("one"), Path::new("/t/notes.wasm"));
        let error = artefact(root, &other).expect_err("none").to_string();
        assert!(error.contains("has no program"), "{error}");
        let second = message("second", "bin", "/a/Cargo.toml");
        let error = artefact(root, &format!("{program}\n{second}")).expect_err("two");
        assert!(
            error.to_string().contains("--bin notes or --bin second"),
            "{error}"
        );
    }

    #[test]
    fn versions_are_found() {
        let (name, version) = number("cargo 1.95.0 (f2d3ce0bd 2026-03-21)");
        assert_eq!((name.as_str(), version.as_str()), ("cargo", "1.95.0"));
    }
}
