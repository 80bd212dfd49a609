//! An ability in JavaScript: a script of this command bundles it and wraps it
//! with an engine, with tools from npm in the versions of a lock file.

use super::args::Engine;
use super::failure::NotBuildable;
use super::tool::{Runner, output_of};
use super::tools::{self, Tools};
use super::{Built, Job, node_packages};
use crate::embedded;
use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

const OLDEST: (u32, u32) = (20, 19);

const GET_NODE: &str = "install it (Debian, Ubuntu: `apt install nodejs npm`; else \
     https://nodejs.org)";

pub fn build(job: &Job) -> Result<Built> {
    let folder = job.folder;
    let node = Node::find(job.args.engine)?;
    let installed = tools::ensure(&job.tools, &node, job.runner.verbose)?;
    let sdk = folder.sdk("js")?;
    let wit = sdk.join("wit");
    node_packages::ensure(job)?;

    let output = folder.built("main")?;
    let mut command = Command::new("node");
    command.arg(installed.directory.join("build.mjs"));
    command
        .arg("--dir")
        .arg(&folder.root)
        .arg("--sdk")
        .arg(&sdk);
    command.arg("--wit").arg(&wit).arg("--out").arg(&output);
    command.args(["--engine", node.engine.name()]);
    command.current_dir(&folder.root);
    let what = format!("Building {}", folder.name);
    let ended = job.runner.run(&what, &mut command)?;
    if !ended.ok() {
        let why = match job.runner.verbose {
            true => format!("{} could not be built; see above", folder.name),
            false => format!("{} could not be built:\n{}", folder.name, ended.said()),
        };
        // As build.mjs says it.
        return Err(match ended.status.code() {
            Some(1) => NotBuildable(why).into(),
            _ => anyhow!(why),
        });
    }
    let mut versions = node.pinned();
    let engine = node.engine.name().to_owned();
    versions.insert("node".to_owned(), node.version);
    Ok(Built {
        component: output,
        background: None,
        kind: Some(("engine", engine)),
        tools: versions,
    })
}

pub(super) fn npm() -> Command {
    // On Windows it is a script.
    Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
}

/// Node.js on this machine, and what is installed for it.
struct Node {
    engine: Engine,
    version: String,
}

impl Node {
    fn find(engine: Engine) -> Result<Self> {
        let (major, minor) = OLDEST;
        let version = output_of(Command::new("node").arg("--version")).with_context(|| {
            format!(
                "there is no node, which builds abilities in JavaScript ({major}.{minor} or \
                 newer); {GET_NODE}"
            )
        })?;
        let version = version.trim_start_matches('v').to_owned();
        if !is_new_enough(&version) {
            bail!(
                "abilities in JavaScript are built with Node.js {major}.{minor} or newer, but \
                 node is version {version}; {GET_NODE}"
            );
        }
        if output_of(npm().arg("--version")).is_none() {
            bail!("there is no npm, with which build tools are installed; {GET_NODE}");
        }
        Ok(Self { engine, version })
    }
}

impl Node {
    /// The build tools' versions, from their package.json: the other engine's is
    /// a development dependency there.
    fn pinned(&self) -> BTreeMap<String, String> {
        let package = embedded::file("tools/js/package.json");
        let package: Value = serde_json::from_slice(package).unwrap_or_default();
        let kinds: &[_] = match self.engine {
            Engine::Quickjs => &["dependencies"],
            Engine::Starlingmonkey => &["dependencies", "devDependencies"],
        };
        kinds
            .iter()
            .filter_map(|kind| package[kind].as_object())
            .flatten()
            .filter_map(|(name, version)| Some((name.clone(), version.as_str()?.to_owned())))
            .collect()
    }
}

fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.split('.').map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= OLDEST,
        _ => false,
    }
}

impl Tools for Node {
    /// Apart, because the one is five times the size of the other.
    fn name(&self) -> &'static str {
        match self.engine {
            Engine::Quickjs => "js",
            Engine::Starlingmonkey => "js-starlingmonkey",
        }
    }

    /// The scripts too, which lie beside what is installed.
    fn pins(&self) -> Vec<u8> {
        let mut pins = format!("node {}\n", self.version).into_bytes();
        for (name, contents) in embedded::under("tools/js") {
            pins.extend(format!("\n{name}\n").into_bytes());
            pins.extend(contents);
        }
        pins
    }

    fn works(&self, directory: &Path) -> bool {
        directory.join("node_modules").is_dir()
    }

    fn install(&self, directory: &Path, runner: Runner) -> Result<()> {
        embedded::unpack("tools/js", directory, "")?;
        let mut command = npm();
        command
            .args(["ci", "--no-audit", "--no-fund"])
            .current_dir(directory);
        if self.engine == Engine::Quickjs {
            command.arg("--omit=dev");
        }
        let what = format!(
            "Installing the build tools for JavaScript in {} (once)",
            directory.display()
        );
        let ended = runner.run(&what, &mut command)?;
        if !ended.ok() {
            bail!(
                "the build tools for JavaScript could not be installed; they need the network \
                 once:\n{}",
                ended.said()
            );
        }
        Ok(())
    }
}
