//! How long an ability takes to start, and how much memory it has then, in each language.
//!
//! Must never be a test: what it measures depends on the machine and on what else it does.

use crate::ability;
use crate::guests;
use crate::process::{output_of, run_shown};
use crate::progress::{heading, note};
use crate::workspace::Workspace;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Measure how long abilities take to start, and their memory
///
/// Starts an audit log in each language with the release build of `ability`, from the cache of
/// compiled components, and programs of Python and Node without any host beside them, in turns.
/// The time is that from the start of the process to its first line, which an ability prints when
/// it has opened and verified its (empty) log; the memory is the most that the process has had by
/// then. Medians, with the least and the most.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Options {
    /// How often each is started.
    #[arg(long, default_value_t = 15, value_name = "NUMBER")]
    rounds: usize,
}

/// Interpreters: how each says where it is, and how it prints a line and then waits for
/// the end of its input.
const PLAIN: [(&str, [&str; 2], [&str; 2]); 2] = [
    (
        "python3",
        ["-c", "import sys; print(sys.executable)"],
        [
            "-c",
            "import sys; print('ready', flush=True); sys.stdin.read()",
        ],
    ),
    (
        "node",
        ["-p", "process.execPath"],
        ["-e", "console.log('ready'); process.stdin.resume()"],
    ),
];

const ABILITIES: [(&str, &str); 3] = [
    ("Rust", "audit-chain"),
    ("Python", "python-audit"),
    ("JavaScript", "js-audit"),
];

struct Subject {
    name: String,
    command: Box<dyn Fn() -> Command>,
    first: Option<Sample>,
    samples: Vec<Sample>,
}

#[derive(Clone, Copy)]
struct Sample {
    time: Duration,
    memory: Option<u64>,
}

pub fn measure(workspace: &Workspace, options: &Options) -> Result<()> {
    ensure!(options.rounds > 0, "nothing is measured in no rounds");
    guests::build(workspace)?;
    run_shown(
        workspace
            .cargo("build")
            .args(["--release", "--package", ability::PACKAGE]),
    )?;
    let place = workspace.target().join("startup");
    // With an empty cache, the first start of each is one that compiles.
    if place.exists() {
        fs::remove_dir_all(&place).with_context(|| format!("cannot empty {}", place.display()))?;
    }
    let mut subjects = subjects(workspace, &place);
    for subject in &mut subjects {
        subject.first = Some(start((subject.command)()).with_context(|| subject.name.clone())?);
    }
    for _ in 0..options.rounds {
        for subject in &mut subjects {
            let sample = start((subject.command)()).with_context(|| subject.name.clone())?;
            subject.samples.push(sample);
        }
    }
    show(workspace, &subjects)
}

fn subjects(workspace: &Workspace, place: &Path) -> Vec<Subject> {
    let abilities = ABILITIES.map(|(language, guest)| {
        let binary = ability::release_path(workspace);
        let component = workspace.guests().join(format!("{guest}.wasm"));
        let place = place.to_owned();
        let command = move || {
            let mut command = Command::new(&binary);
            command.arg("run").arg(&component);
            command.arg("--root").arg(place.join("root"));
            command.env("XDG_CACHE_HOME", place.join("cache"));
            command
        };
        (
            format!("an ability in {language}"),
            Box::new(command) as Box<dyn Fn() -> Command>,
        )
    });
    let plain = PLAIN.map(|(program, where_it_is, arguments)| {
        // Not a script in front of it, which would be measured too.
        let found = output_of(workspace.command(program).args(where_it_is));
        let found = found.unwrap_or_else(|| program.to_owned());
        let command = move || {
            let mut command = Command::new(&found);
            command.args(arguments);
            command
        };
        (
            format!("{program} alone"),
            Box::new(command) as Box<dyn Fn() -> Command>,
        )
    });
    abilities
        .into_iter()
        .chain(plain)
        .map(|(name, command)| Subject {
            name,
            command,
            first: None,
            samples: Vec::new(),
        })
        .collect()
}

/// Starts a program, waits for its first line and lets it end.
fn start(mut command: Command) -> Result<Sample> {
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("it cannot be started")?;
    let mut line = String::new();
    let output = child.stdout.take().context("no standard output")?;
    BufReader::new(output).read_line(&mut line)?;
    let sample = Sample {
        time: started.elapsed(),
        memory: peak_memory(child.id()),
    };
    drop(child.stdin.take());
    let status = child.wait()?;
    ensure!(
        status.success() && line.starts_with("ready"),
        "it failed ({status}): {line:?}"
    );
    Ok(sample)
}

/// The most memory that a process has had so far, in bytes; where the system tells.
fn peak_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib << 10)
}

fn show(workspace: &Workspace, subjects: &[Subject]) -> Result<()> {
    heading("from the start of the process to its first line");
    note(&format!(
        "  {:<28} {:>10} {:>20} {:>10} {:>10}",
        "", "median", "least to most", "first", "memory"
    ));
    for subject in subjects {
        let mut times: Vec<_> = subject.samples.iter().map(|it| it.time).collect();
        times.sort();
        let memory = subject.samples.iter().filter_map(|it| it.memory).max();
        note(&format!(
            "  {:<28} {:>7} ms {:>20} {:>10} {:>10}",
            subject.name,
            millis(times[times.len() / 2]),
            format!(
                "{} to {} ms",
                millis(times[0]),
                millis(times[times.len() - 1])
            ),
            subject
                .first
                .map_or(String::new(), |first| format!("{} ms", millis(first.time))),
            memory.map_or("unknown".to_owned(), |bytes| format!(
                "{} MB",
                bytes / 1_000_000
            )),
        ));
    }
    note("\nThe first start of an ability compiles it; then the cache has it.");
    size("ability", &ability::release_path(workspace))?;
    for (_, guest) in ABILITIES {
        let name = format!("{guest}.wasm");
        size(&name, &workspace.guests().join(&name))?;
    }
    Ok(())
}

fn size(name: &str, file: &Path) -> Result<()> {
    let bytes = fs::metadata(file)?.len();
    note(&format!("  {name:<28} {:>7} KB", bytes / 1000));
    Ok(())
}

fn millis(time: Duration) -> u128 {
    time.as_millis()
}
