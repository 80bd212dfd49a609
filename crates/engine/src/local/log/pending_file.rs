//! A file as the log has it: a beginning on the disk, if there is one, and chunks in
//! memory behind it.

use super::super::directory::{Kind, Stat};
use super::chunks::{Chunk, ChunkBase, Chunks};
use super::log_file::LogSlot;
use super::record::{Append, Contents, Effect, Put, StagedBlob};
use crate::local::known_files::Wanted;
use crate::{FilePath, Version};
use std::sync::Arc;
use std::time::SystemTime;

/// A file whose contents are, in this order: a beginning that is in a file on the
/// disk, if there is one, and chunks that the log holds.
pub(super) struct File {
    pub(super) beginning: Option<DiskPrefix>,
    chunks: Chunks,
    pub(super) bytes: u64,
    pub(super) modified: SystemTime,
    pub(super) mode: Option<u32>,
    /// Where it is known.
    pub(super) version: Option<Version>,
}

/// The first bytes of a file, which are on the disk.
#[derive(Clone)]
pub(super) struct DiskPrefix {
    /// The name that the file is staged under; `None` for the one at the path itself. One
    /// that is not staged any more is at the path.
    pub(super) staged: Option<String>,
    pub(super) bytes: u64,
    /// Which file it is; 0 where that is not known.
    pub(super) inode: u64,
    /// Whether this process knows that it has left its staged name.
    pub(super) is_placed: bool,
    /// Stands for the end of it, once there are chunks behind it.
    pub(super) fence: Option<[u8; 32]>,
    /// The file of the log that has the record of it.
    which: LogSlot,
}

impl DiskPrefix {
    /// The file of the log that has the record of it.
    pub(super) fn which(&self) -> LogSlot {
        self.which
    }

    /// The file on the disk that an append adds to.
    fn at_path(base: ChunkBase, which: LogSlot) -> Self {
        Self {
            staged: None,
            bytes: base.offset,
            inode: base.inode,
            is_placed: false,
            fence: Some(base.fence),
            which,
        }
    }
}

impl File {
    pub(super) fn chunks(&self) -> &Chunks {
        &self.chunks
    }

    /// Under which name all of it is or was staged, if it was.
    pub(super) fn staged_alone(&self) -> Option<&str> {
        let beginning = self.beginning.as_ref().filter(|_| !self.has_chunks())?;
        beginning.staged.as_deref()
    }

    /// Its metadata, as readers see it.
    pub(super) fn stat(&self) -> Stat {
        Stat {
            kind: Kind::File,
            size: self.bytes,
            modified: self.modified,
            created: None,
            mode: self.mode,
            links: 1,
            stamp: None,
            is_fixed: false,
        }
    }

    pub(super) fn has_chunks(&self) -> bool {
        !self.chunks.is_empty()
    }

    pub(super) fn is(&self, wanted: &Wanted<'_>, version: Version) -> bool {
        if self.version.is_some() {
            return self.version == Some(version);
        }
        match wanted {
            Wanted::Bytes(bytes) if self.beginning.is_none() => self.has_just(bytes),
            _ => false,
        }
    }

    /// Whether its chunks are these bytes.
    fn has_just(&self, bytes: &[u8]) -> bool {
        self.chunks.bytes() == bytes.len() as u64 && self.chunks.joined() == bytes
    }

    /// All chunks as one.
    pub(super) fn joined_chunks(&self) -> Vec<u8> {
        self.chunks.joined()
    }

    pub(super) fn put(put: Put, which: LogSlot) -> Self {
        let bytes = put.contents.bytes();
        let (beginning, chunks) = match put.contents {
            Contents::Inline(bytes) => {
                let base = None;
                (None, Chunks::of(Chunk { bytes, which, base }))
            }
            Contents::Staged(StagedBlob { name, bytes, inode }) => {
                let beginning = DiskPrefix {
                    staged: Some(name),
                    bytes,
                    inode,
                    is_placed: false,
                    fence: None,
                    which,
                };
                (Some(beginning), Chunks::default())
            }
        };
        Self {
            beginning,
            chunks,
            bytes,
            modified: put.modified,
            mode: put.mode,
            version: put.version,
        }
    }

    /// What the log, or else the disk, has at a path, and more. `is_published` says whether
    /// the file on the disk is what was there before.
    pub(super) fn grown(
        before: Option<&File>,
        is_published: bool,
        append: Append,
        time: SystemTime,
        which: LogSlot,
    ) -> Self {
        let bytes = append.offset + append.more.len() as u64;
        let base = ChunkBase {
            offset: append.offset,
            fence: append.fence,
            inode: append.inode,
        };
        let chunk = Chunk {
            bytes: append.more,
            which,
            base: Some(base),
        };
        let (beginning, chunks, mode) = match before {
            Some(file) => {
                let mut beginning = file.beginning.clone();
                if let Some(beginning) = &mut beginning {
                    beginning.is_placed |= is_published;
                    if !file.has_chunks() {
                        beginning.fence = Some(append.fence);
                    }
                }
                (beginning, file.chunks.and(chunk), file.mode)
            }
            None => (
                Some(DiskPrefix::at_path(base, which)),
                Chunks::of(chunk),
                None,
            ),
        };
        Self {
            beginning,
            chunks,
            bytes,
            modified: time,
            mode,
            version: None,
        }
    }

    /// This file without the records of a file of the log that was given up: what they said
    /// is on the disk. `None` if it has none of them. It is then just what the records that
    /// are left make of the path, so that a checkpoint that is cut off leaves nothing that
    /// they cannot restore.
    pub(super) fn without(&self, given_up: LogSlot) -> Option<Self> {
        let (chunks, first) = self.chunks.without(given_up);
        let first = first?;
        let is_older = match &self.beginning {
            Some(beginning) => beginning.which == given_up,
            None => first.base.is_some(),
        };
        if !is_older {
            return None;
        }
        Some(Self {
            beginning: first
                .base
                .map(|base| DiskPrefix::at_path(base, first.which)),
            chunks,
            bytes: self.bytes,
            modified: self.modified,
            mode: self.mode,
            version: self.version,
        })
    }

    /// This file as the effects of a record that needs no other.
    pub(super) fn to_effects(&self, path: &FilePath) -> Vec<(FilePath, Effect)> {
        let put = |contents| {
            Effect::Put(Put {
                contents,
                mode: self.mode,
                modified: self.modified,
                version: self.version,
            })
        };
        let chunks: Arc<[u8]> = self.joined_chunks().into();
        let Some(beginning) = &self.beginning else {
            return vec![(path.clone(), put(Contents::Inline(chunks)))];
        };
        let mut effects = Vec::new();
        if let Some(name) = &beginning.staged {
            let blob = StagedBlob {
                name: name.clone(),
                bytes: beginning.bytes,
                inode: beginning.inode,
            };
            effects.push((path.clone(), put(Contents::Staged(blob))));
        }
        if self.has_chunks() {
            let append = Append {
                offset: beginning.bytes,
                fence: beginning.fence.unwrap_or_default(),
                continues: beginning.staged.is_some(),
                inode: beginning.inode,
                more: chunks,
            };
            effects.push((path.clone(), Effect::Append(append)));
        }
        effects
    }
}
