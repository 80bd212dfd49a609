//! All that CI runs, in the order in which it is quickest to know what is wrong.
//!
//! Must never go on after a failure: the first one is what a person has to look at.

use crate::ceph;
use crate::emulators;
use crate::features;
use crate::fuzz;
use crate::guests;
use crate::platforms;
use crate::powercut;
use crate::process::run_shown;
use crate::progress::{bold, heading, note, seconds};
use crate::sdks;
use crate::toolchain::{Component, need};
use crate::workspace::Workspace;
use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use std::ffi::OsString;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Run all that CI runs: formatting, guests, lints, tests, documentation
///
/// Stops at the first failure. The steps, in their order:
///
/// - fmt: `cargo fmt --all --check`
/// - guests: `cargo xtask guests`
/// - sdks: `cargo xtask sdks`
/// - clippy: `cargo clippy --workspace --all-targets --all-features -- -D warnings`, and single
///   packages with few features
/// - platforms: `cargo xtask platforms`
/// - test: `cargo test --workspace --all-features`
/// - emulators: `cargo xtask emulators`
/// - powercut: `cargo xtask powercut --short`, skipped where it cannot run
/// - fuzz: `cargo xtask fuzz`, each target for 20 s, after formatting and lints of fuzz/
/// - doc: `cargo doc --workspace --no-deps --all-features`, warnings are errors
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Options {
    /// Run one step alone. The tests need built guests: run `guests` once before `test`.
    #[arg(long, value_name = "STEP")]
    only: Option<Step>,

    /// For `cargo test`, after `--`: a part of a test's name, `--test <file>`, `-- --nocapture`.
    #[arg(last = true, value_name = "ARGUMENTS")]
    arguments: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Step {
    Fmt,
    Guests,
    Sdks,
    Clippy,
    Platforms,
    Test,
    Emulators,
    Powercut,
    Fuzz,
    Doc,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Guests => "guests",
            Self::Sdks => "sdks",
            Self::Clippy => "clippy",
            Self::Platforms => "platforms",
            Self::Test => "test",
            Self::Emulators => "emulators",
            Self::Powercut => "powercut",
            Self::Fuzz => "fuzz",
            Self::Doc => "doc",
        }
    }

    fn run(self, workspace: &Workspace, options: &Options) -> Result<()> {
        let everything = ["--workspace", "--all-features"];
        match self {
            Self::Fmt => {
                need(workspace, Component::Rustfmt)?;
                run_shown(workspace.cargo("fmt").args(["--all", "--check"]))
                    .context("the code is not formatted; run `cargo fmt --all`")
            }
            Self::Guests => guests::build(workspace),
            Self::Sdks => sdks::check(workspace),
            Self::Platforms => platforms::check(workspace),
            Self::Clippy => {
                need(workspace, Component::Clippy)?;
                let mut cargo = workspace.cargo("clippy");
                run_shown(
                    cargo
                        .args(everything)
                        .args(["--all-targets", "--", "-D", "warnings"]),
                )?;
                features::check(workspace)
            }
            Self::Test => {
                powercut::install_programs(workspace);
                ceph::install_programs(workspace);
                run_shown(
                    workspace
                        .cargo("test")
                        .args(everything)
                        .args(&options.arguments),
                )
            }
            Self::Emulators => emulators::check(workspace, &emulators::all()),
            Self::Powercut => {
                let code = powercut::run(workspace, &powercut::short_form())?;
                ensure!(code == ExitCode::SUCCESS, "see the table above");
                Ok(())
            }
            Self::Fuzz => fuzz::test(workspace),
            Self::Doc => {
                let mut cargo = workspace.cargo("doc");
                run_shown(
                    cargo
                        .args(everything)
                        .arg("--no-deps")
                        .env("RUSTDOCFLAGS", "-D warnings"),
                )
            }
        }
    }
}

pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let steps = match &options.only {
        Some(step) => std::slice::from_ref(step),
        None => Step::value_variants(),
    };
    let mut times: Vec<(Step, Duration)> = Vec::new();
    for &step in steps {
        heading(step.name());
        let started = Instant::now();
        let outcome = step.run(workspace, options);
        times.push((step, started.elapsed()));
        if let Err(error) = outcome {
            show(&times);
            return Err(error.context(format!("step `{}` failed", step.name())));
        }
    }
    show(&times);
    note(&bold("all passed"));
    Ok(())
}

fn show(times: &[(Step, Duration)]) {
    heading("times");
    for (step, time) in times {
        note(&format!("  {:<9} {:>14}", step.name(), seconds(*time)));
    }
}
