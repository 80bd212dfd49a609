//! `Head`: what the object HEAD of a volume says, and how it is written down.
//!
//! HEAD is JSON, so that a person with no more than a viewer of objects can find the
//! files of a volume. Its format has a number; what has a higher one is not read.

use crate::file::{Blob, File, Part};
use crate::garbage::Garbage;
use ability_storage_engine::author::table::Table;
use ability_storage_engine::{FilePath, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use uuid::Uuid;

/// The only format so far.
const FORMAT: u32 = 1;

/// How many sessions HEAD remembers: those that changed it last.
pub(crate) const SESSIONS: usize = 64;

/// What a volume is.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// Counts changes of HEAD.
    pub(crate) generation: u64,
    /// The sessions that changed it last, each with the number of its last change;
    /// the latest first. Each change puts one in front, so a session is among them
    /// for at least as many changes as there are places.
    pub(crate) sessions: Vec<(Uuid, u64)>,
    pub(crate) sweep: Sweep,
    /// How much is in the store that no file uses. None if HEAD was written by a version
    /// that did not count it.
    pub(crate) garbage: Option<Garbage>,
    pub(crate) files: Table<File>,
}

/// HEAD before the first commit.
impl Default for Head {
    fn default() -> Self {
        Self {
            generation: 0,
            sessions: Vec::new(),
            sweep: Sweep::default(),
            garbage: Some(Garbage::default()),
            files: Table::default(),
        }
    }
}

/// What is being removed, so that nobody takes it into use again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sweep {
    /// Counts the times that blobs were condemned.
    pub(crate) count: u64,
    /// Blobs that may be gone at any moment.
    pub(crate) condemned: Vec<Uuid>,
}

impl Head {
    /// Notes that `session` makes this change as its change `number`.
    pub(crate) fn sign(&mut self, session: Uuid, number: u64) {
        self.generation += 1;
        self.sessions.retain(|(other, _)| *other != session);
        self.sessions.insert(0, (session, number));
        self.sessions.truncate(SESSIONS);
    }

    /// The number of the last change of a session, if HEAD remembers it.
    pub(crate) fn last_change_of(&self, session: Uuid) -> Option<u64> {
        let mut sessions = self.sessions.iter();
        sessions.find_map(|(other, number)| (*other == session).then_some(*number))
    }

    pub(crate) fn encode(&self) -> io::Result<Bytes> {
        let files = self.files.iter();
        let files = files.map(|(path, file)| (path.as_str().into(), file.into()));
        let document = Document {
            format: FORMAT,
            generation: self.generation,
            sessions: self.sessions.clone(),
            sweep: self.sweep.clone(),
            garbage: self.garbage,
            files: files.collect(),
        };
        Ok(serde_json::to_vec(&document)?.into())
    }

    pub(crate) fn decode(bytes: &[u8]) -> io::Result<Self> {
        let document = serde_json::from_slice::<Document>(bytes);
        // One of another format need not even look like this one.
        let format = match &document {
            Ok(document) => document.format,
            Err(_) => {
                let Format { format } = serde_json::from_slice(bytes).map_err(invalid)?;
                format
            }
        };
        if format != FORMAT {
            return Err(invalid(format!(
                "HEAD has format {format}, and this version knows only format {FORMAT}"
            )));
        }
        let document = document.map_err(invalid)?;
        let files = document.files.into_iter().map(|(path, file)| {
            let path = FilePath::new(path).map_err(invalid)?;
            Ok((path, file.try_into()?))
        });
        Ok(Self {
            generation: document.generation,
            sessions: document.sessions,
            sweep: document.sweep,
            garbage: document.garbage,
            files: files.collect::<io::Result<_>>()?,
        })
    }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// All that is asked of a HEAD that cannot be read.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    generation: u64,
    sessions: Vec<(Uuid, u64)>,
    sweep: Sweep,
    /// Not known to the first versions of this format: they ignore it, and leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    garbage: Option<Garbage>,
    files: BTreeMap<String, FileText>,
}

#[derive(Serialize, Deserialize)]
struct FileText {
    size: u64,
    modified: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    parts: Vec<PartText>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PartText {
    /// For a person who looks at it.
    Text(String),
    Base64(String),
    Blob {
        id: Uuid,
        size: u64,
        hash: String,
    },
}

impl From<&File> for FileText {
    fn from(file: &File) -> Self {
        Self {
            size: file.size,
            modified: file.modified,
            version: file.version.map(|version| version.to_string()),
            parts: file.parts.iter().map(PartText::from).collect(),
        }
    }
}

impl From<&Part> for PartText {
    fn from(part: &Part) -> Self {
        match part {
            Part::Blob(blob) => PartText::Blob {
                id: blob.id,
                size: blob.size,
                hash: blob.hash.to_string(),
            },
            Part::Inline(contents) => match std::str::from_utf8(contents) {
                Ok(text) if is_plain(text) => PartText::Text(text.to_owned()),
                _ => PartText::Base64(BASE64.encode(contents)),
            },
        }
    }
}

/// Whether text is as short in JSON as it is, but for quotation marks and line ends.
fn is_plain(text: &str) -> bool {
    !text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

impl TryFrom<FileText> for File {
    type Error = io::Error;

    fn try_from(text: FileText) -> io::Result<Self> {
        let version = text.version.as_deref().map(version).transpose()?;
        let parts = text.parts.into_iter().map(Part::try_from);
        let parts = parts.collect::<io::Result<Vec<Part>>>()?;
        let sum = parts
            .iter()
            .try_fold(0_u64, |sum, part| sum.checked_add(part.size()));
        if sum != Some(text.size) {
            return Err(invalid("the parts of a file are not as long as the file"));
        }
        Ok(Self {
            size: text.size,
            modified: text.modified,
            version,
            parts,
            fetched_end: Bytes::new(),
        })
    }
}

impl TryFrom<PartText> for Part {
    type Error = io::Error;

    fn try_from(text: PartText) -> io::Result<Self> {
        Ok(match text {
            PartText::Text(text) => Part::Inline(text.into()),
            PartText::Base64(text) => Part::Inline(BASE64.decode(text).map_err(invalid)?.into()),
            PartText::Blob { id, size, hash } => Part::Blob(Blob {
                id,
                size,
                hash: version(&hash)?,
            }),
        })
    }
}

fn version(text: &str) -> io::Result<Version> {
    Version::parse(text).ok_or_else(|| invalid("a version is not 64 hexadecimal digits"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(parts: Vec<Part>, version: Option<Version>) -> File {
        File {
            size: parts.iter().map(Part::size).sum(),
            modified: 7,
            version,
            parts,
            fetched_end: Bytes::new(),
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(contents in proptest::collection::vec(any::<u8>(), 1..60), text in ".{1,40}") {
            let blob = Blob { id: Uuid::new_v4(), size: 9, hash: Version::of(&contents) };
            let parts = vec![
                Part::Inline(contents.into()),
                Part::Blob(blob),
                Part::Inline(text.into()),
            ];
            let path = FilePath::new("a/b").expect("valid");
            let wanted = file(parts, Some(Version::of(b"x")));
            let mut head = Head {
                files: [(path.clone(), wanted.clone())].into_iter().collect(),
                ..Head::default()
            };
            head.sign(blob.id, 3);
            head.garbage = Some(Garbage { bytes: 7, corrections: 2 });
            let read = Head::decode(&head.encode().expect("in memory")).expect("valid");
            prop_assert_eq!(read.files.get(&path), Some(&wanted));
            prop_assert_eq!(read.garbage, head.garbage);
            prop_assert_eq!((read.generation, read.last_change_of(blob.id)), (1, Some(3)));
        }
    }

    #[test]
    fn what_is_wrong_is_refused() {
        let of = |format: u32, files: &str| {
            let text = format!(
                r#"{{"format":{format},"generation":1,"sessions":[],"sweep":{{"count":0,"condemned":[]}},"files":{files}}}"#
            );
            Head::decode(text.as_bytes())
        };
        let first = of(1, "{}").expect("of the first version");
        assert_eq!(first.garbage, None);
        let again = first.encode().expect("in memory");
        assert!(!String::from_utf8_lossy(&again).contains("garbage"));
        let error = of(2, "{}").expect_err("of the future").to_string();
        assert!(error.contains("format 2"), "{error}");
        for wrong in [
            r#"{"../x":{"size":0,"modified":0,"parts":[]}}"#,
            r#"{"x":{"size":1,"modified":0,"parts":[]}}"#,
            r#"{"x":{"size":0,"modified":0,"version":"1","parts":[]}}"#,
            r#"{"x":{"size":3,"modified":0,"parts":[{"base64":"!"}]}}"#,
        ] {
            assert!(of(1, wrong).is_err(), "{wrong}");
        }
        assert!(Head::decode(b"").is_err());
    }

    #[test]
    fn a_session_is_remembered_while_others_change() {
        let (mut head, session) = (Head::default(), Uuid::new_v4());
        head.sign(session, 1);
        for _ in 1..SESSIONS {
            head.sign(Uuid::new_v4(), 1);
        }
        assert_eq!(head.last_change_of(session), Some(1));
        head.sign(Uuid::new_v4(), 1);
        assert_eq!(head.last_change_of(session), None);
    }
}
