//! Arguments, the places one after the other, and the files that are written at the end.

use crate::case::{Bench, Case, Table};
use crate::contestant::LEGEND;
use crate::counts::{self, Job};
use crate::measure::{Plan, Runner, Stopped};
use crate::place::{Images, Place, Sort};
use crate::progress::Progress;
use crate::report::{Machine, Report, plots, text};
use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand, ValueEnum};
use powercut::system::mount::Mount;
use powercut::system::namespace::{self, enter};
use powercut::system::requirements;
use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const FAILED: u8 = 1;
const CANNOT_RUN: u8 = 2;
const STOPPED: u8 = 130;

/// Measure ability-storage beside other ways to replace a file
///
/// On ext4, XFS and btrfs in images on loop devices (which needs root and the mkfs
/// programs; else they are left out), in memory, and in a directory of your choice. All
/// take turns in one process, in another order in each round. Prints a table for each part
/// of each case, with what each way keeps, the median and the spread of its rounds, flushes
/// of the device, and system calls.
///
/// Exit codes: 0 measured; 1 a case failed; 2 it cannot run; 130 stopped.
#[derive(Debug, Parser)]
#[command(
    name = "ability-storage-bench",
    bin_name = "cargo xtask bench",
    verbatim_doc_comment
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    /// A few seconds for each case; the figures are rough.
    #[arg(long)]
    quick: bool,

    /// Run these cases only.
    #[arg(long, value_name = "NAME", value_enum, value_delimiter = ',')]
    only: Vec<Case>,

    /// Measure in these places only. Default: all, and `dir` where --dir is given.
    #[arg(long, value_name = "PLACE", value_enum, value_delimiter = ',')]
    place: Vec<Sort>,

    /// Also measure in this directory, on whatever it is.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// Write all that was measured to a file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Write plots, and all tables in Markdown, into a directory.
    #[arg(long, value_name = "DIR")]
    plot: Option<PathBuf>,

    /// Measure nothing: draw what --json has written before.
    #[arg(long, value_name = "FILE", requires = "plot")]
    from: Option<PathBuf>,

    /// How often each takes its turn. Default: 31; with --quick, 3.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,

    /// Where to put the images of file systems. Default: in memory.
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,

    /// Where the built guests are.
    #[arg(long, value_name = "DIR")]
    guests: Option<PathBuf>,

    /// A directory to mount things in.
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    state: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Do the work whose calls are counted.
    #[command(hide = true)]
    Work(Job),
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
    if let Some(Command::Work(job)) = &arguments.command {
        counts::work(job)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let (Some(from), Some(directory)) = (&arguments.from, &arguments.plot) {
        let text =
            fs::read_to_string(from).with_context(|| format!("cannot read {}", from.display()))?;
        let report: Report = serde_json::from_str(&text)
            .with_context(|| format!("{} is no report", from.display()))?;
        draw(&report, directory)?;
        return Ok(ExitCode::SUCCESS);
    }
    let sorts = arguments.sorts();
    let missing = missing(&sorts);
    let mut stop = Arc::new(AtomicBool::new(false));
    if missing.is_none() {
        match enter()? {
            namespace::Place::Outside(code) => return Ok(code),
            namespace::Place::Inside(told) => stop = told,
        }
    }
    let session = Session {
        arguments,
        missing,
        progress: Progress::new(),
        stop: &stop,
        tables: RefCell::default(),
        failed: RefCell::default(),
    };
    session.measure(&sorts)
}

/// Why nothing can be mounted here; `None` if it can, or need not be.
fn missing(sorts: &[Sort]) -> Option<String> {
    if !sorts.iter().any(|sort| *sort != Sort::Dir) {
        return Some("nothing to be mounted was asked for".to_owned());
    }
    let error = requirements::check_mounts(&["unshare", "losetup"]).err()?;
    Some(format!("{error:#}"))
}

impl Arguments {
    fn sorts(&self) -> Vec<Sort> {
        let mut sorts = self.place.clone();
        if sorts.is_empty() {
            sorts = Sort::value_variants().to_vec();
            sorts.retain(|sort| *sort != Sort::Dir || self.dir.is_some());
        }
        sorts
    }

    fn cases(&self) -> Vec<Case> {
        match self.only.is_empty() {
            true => Case::value_variants().to_vec(),
            false => self.only.clone(),
        }
    }

    fn plan(&self) -> Plan {
        // Many short turns: what else the machine does changes within a second, and is
        // to hit all alike.
        let (rounds, milliseconds) = if self.quick { (3, 10) } else { (31, 30) };
        Plan {
            rounds: self.rounds.map_or(rounds, |rounds| rounds as usize),
            turn: Duration::from_millis(milliseconds),
            quick: self.quick,
        }
    }
}

struct Session<'a> {
    arguments: &'a Arguments,
    /// Why nothing can be mounted.
    missing: Option<String>,
    progress: Progress,
    stop: &'a AtomicBool,
    tables: RefCell<Vec<Table>>,
    /// Cases that came to no end, and why.
    failed: RefCell<Vec<String>>,
}

impl Session<'_> {
    fn measure(&self, sorts: &[Sort]) -> Result<ExitCode> {
        let started = Instant::now();
        let machine = Machine::this();
        self.progress.print(&machine.line());
        self.progress.print(&machine.versions());
        self.progress.print(LEGEND);
        if let Some(warning) = machine.warning() {
            self.progress.print(&warning);
        }
        if self.arguments.guests.is_none() {
            self.progress
                .print("without guests: --guests was not given");
        }
        let memory = self.memory()?;
        let mut skipped = Vec::new();
        let mut places = Vec::new();
        for &sort in sorts {
            if self.is_stopped() {
                break;
            }
            match self.place(sort, memory.as_ref().map(Mount::path)) {
                Ok(place) => {
                    let facts = place.facts();
                    self.progress.print(&format!(
                        "\n{}: {} on {}, mounted {}",
                        facts.name, facts.file_system, facts.backing, facts.options
                    ));
                    self.cases(&place)?;
                    places.push(facts.clone());
                }
                Err(error) => {
                    let text = format!("{sort:?}: skipped: {error:#}").to_lowercase();
                    self.progress.print(&text);
                    skipped.push(text);
                }
            }
        }
        let report = Report {
            machine,
            quick: self.arguments.quick,
            rounds: self.arguments.plan().rounds,
            places,
            tables: self.tables.take(),
            skipped,
            failed: self.failed.take(),
            seconds: started.elapsed().as_secs_f64(),
        };
        self.write(&report)?;
        Ok(match (self.is_stopped(), report.failed.is_empty()) {
            (true, _) => ExitCode::from(STOPPED),
            (false, false) => ExitCode::from(FAILED),
            (false, true) => ExitCode::SUCCESS,
        })
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// A file system in memory, gone with this process however it ends.
    fn memory(&self) -> Result<Option<Mount>> {
        match self.missing {
            Some(_) => Ok(None),
            None => Mount::tmpfs(&self.arguments.state.join("memory"), "size=80%").map(Some),
        }
    }

    fn place(&self, sort: Sort, memory: Option<&Path>) -> Result<Place> {
        match sort {
            Sort::Dir => {
                let directory = self.arguments.dir.as_deref();
                Place::directory("dir", directory.context("--dir is not given")?)
            }
            Sort::Tmpfs => match memory {
                Some(memory) => Place::directory("tmpfs", memory),
                // Without root, one that is there already.
                None => Place::directory("tmpfs", Path::new("/dev/shm")),
            },
            Sort::Ext4 | Sort::Xfs | Sort::Btrfs => {
                let file_system = sort.file_system().context("no file system")?;
                if let Some(missing) = &self.missing {
                    bail!("{missing}");
                }
                requirements::check_mounts(&[file_system.maker()])?;
                Place::image(file_system, &self.images(memory)?)
            }
        }
    }

    fn images(&self, memory: Option<&Path>) -> Result<Images> {
        let gibibytes = if self.arguments.quick { 3 } else { 12 };
        let (directory, backing) = match &self.arguments.images {
            Some(directory) => (
                directory.clone(),
                format!("a loop device, image in {}", directory.display()),
            ),
            None => (
                memory.context("nothing is mounted")?.to_owned(),
                "a loop device, image in memory".to_owned(),
            ),
        };
        Ok(Images {
            directory,
            bytes: gibibytes << 30,
            backing,
        })
    }

    fn cases(&self, place: &Place) -> Result<()> {
        let guests = self.arguments.guests.as_ref();
        let bench = Bench {
            runner: Runner {
                plan: self.arguments.plan(),
                place,
                progress: &self.progress,
                stop: self.stop,
            },
            guests: guests.map(std::path::absolute).transpose()?,
            finished: &|table| {
                self.progress.print(&text(table));
                self.tables.borrow_mut().push(table.clone());
            },
        };
        for case in self.arguments.cases() {
            let Err(error) = case.run(&bench) else {
                continue;
            };
            if error.is::<Stopped>() {
                break;
            }
            let text = format!("{}: {case:?} failed: {error:#}", place.facts().name);
            self.progress.print(&text);
            self.failed.borrow_mut().push(text);
        }
        Ok(())
    }

    fn write(&self, report: &Report) -> Result<()> {
        if let Some(path) = &self.arguments.json {
            write(path, &serde_json::to_string_pretty(report)?)?;
        }
        if let Some(directory) = &self.arguments.plot {
            draw(report, directory)?;
        }
        self.progress
            .print(&format!("\nmeasured in {:.0} s", report.seconds));
        Ok(())
    }
}

/// Plots, and all tables.
fn draw(report: &Report, directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    for (name, plot) in plots(&report.tables) {
        write(&directory.join(name), &plot)?;
    }
    write(&directory.join("tables.md"), &report.markdown())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
