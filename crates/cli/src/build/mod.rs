//! `ability build`: from an ability's folder to a component.
//!
//! | module | holds |
//! |---|---|
//! | `args` | what may be written on the command line, and its help |
//! | `kind` | which language a folder holds |
//! | `folder` | `.ability/` in the ability's folder |
//! | `tools` | build tools, installed once and wholly |
//! | `inputs` | whether anything has changed |
//! | `lock` | one build at a time |
//! | `rust`, `python`, `javascript` | how each is built |
//! | `node_packages` | what an ability in JavaScript depends on |
//! | `tool` | running other programs |
//! | `step` | what a person sees who waits |
//! | `publish` | the component, whole or not at all |
//! | `background` | the second component, as long as there is one |
//! | `summary` | what was built |
//! | `failure` | whose failure it is |
//!
//! Must never leave the output half-written, nor take a half-installed tool for
//! a whole one.

pub mod args;
mod background;
mod failure;
mod folder;
mod inputs;
mod javascript;
mod kind;
mod lock;
mod node_packages;
pub mod publish;
mod python;
mod rust;
mod step;
mod summary;
mod tool;
mod tools;

use crate::complain;
use anyhow::{Context, Result};
use args::{BuildArgs, Language};
use folder::Folder;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;
use summary::{Published, Summary};
use tool::Runner;

/// What a language's build needs to know.
struct Job<'a> {
    args: &'a BuildArgs,
    folder: &'a Folder,
    runner: Runner<'a>,
    /// Under which the build tools are installed.
    tools: PathBuf,
    output: &'a Path,
}

impl Job<'_> {
    /// The whole paths of the components that are published.
    fn outputs(&self) -> Result<[PathBuf; 2]> {
        Ok([
            whole_path(self.output)?,
            whole_path(&self.output.with_extension("background.wasm"))?,
        ])
    }
}

/// What a language's build has made, not yet published.
struct Built {
    component: PathBuf,
    background: Option<PathBuf>,
    kind: Option<(&'static str, String)>,
    tools: BTreeMap<String, String>,
}

/// Builds, and returns the exit code of the command.
pub fn build(args: &BuildArgs) -> u8 {
    match try_build(args).and_then(|summary| summary.print(args.json)) {
        Ok(()) => 0,
        Err(error) => {
            complain(format_args!("{error:#}"));
            failure::exit_code(&error)
        }
    }
}

fn try_build(args: &BuildArgs) -> Result<Summary> {
    let start = Instant::now();
    let language = kind::of(&args.directory, args.lang)?;
    let output = output(args)?;
    publish::check(&output, "wasm")?;
    let folder = Folder::open(&args.directory)?;
    let job = Job {
        args,
        runner: Runner {
            verbose: args.verbose,
            lock: &folder.lock,
        },
        tools: args
            .tools
            .clone()
            .unwrap_or_else(|| folder.own().to_owned()),
        folder: &folder,
        output: &output,
    };
    let built = match language {
        Language::Rust => rust::build(&job),
        Language::Python => python::build(&job),
        Language::JavaScript => javascript::build(&job),
    }?;
    // The second first: who finds the component new finds both new.
    let background = built.background.as_deref();
    let background = background::publish(&folder, background, &output)?;
    Ok(Summary {
        language,
        kind: built.kind,
        component: published(&folder, &built.component, &output)?,
        background,
        tools: built.tools,
        took: start.elapsed(),
    })
}

/// Where the component goes.
fn output(args: &BuildArgs) -> Result<PathBuf> {
    if let Some(output) = &args.output {
        return Ok(output.clone());
    }
    let directory = folder::resolved(&args.directory)?;
    let mut name = directory
        .file_name()
        .with_context(|| format!("{} has no name; say -o FILE.wasm", directory.display()))?
        .to_owned();
    name.push(".wasm");
    Ok(name.into())
}

/// The whole path of a file in a directory that exists.
fn whole_path(path: &Path) -> Result<PathBuf> {
    let parent = folder::resolved(publish::parent(path))?;
    Ok(parent.join(path.file_name().unwrap_or_default()))
}

fn published(folder: &Folder, built: &Path, output: &Path) -> Result<Published> {
    let changed = publish::publish(built, output, &folder.root)?;
    let metadata = fs::metadata(output)
        .with_context(|| format!("{} could not be looked at", output.display()))?;
    Ok(Published {
        path: output.to_owned(),
        bytes: metadata.len(),
        changed,
    })
}
