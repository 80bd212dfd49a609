//! Bytes in a log that do not follow the chain, and the record that continues the chain
//! behind them.
//!
//! Pure: nothing here may touch a file or a clock.

use super::chain::{Broken, Hash, Head, Link};
use super::line::Record;
use sha2::{Digest as _, Sha256};

/// Ends a line that has no end, without making a record of it: no line of a record has
/// a tab.
const END_OF_TORN_LINE: &[u8] = b"\t\n";

/// A break that [`AuditLog::continue_broken`](crate::AuditLog::continue_broken) has
/// recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// The sequence of the record that continues the chain.
    pub record: u64,
    /// What was found where the chain broke.
    pub broken: Broken,
    /// How many bytes stand between the last record that follows the chain and the one
    /// that continues it.
    pub bytes: u64,
}

/// The bytes behind the last record that follows the chain.
#[derive(Clone, Debug)]
pub(super) struct Gap {
    /// The last record that follows.
    head: Head,
    pub(super) broken: Broken,
    pub(super) bytes: u64,
    ends_in_line_feed: bool,
    hasher: Sha256,
}

impl Gap {
    pub(super) fn new(head: Head, broken: Broken) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"ability-storage audit break\n");
        hasher.update(head.count.to_be_bytes());
        hasher.update(head.hash.bytes());
        Self {
            head,
            broken,
            bytes: 0,
            ends_in_line_feed: true,
            hasher,
        }
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        self.ends_in_line_feed = bytes.last() == Some(&b'\n');
    }

    /// The line that continues the chain behind these bytes, and the head after it.
    pub(super) fn continued(&self, time: u64) -> (Vec<u8>, Head) {
        let mut gap = self.clone();
        let mut line = Vec::new();
        if !gap.ends_in_line_feed {
            // These belong to the bytes that do not follow.
            line.extend_from_slice(END_OF_TORN_LINE);
            gap.add(END_OF_TORN_LINE);
        }
        let payload = format!(
            "the chain is {}; {} bytes that do not follow it were left in their place",
            gap.broken, gap.bytes
        );
        let link = Link {
            sequence: gap.sequence(),
            previous: gap.hash(),
            payload: Hash::of(payload.as_bytes()),
            time,
        };
        let payload = payload.into_bytes();
        line.extend_from_slice(Record { link, payload }.to_line().as_bytes());
        (line, link.head())
    }

    /// The record of this line, if it continues the chain behind these bytes.
    pub(super) fn continued_by(&self, line: &[u8]) -> Option<(Record, Break)> {
        let record = Record::from_line(line).ok()?;
        let link = &record.link;
        if link.sequence != self.sequence() || link.previous != self.hash() {
            return None;
        }
        let recorded = Break {
            record: link.sequence,
            broken: self.broken.clone(),
            bytes: self.bytes,
        };
        Some((record, recorded))
    }

    fn sequence(&self) -> u64 {
        self.head.count.saturating_add(1)
    }

    /// What the record that continues the chain names in place of the hash of the record
    /// before: SHA-256 over `ability-storage audit break` and a line feed, the count (8,
    /// most significant byte first) and the hash (32) of the head, and all bytes that do
    /// not follow it.
    fn hash(&self) -> Hash {
        Hash::from_bytes(self.hasher.clone().finalize().into())
    }
}
