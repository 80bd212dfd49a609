//! What a workload was promised, and whether what is left keeps it.
//!
//! | module | holds |
//! |---|---|
//! | `files` | files by their paths |
//! | `history` | what was begun and what was acknowledged, in the order of the disk's log |
//! | `sequence` | files of one writer, who does one thing after another |
//! | `lines` | a log to which several append, in no order known beforehand |
//! | `records` | records in files that other programs change, too |
//! | `violation` | the ways in which a promise is broken |

pub mod files;
pub mod history;
pub mod lines;
pub mod records;
pub mod sequence;
pub mod violation;

pub use files::Files;
pub use history::{Answer, History, Recorder};
pub use lines::Lines;
pub use records::Records;
pub use sequence::Sequence;
pub use violation::{Kind, Violation};

use serde::{Deserialize, Serialize};

/// How far one change had come when the power was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    NotBegun,
    /// It may be there, whole, or not at all.
    Begun,
    /// It must be there.
    Acknowledged,
    /// It was answered that nothing is changed: it must not be there.
    NotApplied,
}

/// All that may be left at one moment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Expectation {
    pub sequences: Vec<Sequence>,
    pub lines: Vec<Lines>,
    #[serde(default)]
    pub records: Vec<Records>,
}

impl Expectation {
    /// Compares all that is left with what may be left.
    ///
    /// # Errors
    ///
    /// The first violation that is found.
    pub fn judge(&self, left: &Files) -> Result<(), Violation> {
        for lines in &self.lines {
            lines.judge(left.get(lines.path()))?;
        }
        for sequence in &self.sequences {
            sequence.judge(&left.under(sequence.owns()))?;
        }
        for records in &self.records {
            records.judge(&left.under(records.owns()))?;
        }
        match left.paths().find(|path| !self.knows(path)) {
            Some(path) => Err(Violation::new(
                Kind::Extra,
                format!("there is a file {path} that nobody wrote"),
            )),
            None => Ok(()),
        }
    }

    /// Whether a change was begun that was not acknowledged yet.
    pub fn is_in_the_middle(&self) -> bool {
        let lines = self.lines.iter().flat_map(Lines::statuses);
        let steps = self.sequences.iter().flat_map(Sequence::statuses);
        lines.chain(steps).any(|status| status == Status::Begun)
    }

    /// The paths at and under which there may be files.
    pub fn owners(&self) -> Vec<String> {
        let lines = self.lines.iter().map(|lines| lines.path().to_owned());
        let owned = self.sequences.iter().flat_map(Sequence::owns).cloned();
        let records = self.records.iter().flat_map(Records::owns).cloned();
        lines.chain(owned).chain(records).collect()
    }

    fn knows(&self, path: &str) -> bool {
        let records = self.records.iter().flat_map(Records::owns);
        let mut owned = self
            .sequences
            .iter()
            .flat_map(Sequence::owns)
            .chain(records);
        owned.any(|owner| files::is_at_or_under(path, owner))
            || self.lines.iter().any(|lines| lines.path() == path)
    }
}
