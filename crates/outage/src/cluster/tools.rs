//! Ceph's own programs that do one thing and end.
//!
//! Must never wait for one without end: most of them wait for a cluster as long as there
//! is none.

use super::nursery::mortal;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(10);

/// For what only works on files.
const LOCAL: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub struct Tools {
    directory: PathBuf,
}

impl Tools {
    /// For the cluster whose `ceph.conf` is in `directory`.
    pub fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
        }
    }

    /// A program that works on files.
    pub fn local(&self, program: &str, arguments: &[&str]) -> Result<String> {
        self.run(program, arguments, LOCAL)
    }

    /// Asks the cluster, and returns what it answers.
    pub fn ceph(&self, arguments: &[&str], limit: Duration) -> Result<Value> {
        let mut all = vec!["-c", "ceph.conf", "--format", "json"];
        all.extend(arguments);
        let answer = self.run("ceph", &all, limit)?;
        serde_json::from_str(&answer)
            .with_context(|| format!("`ceph {}` answers: {answer}", arguments.join(" ")))
    }

    /// What a program prints on its standard output.
    pub fn run(&self, program: &str, arguments: &[&str], limit: Duration) -> Result<String> {
        let shown = format!("{program} {}", arguments.join(" "));
        let mut printed = tempfile::tempfile()?;
        let mut complaints = tempfile::tempfile()?;
        let mut child = mortal(program)
            .args(arguments)
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(printed.try_clone()?)
            .stderr(complaints.try_clone()?)
            .spawn()
            .with_context(|| format!("cannot start `{shown}`"))?;
        let end = Instant::now() + limit;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if Instant::now() >= end {
                let _ = child.kill();
                let _ = child.wait();
                bail!("`{shown}` had not ended after {} s", limit.as_secs());
            }
            thread::sleep(POLL);
        };
        if !status.success() {
            bail!("`{shown}` failed ({status}): {}", text(&mut complaints)?);
        }
        text(&mut printed)
    }
}

fn text(file: &mut File) -> Result<String> {
    file.rewind()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}
