//! What is made of the measurements: tables on the terminal and in Markdown, JSON with
//! all that was measured and where, and plots.

mod facts;
mod plot;
mod summary;
mod svg;
mod table;

pub use facts::Machine;
pub use plot::plots;
pub use table::text;

use crate::case::Table;
use crate::contestant::LEGEND;
use crate::place::Facts;
use serde::{Deserialize, Serialize};

/// All of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    pub machine: Machine,
    pub quick: bool,
    pub rounds: usize,
    pub places: Vec<Facts>,
    pub tables: Vec<Table>,
    /// Places that could not be measured in, and why.
    pub skipped: Vec<String>,
    /// Cases that failed, and why.
    pub failed: Vec<String>,
    pub seconds: f64,
}

impl Report {
    /// All tables in Markdown, with where they were measured.
    pub fn markdown(&self) -> String {
        let places = self.places.iter().map(|place| {
            let Facts {
                name,
                file_system,
                options,
                backing,
            } = place;
            format!("- {name}: {file_system} on {backing}, mounted `{options}`\n")
        });
        let places: String = places.collect();
        let warning = self.machine.warning();
        let warning = warning.map_or(String::new(), |warning| format!("\n\n{warning}."));
        format!(
            "# All tables\n\nWritten by `cargo xtask bench --plot`. {}; {} rounds{}. {}.{}\n\n{}\n{LEGEND}; \
             fl.: flushes of the device for each operation.\n\n## Medians by place\n{}\n\
             ## Each place\n{}",
            self.machine.line(),
            self.rounds,
            if self.quick { ", `--quick`" } else { "" },
            self.machine.versions(),
            warning,
            places,
            summary::summary(&self.tables),
            table::markdown(&self.tables)
        )
    }
}

/// The tables that are about the same at different places, together.
fn by_part(tables: &[Table]) -> Vec<(&str, Vec<&Table>)> {
    let mut parts: Vec<(&str, Vec<&Table>)> = Vec::new();
    for table in tables {
        match parts.iter_mut().find(|(part, _)| *part == table.part) {
            Some((_, tables)) => tables.push(table),
            None => parts.push((&table.part, vec![table])),
        }
    }
    parts
}
