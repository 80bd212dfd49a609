//! The trial, as a command: a cluster, all phases, a table.

use super::home;
use anyhow::{Context, Result};
use outage::cluster::{Cluster, Shape, Storage};
use outage::trial::{self, Killed, Phase, Setting};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const VIOLATED: u8 = 1;

/// Let clients commit while daemons and clients are killed, and look at what is there
///
/// Three monitors, three OSDs, two gateways and sixteen clients on one volume, each a
/// process; a phase for each kind of thing that is killed (SIGKILL). In each, clients
/// append lines, count and write batches; then each acknowledged commit must be there
/// once, each that was refused must not be, and what is in doubt at most once.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Options {
    /// One daemon of each kind, four clients, one kill in each phase.
    #[arg(long)]
    short: bool,

    /// How many clients there are.
    #[arg(long, value_name = "N")]
    clients: Option<usize>,

    /// How many times something is killed in each phase.
    #[arg(long, value_name = "N")]
    kills: Option<usize>,

    /// For programs.
    #[arg(long)]
    json: bool,

    /// Leave the logs where they are; the next start removes them.
    #[arg(long)]
    keep: bool,
}

impl Options {
    fn setting(&self) -> Setting {
        let (clients, kills, between) = match self.short {
            true => (4, 1, Duration::from_millis(1_500)),
            false => (16, 6, Duration::from_secs(3)),
        };
        Setting {
            clients: self.clients.unwrap_or(clients).max(1),
            kills: self.kills.unwrap_or(kills),
            between,
        }
    }

    fn shape(&self) -> Shape {
        let mut shape = match self.short {
            true => Shape::SMALL,
            false => Shape::FULL,
        };
        // What an OSD keeps in memory dies with it.
        shape.storage = Storage::Files;
        shape
    }
}

pub fn run(options: &Options, state: &Path) -> Result<ExitCode> {
    let home = home::make(state)?;
    let started = Instant::now();
    let tell = |what: &str| eprintln!("{:>6.1} s  {what}", started.elapsed().as_secs_f64());
    let mut cluster = Cluster::start(options.shape(), &home, tell)?;
    let logs = home.join("clients");
    let mut phases: Vec<Phase> = Vec::new();
    for killed in Killed::ALL {
        tell(&format!("killed: {}", killed.name()));
        phases.push(trial::run(&mut cluster, killed, options.setting(), &logs)?);
    }
    drop(cluster);
    tell("over");
    let text = match options.json {
        true => trial::json(&phases)?,
        false => trial::table(&phases),
    };
    io::stdout()
        .write_all(text.as_bytes())
        .context("cannot print the table")?;
    let violations = || phases.iter().flat_map(|phase| &phase.verdict.violations);
    for violation in violations() {
        eprintln!("violated: {violation}");
    }
    if !options.keep {
        fs::remove_dir_all(&home).with_context(|| format!("cannot remove {}", home.display()))?;
    }
    Ok(match violations().next() {
        None => ExitCode::SUCCESS,
        Some(_) => ExitCode::from(VIOLATED),
    })
}
