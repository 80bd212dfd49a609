//! A real ability in the real host: `ability run audit-chain`, fed line by line.

use super::desk::path;
use crate::promise::Files;
use crate::recording::Site;
use ability_storage_engine::{LocalVolume, Volume};
use anyhow::{Context, Result, bail, ensure};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// What the host runs.
pub const GUEST: &str = "audit-chain";

const LINES: u64 = 12;

/// What is needed to run it.
#[derive(Clone, Debug)]
pub struct Host {
    /// The `ability` command.
    pub command: PathBuf,
    /// The component of the guest.
    pub component: PathBuf,
    /// Where the host may keep what it compiled.
    pub cache: PathBuf,
}

/// Where the guest's volume is in the directory of the site.
pub fn volume_directory() -> PathBuf {
    PathBuf::from("abilities").join(GUEST)
}

pub fn json(site: &Site, host: &Host) -> Result<()> {
    audit_chain(site, host, "json", "audit_chain.json")
}

pub fn lines(site: &Site, host: &Host) -> Result<()> {
    audit_chain(site, host, "lines", "audit_chain.log")
}

fn audit_chain(site: &Site, host: &Host, format: &str, file: &str) -> Result<()> {
    let directory = site.directory.join(volume_directory());
    let mut writer = site.recorder.writer(&[file]);
    let mut running = Running::start(site, host, format)?;
    running.answer("ready")?;
    for number in 0..LINES {
        // The records carry the time, so that nobody knows beforehand what the
        // file will be.
        writer.step_then_look(|| {
            running.say(&format!("line {number} of what happened"))?;
            running.answer("ok")?;
            let volume = LocalVolume::options().read_only(true).open(&directory)?;
            let mut files = Files::default();
            files.put(file, &volume.read(&path(file)?, 1 << 20)?.contents);
            Ok(files)
        })?;
    }
    running.end()?;
    verify(site, host, format)
}

/// The guest itself must find its chain whole.
fn verify(site: &Site, host: &Host, format: &str) -> Result<()> {
    let output = command(site, host, &["verify", "--format", format]).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the chain is broken: {said}");
    Ok(())
}

fn command(site: &Site, host: &Host, arguments: &[&str]) -> Command {
    let mut command = Command::new(&host.command);
    command
        .arg("run")
        .arg(&host.component)
        .args(["--id", GUEST, "--root"])
        .arg(&site.directory)
        .arg("--")
        .args(arguments)
        .env("XDG_CACHE_HOME", &host.cache)
        .stdin(Stdio::null());
    command
}

struct Running {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Running {
    fn start(site: &Site, host: &Host, format: &str) -> Result<Self> {
        let mut child = command(site, host, &["--format", format])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", host.command.display()))?;
        let output = child.stdout.take().context("no standard output")?;
        Ok(Self {
            input: child.stdin.take(),
            output: BufReader::new(output),
            child,
        })
    }

    fn say(&mut self, line: &str) -> Result<()> {
        let input = self.input.as_mut().context("no standard input")?;
        writeln!(input, "{line}").context("the ability does not listen")
    }

    fn answer(&mut self, expected: &str) -> Result<()> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        ensure!(
            line.split(' ').next() == Some(expected),
            "the ability answered {line:?} instead of {expected}"
        );
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        drop(self.input.take());
        let status = self.child.wait()?;
        if !status.success() {
            bail!("the ability failed ({status})");
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
