//! Records with a right checksum and any payload: what no fuzzer would ever guess, and what another
//! version of the engine, or somebody who means ill, could leave in a journal.

use crate::left_behind::COMMITTED;
use crate::record::{self, Action, Append};
use crate::scratch::{Entries, Entry};
use arbitrary::Arbitrary;
use std::path::{Path, PathBuf};

#[derive(Arbitrary, Debug)]
pub enum Payload {
    Append {
        path: Name,
        offset: Offset,
        right_fence: bool,
        contents: Vec<u8>,
        /// What the record says of the length of the contents, if not the truth.
        claimed: Option<u64>,
    },
    Script(Vec<Step>),
    Raw(Vec<u8>),
}

#[derive(Arbitrary, Debug)]
pub enum Step {
    Remove(Name),
    Put(Staged, Name),
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

const HOSTILE_NAMES: [&str; 13] = [
    "../outside/secret",
    "/etc/passwd",
    "..",
    ".",
    "",
    ".ability-storage/lock",
    ".ability-storage/locks/structure",
    "notes/.ABILITY-STORAGE/x",
    "state/below",
    "notes",
    "new/file",
    "nul",
    "a\0b",
];

/// Seen from the directory of a session.
const HOSTILE_STAGED: [&str; 10] = [
    "lock",
    "../lock",
    "../../lock",
    "../../../state",
    "../../../../outside/secret",
    ".",
    "..",
    "",
    "journal-0123456789abcdef0123456789abcdef",
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

impl Payload {
    pub(crate) fn encode(&self, entries: &Entries) -> Vec<u8> {
        match self {
            Payload::Raw(bytes) => bytes.clone(),
            Payload::Script(steps) => {
                let actions = steps.iter().map(|step| match step {
                    Step::Remove(path) => Action::Remove(path.text()),
                    Step::Put(staged, path) => Action::Put {
                        staged: staged.text(entries),
                        path: path.text(),
                    },
                });
                record::encode_script(&actions.collect::<Vec<_>>())
            }
            Payload::Append {
                path,
                offset,
                right_fence,
                contents,
                claimed,
            } => {
                let path = path.text();
                let file: &[u8] = match entries.get(Path::new(&path)) {
                    Some(Entry::File(contents)) => contents,
                    _ => &[],
                };
                let offset = match offset {
                    Offset::EndOfFile => file.len() as u64,
                    Offset::EndOfNumbers(before) => u64::MAX - u64::from(*before),
                    Offset::At(offset) => *offset,
                };
                let stands_before = usize::try_from(offset)
                    .unwrap_or(usize::MAX)
                    .min(file.len());
                let fence = match right_fence {
                    true => record::fence(file, stands_before),
                    false => [7; 32],
                };
                let length = contents.len();
                let contents = contents.clone();
                let append = Append {
                    path,
                    offset,
                    fence,
                    contents,
                };
                let mut payload = append.encode();
                if let Some(claimed) = claimed {
                    let at = payload.len() - length - 8;
                    payload[at..at + 8].copy_from_slice(&claimed.to_le_bytes());
                }
                payload
            }
        }
    }
}

/// Where a record goes.
#[derive(Arbitrary, Debug)]
pub struct Place {
    /// Which of the journals that are for such a record.
    journal: u8,
    /// Behind the records that count, not over them.
    behind: bool,
}

#[derive(Arbitrary, Debug)]
pub struct Forged {
    pub(crate) place: Place,
    pub(crate) payload: Payload,
}

impl Forged {
    /// Writes the record into the entries, before they are made.
    pub(crate) fn put(&self, entries: &mut Entries) {
        let payload = self.payload.encode(entries);
        let is_journal = |path: &Path| {
            let name = path.file_name().and_then(|name| name.to_str());
            let of_batch = name.is_some_and(|name| name.starts_with("journal-"));
            let of_lock = path.parent().is_some_and(|at| at.ends_with("journals"));
            match &self.payload {
                Payload::Append { .. } => of_lock,
                Payload::Script(_) => of_batch,
                Payload::Raw(_) => of_lock || of_batch,
            }
        };
        let journals = entries.keys().filter(|path| is_journal(path)).cloned();
        let journals: Vec<PathBuf> = journals.collect();
        let Some(Entry::File(bytes)) = entries.get_mut(pick(&journals, self.place.journal)) else {
            return;
        };
        let (records, end) = record::journal(bytes);
        let (generation, index, at) = match records.first() {
            Some(first) if self.place.behind => (first.generation, records.len() as u64, end),
            _ => ([9; 16], 0, 0),
        };
        let record = record::encode(generation, index, &payload);
        bytes.resize(bytes.len().max(at + record.len()), 0);
        bytes[at..at + record.len()].copy_from_slice(&record);
    }
}

pub(crate) fn pick<T>(all: &[T], number: u8) -> &T {
    &all[usize::from(number) % all.len()]
}
