//! Breaks the engine on purpose, one protocol step at a time: a test has to notice each time.
//!
//! Must never change a file of the repository: what is broken is a copy.

use crate::process::{Ended, output_of, run_logged, run_until};
use crate::progress::{Meter, heading, note, seconds};
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// A patch for each break; the words before it say what it breaks.
const FOLDER: &str = "tests/breaks";

/// The longest that the tests of a broken engine may take. One that hangs is noticed, too.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// Break the engine on purpose, and see the tests catch it
///
/// Each patch in tests/breaks leaves one step of a protocol out: a sync, a lock, a look at what
/// others did. It is applied to a copy of the sources, and the tests of the engine run until one
/// fails. Two to eight minutes for each, after one run of all tests on the whole engine.
///
/// Exit codes: 0 each break was caught; 1 one got away, or something went wrong.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Options {
    /// Make these breaks only: names of files in tests/breaks, without `.patch`.
    #[arg(value_name = "BREAK")]
    names: Vec<String>,

    /// List the breaks, and make none.
    #[arg(long)]
    list: bool,

    /// Write the results to a file, as a table in Markdown.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

struct Break {
    name: String,
    /// What it breaks: a sentence without its full stop.
    what: String,
    patch: PathBuf,
}

pub fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let breaks = chosen(workspace, &options.names)?;
    if options.list {
        for Break { name, what, .. } in &breaks {
            println!("{name}: {what}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let copy = Copy::of(workspace)?;
    heading("the engine as it is");
    if let Caught::By(test) = copy.test("whole")? {
        bail!("{test} fails although nothing is broken");
    }
    let mut table = String::from("| what was broken | seen by |\n|---|---|\n");
    let mut escaped = 0;
    for broken in &breaks {
        heading(&broken.what);
        copy.apply(&broken.patch, false)?;
        let caught = copy.test(&broken.name);
        copy.apply(&broken.patch, true)?;
        let caught = caught?;
        escaped += usize::from(matches!(caught, Caught::Not));
        let seen_by = caught.words();
        note(&format!("seen by {seen_by}"));
        table += &format!("| {} | {seen_by} |\n", broken.what);
        if let Some(file) = &options.markdown {
            fs::write(file, &table).with_context(|| format!("cannot write {}", file.display()))?;
        }
    }
    note(&format!("{escaped} of {} breaks got away", breaks.len()));
    Ok(ExitCode::from(u8::from(escaped > 0)))
}

/// All breaks, or those of these names.
fn chosen(workspace: &Workspace, names: &[String]) -> Result<Vec<Break>> {
    let mut breaks = all(workspace)?;
    if let Some(unknown) = names
        .iter()
        .find(|name| breaks.iter().all(|broken| broken.name != **name))
    {
        bail!("there is no break `{unknown}`; `cargo xtask breaks --list` lists them");
    }
    breaks.retain(|broken| names.is_empty() || names.contains(&broken.name));
    Ok(breaks)
}

fn all(workspace: &Workspace) -> Result<Vec<Break>> {
    let folder = workspace.root().join(FOLDER);
    let mut breaks = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {FOLDER}"))? {
        let patch = entry?.path();
        let text = fs::read_to_string(&patch)
            .with_context(|| format!("cannot read {}", patch.display()))?;
        let first = text.lines().next().unwrap_or_default();
        let what = first.trim_end_matches('.').to_owned();
        let name = patch.file_stem().unwrap_or_default();
        breaks.push(Break {
            name: name.to_string_lossy().into_owned(),
            what,
            patch,
        });
    }
    breaks.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(breaks)
}

enum Caught {
    By(String),
    ByHanging,
    Not,
}

impl Caught {
    fn words(&self) -> String {
        match self {
            Self::By(test) => format!("`{}`", test.trim_start_matches("local::")),
            Self::ByHanging => format!("tests that still ran after {}", seconds(LIMIT)),
            Self::Not => "**nothing**".to_owned(),
        }
    }
}

/// The sources, to be broken.
struct Copy {
    sources: PathBuf,
    target: PathBuf,
    logs: PathBuf,
    cargo: PathBuf,
}

impl Copy {
    /// Takes over what differs, so that only that is built again.
    fn of(workspace: &Workspace) -> Result<Self> {
        let folder = workspace.target().join("breaks");
        let copy = Self {
            sources: folder.join("sources"),
            target: folder.join("build"),
            logs: folder.join("logs"),
            cargo: workspace.cargo("test").get_program().into(),
        };
        let mut list = workspace.command("git");
        list.args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]);
        let files = output_of(&mut list).context("git does not list the files to copy")?;
        let files: Vec<&str> = files.split('\0').filter(|file| !file.is_empty()).collect();
        let mut meter = Meter::start("copying the sources", files.len());
        for (number, file) in files.iter().enumerate() {
            take_over(&workspace.root().join(file), &copy.sources.join(file))
                .with_context(|| format!("cannot copy {file}"))?;
            meter.set(number, (*file).to_owned());
        }
        meter.done("done");
        Ok(copy)
    }

    fn apply(&self, patch: &Path, is_undone: bool) -> Result<()> {
        let mut apply = git_apply(&self.sources);
        if is_undone {
            apply.arg("--reverse");
        }
        run_logged(apply.arg(patch), &self.logs.join("apply.log"))
    }

    /// Runs the tests of the engine until one fails.
    fn test(&self, name: &str) -> Result<Caught> {
        let started = Instant::now();
        let mut tests = Command::new(&self.cargo);
        tests
            .current_dir(&self.sources)
            .env("CARGO_TARGET_DIR", &self.target)
            .args([
                "test",
                "--locked",
                "--all-features",
                "--package",
                "ability-storage-engine",
                "--lib",
                "--tests",
            ]);
        let log = self.logs.join(format!("{name}.log"));
        let mut has_run = false;
        let ended = run_until(&mut tests, &log, LIMIT, |line| {
            has_run |= line.starts_with("running ");
            Some(
                line.strip_prefix("test ")?
                    .strip_suffix(" ... FAILED")?
                    .to_owned(),
            )
        })?;
        ensure!(has_run, "the tests cannot be built; see {}", log.display());
        note(&format!("tests ran for {}", seconds(started.elapsed())));
        Ok(match ended {
            Ended::Found(test) => Caught::By(test),
            Ended::TimedOut => Caught::ByHanging,
            Ended::Exited(status) if status.success() => Caught::Not,
            // Even the program that runs the tests may be taken down.
            Ended::Exited(status) => Caught::By(format!("an end of all tests ({status})")),
        })
    }
}

/// `git apply`, in a folder that counts as no part of a repository.
fn git_apply(folder: &Path) -> Command {
    let mut apply = Command::new("git");
    apply.current_dir(folder).arg("apply");
    if let Some(above) = folder.parent() {
        apply.env("GIT_CEILING_DIRECTORIES", above);
    }
    apply
}

fn take_over(from: &Path, to: &Path) -> Result<()> {
    // A file that was removed and is listed still.
    let Ok(new) = fs::read(from) else {
        let _ = fs::remove_file(to);
        return Ok(());
    };
    if fs::read(to).is_ok_and(|old| old == new) {
        return Ok(());
    }
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    Ok(fs::write(to, new)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_break_is_one_of_the_sources_as_they_are() {
        let workspace = Workspace::find().expect("found");
        let breaks = all(&workspace).expect("readable");
        assert!(breaks.len() > 20, "{}", breaks.len());
        for Break { name, what, patch } in breaks {
            assert!(what.starts_with(char::is_uppercase), "{name}: {what}");
            let mut check = workspace.command("git");
            check.args(["apply", "--check"]).arg(&patch);
            let checked = output_of(&mut check);
            assert!(checked.is_some(), "{name} has to follow the sources");
        }
    }
}
