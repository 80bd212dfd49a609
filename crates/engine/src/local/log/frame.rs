//! The frame of a record in a log file, as bytes.
//!
//! A record is a fixed header, a payload and nothing else; it counts only if its
//! checksum is right, so that one that was cut off never happened. `docs/format.md`
//! gives every byte. Numbers are little-endian.
//!
//! | bytes | field |
//! |---|---|
//! | 4 | magic: `ABSL` |
//! | 1 | version of the format of records |
//! | 1 | kind of record |
//! | 2 | zero |
//! | 16 | generation: random, new each time a log file is begun again |
//! | 8 | index of the record within its generation |
//! | 8 | length of the payload |
//! | 32 | BLAKE3 of all the above and the payload |
//!
//! Magic, version, kind and generation keep their places in every version, so that a
//! record of a newer version is refused and never taken for the end of the log.

use std::io::{self, ErrorKind};

pub(crate) const HEADER_BYTES: usize = 72;

const MAGIC: [u8; 4] = *b"ABSL";
const VERSION: u8 = 3;
/// In this version, no effect names what was at a path before.
const EARLIER_VERSION: u8 = 2;
const CHECKED_BYTES: usize = HEADER_BYTES - 32;

/// The records of one commit, or a mark without effects.
const KIND_COMMIT: u8 = 1;

/// Nothing in this file counts any more: another file has its name.
const KIND_REPLACED: u8 = 2;

/// What tells the records of one run over a log file from those of another.
pub(crate) type Generation = [u8; 16];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    version: u8,
    kind: u8,
    pub(crate) generation: Generation,
    pub(crate) index: u64,
    pub(crate) payload_bytes: u64,
    checksum: [u8; 32],
}

/// Whether a payload is what a header was written with, not yet known.
pub(crate) struct Check<'a> {
    header: &'a Header,
    hasher: blake3::Hasher,
}

/// Room for the header at the front of a record that is being built.
pub(crate) fn begin() -> Vec<u8> {
    vec![0; HEADER_BYTES]
}

/// Fills in the header of a record that [`begin`] began and whose payload is complete.
pub(crate) fn finish(record: &mut [u8], generation: Generation, index: u64) {
    let Some((header, payload)) = record.split_at_mut_checked(HEADER_BYTES) else {
        return;
    };
    let checked = checked(
        VERSION,
        KIND_COMMIT,
        generation,
        index,
        payload.len() as u64,
    );
    let mut hasher = blake3::Hasher::new();
    hasher.update(&checked).update(payload);
    header[..CHECKED_BYTES].copy_from_slice(&checked);
    header[CHECKED_BYTES..].copy_from_slice(hasher.finalize().as_bytes());
}

/// The first bytes of a log file whose name another file has now.
pub(crate) fn replaced(generation: Generation) -> [u8; CHECKED_BYTES] {
    checked(VERSION, KIND_REPLACED, generation, 0, 0)
}

/// All of a header but the checksum.
fn checked(
    version: u8,
    kind: u8,
    generation: Generation,
    index: u64,
    payload_bytes: u64,
) -> [u8; CHECKED_BYTES] {
    let mut header = [0; CHECKED_BYTES];
    header[..4].copy_from_slice(&MAGIC);
    header[4] = version;
    header[5] = kind;
    header[8..24].copy_from_slice(&generation);
    header[24..32].copy_from_slice(&index.to_le_bytes());
    header[32..].copy_from_slice(&payload_bytes.to_le_bytes());
    header
}

impl Header {
    /// `None` if these bytes are no header; neither checksum nor version is checked
    /// yet.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields::new(bytes.get(..HEADER_BYTES)?);
        if fields.array().ok()? != MAGIC {
            return None;
        }
        let [version, kind, _, _] = fields.array().ok()?;
        Some(Self {
            version,
            kind,
            generation: fields.array().ok()?,
            index: fields.number().ok()?,
            payload_bytes: fields.number().ok()?,
            checksum: fields.array().ok()?,
        })
    }

    /// # Errors
    ///
    /// `InvalidData` if a newer version wrote this record. Only to be asked of a header
    /// whose generation is that of the log: what a guest wrote may stand behind the last
    /// record, and must not look like one.
    pub(crate) fn check_version(&self) -> io::Result<()> {
        let known = [KIND_COMMIT, KIND_REPLACED].contains(&self.kind);
        if [VERSION, EARLIER_VERSION].contains(&self.version) && known {
            return Ok(());
        }
        Err(malformed())
    }

    /// Whether another file has the name of this one.
    pub(crate) fn is_replaced(&self) -> bool {
        self.kind == KIND_REPLACED
    }

    /// Whether `payload` is what this header was written with.
    pub(crate) fn vouches_for(&self, payload: &[u8]) -> bool {
        let mut check = self.check();
        check.update(payload);
        check.holds()
    }

    /// To find out the same of a payload that comes piece by piece.
    pub(crate) fn check(&self) -> Check<'_> {
        let checked = checked(
            self.version,
            self.kind,
            self.generation,
            self.index,
            self.payload_bytes,
        );
        let mut hasher = blake3::Hasher::new();
        hasher.update(&checked);
        Check {
            header: self,
            hasher,
        }
    }
}

impl Check<'_> {
    pub(crate) fn update(&mut self, payload: &[u8]) {
        self.hasher.update(payload);
    }

    pub(crate) fn holds(&self) -> bool {
        #[cfg(test)]
        if crate::local::sim::IGNORE_CHECKSUMS.get() {
            return true;
        }
        *self.hasher.finalize().as_bytes() == self.header.checksum
    }
}

/// Adds bytes with their length before them.
pub(crate) fn put_bytes(payload: &mut Vec<u8>, bytes: &[u8]) {
    put_number(payload, bytes.len() as u64);
    payload.extend_from_slice(bytes);
}

pub(crate) fn put_number(payload: &mut Vec<u8>, number: u64) {
    payload.extend_from_slice(&number.to_le_bytes());
}

/// Takes apart what the `put` functions put together.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn number(&mut self) -> io::Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn byte(&mut self) -> io::Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or_else(malformed)?;
        self.rest = rest;
        Ok(*bytes)
    }

    pub(crate) fn bytes(&mut self) -> io::Result<&'a [u8]> {
        let length = usize::try_from(self.number()?).map_err(|_| malformed())?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or_else(malformed)?;
        self.rest = rest;
        Ok(bytes)
    }

    pub(crate) fn text(&mut self) -> io::Result<&'a str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| malformed())
    }
}

/// A record whose checksum is right but whose payload makes no sense was
/// written by another version of this program.
pub(crate) fn malformed() -> io::Error {
    io::Error::new(
        ErrorKind::InvalidData,
        "the log has a record of an unknown form; a newer version of ability-storage may have written it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(generation: Generation, index: u64, payload: &[u8]) -> Vec<u8> {
        let mut record = begin();
        record.extend_from_slice(payload);
        finish(&mut record, generation, index);
        record
    }

    #[test]
    fn a_record_vouches_for_its_payload_alone() {
        let record = encode([7; 16], 3, b"payload");
        let header = Header::decode(&record).expect("a header");
        assert_eq!((header.generation, header.index), ([7; 16], 3));
        assert_eq!(header.payload_bytes, 7);
        assert!(header.vouches_for(&record[HEADER_BYTES..]));
        assert!(!header.vouches_for(b"payloae"));
        for broken in (0..record.len()).filter(|byte| ![6, 7].contains(byte)) {
            let mut record = record.clone();
            record[broken] ^= 1;
            let whole = Header::decode(&record).is_some_and(|header| {
                header.check_version().is_ok() && header.vouches_for(&record[HEADER_BYTES..])
            });
            assert!(!whole, "byte {broken} is not checked");
        }
    }

    #[test]
    fn other_bytes_are_no_header() {
        assert!(Header::decode(&[]).is_none());
        assert!(Header::decode(&[0; 100]).is_none());
        assert!(Header::decode(&encode([0; 16], 0, b"")[..71]).is_none());
    }

    #[test]
    fn a_record_of_the_earlier_version_counts() {
        let payload = b"payload";
        let bytes = payload.len() as u64;
        let mut record = checked(EARLIER_VERSION, KIND_COMMIT, [7; 16], 3, bytes).to_vec();
        let mut hasher = blake3::Hasher::new();
        hasher.update(&record).update(payload);
        record.extend_from_slice(hasher.finalize().as_bytes());
        let header = Header::decode(&record).expect("a header");
        header.check_version().expect("known");
        assert!(header.vouches_for(payload));
    }

    #[test]
    fn newer_versions_and_kinds_are_refused() {
        for byte in [4, 5] {
            let mut record = encode([1; 16], 0, b"");
            record[byte] += 9;
            let header = Header::decode(&record).expect("still a header");
            assert!(header.check_version().is_err());
        }
    }

    #[test]
    fn fields_come_back_and_end_cleanly() {
        let mut payload = Vec::new();
        put_number(&mut payload, 42);
        put_bytes(&mut payload, "päth".as_bytes());
        let mut fields = Fields::new(&payload);
        assert_eq!(fields.number().expect("there"), 42);
        assert_eq!(fields.text().expect("there"), "päth");
        assert!(fields.is_empty() && fields.byte().is_err());
        let mut lying = Vec::new();
        put_number(&mut lying, u64::MAX);
        assert!(Fields::new(&lying).bytes().is_err());
    }
}
