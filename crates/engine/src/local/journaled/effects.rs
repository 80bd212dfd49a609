//! What a record of a journaled volume says: what one commit makes of each path.
//!
//! Effects are facts, not steps: they can be applied again from any point with the
//! same result, and only the last of a path matters. Nothing here touches the disk.

use super::super::record::{Fields, malformed, put_bytes, put_number};
use super::super::unique;
use crate::{FilePath, Version};
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const REMOVE: u8 = 1;
const PUT: u8 = 2;
const PUT_STAGED: u8 = 3;
const APPEND: u8 = 4;

/// Stands for "no permission bits are known".
const NO_MODE: u64 = u64::MAX;

/// More than what an effect takes beside its path and its contents, in bytes.
pub(super) const EFFECT_BYTES: usize = 128;

/// One commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// One more than that of the commit before, over both logs.
    pub(super) sequence: u64,
    pub(super) time: SystemTime,
    pub(super) effects: Vec<(FilePath, Effect)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Remove,
    Put(Put),
    Append(Extension),
}

/// A whole new file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Put {
    pub(super) contents: Contents,
    pub(super) mode: Option<u32>,
    pub(super) modified: SystemTime,
    /// Where it is known already; not part of the record.
    pub(super) version: Option<Version>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Contents {
    Inline(Arc<[u8]>),
    /// In a file of this name, which is on the disk.
    Staged {
        name: String,
        bytes: u64,
    },
}

/// More for a file that is `offset` bytes long, where `fence` stands for what is
/// before that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Extension {
    pub(super) offset: u64,
    pub(super) fence: [u8; 32],
    pub(super) more: Arc<[u8]>,
}

impl Contents {
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Contents::Inline(contents) => contents.len() as u64,
            Contents::Staged { bytes, .. } => *bytes,
        }
    }
}

impl Record {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut payload = Vec::with_capacity(self.len_hint());
        put_number(&mut payload, self.sequence);
        put_time(&mut payload, self.time);
        for (path, effect) in &self.effects {
            let kind = match effect {
                Effect::Remove => REMOVE,
                Effect::Put(put) => match put.contents {
                    Contents::Inline(_) => PUT,
                    Contents::Staged { .. } => PUT_STAGED,
                },
                Effect::Append(_) => APPEND,
            };
            payload.push(kind);
            put_bytes(&mut payload, path.as_str().as_bytes());
            match effect {
                Effect::Remove => {}
                Effect::Put(put) => put.encode(&mut payload),
                Effect::Append(Extension {
                    offset,
                    fence,
                    more,
                }) => {
                    put_number(&mut payload, *offset);
                    payload.extend_from_slice(fence);
                    put_bytes(&mut payload, more);
                }
            }
        }
        payload
    }

    fn len_hint(&self) -> usize {
        let bytes = self.effects.iter().map(|(path, effect)| {
            let contents = match effect {
                Effect::Put(Put {
                    contents: Contents::Inline(contents),
                    ..
                }) => contents.len(),
                Effect::Append(extension) => extension.more.len(),
                _ => 0,
            };
            path.as_str().len() + contents + EFFECT_BYTES
        });
        EFFECT_BYTES + bytes.sum::<usize>()
    }

    pub(super) fn decode(payload: &[u8]) -> io::Result<Self> {
        let mut fields = Fields::new(payload);
        let mut record = Record {
            sequence: fields.number()?,
            time: time(&mut fields)?,
            effects: Vec::new(),
        };
        while !fields.is_empty() {
            let kind = fields.byte()?;
            let path = FilePath::new(fields.text()?).map_err(|_| malformed())?;
            let effect = match kind {
                REMOVE => Effect::Remove,
                PUT | PUT_STAGED => Effect::Put(Put::decode(&mut fields, kind)?),
                APPEND => Effect::Append(Extension::decode(&mut fields)?),
                _ => return Err(malformed()),
            };
            record.effects.push((path, effect));
        }
        Ok(record)
    }
}

impl Put {
    fn encode(&self, payload: &mut Vec<u8>) {
        put_number(payload, self.mode.map_or(NO_MODE, u64::from));
        put_time(payload, self.modified);
        match &self.contents {
            Contents::Inline(contents) => put_bytes(payload, contents),
            Contents::Staged { name, bytes } => {
                put_bytes(payload, name.as_bytes());
                put_number(payload, *bytes);
            }
        }
    }

    fn decode(fields: &mut Fields<'_>, kind: u8) -> io::Result<Self> {
        let mode = match fields.number()? {
            NO_MODE => None,
            mode => Some(u32::try_from(mode).map_err(|_| malformed())?),
        };
        let modified = time(fields)?;
        let contents = if kind == PUT {
            Contents::Inline(fields.bytes()?.into())
        } else {
            let name = fields.text()?;
            // Anything else could name a log, or what is not in the directory.
            if !unique::is_name(name) {
                return Err(malformed());
            }
            Contents::Staged {
                name: name.to_owned(),
                bytes: fields.number()?,
            }
        };
        Ok(Self {
            contents,
            mode,
            modified,
            version: None,
        })
    }
}

impl Extension {
    fn decode(fields: &mut Fields<'_>) -> io::Result<Self> {
        let extension = Self {
            offset: fields.number()?,
            fence: fields.array()?,
            more: fields.bytes()?.into(),
        };
        let end = extension.offset.checked_add(extension.more.len() as u64);
        end.map(|_| extension).ok_or_else(malformed)
    }
}

/// Nanoseconds since 1970; earlier times and those after 2554 are not kept.
fn put_time(payload: &mut Vec<u8>, time: SystemTime) {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    let nanoseconds = since.unwrap_or_default().as_nanos();
    put_number(payload, u64::try_from(nanoseconds).unwrap_or(u64::MAX));
}

fn time(fields: &mut Fields<'_>) -> io::Result<SystemTime> {
    let since = Duration::from_nanos(fields.number()?);
    let time = SystemTime::UNIX_EPOCH.checked_add(since);
    time.ok_or_else(malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let path = |text| FilePath::new(text).expect("valid");
        let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_789);
        let put = |contents, mode| {
            Effect::Put(Put {
                contents,
                mode,
                modified: time,
                version: None,
            })
        };
        let staged = Contents::Staged {
            name: unique::name(),
            bytes: 1 << 40,
        };
        let extension = Extension {
            offset: 7,
            fence: [3; 32],
            more: b"more".as_slice().into(),
        };
        Record {
            sequence: 42,
            time,
            effects: vec![
                (path("gone"), Effect::Remove),
                (
                    path("a/b"),
                    put(Contents::Inline(b"new".as_slice().into()), None),
                ),
                (path("large"), put(staged, Some(0o640))),
                (path("log"), Effect::Append(extension)),
            ],
        }
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        let record = record();
        assert_eq!(Record::decode(&record.encode()).expect("whole"), record);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let whole = record().encode();
        for end in 0..whole.len() {
            // Between two effects it is a shorter record.
            if let Ok(shorter) = Record::decode(&whole[..end]) {
                assert!(shorter.effects.len() < record().effects.len());
            }
        }
        let mut beyond = record();
        beyond.effects.truncate(4);
        if let Some((_, Effect::Append(extension))) = beyond.effects.last_mut() {
            extension.offset = u64::MAX - 2;
        }
        assert!(Record::decode(&beyond.encode()).is_err());
    }

    #[test]
    fn a_record_names_nothing_but_what_is_staged() {
        for name in ["", "..", "log-0", "writer", "a/b", "../../state"] {
            let mut record = record();
            record.effects.truncate(3);
            if let Some((_, Effect::Put(put))) = record.effects.last_mut() {
                put.contents = Contents::Staged {
                    name: name.to_owned(),
                    bytes: 1,
                };
            }
            assert!(Record::decode(&record.encode()).is_err(), "{name}");
        }
    }
}
