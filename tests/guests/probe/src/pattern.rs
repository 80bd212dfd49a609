//! Bytes that tell where in a file they belong, and in a file of which length:
//! so that a reader knows without keeping anything whether a part is missing, in
//! the wrong place, or of another version of another length.

/// The bytes of a file of one length, from its start to its end.
pub struct Pattern {
    length: u64,
    position: u64,
}

impl Pattern {
    pub fn new(length: u64) -> Self {
        Self {
            length,
            position: 0,
        }
    }

    /// Makes `bytes` the next ones.
    pub fn fill(&mut self, mut bytes: &mut [u8]) {
        while !bytes.is_empty() {
            let word = mix(self.length, self.position / 8).to_le_bytes();
            // The first and the last part may be less than a word.
            let word = &word[(self.position % 8) as usize..];
            let (part, rest) = bytes.split_at_mut(word.len().min(bytes.len()));
            part.copy_from_slice(&word[..part.len()]);
            self.position += part.len() as u64;
            bytes = rest;
        }
    }

    /// Whether `bytes` are the next ones.
    pub fn matches(&mut self, bytes: &[u8]) -> bool {
        let mut expected = vec![0; bytes.len()];
        self.fill(&mut expected);
        bytes == expected
    }
}

/// The finisher of SplitMix64: no two words of one file are the same.
fn mix(length: u64, word: u64) -> u64 {
    let mut z = word ^ length.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        Pattern::new(length as u64).fill(&mut bytes);
        bytes
    }

    fn matches(bytes: Vec<u8>) -> bool {
        Pattern::new(bytes.len() as u64).matches(&bytes)
    }

    #[test]
    fn pieces_of_any_size_are_the_same_pattern() {
        for size in 1..20 {
            let mut pattern = Pattern::new(100);
            let mut pieces = vec![0; 100];
            pieces.chunks_mut(size).for_each(|part| pattern.fill(part));
            assert_eq!(pieces, bytes(100));
            let mut pattern = Pattern::new(100);
            assert!(pieces.chunks(size).all(|part| pattern.matches(part)));
        }
    }

    #[test]
    fn a_change_of_any_byte_is_seen() {
        assert!(matches(bytes(100)));
        for at in 0..100 {
            let mut changed = bytes(100);
            changed[at] ^= 1;
            assert!(!matches(changed), "{at}");
        }
    }

    #[test]
    fn parts_that_are_missing_moved_or_of_another_length_are_seen() {
        let whole = bytes(4096);
        assert!(!matches(whole[..2048].to_vec()));
        assert!(!matches([&whole[2048..], &whole[..2048]].concat()));
        assert!(!matches([&whole[..2048], &bytes(4104)[2048..]].concat()));
    }
}
