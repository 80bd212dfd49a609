//! What is made of the measurements: tables on the terminal and in Markdown, JSON with
//! all that was measured and where, and plots.

mod facts;
mod plot;
mod svg;
mod table;

pub use facts::Machine;
pub use plot::plots;
pub use table::{markdown, text};

use crate::case::Table;
use crate::place::Facts;
use serde::Serialize;

/// All of a run.
#[derive(Debug, Serialize)]
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
