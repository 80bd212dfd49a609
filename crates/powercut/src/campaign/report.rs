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
}
