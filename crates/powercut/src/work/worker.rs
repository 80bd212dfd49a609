//! A process of its own that changes a volume when it is told to, so that it can be
//! killed in the middle.

use super::contents::contents;
use super::desk::{append, open_at, write};
use crate::recording::Way;
use ability_storage_engine::{Batch, Volume};
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// One thing to do: one batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Task {
    pub writes: Vec<Piece>,
    pub appends: Vec<Piece>,
}

/// Contents that follow from a few numbers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Piece {
    pub path: String,
    pub version: u64,
    pub bytes: usize,
}

impl Piece {
    pub fn contents(&self) -> Vec<u8> {
        contents(&self.path, self.version, self.bytes)
    }
}

/// What the process does: it takes tasks from its standard input, and says when
/// each is done.
pub fn serve(directory: &Path, way: Way) -> Result<()> {
    let volume = open_at(directory, way)?;
    let mut out = std::io::stdout();
    let mut say = |word: &str| -> Result<()> {
        writeln!(out, "{word}")?;
        Ok(out.flush()?)
    };
    say("ready")?;
    for line in std::io::stdin().lines() {
        let task: Task = serde_json::from_str(&line?)?;
        let mut batch = Batch::new();
        for piece in &task.writes {
            batch.push(write(&piece.path, &piece.contents())?);
        }
        for piece in &task.appends {
            batch.push(append(&piece.path, &piece.contents())?);
        }
        volume.commit(batch)?;
        say("done")?;
    }
    Ok(())
}

/// Such a process, from the outside.
pub struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts `program`, which must [`serve`] when it is called with `worker
    /// <directory>`, and waits until it has opened the volume.
    pub fn start(program: &Path, directory: &Path, way: Way) -> Result<Self> {
        let mut child = Command::new(program)
            .arg("worker")
            .arg(directory)
            .args((way == Way::Journaled).then_some("--journaled"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start a worker")?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let mut worker = Self {
            child,
            input: input.context("no standard input")?,
            output: BufReader::new(output.context("no standard output")?),
        };
        ensure!(worker.heard("ready")?, "a worker did not start");
        Ok(worker)
    }

    pub fn tell(&mut self, task: &Task) -> Result<()> {
        writeln!(self.input, "{}", serde_json::to_string(task)?).context("a worker is gone")
    }

    /// Waits until it is done; `false` if it died before.
    pub fn is_done(&mut self) -> Result<bool> {
        self.heard("done")
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn heard(&mut self, word: &str) -> Result<bool> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim() == word)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}
