//! The chain as one JSON document, records and head together.
//!
//! What a link is and when it follows the one before, the SDK says, for this form
//! and for the one in lines. Pure: nothing here may touch a file or a clock.

use ability_storage_guest::audit::{Broken, Hash, Head, Link};
use serde::{Deserialize, Serialize};

/// One link of the chain, with its hashes as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    sequence: u64,
    #[serde(with = "text")]
    previous: Hash,
    #[serde(with = "text")]
    payload: Hash,
    time: u64,
}

impl Record {
    fn link(&self) -> Link {
        Link {
            sequence: self.sequence,
            previous: self.previous,
            payload: self.payload,
            time: self.time,
        }
    }
}

impl From<Link> for Record {
    fn from(link: Link) -> Self {
        Self {
            sequence: link.sequence,
            previous: link.previous,
            payload: link.payload,
            time: link.time,
        }
    }
}

/// A hash as the text that it prints.
mod text {
    use super::Hash;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(hash: &Hash, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(hash)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// The whole chain, as the file holds it. Head and count stand at the end of the
/// file, so that one that is cut off has neither.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    records: Vec<Record>,
    #[serde(with = "text")]
    head: Hash,
    count: u64,
}

impl Chain {
    /// A chain without records.
    pub fn empty() -> Self {
        Self {
            records: Vec::new(),
            head: Head::START.hash,
            count: Head::START.count,
        }
    }

    /// Reads a chain from its file, without verifying its links. An error is
    /// about record 0, which stands for the file as a whole.
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

    /// Where the chain ends, as the file says.
    pub fn head(&self) -> Head {
        Head {
            count: self.count,
            hash: self.head,
        }
    }

    /// Adds a record of `line` at its end.
    pub fn push(&mut self, line: &[u8], time: u64) {
        let link = self.head().link(line, time);
        self.count = link.sequence;
        self.head = link.hash();
        self.records.push(link.into());
    }

    /// Checks every link, then the count, then the head.
    pub fn verify(&self) -> Result<(), Broken> {
        self.verify_with_head(Head::START)
    }

    /// The same, and that every record is there that was when the chain had the head
    /// `kept`.
    pub fn verify_with_head(&self, kept: Head) -> Result<(), Broken> {
        let mut end = Head::START;
        for record in &self.records {
            end.follow(&record.link())?;
            if end.count == kept.count && end.hash != kept.hash {
                let reason = format!(
                    "its hash is {}, but the head that was kept says {}",
                    end.hash, kept.hash
                );
                return Err(Broken {
                    record: kept.count,
                    reason,
                });
            }
        }
        if end.count < kept.count {
            let count = kept.count;
            return Err(Broken {
                record: end.count.saturating_add(1),
                reason: format!("it is missing, for the head that was kept counts {count} records"),
            });
        }
        if self.count != end.count {
            return Err(Broken {
                // The first record that is missing, or the first one too many.
                record: self.count.min(end.count).saturating_add(1),
                reason: format!("the count is {}, but there are {}", self.count, end.count),
            });
        }
        if self.head != end.hash {
            return Err(Broken {
                record: end.count,
                reason: format!("its hash is {}, but the head is {}", end.hash, self.head),
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
        assert_eq!(chain.head().count, 4);
        assert_eq!(chain.head().hash, chain.records[3].link().hash());
    }

    #[test]
    fn a_chain_survives_its_file() {
        let chain = chain_of(&["a", "b"]);
        let json = chain.to_json().unwrap();
        assert_eq!(Chain::parse(&json), Ok(chain));
        assert!(json.ends_with(b",\"count\":2}"));
    }

    #[test]
    fn a_kept_head_shows_what_is_missing() {
        let kept = chain_of(&["a", "b", "c"]).head();
        let verify = |lines: &[&str]| chain_of(lines).verify_with_head(kept);
        assert_eq!(verify(&["a", "b", "c"]), Ok(()));
        assert_eq!(verify(&["a", "b", "c", "d"]), Ok(()));
        assert_eq!(verify(&["a", "b"]).unwrap_err().record, 3);
        assert_eq!(verify(&[]).unwrap_err().record, 1);
        assert_eq!(verify(&["a", "b", "C", "d"]).unwrap_err().record, 3);
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
        chain.head = chain.records[0].link().hash();
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
}
