//! System calls of one operation, counted in a child that is traced.
//!
//! The child does its work once with some operations and once with more; the difference
//! is what operations cost, without whatever begins and ends the process.

use crate::contents;
use crate::contestant::{Store, named};
use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What is done in the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Task {
    Replace,
    Append,
    Batch,
}

/// The arguments of the child.
#[derive(Clone, Debug, clap::Args)]
pub struct Job {
    #[arg(long)]
    pub contestant: String,
    #[arg(long)]
    pub task: Task,
    /// Of the file that is replaced, or that is appended to, or of each in a batch.
    #[arg(long)]
    pub bytes: usize,
    #[arg(long)]
    pub directory: PathBuf,
    #[arg(long)]
    pub guests: Option<PathBuf>,
    #[arg(long, default_value_t = 0)]
    pub operations: u64,
}

/// How many files a batch has.
pub const BATCH: usize = 64;

/// How long what is appended is.
pub const ADDITION: usize = 370;

const FEW: u64 = 8;
const MANY: u64 = 40;

/// In the child: says that it is up, waits until it is traced, then works.
pub fn work(job: &Job) -> Result<()> {
    println!("ready");
    let mut told = [0];
    std::io::stdin().read_exact(&mut told)?;
    let contestant = named(&job.contestant, job.guests.as_deref());
    let contestant = contestant.context("there is no such contestant")?;
    let store = contestant.prepare(&job.directory)?;
    match job.task {
        Task::Replace => store.repeat("file.json", job.bytes, 0, job.operations),
        Task::Append => {
            store.replace("chain.log", &contents::of(job.bytes, 0))?;
            repeat(job.operations, |number| {
                store.append("chain.log", &contents::of(ADDITION, number))
            })
        }
        Task::Batch => repeat(job.operations, |number| batch(&*store, job.bytes, number)),
    }
}

fn repeat(count: u64, mut run: impl FnMut(u64) -> Result<()>) -> Result<()> {
    (0..count).try_for_each(&mut run)
}

fn batch(store: &dyn Store, bytes: usize, number: u64) -> Result<()> {
    let files: Vec<_> = (0..BATCH)
        .map(|file| (format!("file-{file}.json"), contents::of(bytes, number)))
        .collect();
    store.replace_all(&files)
}

/// Calls that could concern files, for each operation; an error if nobody may trace here.
pub fn calls(job: &Job) -> Result<f64> {
    let few = traced(job, FEW)?;
    let many = traced(job, MANY)?;
    ensure!(many >= few, "more operations made fewer calls");
    Ok((many - few) as f64 / (MANY - FEW) as f64)
}

#[cfg(target_env = "gnu")]
fn traced(job: &Job, operations: u64) -> Result<u64> {
    use kill_points::{Call, Traced};
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};

    empty(&job.directory)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("work");
    command.arg("--contestant").arg(&job.contestant);
    let task = job.task.to_possible_value();
    let task = task.context("a task without a name")?;
    command.arg("--task").arg(task.get_name());
    command.arg("--bytes").arg(job.bytes.to_string());
    command.arg("--directory").arg(&job.directory);
    if let Some(guests) = &job.guests {
        command.arg("--guests").arg(guests);
    }
    command.arg("--operations").arg(operations.to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let mut input = child.stdin.take().context("no standard input")?;
    let output = child.stdout.take().context("no standard output")?;
    // What it does to come up would be seen or not, as it happens.
    BufReader::new(output).read_line(&mut String::new())?;
    let mut traced = Traced::seize(child)?;
    input.write_all(b"!")?;
    let mut calls = 0;
    traced.kill_at(usize::MAX, |call: &Call| {
        calls += u64::from(call.may_concern_files());
        false
    })?;
    ensure!(traced.exit_code() == Some(0), "the child failed");
    empty(&job.directory)?;
    Ok(calls)
}

#[cfg(not(target_env = "gnu"))]
fn traced(_: &Job, _: u64) -> Result<u64> {
    anyhow::bail!("calls are counted with the GNU C library only")
}

fn empty(directory: &Path) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}
