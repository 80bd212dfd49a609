//! What is written: contents of a given length. Two versions differ in every page, so
//! that nobody gains by writing only what changed.
//!
//! Must stay what `tests/guests/replacer` makes.

const DIGITS: usize = 16;

/// Each so long part of the contents tells the version.
const PAGE: usize = 4 << 10;

/// Contents of `bytes` bytes; see [`stamp`].
pub fn of(bytes: usize, number: u64) -> Vec<u8> {
    let mut contents = vec![b'.'; bytes];
    stamp(&mut contents, number);
    contents
}

/// Makes contents the version with this number.
pub fn stamp(contents: &mut [u8], number: u64) {
    let digits = format!("{number:0DIGITS$x}");
    for page in contents.chunks_mut(PAGE) {
        let length = page.len().min(DIGITS);
        page[..length].copy_from_slice(&digits.as_bytes()[..length]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_differ() {
        assert_eq!(of(20, 255), b"00000000000000ff....");
        assert_ne!(of(256, 1), of(256, 2));
        assert_eq!(of(3, 7), b"000");
    }

    #[test]
    fn versions_differ_in_every_page() {
        let (old, new) = (of(10_000, 1), of(10_000, 2));
        let pages = old.chunks(PAGE).zip(new.chunks(PAGE));
        assert!(pages.into_iter().all(|(old, new)| old != new));
    }
}
