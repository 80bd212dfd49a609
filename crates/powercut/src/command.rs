//! Arguments, exit codes, and the process that is a disk.

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use powercut::campaign::case::Case;
use powercut::campaign::report::Report;
use powercut::campaign::session::Session;
use powercut::disk::server;
use powercut::file_system::FileSystem;
use powercut::recording::Studio;
use powercut::recording::Way;
use powercut::system::mount::Mount;
use powercut::system::namespace::{Place, enter};
use powercut::system::requirements;
use powercut::work::{Host, Subject, catalogue, worker};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::thread;

const SHORT_IMAGES: usize = 600;
const FULL_IMAGES: usize = 12_000;

const VIOLATED: u8 = 1;
const CANNOT_RUN: u8 = 2;
const STOPPED: u8 = 130;

/// Cut the power of real file systems, and look at what is left
///
/// Runs workloads on ext4, XFS and btrfs, on a disk that remembers every write and
/// every flush; then mounts what a power cut at any moment may leave (all that was
/// flushed, and of the rest all or some), opens the volume in it, and checks each
/// promise. Does the same to protocols that are known to be broken, which must be
/// convicted, or the run has failed.
///
/// Needs root, /dev/fuse, loop devices and the mkfs programs. All it mounts is in a
/// namespace of its own and gone when it ends, however it ends.
///
/// Exit codes: 0 all is as it should be; 1 a promise was broken, or something that
/// is broken got away (the image is kept); 2 it cannot run here; 130 stopped.
#[derive(Debug, Parser)]
#[command(
    name = "powercut",
    bin_name = "cargo xtask powercut",
    verbatim_doc_comment,
    args_conflicts_with_subcommands = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    /// The file systems to try.
    #[arg(
        long = "fs",
        value_enum,
        value_delimiter = ',',
        default_value = "ext4,xfs,btrfs"
    )]
    file_systems: Vec<FileSystem>,

    /// Try these workloads and protocols only (see --list).
    #[arg(long = "workload", value_name = "NAME", value_delimiter = ',')]
    workloads: Vec<String>,

    /// Of the random choices: pauses, sizes, which writes a power cut keeps.
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Images of all workloads of the product together, for each file system.
    /// Default: 12000; in a short run, 600.
    #[arg(long, value_name = "N")]
    images: Option<usize>,

    /// A short run, as in CI: few images, and one violation convicts a protocol.
    #[arg(long)]
    short: bool,

    /// Write the results to a file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Write the results to a file, as a table in Markdown.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,

    /// Look at an image again that broke a promise.
    #[arg(long, value_name = "DIRECTORY")]
    case: Option<PathBuf>,

    /// Also keep an image of each protocol that is convicted, to be looked at.
    #[arg(long)]
    keep: bool,

    /// List workloads and protocols.
    #[arg(long)]
    list: bool,

    /// Images that are looked at at the same time. Default: two for each processor.
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,

    /// A directory for images that broke a promise, and for what it works with.
    #[arg(long, value_name = "DIRECTORY", default_value = "target/powercut")]
    state: PathBuf,

    /// The `ability` command, for workloads with a guest.
    #[arg(long, value_name = "FILE", requires = "guests")]
    ability: Option<PathBuf>,

    /// Where the built guests are.
    #[arg(long, value_name = "DIRECTORY", requires = "ability")]
    guests: Option<PathBuf>,

    /// Where it cannot run, say why and succeed.
    #[arg(long)]
    or_skip: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Be a disk.
    #[command(hide = true)]
    Disk {
        directory: PathBuf,
        bytes: u64,
        base: Option<PathBuf>,
    },
    /// Change a volume as told.
    #[command(hide = true)]
    Worker {
        directory: PathBuf,
        #[arg(long)]
        journaled: bool,
    },
}

pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(CANNOT_RUN)
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.command {
        Some(Command::Disk {
            directory,
            bytes,
            base,
        }) => {
            server::serve(directory, *bytes, base.as_deref())?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(Command::Worker {
            directory,
            journaled,
        }) => {
            let way = match journaled {
                true => Way::Journaled,
                false => Way::Published,
            };
            worker::serve(directory, way)?;
            return Ok(ExitCode::SUCCESS);
        }
        None => {}
    }
    if arguments.list {
        return list(arguments.json.as_deref());
    }
    let subjects = chosen(&arguments.workloads)?;
    let makers = arguments.file_systems.iter().map(|it| it.maker());
    let programs: Vec<_> = makers.chain(["losetup", "unshare"]).collect();
    if let Err(missing) = requirements::check(&programs) {
        if arguments.or_skip {
            eprintln!("power cuts on real file systems: skipped: {missing}");
            return Ok(ExitCode::SUCCESS);
        }
        return Err(missing);
    }
    let stop = match enter()? {
        Place::Outside(code) => return Ok(code),
        Place::Inside(stop) => stop,
    };
    let memory = Mount::tmpfs(&arguments.state.join("memory"), "size=80%")?;
    match &arguments.case {
        Some(case) => try_again(case, memory.path()),
        None => explore(arguments, subjects, memory.path(), &stop),
    }
}

fn list(json: Option<&Path>) -> Result<ExitCode> {
    let subjects = catalogue();
    for subject in &subjects {
        println!("{:<26} {}", subject.name, subject.about);
    }
    if let Some(path) = json {
        write(path, &serde_json::to_string_pretty(&subjects)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Those with these names, or all.
fn chosen(names: &[String]) -> Result<Vec<Subject>> {
    let mut subjects = catalogue();
    for name in names {
        if subjects.iter().all(|subject| subject.name != *name) {
            bail!("there is no workload {name}; --list tells which there are");
        }
    }
    subjects.retain(|subject| names.is_empty() || names.iter().any(|name| name == subject.name));
    Ok(subjects)
}

fn explore(
    arguments: &Arguments,
    mut subjects: Vec<Subject>,
    memory: &Path,
    stop: &AtomicBool,
) -> Result<ExitCode> {
    let host = host(arguments)?;
    if host.is_none() {
        for subject in subjects.extract_if(.., |it| it.needs_the_host()) {
            eprintln!(
                "{}: left out, it needs --ability and --guests",
                subject.name
            );
        }
    }
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let session = Session {
        file_systems: arguments.file_systems.clone(),
        subjects,
        seed: arguments.seed,
        images: arguments.images.unwrap_or(match arguments.short {
            true => SHORT_IMAGES,
            false => FULL_IMAGES,
        }),
        one_is_enough: arguments.short,
        benches: arguments.jobs.unwrap_or(2 * processors).max(1),
        host,
        cases: arguments.state.join("cases"),
        keep_all: arguments.keep,
        studio: Studio {
            scratch: memory.to_owned(),
            program: std::env::current_exe().context("where am I?")?,
        },
        stop,
    };
    let report = session.run()?;
    println!("\n{}", report.table());
    if let Some(path) = &arguments.json {
        write(path, &serde_json::to_string_pretty(&report)?)?;
    }
    if let Some(path) = &arguments.markdown {
        write(path, &report.markdown())?;
    }
    Ok(exit_code(&report))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn exit_code(report: &Report) -> ExitCode {
    println!(
        "Linux {}, seed {}, {:.0} s: {}",
        report.kernel,
        report.seed,
        report.seconds,
        match (report.is_as_expected(), report.stopped) {
            (false, _) => "NOT AS IT SHOULD BE",
            (true, true) => "stopped before the end",
            (true, false) => "all is as it should be",
        }
    );
    match (report.is_as_expected(), report.stopped) {
        (false, _) => ExitCode::from(VIOLATED),
        (true, true) => ExitCode::from(STOPPED),
        (true, false) => ExitCode::SUCCESS,
    }
}

fn host(arguments: &Arguments) -> Result<Option<Host>> {
    let (Some(command), Some(guests)) = (&arguments.ability, &arguments.guests) else {
        return Ok(None);
    };
    for path in [command, guests] {
        if !path.exists() {
            bail!("there is no {}", path.display());
        }
    }
    Ok(Some(Host {
        command: std::path::absolute(command)?,
        guests: std::path::absolute(guests)?,
        cache: std::path::absolute(arguments.state.join("cache"))?,
    }))
}

fn try_again(place: &Path, memory: &Path) -> Result<ExitCode> {
    let (case, verdict) = Case::try_again(place, memory)?;
    println!(
        "{} on {}, {}\nthen:  {}",
        case.subject, case.file_system, case.cut, case.violation
    );
    match verdict {
        Err(violation) => {
            println!("again: {violation}");
            Ok(ExitCode::from(VIOLATED))
        }
        Ok(()) => {
            println!("again: no promise is broken");
            Ok(ExitCode::SUCCESS)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn workloads_are_chosen_by_name() {
        let all = chosen(&[]).expect("chosen");
        assert_eq!(all.len(), catalogue().len());
        let one = chosen(&["outside".to_owned()]).expect("chosen");
        assert_eq!(one.len(), 1);
    }
}
