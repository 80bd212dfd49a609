//! The hash chain: records that each name the hash of the one before, so that no
//! record can be changed, dropped or moved without breaking a link.
//!
//! Pure: nothing here may touch a file or a clock.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// A SHA-256 hash. In JSON, 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash([u8; 32]);

impl Hash {
    /// What comes before the first record.
    pub const ZERO: Self = Self([0; 32]);

    /// The hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for Hash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a hash of 64 lowercase hexadecimal digits");
        let digit = |c: u8| match c {
            b'0'..=b'9' => Ok(c - b'0'),
            b'a'..=b'f' => Ok(c - b'a' + 10),
            _ => Err(wrong()),
        };
        let digits: &[u8; 64] = text.as_bytes().try_into().map_err(|_| wrong())?;
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(hash))
    }
}

/// One link of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// 1 for the first record, then one more each time.
    pub sequence: u64,
    /// The hash of the record before; zeros for the first.
    pub previous: Hash,
    /// The hash of the line that was recorded, without its line feed.
    pub payload: Hash,
    /// When, in seconds since 1970-01-01T00:00:00Z.
    pub time: u64,
}

impl Record {
    /// SHA-256 over exactly 80 bytes: sequence (8), previous (32), payload (32),
    /// time (8), the numbers with the most significant byte first. As every field
    /// has a fixed length, no two records have the same encoding.
    pub fn hash(&self) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update(self.sequence.to_be_bytes());
        hasher.update(self.previous.0);
        hasher.update(self.payload.0);
        hasher.update(self.time.to_be_bytes());
        Hash(hasher.finalize().into())
    }
}

/// The whole chain, as the file holds it. Head and count stand at the end of the
/// file, so that one that is cut off has neither.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    records: Vec<Record>,
    head: Hash,
    count: u64,
}

/// Where a chain is broken first, and how.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken {
    /// The sequence that the record should have; 0 if it is the file as a whole.
    pub record: u64,
    /// In words for a person.
    pub reason: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken at record {}: {}", self.record, self.reason)
    }
}

impl std::error::Error for Broken {}

impl Chain {
    /// A chain without records.
    pub fn empty() -> Self {
        Self {
            records: Vec::new(),
            head: Hash::ZERO,
            count: 0,
        }
    }

    /// Reads a chain from its file, without verifying its links.
    pub fn parse(json: &[u8]) -> Result<Self, Broken> {
        serde_json::from_slice(json).map_err(|error| Broken {
            record: 0,
            reason: format!("the file does not hold a chain: {error}"),
        })
    }

    /// What to write into the file.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }

    /// How many records there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The hash of the last record; zeros if there is none.
    pub fn head(&self) -> Hash {
        self.head
    }

    /// Adds a record of `line` at its end.
    pub fn push(&mut self, line: &[u8], time: u64) {
        let record = Record {
            // Saturating: the old way adds to a chain that nobody verified.
            sequence: self.count.saturating_add(1),
            previous: self.head,
            payload: Hash::of(line),
            time,
        };
        self.count = record.sequence;
        self.head = record.hash();
        self.records.push(record);
    }

    /// Checks every link, then the count, then the head.
    pub fn verify(&self) -> Result<(), Broken> {
        let mut previous = Hash::ZERO;
        let mut sequence = 0;
        for record in &self.records {
            sequence += 1;
            let broken = |reason| {
                Err(Broken {
                    record: sequence,
                    reason,
                })
            };
            if record.sequence != sequence {
                return broken(format!("its sequence is {}", record.sequence));
            }
            if record.previous != previous {
                return broken(format!(
                    "it follows {}, but the hash of the record before is {previous}",
                    record.previous
                ));
            }
            previous = record.hash();
        }
        if self.count != sequence {
            return Err(Broken {
                // The first record that is missing, or the first one too many.
                record: self.count.min(sequence).saturating_add(1),
                reason: format!("the count is {}, but there are {sequence}", self.count),
            });
        }
        if self.head != previous {
            return Err(Broken {
                record: sequence,
                reason: format!("its hash is {previous}, but the head is {}", self.head),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain_of(lines: &[&str]) -> Chain {
        let mut chain = Chain::empty();
        for (line, time) in lines.iter().zip(1_764_000_000..) {
            chain.push(line.as_bytes(), time);
        }
        chain
    }

    fn broken_at(chain: &Chain) -> u64 {
        chain.verify().unwrap_err().record
    }

    #[test]
    fn a_chain_of_any_length_verifies() {
        assert_eq!(Chain::empty().verify(), Ok(()));
        assert_eq!(chain_of(&["a"]).verify(), Ok(()));
        let chain = chain_of(&["a", "b", "", "b"]);
        assert_eq!(chain.verify(), Ok(()));
        assert_eq!(chain.count(), 4);
        assert_eq!(chain.head(), chain.records[3].hash());
    }

    #[test]
    fn the_hash_is_the_documented_one() {
        // Python: hashlib.sha256(struct.pack(">Q", 1) + bytes(32)
        //         + hashlib.sha256(b"a").digest() + struct.pack(">Q", 1764000000))
        let chain = chain_of(&["a"]);
        assert_eq!(
            chain.head().to_string(),
            "7586f96b736a76c54d3c67d66fa568ce08c07a4000d8055bbcb1ae58ad98dea2"
        );
    }

    #[test]
    fn a_chain_survives_its_file() {
        let chain = chain_of(&["a", "b"]);
        let json = chain.to_json().unwrap();
        assert_eq!(Chain::parse(&json), Ok(chain));
        assert!(json.ends_with(b",\"count\":2}"));
    }

    #[test]
    fn a_changed_payload_is_found() {
        let mut chain = chain_of(&["a", "b", "c"]);
        chain.records[1].payload = Hash::of(b"B");
        // Record 2 itself looks well: it is record 3 that no longer follows it.
        assert_eq!(broken_at(&chain), 3);
        let mut chain = chain_of(&["a", "b", "c"]);
        chain.records[2].payload = Hash::of(b"C");
        assert_eq!(broken_at(&chain), 3);
    }

    #[test]
    fn a_changed_time_is_found() {
        let mut chain = chain_of(&["a", "b"]);
        chain.records[0].time += 1;
        assert_eq!(broken_at(&chain), 2);
    }

    #[test]
    fn a_dropped_record_is_found() {
        for dropped in 0..3 {
            let mut chain = chain_of(&["a", "b", "c"]);
            chain.records.remove(dropped);
            assert_eq!(broken_at(&chain), dropped as u64 + 1);
            // Also where the count was changed to match.
            chain.count = 2;
            assert!(chain.verify().is_err());
        }
    }

    #[test]
    fn swapped_records_are_found() {
        let mut chain = chain_of(&["a", "b", "c"]);
        chain.records.swap(1, 2);
        assert_eq!(broken_at(&chain), 2);
        // Also where they were numbered anew.
        chain.records[1].sequence = 2;
        chain.records[2].sequence = 3;
        assert_eq!(broken_at(&chain), 2);
    }

    #[test]
    fn a_wrong_count_is_found() {
        let mut chain = chain_of(&["a", "b"]);
        chain.count = 3;
        assert_eq!(broken_at(&chain), 3);
        chain.count = 1;
        assert_eq!(broken_at(&chain), 2);
        chain.count = u64::MAX;
        assert_eq!(broken_at(&chain), 3);
    }

    #[test]
    fn a_wrong_head_is_found() {
        let mut chain = chain_of(&["a", "b"]);
        chain.head = chain.records[0].hash();
        assert_eq!(broken_at(&chain), 2);
        let mut empty = Chain::empty();
        empty.head = Hash::of(b"a");
        assert_eq!(broken_at(&empty), 0);
    }

    #[test]
    fn a_torn_file_is_found_wherever_it_is_cut() {
        let json = chain_of(&["a", "b"]).to_json().unwrap();
        for cut in 0..json.len() {
            let error = Chain::parse(&json[..cut]).unwrap_err();
            assert_eq!(error.record, 0);
        }
    }

    #[test]
    fn a_hash_has_one_way_to_be_written() {
        let hash = Hash::of(b"a");
        assert_eq!(Hash::try_from(hash.to_string()), Ok(hash));
        for wrong in [
            String::new(),
            hash.to_string().to_uppercase(),
            hash.to_string()[1..].to_owned(),
            format!("{hash}0"),
            "g".repeat(64),
            "é".repeat(32),
        ] {
            assert!(Hash::try_from(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
