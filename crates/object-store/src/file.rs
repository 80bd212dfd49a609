//! `File`: what HEAD says of one file, and how a batch changes it.
//!
//! A file is a list of parts: few bytes in HEAD itself, more of them in blobs. So an
//! append adds a part and copies nothing.

use ability_storage_engine::author::plan::Tail;
use ability_storage_engine::author::table::Entry;
use ability_storage_engine::{Error, Result, Version, VersionHasher};
use bytes::{Bytes, BytesMut};
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// A file, as HEAD lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) size: u64,
    /// Microseconds since 1970.
    pub(crate) modified: u64,
    /// Unknown after an append to what is not at hand.
    pub(crate) version: Option<Version>,
    pub(crate) parts: Vec<Part>,
    /// Its last bytes, where they were fetched. HEAD does not have them.
    pub(crate) fetched_end: Bytes,
}

/// Some of a file's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Inline(Bytes),
    Blob(Blob),
}

/// An object that is written once and never changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blob {
    pub(crate) id: Uuid,
    pub(crate) size: u64,
    pub(crate) hash: Version,
}

impl Part {
    pub(crate) fn size(&self) -> u64 {
        match self {
            Part::Inline(contents) => contents.len() as u64,
            Part::Blob(blob) => blob.size,
        }
    }

    pub(crate) fn blob(&self) -> Option<&Blob> {
        match self {
            Part::Inline(_) => None,
            Part::Blob(blob) => Some(blob),
        }
    }
}

impl File {
    /// A file of one part, changed now.
    pub(crate) fn new(part: Part, version: Version) -> Self {
        let size = part.size();
        // An empty file has no parts, however it came to be.
        let parts = if size == 0 { Vec::new() } else { vec![part] };
        Self {
            size,
            modified: now(),
            version: Some(version),
            parts,
            fetched_end: Bytes::new(),
        }
    }

    pub(crate) fn modified(&self) -> SystemTime {
        let since = Duration::from_micros(self.modified);
        UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)
    }

    pub(crate) fn blobs(&self) -> impl Iterator<Item = &Blob> {
        self.parts.iter().filter_map(Part::blob)
    }

    /// How many of its bytes are in HEAD.
    pub(crate) fn inline_bytes(&self) -> u64 {
        let inline = self.parts.iter().filter(|part| part.blob().is_none());
        inline.map(Part::size).sum()
    }

    /// Its version if it can be told without a request.
    pub(crate) fn known_version(&self) -> Option<Version> {
        self.version.or_else(|| {
            let mut hasher = VersionHasher::default();
            for part in &self.parts {
                match part {
                    Part::Inline(contents) => hasher.update(contents),
                    Part::Blob(_) => return None,
                }
            }
            Some(hasher.version())
        })
    }

    /// Its last `max_bytes` bytes if they can be told without a request.
    fn known_last_bytes(&self, max_bytes: u64) -> Option<Vec<u8>> {
        let wanted = self.size.min(max_bytes);
        if wanted <= self.fetched_end.len() as u64 {
            return Some(Tail::of(&self.fetched_end, wanted).last_bytes);
        }
        let mut pieces = Vec::new();
        let mut found = 0;
        for part in self.parts.iter().rev() {
            if found >= wanted {
                break;
            }
            match part {
                Part::Inline(contents) => pieces.push(&contents[..]),
                Part::Blob(_) => return None,
            }
            found += part.size();
        }
        pieces.reverse();
        Some(Tail::of(&pieces.concat(), wanted).last_bytes)
    }
}

impl Entry for File {
    type Addition = Part;

    fn size(&self) -> u64 {
        self.size
    }

    fn version(&self) -> Result<Version> {
        self.known_version().ok_or_else(unknown_version)
    }

    fn tail(&self, max_bytes: u64) -> Result<Tail> {
        let last_bytes = self.known_last_bytes(max_bytes);
        Ok(Tail {
            size: self.size,
            last_bytes: last_bytes.ok_or_else(unknown_tail)?,
        })
    }

    fn appended(before: Option<&Self>, addition: Part) -> Self {
        let mut parts = before.map_or_else(Vec::new, |file| file.parts.clone());
        let size = before.map_or(0, |file| file.size) + addition.size();
        match (parts.last_mut(), addition) {
            (_, addition) if addition.size() == 0 => {}
            (Some(Part::Inline(tail)), Part::Inline(more)) => {
                let mut whole = BytesMut::with_capacity(tail.len() + more.len());
                whole.extend_from_slice(tail);
                whole.extend_from_slice(&more);
                *tail = whole.freeze();
            }
            (_, addition) => parts.push(addition),
        }
        let mut file = Self {
            size,
            modified: now(),
            version: None,
            parts,
            fetched_end: Bytes::new(),
        };
        file.version = file.known_version();
        file
    }

    fn is_already(&self, wanted: &Self) -> bool {
        self.version.is_some() && self.version == wanted.version
    }
}

pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_micros() as u64)
}

/// A precondition asks for a version that takes a request to find out. Never seen
/// outside of this crate: who plays a batch finds it out and plays again.
fn unknown_version() -> Error {
    let what = "the version of a file is not known yet";
    Error::unavailable(what, io::Error::other(Unknown::Version))
}

/// The same for the last bytes of a file.
fn unknown_tail() -> Error {
    let what = "the end of a file is not known yet";
    Error::unavailable(what, io::Error::other(Unknown::Tail))
}

/// What has to be found out before a batch can be played, if that is why it could not be.
pub(crate) fn unknown<T>(played: &Result<T>) -> Option<Unknown> {
    fn in_error(error: &Error) -> Option<Unknown> {
        match error {
            Error::Step { source, .. } => in_error(source),
            Error::Unavailable { source, .. } => source.get_ref()?.downcast_ref().copied(),
            _ => None,
        }
    }
    in_error(played.as_ref().err()?)
}

/// What of a file takes a request to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    Version,
    Tail,
}

impl std::fmt::Display for Unknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it takes a request")
    }
}

impl std::error::Error for Unknown {}
