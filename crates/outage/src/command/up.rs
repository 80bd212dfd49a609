//! A cluster to try things with.

use super::home;
use anyhow::{Context, Result};
use outage::cluster::{Cluster, Shape, Storage};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

const STOPPED: u8 = 130;

/// How often it is looked whether a daemon has ended.
const LOOK: Duration = Duration::from_secs(1);

/// Start a cluster, and take it down on Ctrl-C
///
/// Prints the environment variables that a user of S3 sets, and the process ids of the
/// daemons: one that is killed is started again after a second or two. Nothing is kept.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Options {
    /// Three monitors, three OSDs on sparse files, two gateways. Without, one of each,
    /// with the objects in memory.
    #[arg(long)]
    full: bool,

    /// What the OSDs keep objects in. An OSD in memory cannot be started again.
    #[arg(long, value_enum)]
    storage: Option<Kept>,

    /// Leave the logs and all else where it is; the next start removes it.
    #[arg(long)]
    keep: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Kept {
    Memory,
    Files,
}

impl Options {
    fn shape(&self) -> Shape {
        let mut shape = match self.full {
            true => Shape::FULL,
            false => Shape::SMALL,
        };
        match self.storage {
            Some(Kept::Memory) => shape.storage = Storage::Memory,
            Some(Kept::Files) => shape.storage = Storage::Files,
            None => {}
        }
        shape
    }
}

pub fn run(options: &Options, state: &Path) -> Result<ExitCode> {
    let is_up = Arc::new(AtomicBool::new(false));
    let (stop, stopped) = channel();
    let seen = Arc::clone(&is_up);
    ctrlc::set_handler(move || {
        if !seen.load(Ordering::SeqCst) {
            // The kernel takes what runs already down with this process.
            process::exit(STOPPED.into());
        }
        let _ = stop.send(());
    })
    .context("cannot listen for Ctrl-C")?;

    let home = home::make(state)?;
    let started = Instant::now();
    let mut cluster = Cluster::start(options.shape(), &home, |part| {
        eprintln!("{:>5.1} s  {part}", started.elapsed().as_secs_f64());
    })?;
    is_up.store(true, Ordering::SeqCst);
    let printed = io::stdout().write_all(shown(&cluster).as_bytes());
    printed.context("cannot print where the cluster is")?;
    eprintln!(
        "{:>5.1} s  up; Ctrl-C takes it down",
        started.elapsed().as_secs_f64()
    );
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(LOOK) {
        for (daemon, status) in cluster.ended()? {
            eprintln!("{daemon} has ended ({status})");
            cluster.restart(daemon)?;
            match cluster.daemons().find(|(it, _)| *it == daemon) {
                Some((_, Some(id))) => eprintln!("{daemon} is started again: process {id}"),
                _ => eprintln!("{daemon} is not there"),
            }
        }
    }
    drop(cluster);
    if !options.keep {
        fs::remove_dir_all(&home).with_context(|| format!("cannot remove {}", home.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// In the form in which a shell can read it.
fn shown(cluster: &Cluster) -> String {
    let mut lines = vec![format!("# {}", cluster.directory().display())];
    for (daemon, id) in cluster.daemons() {
        lines.push(format!("# {daemon}: process {}", id.unwrap_or_default()));
    }
    let endpoints = cluster.endpoints();
    for other in &endpoints[1..] {
        lines.push(format!("# the same cluster: {other}"));
    }
    lines.extend([
        format!("export AWS_ENDPOINT={}", endpoints[0]),
        format!("export AWS_ACCESS_KEY_ID={}", cluster.access_key()),
        format!("export AWS_SECRET_ACCESS_KEY={}", cluster.secret_key()),
        format!("export AWS_REGION={}", cluster.region()),
        "export AWS_ALLOW_HTTP=true".to_owned(),
        format!("# s3://{}", cluster.bucket()),
    ]);
    lines.join("\n") + "\n"
}
