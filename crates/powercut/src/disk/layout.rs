//! Tells the data of files from all else that a file system writes.
//!
//! A file system gives up, or becomes read-only, when its own structures cannot be
//! written. A disk that fails only the data of files shows what becomes of the files.

use super::image::{Image, PAGE};
use crate::file_system::FileSystem;

/// Which bytes of a disk are data of files.
///
/// What it does not know for data it takes for metadata, so that a file system is
/// never failed by mistake.
#[derive(Debug)]
pub enum Layout {
    /// Which pages the empty file system uses: the journal is among them.
    Ext4 { in_use: Vec<bool> },
    /// The pages of the log.
    Xfs { log: std::ops::Range<u64> },
    /// The id that is in each node.
    Btrfs { id: [u8; 16] },
}

/// Bytes of a node of btrfs.
const NODE: u64 = 16 << 10;

impl Layout {
    /// Of a file system that was just made; `None` if it is not as expected.
    pub fn of(file_system: FileSystem, image: &Image) -> Option<Self> {
        match file_system {
            FileSystem::Ext4 => ext4(image),
            FileSystem::Xfs => xfs(image),
            FileSystem::Btrfs => btrfs(image),
        }
    }

    /// Whether a write is all data of files.
    pub fn is_data(&self, image: &Image, offset: u64, contents: &[u8]) -> bool {
        let page = PAGE as u64;
        let whole_pages = offset.is_multiple_of(page) && contents.len().is_multiple_of(PAGE);
        whole_pages
            && contents.chunks(PAGE).enumerate().all(|(i, bytes)| {
                let at = offset + (i * PAGE) as u64;
                match self {
                    Self::Ext4 { in_use } => {
                        let free = in_use.get((at / page) as usize) == Some(&false);
                        free && !is_metadata_of_ext4(bytes)
                    }
                    Self::Xfs { log } => !log.contains(&(at / page)) && !is_metadata_of_xfs(bytes),
                    Self::Btrfs { id } => {
                        let node = at / NODE * NODE;
                        let mut header = [0; 48];
                        match node.checked_sub(offset) {
                            Some(start) => {
                                header.copy_from_slice(&contents[start as usize..][..48]);
                            }
                            None => image.read(&mut header, node),
                        }
                        header[32..] != *id && bytes[64..72] != *SUPER_BLOCK_OF_BTRFS
                    }
                }
            })
    }
}

fn little(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b))
}

fn big(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b))
}

/// The super block is at 1,024; the first descriptor of a group, in the next block,
/// begins with the place of its bitmap.
fn ext4(image: &Image) -> Option<Layout> {
    let mut first = [0; 2 * PAGE];
    image.read(&mut first, 0);
    let super_block = &first[1024..];
    let blocks = little(&super_block[4..8]) as usize;
    let known = super_block[56..58] == [0x53, 0xef] && little(&super_block[24..28]) == 2;
    if !known || blocks > 8 * PAGE {
        return None;
    }
    let mut bitmap = [0; PAGE];
    image.read(&mut bitmap, little(&first[PAGE..PAGE + 4]) * PAGE as u64);
    let in_use = (0..blocks).map(|block| bitmap[block / 8] >> (block % 8) & 1 == 1);
    let in_use: Vec<_> = in_use.collect();
    in_use
        .first()
        .is_some_and(|it| *it)
        .then_some(Layout::Ext4 { in_use })
}

/// Directories, extents and attributes are in blocks that were free.
fn is_metadata_of_ext4(block: &[u8]) -> bool {
    const TAIL_OF_DIRECTORY: [u8; 8] = [0, 0, 0, 0, 12, 0, 0, 0xde];
    const FIRST_NAME: [u8; 5] = [12, 0, 1, 2, b'.'];
    const INDEX_OF_DIRECTORY: [u8; 8] = [0, 0, 0, 0, 0, 0x10, 0, 0];
    const EXTENTS: [u8; 2] = [0x0a, 0xf3];
    const ATTRIBUTES: [u8; 4] = [0, 0, 2, 0xea];
    block[PAGE - 12..PAGE - 4] == TAIL_OF_DIRECTORY
        || block[4..9] == FIRST_NAME
        || block[..8] == INDEX_OF_DIRECTORY
        || (block[..2] == EXTENTS && little(&block[4..6]) == 340)
        || block[..4] == ATTRIBUTES
}

fn xfs(image: &Image) -> Option<Layout> {
    let mut super_block = [0; 128];
    image.read(&mut super_block, 0);
    let known = super_block[..4] == *b"XFSB" && big(&super_block[4..8]) == PAGE as u64;
    let start = big(&super_block[48..56]);
    let group_bits = super_block[124];
    let (group, block) = (start >> group_bits, start & ((1 << group_bits) - 1));
    let first = group * big(&super_block[84..88]) + block;
    let blocks = big(&super_block[96..100]);
    (known && start > 0).then_some(Layout::Xfs {
        log: first..first + blocks,
    })
}

/// Each structure of version 5 has a magic number, at its beginning or after two
/// pointers to its neighbours.
fn is_metadata_of_xfs(block: &[u8]) -> bool {
    const FIRST: [&[u8]; 17] = [
        b"XFSB", b"XAGF", b"XAGI", b"XAFL", b"AB3B", b"AB3C", b"IAB3", b"FIB3", b"RMB3", b"R3FC",
        b"BMA3", b"XDB3", b"XDD3", b"XDF3", b"XSLM", b"XARM", b"IN",
    ];
    const AFTER_POINTERS: [u64; 4] = [0x3ebe, 0x3df1, 0x3dff, 0x3bee];
    FIRST.iter().any(|magic| block.starts_with(magic))
        || AFTER_POINTERS.contains(&big(&block[8..10]))
}

const SUPER_BLOCK_OF_BTRFS: &[u8; 8] = b"_BHRfS_M";

fn btrfs(image: &Image) -> Option<Layout> {
    let mut super_block = [0; 256];
    image.read(&mut super_block, 64 << 10);
    let mut id = [0; 16];
    id.copy_from_slice(&super_block[32..48]);
    let known = super_block[64..72] == *SUPER_BLOCK_OF_BTRFS;
    let node_bytes = little(&super_block[0x94..0x98]);
    (known && node_bytes == NODE).then_some(Layout::Btrfs { id })
}
