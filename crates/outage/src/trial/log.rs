//! What a client writes down: before each commit that it begins it, and after it what
//! it was told. The log of a client that was killed ends with one that it only began.

use anyhow::{Context, Result};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// What a client was told of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Made,
    NotMade,
    InDoubt,
    /// Nothing: it was killed.
    Nothing,
}

/// What a commit does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Appends a line with its number to the file that all append to.
    Line,
    /// Adds one to the number that all count on.
    Count,
    /// Writes the client's own file and two of all together, with one contents.
    Batch,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Line, Self::Count, Self::Batch];

    fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Count => "count",
            Self::Batch => "batch",
        }
    }
}

/// One commit of a client.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub kind: Kind,
    pub number: u64,
    pub told: Told,
    /// Milliseconds since 1970 when it was told.
    pub at: u64,
}

pub struct Log {
    file: File,
}

impl Log {
    pub fn create(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(path);
        let file = file.with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self { file })
    }

    pub fn begun(&mut self, kind: Kind, number: u64) -> Result<()> {
        self.line(&format!("begun {} {number}", kind.name()))
    }

    pub fn told(&mut self, told: Told) -> Result<()> {
        let told = match told {
            Told::Made => "made",
            Told::NotMade => "not",
            Told::InDoubt => "doubt",
            Told::Nothing => return Ok(()),
        };
        let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
        self.line(&format!("{told} {}", since.as_millis()))
    }

    /// One call, so that a kill leaves whole lines.
    fn line(&mut self, text: &str) -> Result<()> {
        let line = format!("{text}\n");
        self.file
            .write_all(line.as_bytes())
            .context("cannot write the log")
    }
}

/// All commits that a client began, in their order.
pub fn read(path: &Path) -> Result<Vec<Entry>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut entries: Vec<Entry> = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let entry = match words[..] {
            ["begun", kind, number] => Kind::ALL
                .into_iter()
                .find(|it| it.name() == kind)
                .zip(number.parse().ok())
                .map(|(kind, number)| Entry {
                    kind,
                    number,
                    told: Told::Nothing,
                    at: 0,
                }),
            [told, at] => {
                let told = match told {
                    "made" => Some(Told::Made),
                    "not" => Some(Told::NotMade),
                    "doubt" => Some(Told::InDoubt),
                    _ => None,
                };
                let begun = entries.pop();
                begun
                    .zip(told)
                    .zip(at.parse().ok())
                    .map(|((begun, told), at)| Entry { told, at, ..begun })
            }
            _ => None,
        };
        entries.push(entry.with_context(|| format!("the log has the line {line:?}"))?);
    }
    Ok(entries)
}
