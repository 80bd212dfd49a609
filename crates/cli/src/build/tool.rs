//! Running other programs, with what they say kept, and shown where it counts.
//!
//! Must never wait without end for a program that was given a time limit, nor
//! leave behind what it started.

use super::lock::Lock;
use super::step;
use anyhow::{Context, Result, bail};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How often a program with a time limit is looked at.
const POLL: Duration = Duration::from_millis(50);

/// How a program ended, and what it said.
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn ok(&self) -> bool {
        self.status.success()
    }

    /// All that it said.
    pub fn said(&self) -> String {
        let both = [self.stdout.trim_end(), self.stderr.trim_end()];
        let both: Vec<_> = both.into_iter().filter(|text| !text.is_empty()).collect();
        both.join("\n")
    }
}

/// Runs programs; with `verbose`, a person sees what they say at once.
#[derive(Clone, Copy)]
pub struct Runner<'a> {
    pub verbose: bool,
    /// What they hold as long as they run.
    pub lock: &'a Lock,
}

impl Runner<'_> {
    /// Runs a program to its end, while a person reads what it is for.
    pub fn run(self, what: &str, command: &mut Command) -> Result<Ended> {
        step::while_doing(what, self.verbose, || self.quietly(command))
    }

    /// Runs a program to its end.
    pub fn quietly(self, command: &mut Command) -> Result<Ended> {
        let stdin = self.lock.given_as_stdin();
        command.stdin(stdin.context("no lock can be shared")?);
        command.stdout(Stdio::piped()).stderr(if self.verbose {
            Stdio::inherit()
        } else {
            Stdio::piped()
        });
        let output = command
            .spawn()
            .and_then(Child::wait_with_output)
            .with_context(|| format!("`{}` could not be run", name_of(command)))?;
        if self.verbose {
            let _ = std::io::stderr().write_all(&output.stdout);
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Ended {
            status: output.status,
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        })
    }
}

/// What a program prints on standard output, or `None` if it cannot be started
/// or fails.
pub fn output_of(command: &mut Command) -> Option<String> {
    let command = command.stdin(Stdio::null()).stderr(Stdio::null());
    let output = command.output().ok()?;
    let printed = || String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then(printed)
}

/// Runs a program that is killed, with all that it started, after `limit`.
pub fn run_limited(command: &mut Command, limit: Duration) -> Result<()> {
    let name = name_of(command);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(Stdio::null());
    own_group(command);
    let mut child = command
        .spawn()
        .with_context(|| format!("`{name}` could not be run"))?;
    let end = Instant::now() + limit;
    loop {
        match child.try_wait()? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => bail!("`{name}` failed ({status})"),
            None if Instant::now() < end => thread::sleep(POLL),
            None => {
                kill_group(&mut child);
                bail!("`{name}` did not end within {} s", limit.as_secs());
            }
        }
    }
}

#[cfg(unix)]
fn own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(not(unix))]
fn own_group(_: &mut Command) {}

fn kill_group(child: &mut Child) {
    // The shell's built-in: small images have no `kill` program, and a system
    // call would need unsafe code.
    #[cfg(unix)]
    let _ = Command::new("sh")
        .arg("-c")
        .arg(format!("kill -s KILL -- -{}", child.id()))
        .status();
    let _ = child.kill();
    let _ = child.wait();
}

/// The program without its directory.
fn name_of(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    name.to_string_lossy().into_owned()
}

#[cfg(all(test, unix))]
mod tests {
    use super::super::lock;
    use super::*;

    #[test]
    fn a_limit_stops_the_program_and_what_it_started() {
        let started = Instant::now();
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & sleep 60"]);
        let error = run_limited(&mut command, Duration::from_millis(200)).expect_err("stopped");
        assert!(error.to_string().contains("did not end"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn what_a_program_says_is_kept_and_it_waits_for_no_input() {
        let directory = tempfile::tempdir().expect("a directory");
        let lock = lock::alone(&directory.path().join("lock"), "nobody").expect("locked");
        let mut command = Command::new("sh");
        command.args(["-c", "cat; echo out; echo err >&2; exit 3"]);
        let runner = Runner {
            verbose: false,
            lock: &lock,
        };
        let ended = runner.quietly(&mut command).expect("ran");
        assert!(!ended.ok());
        assert_eq!(ended.said(), "out\nerr");
    }
}
