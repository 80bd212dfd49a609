//! Records with a right checksum and any payload: what no fuzzer would ever guess, and what another
//! version of the engine, or somebody who means ill, could leave in a log.

use crate::left_behind::{COMMITTED, LOG_FILES, log_file};
use crate::record::{self, COMMIT, Commit, Effect, Frame, Log, NO_MODE, VERSION};
use crate::scratch::{Entries, Entry};
use arbitrary::Arbitrary;
use std::path::Path;

#[derive(Arbitrary, Debug)]
pub enum Payload {
    Effects {
        sequence: Sequence,
        /// Mostly 0 and 1, which are all that there are.
        publication: Known,
        effects: Vec<Step>,
    },
    Raw(Vec<u8>),
}

#[derive(Arbitrary, Debug)]
pub enum Sequence {
    /// One more than that of any other record.
    Next,
    /// That of so many records before.
    Before(u8),
    At(u64),
}

/// A number of which few mean something.
#[derive(Arbitrary, Debug)]
pub enum Known {
    Zero,
    One,
    Any(u8),
}

#[derive(Arbitrary, Debug)]
pub enum Step {
    Remove(Name),
    Put {
        path: Name,
        mode: Mode,
        contents: Vec<u8>,
    },
    PutStaged {
        path: Name,
        staged: Staged,
        mode: Mode,
        /// What the record says of the length, if not the truth.
        claimed: Option<u64>,
        inode: Inode,
    },
    Append {
        path: Name,
        offset: Offset,
        right_fence: bool,
        continues: Known,
        inode: Inode,
        contents: Vec<u8>,
    },
    /// A step that says of the contents that they are of this length.
    Claim {
        path: Name,
        claimed: u64,
    },
}

/// A path.
#[derive(Arbitrary, Debug)]
pub enum Name {
    Committed(u8),
    Hostile(u8),
    Any(String),
}

/// The name of what is staged.
#[derive(Arbitrary, Debug)]
pub enum Staged {
    /// One that the engine has given.
    Right(u8),
    Hostile(u8),
    Any(String),
}

#[derive(Arbitrary, Debug)]
pub enum Offset {
    EndOfFile,
    /// So much before the end of all numbers.
    EndOfNumbers(u8),
    At(u64),
}

#[derive(Arbitrary, Debug)]
pub enum Mode {
    Unknown,
    Usual,
    Any(u64),
}

#[derive(Arbitrary, Debug)]
pub enum Inode {
    Unknown,
    Any(u64),
}

const HOSTILE_NAMES: [&str; 15] = [
    "../outside/secret",
    "/etc/passwd",
    "..",
    ".",
    "",
    ".ability-storage/lock",
    ".ability-storage/log/log-0",
    "notes/.ABILITY-STORAGE/x",
    "state/below",
    "notes",
    "deep/a",
    "new/file",
    "new/file/below",
    "nul",
    "a\0b",
];

/// Seen from the directory of the log.
const HOSTILE_STAGED: [&str; 12] = [
    "log-0",
    "log-1",
    "writer",
    "../lock",
    "../format",
    "../../state",
    "../../../outside/secret",
    ".",
    "..",
    "",
    "0123456789ABCDEF0123456789ABCDEF",
    // It could have been given.
    "fedcba9876543210fedcba9876543210",
];

impl Name {
    fn text(&self) -> String {
        match self {
            Name::Committed(number) => pick(&COMMITTED, *number).to_string(),
            Name::Hostile(number) => pick(&HOSTILE_NAMES, *number).to_string(),
            Name::Any(text) => text.clone(),
        }
    }
}

impl Staged {
    fn text(&self, entries: &Entries) -> String {
        match self {
            Staged::Hostile(number) => pick(&HOSTILE_STAGED, *number).to_string(),
            Staged::Any(text) => text.clone(),
            Staged::Right(number) => {
                let names = entries.keys().filter_map(|path| path.file_name()?.to_str());
                let staged: Vec<&str> = names.filter(|name| record::is_staged_name(name)).collect();
                match staged.is_empty() {
                    true => String::new(),
                    false => pick(&staged, *number).to_string(),
                }
            }
        }
    }
}

impl Known {
    fn number(&self) -> u8 {
        match self {
            Known::Zero => 0,
            Known::One => 1,
            Known::Any(number) => *number,
        }
    }
}

impl Mode {
    fn number(&self) -> u64 {
        match self {
            Mode::Unknown => NO_MODE,
            Mode::Usual => 0o640,
            Mode::Any(mode) => *mode,
        }
    }
}

impl Inode {
    fn number(&self) -> u64 {
        match self {
            Inode::Unknown => 0,
            Inode::Any(inode) => *inode,
        }
    }
}

impl Sequence {
    fn number(&self, last: u64) -> u64 {
        match self {
            Sequence::Next => last.saturating_add(1),
            Sequence::Before(records) => last.saturating_sub(u64::from(*records)),
            Sequence::At(sequence) => *sequence,
        }
    }
}

impl Step {
    fn effect(&self, entries: &Entries) -> (String, Effect) {
        let effect = match self {
            Step::Remove(_) => Effect::Remove,
            Step::Put { mode, contents, .. } => Effect::Put {
                mode: mode.number(),
                modified: 1,
                contents: contents.clone(),
            },
            Step::Claim { .. } => Effect::Put {
                mode: NO_MODE,
                modified: 1,
                contents: Vec::new(),
            },
            Step::PutStaged {
                staged,
                mode,
                claimed,
                inode,
                ..
            } => {
                let name = staged.text(entries);
                let bytes = file_at(entries, &log_file(&name)).len() as u64;
                Effect::PutStaged {
                    mode: mode.number(),
                    modified: u64::MAX,
                    name,
                    bytes: claimed.unwrap_or(bytes),
                    inode: inode.number(),
                }
            }
            Step::Append {
                path,
                offset,
                right_fence,
                continues,
                inode,
                contents,
            } => {
                let path = path.text();
                let file = file_at(entries, Path::new(&path));
                let offset = offset.number(file.len());
                let before = usize::try_from(offset).unwrap_or(usize::MAX);
                let fence = match right_fence {
                    true => record::fence(file, before.min(file.len())),
                    false => [7; 32],
                };
                Effect::Append {
                    offset,
                    fence,
                    continues: continues.number(),
                    inode: inode.number(),
                    more: contents.clone(),
                }
            }
        };
        (self.path().text(), effect)
    }

    fn path(&self) -> &Name {
        match self {
            Step::Remove(path)
            | Step::Put { path, .. }
            | Step::PutStaged { path, .. }
            | Step::Append { path, .. }
            | Step::Claim { path, .. } => path,
        }
    }
}

impl Offset {
    fn number(&self, end_of_file: usize) -> u64 {
        match self {
            Offset::EndOfFile => end_of_file as u64,
            Offset::EndOfNumbers(before) => u64::MAX - u64::from(*before),
            Offset::At(offset) => *offset,
        }
    }
}

fn file_at<'a>(entries: &'a Entries, path: &Path) -> &'a [u8] {
    match entries.get(path) {
        Some(Entry::File(contents)) => contents,
        _ => &[],
    }
}

impl Payload {
    fn encode(&self, entries: &Entries) -> Vec<u8> {
        let (sequence, publication, effects) = match self {
            Payload::Raw(bytes) => return bytes.clone(),
            Payload::Effects {
                sequence,
                publication,
                effects,
            } => (sequence, publication, effects),
        };
        let commit = Commit {
            sequence: sequence.number(last(entries)),
            session: 1,
            publication: publication.number(),
            // No file is later than that.
            time: 1 << 61,
            effects: effects.iter().map(|step| step.effect(entries)).collect(),
        };
        let mut payload = commit.encode();
        if let Some(Step::Claim { claimed, .. }) = effects.last() {
            let at = payload.len() - 8;
            payload[at..].copy_from_slice(&claimed.to_le_bytes());
        }
        payload
    }
}

/// The highest number of a record.
fn last(entries: &Entries) -> u64 {
    let logs = LOG_FILES.map(|name| Log::read(file_at(entries, &log_file(name))));
    let payloads = logs.iter().flat_map(|log| &log.payloads);
    let commits = payloads.filter_map(|payload| Commit::decode(payload));
    commits.map(|commit| commit.sequence).max().unwrap_or(0)
}

/// Where a record goes.
#[derive(Arbitrary, Debug)]
pub struct Place {
    /// Which of the files of the log.
    log: bool,
    /// Behind the records that count, not over them.
    behind: bool,
    /// What is wrong with its header, if anything is.
    wrong: Option<Wrong>,
}

#[derive(Arbitrary, Debug)]
pub enum Wrong {
    Generation,
    Index(u64),
    Version(u8),
    Kind(u8),
    /// So much of the end is missing.
    Cut(u8),
}

#[derive(Arbitrary, Debug)]
pub struct Forged {
    place: Place,
    payload: Payload,
}

impl Forged {
    /// Writes the record into the entries, before they are made.
    pub(crate) fn put(&self, entries: &mut Entries) {
        let payload = self.payload.encode(entries);
        let name = LOG_FILES[usize::from(self.place.log)];
        let Some(Entry::File(bytes)) = entries.get_mut(&log_file(name)) else {
            return;
        };
        let log = Log::read(bytes);
        let (mut frame, at) = match log.generation {
            Some(generation) if self.place.behind => {
                let frame = Frame::new(generation, log.payloads.len() as u64);
                (frame, log.end)
            }
            _ => (Frame::new([9; 16], 0), 0),
        };
        let mut cut = 0;
        match self.place.wrong {
            None => {}
            Some(Wrong::Generation) => frame.generation = [8; 16],
            Some(Wrong::Index(index)) => frame.index = index,
            Some(Wrong::Version(more)) => frame.version = VERSION.wrapping_add(more),
            Some(Wrong::Kind(more)) => frame.kind = COMMIT.wrapping_add(more),
            Some(Wrong::Cut(bytes)) => cut = usize::from(bytes),
        }
        let mut record = frame.encode(&payload);
        record.truncate(record.len().saturating_sub(cut));
        bytes.resize(bytes.len().max(at + record.len()), 0);
        bytes[at..at + record.len()].copy_from_slice(&record);
    }
}

pub(crate) fn pick<T>(all: &[T], number: u8) -> &T {
    &all[usize::from(number) % all.len()]
}
