//! Running other programs: with their output shown, or kept in a log of which only the end is
//! shown, and only on failure.
//!
//! Must never wait for a child without end when a time limit was given, nor leave its children
//! behind.

use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// How often a child with a time limit is looked at.
const POLL: Duration = Duration::from_millis(50);

/// The longest that a server may take until it serves.
const START: Duration = Duration::from_secs(60);

/// Lines of a failed program's output that are shown.
const TAIL: usize = 20;

/// Runs a program on the caller's own terminal; its failure is an error.
pub fn run_shown(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start `{}`", words(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", words(command));
    }
    Ok(())
}

/// What a program prints on stdout, or `None` if it cannot be started or fails.
pub fn output_of(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a program with all its output in `log`; its failure is an error that carries its end.
pub fn run_logged(command: &mut Command, log: &Path) -> Result<()> {
    redirect(command, log)?;
    let status = command
        .status()
        .with_context(|| format!("cannot start `{}`", words(command)))?;
    judge(command, status, log)
}

/// Like [`run_logged`], but the program and its children are killed after `limit`.
pub fn run_limited(command: &mut Command, log: &Path, limit: Duration) -> Result<()> {
    redirect(command, log)?;
    own_group(command);
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start `{}`", words(command)))?;
    let end = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return judge(command, status, log);
        }
        if Instant::now() >= end {
            kill_group(&mut child);
            bail!(
                "`{}` did not finish within {} s and was stopped",
                words(command),
                limit.as_secs()
            );
        }
        thread::sleep(POLL);
    }
}

/// How a program ended that was watched.
pub enum Ended {
    /// It printed what was looked for, and was stopped.
    Found(String),
    Exited(ExitStatus),
    /// It was stopped after the limit.
    TimedOut,
}

/// Runs a program until `find` finds something in a line of its stdout, or for at most `limit`;
/// then it and its children are killed. Its stderr, and what it printed, is in `log`.
pub fn run_until(
    command: &mut Command,
    log: &Path,
    limit: Duration,
    mut find: impl FnMut(&str) -> Option<String>,
) -> Result<Ended> {
    redirect(command, log)?;
    own_group(command);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", words(command)))?;
    let lines = lines_of(child.stdout.take().context("no stdout")?);
    let mut log = File::options().append(true).open(log)?;
    let end = Instant::now() + limit;
    loop {
        match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                writeln!(log, "{line}")?;
                if let Some(found) = find(&line) {
                    kill_group(&mut child);
                    return Ok(Ended::Found(found));
                }
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(Ended::Exited(child.wait()?)),
            Err(RecvTimeoutError::Timeout) => {
                kill_group(&mut child);
                return Ok(Ended::TimedOut);
            }
        }
    }
}

fn lines_of(output: ChildStdout) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Nobody waits for more.
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// A port of this machine that nobody uses at the moment.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener.local_addr()?.port())
}

/// A program that serves on a port of this machine until this is dropped.
pub struct Server(Child);

impl Server {
    /// Starts it, with all its output in `log`, and waits until it takes connections.
    pub fn start(command: &mut Command, log: &Path, port: u16) -> Result<Self> {
        redirect(command, log)?;
        let child = command
            .spawn()
            .with_context(|| format!("cannot start `{}`", words(command)))?;
        let mut server = Self(child);
        let end = Instant::now() + START;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Some(status) = server.0.try_wait()? {
                judge(command, status, log)?;
                bail!("`{}` ended by itself", words(command));
            }
            if Instant::now() >= end {
                bail!("`{}` does not serve; see {}", words(command), log.display());
            }
            thread::sleep(POLL);
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn redirect(command: &mut Command, log: &Path) -> Result<()> {
    if let Some(directory) = log.parent() {
        fs::create_dir_all(directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
    }
    File::create(log).with_context(|| format!("cannot create {}", log.display()))?;
    let file = File::options().append(true).open(log)?;
    command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file);
    Ok(())
}

fn judge(command: &Command, status: ExitStatus, log: &Path) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    let output = fs::read(log).unwrap_or_default();
    bail!(
        "`{}` failed ({status}):\n{}\n    (all of it: {})",
        words(command),
        tail(&String::from_utf8_lossy(&output)),
        log.display()
    )
}

#[cfg(unix)]
fn own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(not(unix))]
fn own_group(_: &mut Command) {}

/// Kills the child and, on unix, all that it started.
fn kill_group(child: &mut Child) {
    // The shell's built-in: small images have no `kill` program, and a system call would need
    // unsafe code.
    #[cfg(unix)]
    let _ = Command::new("sh")
        .arg("-c")
        .arg(format!("kill -s KILL -- -{}", child.id()))
        .status();
    let _ = child.kill();
    let _ = child.wait();
}

/// The command as a person would type it.
pub fn words(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_stem()
        .unwrap_or_default();
    std::iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The last lines of a text, indented. Progress bars overwrite their line; only what they ended
/// with counts.
pub fn tail(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.trim_end().rsplit('\r').next().unwrap_or_default())
        .filter(|line| !line.trim().is_empty())
        .collect();
    let shown = &lines[lines.len().saturating_sub(TAIL)..];
    shown
        .iter()
        .map(|line| format!("    {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The exit code of a command that speaks for itself, to be passed on.
pub fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_the_last_lines_without_blank_ones() {
        let text: String = (1..=30).map(|n| format!("line {n}\n\n")).collect();
        let tail = tail(&text);
        assert!(tail.starts_with("    line 11\n"), "{tail}");
        assert!(tail.ends_with("    line 30"), "{tail}");
    }

    #[test]
    fn a_progress_bar_leaves_what_it_ended_with() {
        assert_eq!(tail("1 %\r50 %\rdone\r\n"), "    done");
    }

    #[test]
    fn a_command_reads_as_typed() {
        let mut command = Command::new("/somewhere/bin/cargo");
        command.args(["test", "--workspace"]);
        assert_eq!(words(&command), "cargo test --workspace");
    }

    #[cfg(unix)]
    #[test]
    fn a_limit_stops_the_program_and_its_children() {
        let log = std::env::temp_dir().join(format!("xtask-limit-{}.log", std::process::id()));
        let started = Instant::now();
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & sleep 60"]);
        let error = run_limited(&mut command, &log, Duration::from_millis(200))
            .expect_err("it must be stopped");
        assert!(error.to_string().contains("did not finish"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(30));
        let _ = fs::remove_file(log);
    }

    #[cfg(unix)]
    #[test]
    fn a_program_is_watched_until_it_prints_what_is_looked_for() {
        let log = std::env::temp_dir().join(format!("xtask-until-{}.log", std::process::id()));
        let watch = |script: &str, limit| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            let find = |line: &str| line.strip_prefix("found ").map(str::to_owned);
            run_until(&mut command, &log, limit, find).expect("started")
        };
        let long = Duration::from_secs(60);
        let started = Instant::now();
        let ended = watch("echo begun; echo found it; sleep 60", long);
        assert!(matches!(ended, Ended::Found(what) if what == "it"));
        let ended = watch("sleep 60 & sleep 60", Duration::from_millis(100));
        assert!(matches!(ended, Ended::TimedOut));
        let ended = watch("echo nothing; exit 3", long);
        assert!(matches!(ended, Ended::Exited(status) if status.code() == Some(3)));
        assert!(started.elapsed() < Duration::from_secs(30));
        assert_eq!(fs::read_to_string(&log).expect("there"), "nothing\n");
        let _ = fs::remove_file(log);
    }

    #[cfg(unix)]
    #[test]
    fn a_server_that_ends_by_itself_is_an_error() {
        let log = std::env::temp_dir().join(format!("xtask-server-{}.log", std::process::id()));
        let mut command = Command::new("sh");
        command.args(["-c", "echo no port is left; exit 3"]);
        let port = free_port().expect("a port");
        let error = Server::start(&mut command, &log, port).err();
        let error = error.expect("it must fail").to_string();
        assert!(error.contains("    no port is left"), "{error}");
        let _ = fs::remove_file(log);
    }

    #[cfg(unix)]
    #[test]
    fn a_failure_shows_the_end_of_the_output() {
        let log = std::env::temp_dir().join(format!("xtask-failure-{}.log", std::process::id()));
        let mut command = Command::new("sh");
        command.args(["-c", "echo it broke; exit 3"]);
        let error = run_logged(&mut command, &log).expect_err("it must fail");
        assert!(error.to_string().contains("    it broke"), "{error}");
        let _ = fs::remove_file(log);
    }
}
