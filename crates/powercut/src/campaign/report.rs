//! What a run has found, for people and for programs.

use super::tally::Tally;
use crate::file_system::FileSystem;
use crate::work::Verdict;
use serde::Serialize;
use std::fmt::Write;
use std::path::PathBuf;

/// A run of the laboratory.
#[derive(Debug, Serialize)]
pub struct Report {
    /// As `uname -r` has it.
    pub kernel: String,
    pub seed: u64,
    pub seconds: f64,
    /// Whether it was ended before all was tried.
    pub stopped: bool,
    pub rows: Vec<Row>,
}

/// One subject on one file system.
#[derive(Debug, Serialize)]
pub struct Row {
    pub subject: String,
    pub about: String,
    pub file_system: FileSystem,
    pub is_product: bool,
    pub expected: Verdict,
    pub tally: Tally,
    pub as_expected: bool,
    /// Where the first image that broke a promise is, if it was kept.
    pub kept: Option<PathBuf>,
    pub seconds: f64,
}

impl Row {
    pub fn verdict(&self) -> &'static str {
        match (self.expected, self.as_expected) {
            (Verdict::Sound, true) => "sound",
            (Verdict::Sound, false) => "BROKEN A PROMISE",
            (Verdict::Broken, true) => "convicted",
            (Verdict::Broken, false) => "GOT AWAY",
        }
    }
}

impl Row {
    /// Such as `3 / 800: 2 empty, 1 lost`.
    fn cell(&self) -> String {
        let counts = format!("{} / {}", self.tally.violated(), self.tally.images);
        match self.tally.kinds() {
            kinds if kinds.is_empty() => counts,
            kinds => format!("{counts}: {kinds}"),
        }
    }
}

impl Report {
    pub fn is_as_expected(&self) -> bool {
        self.rows.iter().all(|row| row.as_expected)
    }

    /// Images of the product's workloads.
    pub fn product_images(&self, file_system: FileSystem) -> u64 {
        let rows = self.rows.iter();
        let rows = rows.filter(|row| row.is_product && row.file_system == file_system);
        rows.map(|row| row.tally.images).sum()
    }

    pub fn table(&self) -> String {
        let mut table = String::new();
        let mut file_systems: Vec<_> = self.rows.iter().map(|row| row.file_system).collect();
        file_systems.dedup();
        let _ = writeln!(
            table,
            "{:<26} {:<6} {:>7} {:>9}  {:<17} kinds",
            "subject", "on", "images", "violated", "verdict"
        );
        for row in &self.rows {
            let line = format!(
                "{:<26} {:<6} {:>7} {:>9}  {:<17} {}",
                row.subject,
                row.file_system,
                row.tally.images,
                row.tally.violated(),
                row.verdict(),
                row.tally.kinds()
            );
            let _ = writeln!(table, "{}", line.trim_end());
        }
        for file_system in file_systems {
            let _ = writeln!(
                table,
                "{file_system}: {} images of the product's workloads",
                self.product_images(file_system)
            );
        }
        table
    }

    /// The same as a table in Markdown, with a column for each file system.
    pub fn markdown(&self) -> String {
        let mut columns: Vec<FileSystem> = self.rows.iter().map(|row| row.file_system).collect();
        columns.dedup();
        let mut subjects: Vec<&Row> = Vec::new();
        for row in &self.rows {
            if subjects.iter().all(|known| known.subject != row.subject) {
                subjects.push(row);
            }
        }
        let mut text = String::from("| | what it does |");
        for column in &columns {
            let _ = write!(text, " {column} |");
        }
        let _ = write!(text, "\n|---|---|{}\n", "---|".repeat(columns.len()));
        for subject in subjects {
            let _ = write!(text, "| {} | {} |", subject.subject, subject.about);
            for column in &columns {
                let mut rows = self.rows.iter().filter(|row| row.file_system == *column);
                match rows.find(|row| row.subject == subject.subject) {
                    Some(row) => {
                        let _ = write!(text, " {} |", row.cell());
                    }
                    None => text.push_str(" |"),
                }
            }
            text.push('\n');
        }
        text
    }
}
