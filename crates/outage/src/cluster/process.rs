//! One daemon: its process, and what it wrote.
//!
//! Must never be left running: whoever drops it has killed it and seen it end.

use super::nursery::{Nursery, mortal};
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

/// Lines of a log that are shown.
const LINES: usize = 12;

/// More than so many lines take.
const BYTES: u64 = 16 * 1024;

pub struct Process {
    /// As Ceph calls it: `osd.0`.
    name: String,
    program: &'static str,
    arguments: Vec<String>,
    directory: PathBuf,
    child: Option<Child>,
}

impl Process {
    pub fn new(
        name: &str,
        program: &'static str,
        arguments: Vec<String>,
        directory: &Path,
    ) -> Self {
        Self {
            name: name.to_owned(),
            program,
            arguments,
            directory: directory.to_owned(),
            child: None,
        }
    }

    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Whether it was started and not killed since.
    pub fn is_wanted(&self) -> bool {
        self.child.is_some()
    }

    /// What is not yet in its log when it ends early goes to `<name>.out`.
    pub fn start(&mut self, nursery: &Nursery) -> Result<()> {
        let path = self.directory.join(format!("{}.out", self.name));
        let output = File::options().create(true).append(true).open(&path);
        let output = output.with_context(|| format!("cannot open {}", path.display()))?;
        let mut command = mortal(self.program);
        command
            .args(&self.arguments)
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            // Ctrl-C is for the program, which then takes its daemons down itself.
            .process_group(0);
        self.kill()?;
        self.child = Some(nursery.spawn(command)?);
        Ok(())
    }

    /// Kills it, and waits until it has ended. Nothing happens if it was not started.
    pub fn kill(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        let killed = child.kill().and_then(|()| child.wait());
        killed.with_context(|| format!("cannot kill {}", self.name))?;
        Ok(())
    }

    /// How it ended, if it did so although nobody killed it.
    pub fn ended(&mut self) -> Result<Option<String>> {
        let Some(child) = &mut self.child else {
            return Ok(None);
        };
        Ok(child.try_wait()?.map(|status| status.to_string()))
    }

    /// Fails if it ended although nobody killed it.
    pub fn check(&mut self) -> Result<()> {
        if let Some(status) = self.ended()? {
            bail!("{} has ended ({status})\n{}", self.name, self.last_words());
        }
        Ok(())
    }

    /// The last lines that it wrote, and where.
    pub fn last_words(&self) -> String {
        let files = ["log", "out"].map(|kind| {
            let path = self.directory.join(format!("{}.{kind}", self.name));
            let end = end_of(&path).unwrap_or_default();
            (path, end)
        });
        let shown = files.iter().filter(|(_, end)| !end.is_empty());
        let shown: Vec<String> = shown
            .map(|(path, end)| format!("the end of {}:\n{end}", path.display()))
            .collect();
        match shown.is_empty() {
            true => format!("it wrote nothing to {}", files[0].0.display()),
            false => shown.join("\n"),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

fn end_of(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().filter(|it| !it.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(LINES)..];
    let indented: Vec<String> = last.iter().map(|line| format!("    {line}")).collect();
    Ok(indented.join("\n"))
}
