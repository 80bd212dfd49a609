//! What an append is to do, as its record says it, and doing it.

use super::super::directory::{Directory, FileHandle};
use super::super::record::{Fields, malformed, put_bytes, put_number};
use super::super::tree::Tree;
use crate::FilePath;
use std::borrow::Cow;
use std::io;
use std::ops::Range;

/// How much of what stands before an append its record vouches for, in bytes.
pub(crate) const FENCE_BYTES: u64 = 256;

/// What an append is to do.
pub(crate) struct Append<'a> {
    pub(crate) path: Cow<'a, FilePath>,
    pub(crate) offset: u64,
    pub(crate) fence: [u8; 32],
    pub(crate) contents: &'a [u8],
}

impl Append<'_> {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut payload = Vec::with_capacity(self.contents.len() + FilePath::MAX_BYTES);
        put_bytes(&mut payload, self.path.as_str().as_bytes());
        put_number(&mut payload, self.offset);
        payload.extend_from_slice(&self.fence);
        put_bytes(&mut payload, self.contents);
        payload
    }

    pub(super) fn decode(payload: &[u8]) -> io::Result<Append<'_>> {
        let mut fields = Fields::new(payload);
        let path = FilePath::new(fields.text()?).map_err(|_| malformed())?;
        let append = Append {
            path: Cow::Owned(path),
            offset: fields.number()?,
            fence: fields.array()?,
            contents: fields.bytes()?,
        };
        let end = append.offset.checked_add(append.contents.len() as u64);
        end.map(|_| append).ok_or_else(malformed)
    }

    pub(super) fn place(&self) -> Range<u64> {
        self.offset..self.offset + self.contents.len() as u64
    }

    pub(super) fn apply(&self, file: &impl FileHandle) -> io::Result<()> {
        file.write_all_at(self.contents, self.offset)
    }

    pub(super) fn is_applied<D: Directory>(&self, tree: &Tree<D>) -> io::Result<bool> {
        let Some(file) = tree.open_to_change(&self.path)? else {
            return Ok(true);
        };
        Ok(self.there(&file)? == *self.contents)
    }

    /// What is in the file where the append belongs.
    fn there(&self, file: &impl FileHandle) -> io::Result<Vec<u8>> {
        let mut there = vec![0; self.contents.len()];
        let read = file.read_all_at(&mut there, self.offset)?;
        there.truncate(read);
        Ok(there)
    }

    /// Whether the file is still the one that the append was for. A kill or a power
    /// cut leaves of an append any part of it, and zeros or nothing for the rest;
    /// other bytes, before it or in its place, are somebody else's.
    fn belongs_to(&self, file: &impl FileHandle) -> io::Result<bool> {
        if file.stat()?.size < self.offset || fence(file, self.offset)? != self.fence {
            return Ok(false);
        }
        let there = self.there(file)?;
        let mut pairs = there.iter().zip(self.contents);
        Ok(pairs.all(|(there, ours)| there == ours || *there == 0))
    }

    /// Makes the append, or makes it once more, unless the file is no longer the
    /// one it was for.
    pub(crate) fn roll_forward<D: Directory>(&self, tree: &Tree<D>) -> io::Result<()> {
        let Some(file) = tree.open_to_change(&self.path)? else {
            tracing::warn!(path = %self.path, "a file that was appended to is gone; the append was not repeated");
            return Ok(());
        };
        if !self.belongs_to(&file)? {
            tracing::warn!(path = %self.path, "a file that was appended to was changed by another program; the append was not repeated");
            return Ok(());
        }
        self.apply(&file)
    }
}

/// Stands for what is in the file right before `offset`.
pub(crate) fn fence(file: &impl FileHandle, offset: u64) -> io::Result<[u8; 32]> {
    let mut before = vec![0; offset.min(FENCE_BYTES) as usize];
    let start = offset - before.len() as u64;
    let read = file.read_all_at(&mut before, start)?;
    Ok(fence_of(&before[..read]))
}

/// Stands for these bytes, which are all that is before an append or the last
/// [`FENCE_BYTES`] of it.
pub(crate) fn fence_of(before: &[u8]) -> [u8; 32] {
    *blake3::hash(before).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_append_has_a_place() {
        let mut append = Append {
            path: Cow::Owned(FilePath::new("log").expect("valid")),
            offset: u64::MAX - 2,
            fence: [0; 32],
            contents: b"12",
        };
        let record = append.encode();
        let decoded = Append::decode(&record).expect("just so");
        assert_eq!(decoded.place(), u64::MAX - 2..u64::MAX);
        append.contents = b"123";
        assert!(Append::decode(&append.encode()).is_err());
    }
}
