//! Hashes of the pieces of a long blob, from which the hash of all of it follows.
//!
//! BLAKE3 is a tree: the hash of a blob can be computed from those of its pieces. So a
//! list of piece hashes is proved by the hash that HEAD has, and each piece by its own,
//! before the other pieces have been read.

use crate::space::PIECE;
use ability_storage_engine::Version;
use blake3::hazmat::{
    ChainingValue, HasherExt, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root,
};

/// The hash of one piece.
pub(crate) type PieceHash = ChainingValue;

/// The length of a piece hash, in bytes.
pub(crate) const PIECE_HASH_BYTES: u64 = 32;

// Pieces are subtrees of a blob only if their length is a power of two, and no part of
// a chunk.
const _: () = assert!(PIECE.is_power_of_two() && PIECE >= blake3::CHUNK_LEN as u64);

/// How many pieces a blob of `size` bytes has.
pub(crate) fn pieces_of(size: u64) -> u64 {
    size.div_ceil(PIECE)
}

/// The hash of the piece that begins at `offset` of a blob of more than one piece.
pub(crate) fn piece_hash(offset: u64, contents: &[u8]) -> PieceHash {
    let mut hasher = blake3::Hasher::new();
    hasher.set_input_offset(offset);
    hasher.update(contents).finalize_non_root()
}

/// The version of a blob of `size` bytes with these pieces; none if it has not as many,
/// or only one.
pub(crate) fn version_of_pieces(size: u64, hashes: &[PieceHash]) -> Option<Version> {
    if size <= PIECE || pieces_of(size) != hashes.len() as u64 {
        return None;
    }
    let (left, right) = halves(size, hashes);
    let hash = merge_subtrees_root(&left, &right, Mode::Hash);
    Version::parse(&hash.to_hex())
}

/// The hash of a subtree of `size` bytes.
fn subtree(size: u64, hashes: &[PieceHash]) -> PieceHash {
    if let [hash] = hashes {
        return *hash;
    }
    let (left, right) = halves(size, hashes);
    merge_subtrees_non_root(&left, &right, Mode::Hash)
}

fn halves(size: u64, hashes: &[PieceHash]) -> (PieceHash, PieceHash) {
    let left_size = left_subtree_len(size);
    let (left, right) = hashes.split_at((left_size / PIECE) as usize);
    (subtree(left_size, left), subtree(size - left_size, right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn piece_hashes_give_the_version_of_the_whole() {
        for size in [
            PIECE + 1,
            2 * PIECE,
            3 * PIECE - 1,
            7 * PIECE + 9,
            16 * PIECE,
        ] {
            let contents: Vec<u8> = (0..size).map(|at| (at * at % 251) as u8).collect();
            let pieces = contents.chunks(PIECE as usize).enumerate();
            let hashes = pieces.map(|(index, piece)| piece_hash(index as u64 * PIECE, piece));
            let mut hashes: Vec<PieceHash> = hashes.collect();
            let version = Some(Version::of(&contents));
            assert_eq!(version_of_pieces(size, &hashes), version, "{size}");
            hashes[0][0] ^= 1;
            assert_ne!(version_of_pieces(size, &hashes), version, "{size}");
            hashes.pop();
            assert_eq!(version_of_pieces(size, &hashes), None, "{size}");
        }
        assert_eq!(version_of_pieces(PIECE, &[[0; 32]]), None);
    }
}
