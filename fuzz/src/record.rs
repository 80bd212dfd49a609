//! The form of journals, written down a second time: from `docs/design.md`.

pub(crate) const HEADER: usize = 72;
const MAGIC: &[u8; 8] = b"ABSJ0001";

const REMOVE: u8 = 1;
const PUT: u8 = 2;

/// A record that its checksum vouches for.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) generation: [u8; 16],
    pub(crate) payload: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(crate) struct Append {
    pub(crate) path: String,
    pub(crate) offset: u64,
    pub(crate) fence: [u8; 32],
    pub(crate) contents: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    Remove(String),
    Put { staged: String, path: String },
}

pub(crate) fn encode(generation: [u8; 16], index: u64, payload: &[u8]) -> Vec<u8> {
    let mut record = header(generation, index, payload.len() as u64);
    let mut hasher = blake3::Hasher::new();
    hasher.update(&record).update(payload);
    record.extend_from_slice(hasher.finalize().as_bytes());
    record.extend_from_slice(payload);
    record
}

/// All of a header but its checksum.
pub(crate) fn header(generation: [u8; 16], index: u64, payload_bytes: u64) -> Vec<u8> {
    let mut header = MAGIC.to_vec();
    header.extend_from_slice(&generation);
    header.extend_from_slice(&index.to_le_bytes());
    header.extend_from_slice(&payload_bytes.to_le_bytes());
    header
}

/// The records of a journal that count, and how many bytes they have.
pub(crate) fn journal(bytes: &[u8]) -> (Vec<Record>, usize) {
    let mut records: Vec<Record> = Vec::new();
    let mut end = 0;
    while let Some(record) = next(&bytes[end..], records.first(), records.len() as u64) {
        end += HEADER + record.payload.len();
        records.push(record);
    }
    (records, end)
}

fn next(bytes: &[u8], first: Option<&Record>, index: u64) -> Option<Record> {
    let header = bytes.get(..HEADER)?;
    let generation: [u8; 16] = header[8..24].try_into().ok()?;
    let length = u64::from_le_bytes(header[32..40].try_into().ok()?);
    let end = HEADER.checked_add(usize::try_from(length).ok()?)?;
    let payload = bytes.get(HEADER..end)?;
    let continues = first.is_none_or(|first| first.generation == generation);
    (continues && encode(generation, index, payload) == bytes[..end]).then(|| Record {
        generation,
        payload: payload.to_vec(),
    })
}

impl Append {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut payload = Vec::new();
        put(&mut payload, self.path.as_bytes());
        payload.extend_from_slice(&self.offset.to_le_bytes());
        payload.extend_from_slice(&self.fence);
        put(&mut payload, &self.contents);
        payload
    }

    pub(crate) fn decode(payload: &[u8]) -> Option<Self> {
        let mut rest = payload;
        let path = text(take(&mut rest)?)?;
        let offset = number(&mut rest)?;
        let (fence, mut rest) = rest.split_first_chunk()?;
        let contents = take(&mut rest)?.to_vec();
        offset.checked_add(contents.len() as u64)?;
        Some(Self {
            path,
            offset,
            fence: *fence,
            contents,
        })
    }

    /// What the append makes of a file, if it is for that file.
    pub(crate) fn apply(&self, file: &mut Vec<u8>) {
        let Ok(offset) = usize::try_from(self.offset) else {
            return;
        };
        if file.len() < offset || fence(file, offset) != self.fence {
            return;
        }
        // Other bytes in its place than parts of it and zeros are somebody else's.
        let mut pairs = file[offset..].iter().zip(&self.contents);
        if pairs.any(|(there, ours)| there != ours && *there != 0) {
            return;
        }
        let end = offset + self.contents.len();
        file.resize(file.len().max(end), 0);
        file[offset..end].copy_from_slice(&self.contents);
    }
}

/// Stands for the 256 bytes before `offset`.
pub(crate) fn fence(file: &[u8], offset: usize) -> [u8; 32] {
    let before = &file[offset.saturating_sub(256)..offset];
    *blake3::hash(before).as_bytes()
}

pub(crate) fn encode_script(actions: &[Action]) -> Vec<u8> {
    let mut payload = Vec::new();
    for action in actions {
        match action {
            Action::Remove(path) => {
                payload.push(REMOVE);
                put(&mut payload, path.as_bytes());
            }
            Action::Put { staged, path } => {
                payload.push(PUT);
                put(&mut payload, staged.as_bytes());
                put(&mut payload, path.as_bytes());
            }
        }
    }
    payload
}

pub(crate) fn decode_script(payload: &[u8]) -> Option<Vec<Action>> {
    let mut rest = payload;
    let mut actions = Vec::new();
    while let Some((kind, after)) = rest.split_first() {
        rest = after;
        actions.push(match *kind {
            REMOVE => Action::Remove(text(take(&mut rest)?)?),
            PUT => Action::Put {
                staged: text(take(&mut rest)?).filter(|name| is_staged_name(name))?,
                path: text(take(&mut rest)?)?,
            },
            _ => return None,
        });
    }
    Some(actions)
}

/// What is staged has a random name of 32 hexadecimal digits; a record that names anything else is
/// none of the engine's.
pub(crate) fn is_staged_name(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn put(payload: &mut Vec<u8>, bytes: &[u8]) {
    payload.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    payload.extend_from_slice(bytes);
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

fn text(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}
