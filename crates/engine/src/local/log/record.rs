//! What a record of the log says: what one commit makes of each path.
//!
//! Effects are facts, not steps: they can be applied again from any point with the
//! same result, and only the last of a path matters. Nothing here touches the disk.

use super::super::session::SessionTag;
use super::super::unique_name;
use super::former_file::FormerFile;
use super::frame::{self, Fields, malformed, put_bytes, put_number};
use crate::{FilePath, Version};
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const REMOVE: u8 = 1;
const PUT: u8 = 2;
const PUT_STAGED: u8 = 3;
const APPEND: u8 = 4;
const FORMER: u8 = 5;

/// Stands for "no permission bits are known".
const NO_MODE: u64 = u64::MAX;

/// No volume lives so long that it has more records.
const MAX_SEQUENCE: u64 = 1 << 62;

/// More than what an effect takes beside its path and its contents, in bytes.
pub(super) const EFFECT_BYTES: usize = 160;

/// The same of one that names a former file.
const FORMER_BYTES: usize = 56;

/// One commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// One more than that of the commit before, over both log files; a record without
    /// effects repeats the last one.
    pub(super) sequence: u64,
    pub(super) session: SessionTag,
    pub(super) publication: Publication,
    pub(super) time: SystemTime,
    pub(super) effects: Vec<(FilePath, Effect)>,
}

/// When the files follow the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Publication {
    /// Before the commit returns.
    #[default]
    Immediate,
    /// With the next checkpoint.
    Deferred,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Remove,
    Put(Put),
    Append(Append),
    /// Changes nothing: it names a file that was at the path before the effects behind it, and
    /// that may be found there although they were made.
    Former(FormerFile),
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
    Staged(StagedBlob),
}

/// Contents in a file of this name in the directory of the log. They are on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StagedBlob {
    pub(super) name: String,
    pub(super) bytes: u64,
    /// Which file it is, also once it has its place; 0 where that is not known.
    pub(super) inode: u64,
}

/// More for a file that is `offset` bytes long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Append {
    pub(super) offset: u64,
    /// Stands for what is before that.
    pub(super) fence: [u8; 32],
    /// Whether it adds to what the log says of the path; if not, to the file that is on
    /// the disk.
    pub(super) continues: bool,
    /// Which file on the disk; 0 where that is not known.
    pub(super) inode: u64,
    pub(super) more: Arc<[u8]>,
}

impl Contents {
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Contents::Inline(contents) => contents.len() as u64,
            Contents::Staged(blob) => blob.bytes,
        }
    }
}

impl Effect {
    /// How many bytes of contents the record has for it.
    fn inline_bytes(&self) -> usize {
        match self {
            Effect::Put(Put {
                contents: Contents::Inline(contents),
                ..
            }) => contents.len(),
            Effect::Append(append) => append.more.len(),
            _ => 0,
        }
    }
}

/// An upper bound of the length of the payload of a record with these effects.
pub(super) fn payload_bytes(effects: &[(FilePath, Effect)]) -> usize {
    let bytes = effects.iter().map(|(path, effect)| {
        let fixed = match effect {
            Effect::Former(_) => FORMER_BYTES,
            _ => EFFECT_BYTES,
        };
        path.as_str().len() + effect.inline_bytes() + fixed
    });
    EFFECT_BYTES + bytes.sum::<usize>()
}

impl Record {
    /// The record, with room for its [header](frame) in front.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut record = frame::begin();
        record.reserve(payload_bytes(&self.effects));
        put_number(&mut record, self.sequence);
        put_number(&mut record, self.session);
        record.push(match self.publication {
            Publication::Immediate => 0,
            Publication::Deferred => 1,
        });
        put_time(&mut record, self.time);
        for (path, effect) in &self.effects {
            let kind = match effect {
                Effect::Remove => REMOVE,
                Effect::Put(put) => match put.contents {
                    Contents::Inline(_) => PUT,
                    Contents::Staged(_) => PUT_STAGED,
                },
                Effect::Append(_) => APPEND,
                Effect::Former(_) => FORMER,
            };
            record.push(kind);
            put_bytes(&mut record, path.as_str().as_bytes());
            match effect {
                Effect::Remove => {}
                Effect::Put(put) => put.encode(&mut record),
                Effect::Append(append) => append.encode(&mut record),
                Effect::Former(file) => file.encode(&mut record),
            }
        }
        record
    }

    pub(super) fn decode(payload: &[u8]) -> io::Result<Self> {
        let mut fields = Fields::new(payload);
        let mut record = Record {
            sequence: fields.number()?,
            session: fields.number()?,
            publication: match fields.byte()? {
                0 => Publication::Immediate,
                1 => Publication::Deferred,
                _ => return Err(malformed()),
            },
            time: time(&mut fields)?,
            effects: Vec::new(),
        };
        if record.sequence > MAX_SEQUENCE {
            return Err(malformed());
        }
        while !fields.is_empty() {
            let kind = fields.byte()?;
            let path = FilePath::new(fields.text()?).map_err(|_| malformed())?;
            let effect = match kind {
                REMOVE => Effect::Remove,
                PUT | PUT_STAGED => Effect::Put(Put::decode(&mut fields, kind)?),
                APPEND => Effect::Append(Append::decode(&mut fields)?),
                FORMER => Effect::Former(FormerFile::decode(&mut fields)?),
                _ => return Err(malformed()),
            };
            record.effects.push((path, effect));
        }
        Ok(record)
    }
}

impl Put {
    fn encode(&self, record: &mut Vec<u8>) {
        put_number(record, self.mode.map_or(NO_MODE, u64::from));
        put_time(record, self.modified);
        match &self.contents {
            Contents::Inline(contents) => put_bytes(record, contents),
            Contents::Staged(blob) => {
                put_bytes(record, blob.name.as_bytes());
                put_number(record, blob.bytes);
                put_number(record, blob.inode);
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
            // Anything else could name a log file, or a file outside the directory.
            if !unique_name::is_name(name) {
                return Err(malformed());
            }
            Contents::Staged(StagedBlob {
                name: name.to_owned(),
                bytes: fields.number()?,
                inode: fields.number()?,
            })
        };
        Ok(Self {
            contents,
            mode,
            modified,
            version: None,
        })
    }
}

impl Append {
    fn encode(&self, record: &mut Vec<u8>) {
        put_number(record, self.offset);
        record.extend_from_slice(&self.fence);
        record.push(u8::from(self.continues));
        put_number(record, self.inode);
        put_bytes(record, &self.more);
    }

    fn decode(fields: &mut Fields<'_>) -> io::Result<Self> {
        let append = Self {
            offset: fields.number()?,
            fence: fields.array()?,
            continues: match fields.byte()? {
                0 => false,
                1 => true,
                _ => return Err(malformed()),
            },
            inode: fields.number()?,
            more: fields.bytes()?.into(),
        };
        let end = append.offset.checked_add(append.more.len() as u64);
        end.map(|_| append).ok_or_else(malformed)
    }
}

/// Nanoseconds since 1970; earlier times and those after 2554 are not kept.
pub(super) fn put_time(record: &mut Vec<u8>, time: SystemTime) {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    let nanoseconds = since.unwrap_or_default().as_nanos();
    put_number(record, u64::try_from(nanoseconds).unwrap_or(u64::MAX));
}

pub(super) fn time(fields: &mut Fields<'_>) -> io::Result<SystemTime> {
    let since = Duration::from_nanos(fields.number()?);
    let time = SystemTime::UNIX_EPOCH.checked_add(since);
    time.ok_or_else(malformed)
}

#[cfg(test)]
mod tests {
    use super::super::super::directory::{Kind, Stat};
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
        let staged = Contents::Staged(StagedBlob {
            name: unique_name::name(),
            bytes: 1 << 40,
            inode: 77,
        });
        let append = Append {
            offset: 7,
            fence: [3; 32],
            continues: true,
            inode: 78,
            more: b"more".as_slice().into(),
        };
        let former = FormerFile::of(
            1,
            &Stat {
                kind: Kind::File,
                size: 5,
                modified: time,
                created: Some(time),
                mode: None,
                links: 1,
                stamp: None,
                is_fixed: false,
            },
        );
        let former = former.expect("on the disk");
        Record {
            sequence: 42,
            session: 5,
            publication: Publication::Deferred,
            time,
            effects: vec![
                (path("gone"), Effect::Former(former)),
                (path("gone"), Effect::Remove),
                (
                    path("a/b"),
                    put(Contents::Inline(b"new".as_slice().into()), None),
                ),
                (path("large"), put(staged, Some(0o640))),
                (path("log"), Effect::Append(append)),
            ],
        }
    }

    fn decode(record: &Record) -> io::Result<Record> {
        Record::decode(&record.encode()[frame::HEADER_BYTES..])
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        let record = record();
        assert_eq!(decode(&record).expect("whole"), record);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let whole = record().encode().split_off(frame::HEADER_BYTES);
        for end in 0..whole.len() {
            // Between two effects it is a shorter record.
            if let Ok(shorter) = Record::decode(&whole[..end]) {
                assert!(shorter.effects.len() < record().effects.len());
            }
        }
        let mut beyond = record();
        beyond.effects.truncate(5);
        if let Some((_, Effect::Append(append))) = beyond.effects.last_mut() {
            append.offset = u64::MAX - 2;
        }
        assert!(decode(&beyond).is_err());
    }

    #[test]
    fn a_record_names_nothing_but_what_is_staged() {
        for name in ["", "..", "log-0", "writer", "a/b", "../../state"] {
            let mut record = record();
            record.effects.truncate(4);
            if let Some((_, Effect::Put(put))) = record.effects.last_mut() {
                put.contents = Contents::Staged(StagedBlob {
                    name: name.to_owned(),
                    bytes: 1,
                    inode: 1,
                });
            }
            assert!(decode(&record).is_err(), "{name}");
        }
    }
}
