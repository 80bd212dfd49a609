//! The process that is killed: this test again, told what to do.

use crate::workloads::Workload;
use kill_points::{Call, Traced};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{PoisonError, RwLock};

const DIRECTORY: &str = "ABILITY_STORAGE_TEST_KILL_DIRECTORY";
const WORKLOAD: &str = "ABILITY_STORAGE_TEST_KILL_WORKLOAD";
const PART: &str = "ABILITY_STORAGE_TEST_KILL_PART";

const READY: &str = "ready";
const DONE: &str = "done";
const CLOSED: &str = "closed";

/// Until a new process runs its own program, it has all that this one has open, locks
/// included. Who counts on a lock to be free when it gave it up reads this meanwhile.
pub static STARTING: RwLock<()> = RwLock::new(());

/// What a process does one after the other: it opens the volume, does each operation,
/// and closes the volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Open,
    Operation(usize),
    Close,
}

/// How a process ended.
pub struct Ending {
    /// The call that it was killed at; `None` if it came to the end of the part.
    pub killed_at: Option<Call>,
    /// How many operations it acknowledged.
    pub acknowledged: usize,
    /// Whether it closed the volume.
    pub closed: bool,
}

impl Part {
    pub fn all(workload: &Workload) -> impl Iterator<Item = Self> {
        let operations = (0..workload.operations.len()).map(Self::Operation);
        [Self::Open]
            .into_iter()
            .chain(operations)
            .chain([Self::Close])
    }
}

/// Starts a process that works on the volume in `directory`, and kills it at the `n`-th
/// call of one part of the work that `counts`. At the end of that part it is gone, too.
///
/// # Errors
///
/// [`PermissionDenied`](io::ErrorKind::PermissionDenied) where processes may not be
/// traced.
pub fn run_and_kill(
    directory: &Path,
    workload: &Workload,
    part: Part,
    n: usize,
    counts: impl FnMut(&Call) -> bool,
) -> io::Result<Ending> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["--exact", "process::workload_process", "--ignored"])
        .args(["--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .env(WORKLOAD, workload.name)
        .env(PART, format!("{part:?}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = {
        let _alone = STARTING.write().unwrap_or_else(PoisonError::into_inner);
        command.spawn()?
    };
    let mut stdin = child.stdin.take().expect("piped");
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    let mut said = String::new();
    while !said.lines().any(|line| line == READY) {
        assert_ne!(stdout.read_line(&mut said)?, 0, "it did not begin: {said}");
    }
    let mut traced = Traced::seize(child)?;
    stdin.write_all(b"begin\n")?;
    let killed_at = traced.kill_at(n, counts)?;
    if killed_at.is_none() {
        assert_eq!(traced.exit_code(), Some(0), "it failed by itself");
    }
    stdout.read_to_string(&mut said)?;
    Ok(Ending {
        killed_at,
        acknowledged: said.lines().filter(|line| *line == DONE).count(),
        closed: said.lines().any(|line| line == CLOSED),
    })
}

/// Not a test.
#[test]
#[ignore = "runs as the child of other tests"]
fn workload_process() {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let told = |what| std::env::var(what).expect("told what to do");
    let workload = Workload::named(&told(WORKLOAD));
    let watched = told(PART);
    say("");
    let mut volume = None;
    for part in Part::all(&workload) {
        let is_watched = format!("{part:?}") == watched;
        if is_watched {
            say(READY);
            let told = io::stdin().read_line(&mut String::new());
            told.expect("told when");
        }
        match part {
            Part::Open => volume = Some(workload.open(&directory)),
            Part::Operation(i) => {
                let volume = volume.as_ref().expect("opened");
                workload.operations[i].run(volume).expect("done");
                say(DONE);
            }
            Part::Close => {
                drop(volume.take());
                say(CLOSED);
            }
        }
        if is_watched {
            // Without closing anything.
            std::process::exit(0);
        }
    }
}

fn say(line: &str) {
    let mut out = io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).expect("said");
    out.flush().expect("said");
}
