//! What is written: contents of a given length. Two versions differ everywhere, so that
//! nobody gains by writing only the pages that changed.
//!
//! Must stay what `tests/guests/replacer` makes.

const DIGITS: usize = 16;

/// Each so long part of the contents tells the version: shorter than a page of whatever
/// database, less what else it keeps there.
const PART: usize = 256;

/// Contents of `bytes` bytes; see [`stamp`].
pub fn of(bytes: usize, number: u64) -> Vec<u8> {
    let mut contents = vec![b'.'; bytes];
    stamp(&mut contents, number);
    contents
}

/// Makes contents the version with this number.
pub fn stamp(contents: &mut [u8], number: u64) {
    let digits = format!("{number:0DIGITS$x}");
    for part in contents.chunks_mut(PART) {
        let length = part.len().min(DIGITS);
        part[..length].copy_from_slice(&digits.as_bytes()[..length]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_have_their_length_and_tell_their_version() {
        assert_eq!(of(20, 255), b"00000000000000ff....");
        assert_eq!(of(3, 7), b"000");
    }

    #[test]
    fn versions_differ_everywhere() {
        let (old, new) = (of(10_000, 1), of(10_000, 2));
        let parts = old.chunks(PART).zip(new.chunks(PART));
        assert!(parts.into_iter().all(|(old, new)| old != new));
    }
}
