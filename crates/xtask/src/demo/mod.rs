//! The point of this project, seen in a minute: the same ability, the same lines and the same
//! kills, with its file kept the old way and with `atomic-write`.
//!
//! Must never hang, and never claim what it did not see.

mod answer;
mod campaign;
mod conversation;
mod inspect;
mod killer;
mod ledger;
mod pace;
mod random;
mod report;
mod transcript;

use crate::ability;
use crate::guests;
use crate::progress::{Meter, Step, heading, note, seconds};
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use campaign::{Campaign, Effort, Outcome, Place};
use conversation::Launcher;
use random::Random;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const ABILITY: &str = "audit-chain";

/// While nothing is lost the old way, its part goes on up to so many times the kills.
const MORE_KILLS: usize = 5;

/// Kill an ability again and again while it saves, the old way and with atomic-write
///
/// The ability keeps a chain of records, one for each line of a transcript, in one file. It is
/// killed with SIGKILL at random moments, spread over its start and over the whole of a save, and
/// started again, until all lines were fed. This is done twice: with `atomic-write`, and as
/// abilities do without it (delete the file, then write it). At the end a table compares what was
/// acknowledged with what is there.
///
/// If nothing was lost the old way, that part goes on with more lines, up to 5 times the kills:
/// hitting the moment in between takes luck. What was seen is what is reported, either way.
///
/// Everything is in target/demo, which is emptied at the next start. The exit code is 1 if
/// atomic-write broke one of its promises. SIGKILL stands for a crash of the process; a power cut
/// is not simulated here.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Options {
    /// How often the ability is killed in each part.
    #[arg(long, default_value_t = 60, value_name = "NUMBER")]
    kills: usize,

    /// How many lines are fed in each part.
    #[arg(long, default_value_t = 240, value_name = "NUMBER")]
    lines: usize,

    /// Repeats the choices of an earlier run, which printed it; the processes' own timing still
    /// differs.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// The demo stops with an error after so many seconds, the building not counted.
    #[arg(long, default_value_t = 600, value_name = "SECONDS")]
    time_limit: u64,
}

pub fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    heading("build");
    guests::build_rust(workspace)?;
    ability::build(workspace)?;

    let directory = workspace.target().join("demo");
    if directory.exists() {
        fs::remove_dir_all(&directory)
            .with_context(|| format!("cannot empty {}", directory.display()))?;
    }
    let seed = options.seed.unwrap_or_else(random::fresh_seed);
    let stage = Stage {
        workspace,
        directory: &directory,
        deadline: Instant::now() + Duration::from_secs(options.time_limit),
        seed,
    };
    play(&stage, options)
        .with_context(|| format!("the demo failed; its files are in {}", directory.display()))
}

fn play(stage: &Stage, options: &Options) -> Result<ExitCode> {
    heading("demo");
    note(&format!(
        "seed {} (--seed {} repeats these choices)",
        stage.seed, stage.seed
    ));
    let effort = Effort {
        lines: options.lines,
        kills: options.kills,
        most_kills: options.kills,
    };
    let atomic = stage.part("part 1: atomic-write", Storage::AtomicWrite, effort)?;
    let longer = Effort {
        most_kills: options.kills.saturating_mul(MORE_KILLS),
        ..effort
    };
    let old_way = stage.part("part 2: delete, then write", Storage::OldWay, longer)?;

    let broken = report::broken_promises(&atomic);
    println!(
        "\n{}\n{}",
        report::table(&old_way, &atomic),
        report::verdict(&old_way, &broken)
    );
    println!("The files are in {}.", stage.directory.display());
    Ok(if broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What both parts share.
struct Stage<'a> {
    workspace: &'a Workspace,
    directory: &'a Path,
    deadline: Instant,
    seed: u64,
}

#[derive(Clone, Copy)]
enum Storage {
    AtomicWrite,
    OldWay,
}

impl Stage<'_> {
    fn part(&self, name: &str, storage: Storage, effort: Effort) -> Result<Outcome> {
        let step = Step::start(
            &format!("{name}: measuring how long a line takes"),
            "some seconds",
        );
        let pace = step.end_with(campaign::measure(&self.place(storage, "measured")?))?;
        note(&format!(
            "{name}: a start takes {:.1} ms, a line {:.2} ms",
            pace.start().as_secs_f64() * 1000.0,
            pace.line().as_secs_f64() * 1000.0
        ));

        let started = Instant::now();
        let place = self.place(storage, "")?;
        let mut meter = Meter::start(name, effort.lines);
        let campaign = Campaign::new(&place, effort, Random::new(self.seed), pace);
        let outcome = campaign.run(&mut meter)?;
        meter.done(&format!(
            "{} kills in {}",
            outcome.kills,
            seconds(started.elapsed())
        ));
        Ok(outcome)
    }

    /// Directories and a command of its own for each way of storing, and for measuring it.
    fn place(&self, storage: Storage, purpose: &str) -> Result<Place> {
        let name = match storage {
            Storage::AtomicWrite => "atomic-write",
            Storage::OldWay => "delete-then-write",
        };
        let directory = self.directory.join(purpose).join(name);
        let (root, scratch) = (directory.join("root"), directory.join("scratch"));
        fs::create_dir_all(&root)
            .and_then(|()| fs::create_dir_all(&scratch))
            .with_context(|| format!("cannot create {}", directory.display()))?;

        let guest = self.workspace.guests().join(format!("{ABILITY}.wasm"));
        let mut arguments: Vec<OsString> = vec!["run".into(), guest.into(), "--root".into()];
        arguments.push(root.clone().into());
        let mut for_guest: Vec<OsString> = Vec::new();
        let kept = match storage {
            Storage::AtomicWrite => root.join("abilities").join(ABILITY),
            Storage::OldWay => {
                arguments.extend(["--scratch".into(), scratch.clone().into()]);
                for_guest.push("--the-old-way".into());
                scratch
            }
        };
        let launcher = Launcher {
            ability: ability::path(self.workspace),
            arguments,
            for_guest,
            log: directory.join("stderr.log"),
            deadline: self.deadline,
        };
        Ok(Place {
            launcher,
            directory: kept,
        })
    }
}
