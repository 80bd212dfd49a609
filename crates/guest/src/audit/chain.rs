//! The hash chain: links that each name the hash of the one before, so that none
//! can be changed, dropped or moved without breaking the next.
//!
//! Pure: nothing here may touch a file or a clock.

use super::gap::Break;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

/// A SHA-256 hash. As text, 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// What comes before the first record.
    pub const ZERO: Self = Self([0; 32]);

    /// The hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    pub(super) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(super) fn bytes(&self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let digit = |c: u8| match c {
            b'0'..=b'9' => Ok(c - b'0'),
            b'a'..=b'f' => Ok(c - b'a' + 10),
            _ => Err(HashError),
        };
        let digits: &[u8; 64] = text.as_bytes().try_into().map_err(|_| HashError)?;
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(hash))
    }
}

/// The text is not that of a [`struct@Hash`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hash has 64 lowercase hexadecimal digits")]
pub struct HashError;

/// One record of a chain, as far as the chain is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// 1 for the first record, then one more each time.
    pub sequence: u64,
    /// The hash of the record before; zeros for the first.
    pub previous: Hash,
    /// The hash of what was recorded.
    pub payload: Hash,
    /// When, in seconds since 1970-01-01T00:00:00Z.
    pub time: u64,
}

impl Link {
    /// The hash of the record: SHA-256 over exactly 80 bytes, which are sequence
    /// (8), previous (32), payload (32) and time (8), numbers with the most
    /// significant byte first. As every field has a fixed length, no two records
    /// have the same encoding.
    pub fn hash(&self) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update(self.sequence.to_be_bytes());
        hasher.update(self.previous.0);
        hasher.update(self.payload.0);
        hasher.update(self.time.to_be_bytes());
        Hash(hasher.finalize().into())
    }

    /// The head of a chain that ends with this record.
    pub(super) fn head(&self) -> Head {
        Head {
            count: self.sequence,
            hash: self.hash(),
        }
    }
}

/// Where a chain ends: how many records it has, and the hash of the last.
///
/// A head that was kept elsewhere shows later that no record up to it was changed or
/// removed: [`AuditLog::verify_with_head`](crate::AuditLog::verify_with_head). As text,
/// which can be parsed again, it is the count and the hash with a space between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many records there are.
    pub count: u64,
    /// The hash of the last record; zeros if there is none.
    pub hash: Hash,
}

impl Head {
    /// The head of a chain without records.
    pub const START: Self = Self {
        count: 0,
        hash: Hash::ZERO,
    };

    /// The link of a record of `payload` that follows this head.
    pub fn link(&self, payload: &[u8], time: u64) -> Link {
        Link {
            // Saturating, because a head may come from a file that nobody
            // verified; counting does not get there.
            sequence: self.count.saturating_add(1),
            previous: self.hash,
            payload: Hash::of(payload),
            time,
        }
    }

    /// Makes this the head after `link`, if `link` follows it.
    ///
    /// # Errors
    ///
    /// [`Broken`] if it does not; the head is as it was.
    pub fn follow(&mut self, link: &Link) -> Result<(), Broken> {
        let sequence = self.count.saturating_add(1);
        let broken = |reason| Broken {
            record: sequence,
            reason,
        };
        if link.sequence != sequence {
            return Err(broken(format!("its sequence is {}", link.sequence)));
        }
        if link.previous != self.hash {
            return Err(broken(format!(
                "it follows {}, but the hash of the record before is {}",
                link.previous, self.hash
            )));
        }
        *self = link.head();
        Ok(())
    }
}

/// What a chain lacks of one that ended here once.
impl Head {
    /// What is wrong with a chain that has just come to `head`.
    pub(super) fn missing_at(&self, head: Head, last_break: Option<&Break>) -> Option<Broken> {
        if let Some(recorded) = last_break
            && recorded.record > self.count
        {
            let Broken { record, reason } = &recorded.broken;
            return Some(Broken {
                record: *record,
                reason: format!("{reason}; record {} says so", recorded.record),
            });
        }
        let is_other = head.count == self.count && head.hash != self.hash;
        is_other.then(|| Broken {
            record: self.count,
            reason: format!(
                "its hash is {}, but the head that was kept says {}",
                head.hash, self.hash
            ),
        })
    }

    /// What is wrong with a chain that ends at `end`.
    pub(super) fn missing_behind(&self, end: Head) -> Option<Broken> {
        (end.count < self.count).then(|| Broken {
            record: end.count.saturating_add(1),
            reason: format!(
                "it is missing, for the head that was kept counts {} records",
                self.count
            ),
        })
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.count, self.hash)
    }
}

impl FromStr for Head {
    type Err = HeadError;

    fn from_str(text: &str) -> Result<Self, HeadError> {
        let (count, hash) = text.split_once(' ').ok_or(HeadError)?;
        let head = Self {
            count: count.parse().map_err(|_| HeadError)?,
            hash: hash.parse().map_err(|_| HeadError)?,
        };
        // One text for each head, and no hash where there are no records.
        let is_start = head.count == 0;
        let is_valid = head.to_string() == text && is_start == (head.hash == Hash::ZERO);
        is_valid.then_some(head).ok_or(HeadError)
    }
}

/// The text is not that of a [`Head`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a head is a number of records, a space, and the hash of the last one")]
pub struct HeadError;

/// Where a chain is broken first, and how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("broken at record {record}: {reason}")]
pub struct Broken {
    /// The sequence that the record should have.
    pub record: u64,
    /// In words for a person.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(payloads: &[&str]) -> Vec<Link> {
        let mut head = Head::START;
        payloads
            .iter()
            .zip(1_764_000_000..)
            .map(|(payload, time)| {
                let link = head.link(payload.as_bytes(), time);
                head.follow(&link).unwrap();
                link
            })
            .collect()
    }

    fn verify(links: &[Link]) -> Result<Head, Broken> {
        let mut head = Head::START;
        links.iter().try_for_each(|link| head.follow(link))?;
        Ok(head)
    }

    fn broken_at(links: &[Link]) -> u64 {
        verify(links).unwrap_err().record
    }

    #[test]
    fn a_chain_of_any_length_holds() {
        assert_eq!(verify(&[]), Ok(Head::START));
        let links = links(&["a", "b", "", "b"]);
        for count in 1..=4 {
            let head = verify(&links[..count]).unwrap();
            assert_eq!(head.count, count as u64);
            assert_eq!(head.hash, links[count - 1].hash());
        }
    }

    #[test]
    fn the_hash_is_the_documented_one() {
        // Python: hashlib.sha256(struct.pack(">Q", 1) + bytes(32)
        //         + hashlib.sha256(b"a").digest() + struct.pack(">Q", 1764000000))
        assert_eq!(
            links(&["a"])[0].hash().to_string(),
            "7586f96b736a76c54d3c67d66fa568ce08c07a4000d8055bbcb1ae58ad98dea2"
        );
    }

    #[test]
    fn whatever_is_changed_breaks_the_next_link() {
        let changes: [fn(&mut Link); 2] =
            [|link| link.payload = Hash::of(b"B"), |link| link.time += 1];
        for change in changes {
            let mut links = links(&["a", "b", "c"]);
            change(&mut links[1]);
            assert_eq!(broken_at(&links), 3);
        }
        let mut links = links(&["a", "b", "c"]);
        links[1].previous = Hash::ZERO;
        assert_eq!(broken_at(&links), 2);
    }

    #[test]
    fn a_dropped_record_is_found() {
        for dropped in 0..2 {
            let mut links = links(&["a", "b", "c"]);
            links.remove(dropped);
            assert_eq!(broken_at(&links), dropped as u64 + 1);
        }
    }

    #[test]
    fn swapped_and_repeated_records_are_found() {
        let mut swapped = links(&["a", "b", "c"]);
        swapped.swap(1, 2);
        assert_eq!(broken_at(&swapped), 2);
        // Also where they were numbered anew.
        swapped[1].sequence = 2;
        swapped[2].sequence = 3;
        assert_eq!(broken_at(&swapped), 2);
        let mut repeated = links(&["a", "b"]);
        repeated.push(repeated[1]);
        assert_eq!(broken_at(&repeated), 3);
    }

    #[test]
    fn a_link_that_does_not_follow_leaves_the_head() {
        let links = links(&["a", "b"]);
        let mut head = Head::START;
        head.follow(&links[1]).unwrap_err();
        assert_eq!(head, Head::START);
    }

    #[test]
    fn a_head_comes_back_from_its_text() {
        let head = verify(&links(&["a", "b"])).unwrap();
        for head in [Head::START, head] {
            assert_eq!(head.to_string().parse(), Ok(head));
        }
        let text = head.to_string();
        for wrong in [
            "",
            "2",
            &text[1..],
            &format!("0{text}"),
            &format!("+{text}"),
            &format!("{text} "),
            &text.replace(' ', "  "),
            &text.replacen('2', "0", 1),
            &Head::START.to_string().replacen('0', "1", 1),
        ] {
            assert_eq!(wrong.parse::<Head>(), Err(HeadError), "{wrong}");
        }
    }

    #[test]
    fn a_hash_has_one_way_to_be_written() {
        let hash = Hash::of(b"a");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        for wrong in [
            String::new(),
            hash.to_string().to_uppercase(),
            hash.to_string()[1..].to_owned(),
            format!("{hash}0"),
            "g".repeat(64),
            "é".repeat(32),
        ] {
            assert_eq!(wrong.parse::<Hash>(), Err(HashError), "{wrong}");
        }
    }
}
