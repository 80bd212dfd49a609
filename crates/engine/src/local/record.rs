//! The records of a journal, as bytes.
//!
//! A record is a fixed header, a payload and nothing else; it counts only if
//! its checksum is right, so that one that was cut off never happened. Numbers
//! are little-endian.
//!
//! | bytes | field |
//! |---|---|
//! | 8 | magic, with the version of the format: `ABSJ0001` |
//! | 16 | generation: random, new each time a journal is begun anew |
//! | 8 | index of the record within its generation |
//! | 8 | length of the payload |
//! | 32 | BLAKE3 of all the above and the payload |
//!
//! Whoever changes the format changes the magic, and keeps reading the old one.

use std::io::{self, ErrorKind};

pub(crate) const HEADER_BYTES: usize = 72;

const MAGIC: &[u8; 8] = b"ABSJ0001";
const CHECKED_BYTES: usize = HEADER_BYTES - 32;

/// What tells the records of one run over a journal from those of another.
pub(crate) type Generation = [u8; 16];

pub(crate) struct Header {
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

pub(crate) fn encode(generation: Generation, index: u64, payload: &[u8]) -> Vec<u8> {
    let checked = checked(generation, index, payload.len() as u64);
    let mut hasher = blake3::Hasher::new();
    hasher.update(&checked).update(payload);
    let mut record = Vec::with_capacity(HEADER_BYTES + payload.len());
    record.extend_from_slice(&checked);
    record.extend_from_slice(hasher.finalize().as_bytes());
    record.extend_from_slice(payload);
    record
}

/// All of a header but the checksum.
fn checked(generation: Generation, index: u64, payload_bytes: u64) -> Vec<u8> {
    let mut header = Vec::with_capacity(CHECKED_BYTES);
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&generation);
    header.extend_from_slice(&index.to_le_bytes());
    header.extend_from_slice(&payload_bytes.to_le_bytes());
    header
}

impl Header {
    /// `None` if these bytes are no header; its checksum is not checked yet.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields::new(bytes.get(..HEADER_BYTES)?);
        if fields.array().ok()? != *MAGIC {
            return None;
        }
        Some(Self {
            generation: fields.array().ok()?,
            index: fields.number().ok()?,
            payload_bytes: fields.number().ok()?,
            checksum: fields.array().ok()?,
        })
    }

    /// Whether `payload` is what this header was written with.
    pub(crate) fn vouches_for(&self, payload: &[u8]) -> bool {
        let mut check = self.check();
        check.update(payload);
        check.holds()
    }

    /// To find out the same of a payload that comes piece by piece.
    pub(crate) fn check(&self) -> Check<'_> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&checked(self.generation, self.index, self.payload_bytes));
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
        if super::sim::IGNORE_CHECKSUMS.get() {
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
        "a journal record has an unknown form; was it written by a newer version?",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_vouches_for_its_payload_alone() {
        let record = encode([7; 16], 3, b"payload");
        let header = Header::decode(&record).expect("a header");
        assert_eq!((header.generation, header.index), ([7; 16], 3));
        assert_eq!(header.payload_bytes, 7);
        assert!(header.vouches_for(&record[HEADER_BYTES..]));
        assert!(!header.vouches_for(b"payloae"));
        for broken in 0..record.len() {
            let mut record = record.clone();
            record[broken] ^= 1;
            let whole = Header::decode(&record)
                .is_some_and(|header| header.vouches_for(&record[HEADER_BYTES..]));
            assert!(!whole, "byte {broken} is not checked");
        }
    }

    #[test]
    fn what_is_no_record_is_none() {
        assert!(Header::decode(&[]).is_none());
        assert!(Header::decode(&[0; 100]).is_none());
        assert!(Header::decode(&encode([0; 16], 0, b"")[..71]).is_none());
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
