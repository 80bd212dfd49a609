//! How much the log has that is not durable in the files yet, for a monitor.

use super::super::directory::Directory;
use super::LogReader;
use super::record::{Effect, Record};

/// What is in the log alone, or not known to be anywhere else on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lag {
    pub(crate) records: u64,
    /// Of contents: in the records, and staged for them.
    pub(crate) bytes: u64,
}

impl Lag {
    /// One more record.
    pub(super) fn add(&mut self, record: &Record) {
        let bytes = record.effects.iter().map(|(_, effect)| match effect {
            Effect::Remove | Effect::Former(_) => 0,
            Effect::Append(append) => append.more.len() as u64,
            Effect::Put(put) => put.contents.bytes(),
        });
        self.records += 1;
        // A damaged record may claim any length.
        self.bytes = bytes.fold(self.bytes, u64::saturating_add);
    }
}

impl<D: Directory> LogReader<D> {
    /// The lag, as far as this session has followed the log.
    pub(crate) fn lag(&self) -> Lag {
        self.state().pending.lag()
    }
}
