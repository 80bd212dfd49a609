//! The form of the log, written down a second time: from its description, not from the code that
//! reads it.

use crate::names::is_allowed;

pub(crate) const HEADER: usize = 72;
/// All of a header but its checksum.
const CHECKED: usize = 40;

const MAGIC: &[u8; 4] = b"ABSL";
pub(crate) const VERSION: u8 = 3;
/// Without former files; all else is the same.
const EARLIER_VERSION: u8 = 2;
pub(crate) const COMMIT: u8 = 1;
const REPLACED: u8 = 2;

const REMOVE: u8 = 1;
const PUT: u8 = 2;
const PUT_STAGED: u8 = 3;
const APPEND: u8 = 4;
const FORMER: u8 = 5;

/// The highest number that a record may have.
const MAX_SEQUENCE: u64 = 1 << 62;

/// Stands for "no permission bits are known".
pub(crate) const NO_MODE: u64 = u64::MAX;

/// What a header says beside the length of its payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) version: u8,
    pub(crate) kind: u8,
    pub(crate) generation: [u8; 16],
    pub(crate) index: u64,
}

/// A file of the log, read to its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    /// `None` if it has no record.
    pub(crate) generation: Option<[u8; 16]>,
    /// Of the records that follow each other and that their checksums vouch for.
    pub(crate) payloads: Vec<Vec<u8>>,
    /// Where the next record goes.
    pub(crate) end: usize,
    /// Whether a record follows that a newer version has written.
    pub(crate) is_newer: bool,
}

/// The payload of a record.
#[derive(Clone, Debug)]
pub(crate) struct Commit {
    pub(crate) sequence: u64,
    pub(crate) session: u64,
    pub(crate) publication: u8,
    pub(crate) time: u64,
    pub(crate) effects: Vec<(String, Effect)>,
}

#[derive(Clone, Debug)]
pub(crate) enum Effect {
    Remove,
    Put {
        mode: u64,
        modified: u64,
        contents: Vec<u8>,
    },
    PutStaged {
        mode: u64,
        modified: u64,
        name: String,
        bytes: u64,
        inode: u64,
    },
    Append {
        offset: u64,
        fence: [u8; 32],
        continues: u8,
        inode: u64,
        more: Vec<u8>,
    },
    /// What was at the path before: its five numbers.
    Former([u64; 5]),
}

impl Frame {
    /// Of a record as this version writes it.
    pub(crate) fn new(generation: [u8; 16], index: u64) -> Self {
        Self {
            version: VERSION,
            kind: COMMIT,
            generation,
            index,
        }
    }

    pub(crate) fn encode(&self, payload: &[u8]) -> Vec<u8> {
        let mut record = self.header(payload.len() as u64);
        let mut hasher = blake3::Hasher::new();
        hasher.update(&record).update(payload);
        record.extend_from_slice(hasher.finalize().as_bytes());
        record.extend_from_slice(payload);
        record
    }

    /// All of a header but its checksum.
    pub(crate) fn header(&self, payload_bytes: u64) -> Vec<u8> {
        let mut header = MAGIC.to_vec();
        header.extend_from_slice(&[self.version, self.kind, 0, 0]);
        header.extend_from_slice(&self.generation);
        header.extend_from_slice(&self.index.to_le_bytes());
        header.extend_from_slice(&payload_bytes.to_le_bytes());
        header
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..HEADER)?;
        (header[..4] == *MAGIC).then_some(())?;
        Some(Self {
            version: header[4],
            kind: header[5],
            generation: header[8..24].try_into().ok()?,
            index: u64::from_le_bytes(header[24..32].try_into().ok()?),
        })
    }

    fn is_known(&self) -> bool {
        [VERSION, EARLIER_VERSION].contains(&self.version)
            && [COMMIT, REPLACED].contains(&self.kind)
    }
}

impl Log {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut log = Self::default();
        if let Some(first) = Frame::decode(bytes) {
            log.is_newer = !first.is_known();
        }
        while !log.is_newer {
            let rest = &bytes[log.end..];
            let Some(frame) = Frame::decode(rest) else {
                break;
            };
            let is_next = frame.index == log.payloads.len() as u64
                && log.generation.is_none_or(|first| first == frame.generation);
            if !is_next {
                break;
            }
            log.is_newer = !frame.is_known();
            let Some(payload) = payload(&frame, rest).filter(|_| !log.is_newer) else {
                break;
            };
            log.generation = Some(frame.generation);
            log.end += HEADER + payload.len();
            log.payloads.push(payload);
        }
        log
    }
}

fn payload(frame: &Frame, bytes: &[u8]) -> Option<Vec<u8>> {
    let length = u64::from_le_bytes(bytes.get(CHECKED - 8..CHECKED)?.try_into().ok()?);
    let end = HEADER.checked_add(usize::try_from(length).ok()?)?;
    let payload = bytes.get(HEADER..end)?;
    let mut hasher = blake3::Hasher::new();
    // What is reserved is zero, or the checksum is wrong.
    hasher.update(&frame.header(length)).update(payload);
    let is_whole = bytes[CHECKED..HEADER] == *hasher.finalize().as_bytes();
    (is_whole && frame.kind == COMMIT).then(|| payload.to_vec())
}

impl Commit {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut payload = Vec::new();
        put_number(&mut payload, self.sequence);
        put_number(&mut payload, self.session);
        payload.push(self.publication);
        put_number(&mut payload, self.time);
        for (path, effect) in &self.effects {
            effect.encode(path, &mut payload);
        }
        payload
    }

    /// `None` if any part makes no sense.
    pub(crate) fn decode(payload: &[u8]) -> Option<Self> {
        let mut rest = payload;
        let mut commit = Self {
            sequence: number(&mut rest).filter(|sequence| *sequence <= MAX_SEQUENCE)?,
            session: number(&mut rest)?,
            publication: byte(&mut rest).filter(|publication| *publication <= 1)?,
            time: number(&mut rest)?,
            effects: Vec::new(),
        };
        while let Some(kind) = byte(&mut rest) {
            let path = text(&mut rest).filter(|path| is_allowed(path))?;
            let effect = Effect::decode(kind, &mut rest)?;
            commit.effects.push((path, effect));
        }
        Some(commit)
    }
}

impl Effect {
    fn encode(&self, path: &str, payload: &mut Vec<u8>) {
        payload.push(match self {
            Effect::Remove => REMOVE,
            Effect::Put { .. } => PUT,
            Effect::PutStaged { .. } => PUT_STAGED,
            Effect::Append { .. } => APPEND,
            Effect::Former(_) => FORMER,
        });
        put(payload, path.as_bytes());
        match self {
            Effect::Remove => {}
            Effect::Former(numbers) => {
                numbers.iter().for_each(|it| put_number(payload, *it));
            }
            Effect::Put {
                mode,
                modified,
                contents,
            } => {
                put_number(payload, *mode);
                put_number(payload, *modified);
                put(payload, contents);
            }
            Effect::PutStaged {
                mode,
                modified,
                name,
                bytes,
                inode,
            } => {
                put_number(payload, *mode);
                put_number(payload, *modified);
                put(payload, name.as_bytes());
                put_number(payload, *bytes);
                put_number(payload, *inode);
            }
            Effect::Append {
                offset,
                fence,
                continues,
                inode,
                more,
            } => {
                put_number(payload, *offset);
                payload.extend_from_slice(fence);
                payload.push(*continues);
                put_number(payload, *inode);
                put(payload, more);
            }
        }
    }

    fn decode(kind: u8, rest: &mut &[u8]) -> Option<Self> {
        let is_mode = |mode: &u64| *mode == NO_MODE || u32::try_from(*mode).is_ok();
        Some(match kind {
            REMOVE => Effect::Remove,
            PUT => Effect::Put {
                mode: number(rest).filter(is_mode)?,
                modified: number(rest)?,
                contents: take(rest)?.to_vec(),
            },
            PUT_STAGED => Effect::PutStaged {
                mode: number(rest).filter(is_mode)?,
                modified: number(rest)?,
                name: text(rest).filter(|name| is_staged_name(name))?,
                bytes: number(rest)?,
                inode: number(rest)?,
            },
            APPEND => {
                let offset = number(rest)?;
                let (fence, after) = rest.split_first_chunk()?;
                *rest = after;
                let append = Effect::Append {
                    offset,
                    fence: *fence,
                    continues: byte(rest).filter(|continues| *continues <= 1)?,
                    inode: number(rest)?,
                    more: take(rest)?.to_vec(),
                };
                offset.checked_add(append.contents().len() as u64)?;
                append
            }
            FORMER => {
                let mut numbers = [0; 5];
                for it in &mut numbers {
                    *it = number(rest)?;
                }
                Effect::Former(numbers)
            }
            _ => return None,
        })
    }

    fn contents(&self) -> &[u8] {
        match self {
            Effect::Put { contents, .. } => contents,
            Effect::Append { more, .. } => more,
            Effect::Remove | Effect::PutStaged { .. } | Effect::Former(_) => &[],
        }
    }
}

/// Stands for the 256 bytes before `offset`.
pub(crate) fn fence(file: &[u8], offset: usize) -> [u8; 32] {
    let before = &file[offset.saturating_sub(256)..offset];
    *blake3::hash(before).as_bytes()
}

/// What is staged has a name of 32 hexadecimal digits; a record that names anything else is none of
/// the engine's.
pub(crate) fn is_staged_name(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn put(payload: &mut Vec<u8>, bytes: &[u8]) {
    put_number(payload, bytes.len() as u64);
    payload.extend_from_slice(bytes);
}

fn put_number(payload: &mut Vec<u8>, number: u64) {
    payload.extend_from_slice(&number.to_le_bytes());
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    let (byte, after) = rest.split_first()?;
    *rest = after;
    Some(*byte)
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u64::from_le_bytes(*bytes))
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(number(rest)?).ok()?;
    let (bytes, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(bytes)
}

fn text(rest: &mut &[u8]) -> Option<String> {
    String::from_utf8(take(rest)?.to_vec()).ok()
}
