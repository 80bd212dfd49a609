//! Real abilities in the real host: `ability run` with one that keeps an audit chain,
//! fed line by line.

use super::desk::path;
use crate::promise::Files;
use crate::recording::Site;
use ability_storage_engine::{LocalVolume, Volume};
use anyhow::{Context, Result, bail, ensure};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const LINES: u64 = 12;

/// An ability that acknowledges each line once its record is durable.
#[derive(Debug)]
pub struct Chain {
    /// The name of the guest.
    guest: &'static str,
    arguments: &'static [&'static str],
    /// What it keeps.
    file: &'static str,
}

pub const DOCUMENT: Chain = Chain {
    guest: "audit-chain",
    arguments: &["--format", "json"],
    file: "audit_chain.json",
};

pub const LOG: Chain = Chain {
    guest: "audit-chain",
    arguments: &["--format", "lines"],
    file: "audit_chain.log",
};

pub const PYTHON_LOG: Chain = Chain {
    guest: "python-audit",
    arguments: &[],
    file: "audit_chain.log",
};

pub const JAVASCRIPT_LOG: Chain = Chain {
    guest: "js-audit",
    arguments: &[],
    file: "audit_chain.log",
};

/// What is needed to run an ability.
#[derive(Clone, Debug)]
pub struct Host {
    /// The `ability` command.
    pub command: PathBuf,
    /// Where the built guests are.
    pub guests: PathBuf,
    /// Where the host may keep what it compiled.
    pub cache: PathBuf,
}

impl Chain {
    /// Where the guest's volume is in the directory of the site.
    pub fn volume_directory(&self) -> PathBuf {
        PathBuf::from("abilities").join(self.guest)
    }

    pub fn record(&self, site: &Site, host: &Host) -> Result<()> {
        let directory = site.directory.join(self.volume_directory());
        let mut writer = site.recorder.writer(&[self.file]);
        let mut running = Running::start(self.command(site, host, &[])?)?;
        running.answer("ready")?;
        for number in 0..LINES {
            // The records carry the time, so that nobody knows beforehand what the
            // file will be.
            writer.step_then_look(|| {
                running.say(&format!("line {number} of what happened"))?;
                running.answer("ok")?;
                let volume = LocalVolume::options().read_only(true).open(&directory)?;
                let mut files = Files::default();
                files.put(
                    self.file,
                    volume.read(&path(self.file)?, 1 << 20)?.contents(),
                );
                Ok(files)
            })?;
        }
        running.end()?;
        self.verify(site, host)
    }

    /// The guest itself must find its chain whole.
    fn verify(&self, site: &Site, host: &Host) -> Result<()> {
        let output = self.command(site, host, &["verify"])?.output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "the chain is broken: {said}");
        Ok(())
    }

    fn command(&self, site: &Site, host: &Host, arguments: &[&str]) -> Result<Command> {
        let component = host.guests.join(self.guest).with_extension("wasm");
        ensure!(component.is_file(), "there is no {}", component.display());
        let mut command = Command::new(&host.command);
        command
            .arg("run")
            .arg(component)
            .args(["--id", self.guest, "--root"])
            .arg(&site.directory)
            .arg("--")
            .args(arguments)
            .args(self.arguments)
            .env("XDG_CACHE_HOME", &host.cache)
            .stdin(Stdio::null());
        Ok(command)
    }
}

struct Running {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Running {
    fn start(mut command: Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
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
