//! `File`: what HEAD says of one file, and how a batch changes it.
//!
//! A file is a list of parts: few bytes in HEAD itself, more of them in blobs. So an
//! append adds a part and copies nothing.

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
}

impl Entry for File {
    type Addition = Part;

    fn size(&self) -> u64 {
        self.size
    }

    fn version(&self) -> Result<Version> {
        self.known_version().ok_or_else(unknown_version)
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
    Error::unavailable(what, io::Error::other(UnknownVersion))
}

/// Whether this is why a batch could not be played.
pub(crate) fn is_unknown_version(error: &Error) -> bool {
    match error {
        Error::Step { source, .. } => is_unknown_version(source),
        Error::Unavailable { source, .. } => source
            .get_ref()
            .is_some_and(|source| source.is::<UnknownVersion>()),
        _ => false,
    }
}

#[derive(Debug)]
struct UnknownVersion;

impl std::fmt::Display for UnknownVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it takes a request")
    }
}

impl std::error::Error for UnknownVersion {}
