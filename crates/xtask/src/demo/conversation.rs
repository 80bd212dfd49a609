//! One life of the ability: from its start, line by line, to its end, whatever ends it.
//!
//! Must never take half an answer for one: a line without its end was cut off by the kill.

use super::answer::Answer;
use super::killer::{End, Killer};
use crate::process::tail;
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// How the ability is started, again and again.
#[derive(Clone)]
pub struct Launcher {
    pub ability: PathBuf,
    /// From `run` on, without what is for the guest.
    pub arguments: Vec<OsString>,
    /// What comes after `--`.
    pub for_guest: Vec<OsString>,
    /// Takes stderr, of all lives.
    pub log: PathBuf,
    /// When the whole demo must be over.
    pub deadline: Instant,
}

impl Launcher {
    pub fn start(&self) -> Result<Conversation> {
        let mut child = self
            .command(&self.for_guest)?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", self.ability.display()))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("the ability has no stdout")?;
        Ok(Conversation {
            stdin,
            stdout: BufReader::new(stdout),
            killer: Killer::watch(child, self.deadline),
            log: self.log.clone(),
        })
    }

    /// Runs the ability's own check of its file; whether it passed.
    pub fn verify(&self) -> Result<bool> {
        let mut for_guest = self.for_guest.clone();
        for_guest.push("verify".into());
        let child = self
            .command(&for_guest)?
            .stdin(Stdio::null())
            .stdout(self.open_log()?)
            .spawn()
            .with_context(|| format!("cannot start {}", self.ability.display()))?;
        match Killer::watch(child, self.deadline).join()? {
            End::Exited(status) => Ok(status.success()),
            End::Killed | End::OutOfTime => bail!("`verify` did not end in time"),
        }
    }

    fn command(&self, for_guest: &[OsString]) -> Result<Command> {
        let mut command = Command::new(&self.ability);
        command.args(&self.arguments).stderr(self.open_log()?);
        if !for_guest.is_empty() {
            command.arg("--").args(for_guest);
        }
        Ok(command)
    }

    fn open_log(&self) -> Result<File> {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .with_context(|| format!("cannot write {}", self.log.display()))
    }
}

pub struct Conversation {
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    killer: Killer,
    log: PathBuf,
}

impl Conversation {
    /// Has the ability killed so much time from now. Of two such moments the earlier one counts.
    pub fn kill_in(&self, delay: Duration) {
        self.killer.arm(delay);
    }

    /// Feeds a line. If the ability is gone, the next answer says so.
    pub fn say(&mut self, line: &str) {
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(format!("{line}\n").as_bytes());
        }
    }

    /// The next answer, or `None` if the ability is gone.
    pub fn answer(&mut self) -> Result<Option<Answer>> {
        let mut line = String::new();
        self.stdout
            .read_line(&mut line)
            .context("cannot read the ability's answer")?;
        if !line.ends_with('\n') {
            return Ok(None);
        }
        match Answer::parse(&line) {
            Some(answer) => Ok(Some(answer)),
            None => bail!("the ability said {line:?}, which is no answer"),
        }
    }

    /// Ends the conversation the orderly way; the ability has to exit with success.
    pub fn close(mut self) -> Result<()> {
        self.stdin = None;
        let log = self.log.clone();
        match self.end()? {
            End::Exited(status) if status.success() => Ok(()),
            End::Exited(status) => bail!("the ability failed ({status}){}", last_words(log)),
            End::Killed | End::OutOfTime => bail!("out of time: the ability did not end"),
        }
    }

    /// Waits for the kill.
    pub fn die(self) -> Result<()> {
        let log = self.log.clone();
        match self.end()? {
            End::Killed => Ok(()),
            End::OutOfTime => bail!("out of time: see --time-limit"),
            End::Exited(status) => {
                bail!("the ability ended by itself ({status}){}", last_words(log))
            }
        }
    }

    fn end(mut self) -> Result<End> {
        // To the last byte first: a process whose stdout nobody reads may wait for ever.
        let mut rest = Vec::new();
        let _ = self.stdout.read_to_end(&mut rest);
        self.killer.join().context("cannot wait for the ability")
    }
}

fn last_words(log: PathBuf) -> String {
    match fs::read(&log).map(|log| tail(&String::from_utf8_lossy(&log))) {
        Ok(text) if !text.is_empty() => format!("; the end of {}:\n{text}", log.display()),
        _ => String::new(),
    }
}
