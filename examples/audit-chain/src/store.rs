//! The ways to keep the chain: two with this project's interface, and the one of
//! abilities today. All that differs between them is in this file.

use crate::chain::Chain;
use ability_storage_guest::audit::{Broken, Head};
use ability_storage_guest::{self as storage, AuditLog, Precondition, Scope, Snapshot, Version};
use std::fmt;
use std::fs::{self, File};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Write as _};
use std::thread;
use std::time::{Duration, SystemTime};

/// Where the chain is as one JSON document, in the scope of the ability.
const PATH: &str = "audit_chain.json";

/// Where it is as lines, in the scope of the ability.
const LINES_PATH: &str = "audit_chain.log";

/// Where the old way keeps it: a plain file in a directory that the host lends.
const OLD_PATH: &str = "/scratch/audit_chain.json";

/// How often a record is tried that other writers come before. An attempt fails only
/// because another writer has succeeded.
const MAX_ATTEMPTS: u32 = 5_000;

/// How the chain is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// One document: one atomic write of all of it for each record.
    Json,
    /// One line a record: one append for each.
    Lines,
    /// Delete, then write: here to show what goes wrong. Do not copy it.
    OldWay,
}

/// A chain to add to.
pub enum Log {
    Document(Document),
    Lines(AuditLog),
}

/// A chain in one document, as this writer saw it last.
pub struct Document {
    store: Store,
    chain: Chain,
    /// The version of the file that holds it; none if there is no file.
    version: Option<Version>,
}

/// Why the chain could not be loaded or saved.
#[derive(Debug)]
pub enum StoreError {
    /// The interface refused; its message names the file and what became of it.
    Storage(storage::Error),
    /// A plain file failed. What it holds now is anyone's guess.
    Plain(io::Error),
    /// The chain could not be written as JSON; nothing was changed.
    Json(serde_json::Error),
    /// The file is there, but its chain is broken.
    Broken(Broken),
    /// Only a chain of lines can be continued behind a break.
    NoBreaks,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Storage(error) => error.fmt(f),
            StoreError::Plain(error) => write!(f, "{OLD_PATH}: {error}"),
            StoreError::Json(error) => write!(f, "the chain is not JSON: {error}"),
            StoreError::Broken(broken) => write!(
                f,
                "{PATH} was left as it is, because its chain is {broken}; repair it, or move it away to start again"
            ),
            StoreError::NoBreaks => {
                f.write_str("only a chain of lines can be continued behind a break; see --help")
            }
        }
    }
}

impl std::error::Error for StoreError {}

impl From<storage::Error> for StoreError {
    fn from(error: storage::Error) -> Self {
        StoreError::Storage(error)
    }
}

impl Store {
    /// The chain to add to; verified, but for the old way.
    pub fn open(self) -> Result<Log, StoreError> {
        let document = match self {
            Store::Lines => return Ok(Log::Lines(AuditLog::open(LINES_PATH, Scope::Ability)?)),
            Store::Json => {
                let document = self.load()?;
                document.chain.verify().map_err(StoreError::Broken)?;
                document
            }
            // What 41 of 55 published abilities that keep files do: whatever is
            // wrong with the file, start from nothing. The next save then
            // overwrites what was left of it.
            Store::OldWay => self.load().unwrap_or_else(|_| self.empty()),
        };
        Ok(Log::Document(document))
    }

    /// Checks the whole chain, of nothing if there is no file, and that it has every
    /// record that it had with the head `kept`.
    pub fn verify(self, kept: Head) -> Result<Head, StoreError> {
        if self == Store::Lines {
            return match AuditLog::verify_with_head(LINES_PATH, Scope::Ability, kept) {
                Err(storage::Error::NotFound { .. }) if kept == Head::START => Ok(Head::START),
                Err(storage::Error::BrokenChain { broken, .. }) => Err(StoreError::Broken(broken)),
                other => Ok(other?),
            };
        }
        let chain = self.load()?.chain;
        chain.verify_with_head(kept).map_err(StoreError::Broken)?;
        Ok(chain.head())
    }

    /// Opens a chain of lines that is broken, and records the break.
    pub fn continue_broken(self) -> Result<Head, StoreError> {
        match self {
            Store::Lines => Ok(AuditLog::continue_broken(LINES_PATH, Scope::Ability)?.head()),
            Store::Json | Store::OldWay => Err(StoreError::NoBreaks),
        }
    }

    fn empty(self) -> Document {
        Document {
            store: self,
            chain: Chain::empty(),
            version: None,
        }
    }

    /// The chain as the document holds it, empty if there is no file. Its links
    /// are not verified.
    fn load(self) -> Result<Document, StoreError> {
        let parse = |json: &[u8]| Chain::parse(json).map_err(StoreError::Broken);
        if self == Store::OldWay {
            return match fs::read(OLD_PATH) {
                Ok(json) => Ok(Document {
                    chain: parse(&json)?,
                    ..self.empty()
                }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(self.empty()),
                Err(error) => Err(StoreError::Plain(error)),
            };
        }
        match storage::read_file_versioned(PATH, Scope::Ability) {
            Ok(Snapshot { contents, version }) => Ok(Document {
                store: self,
                chain: parse(&contents)?,
                version: Some(version),
            }),
            Err(storage::Error::NotFound { .. }) => Ok(self.empty()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Document {
    /// Records `line` behind whatever other writers have recorded meanwhile: the document
    /// is written on condition that it is still the one that was read.
    fn record(&mut self, line: &[u8]) -> Result<Head, StoreError> {
        let mut attempt = 0;
        loop {
            let mut next = self.chain.clone();
            next.push(line, unix_time());
            match self.save(&next) {
                Err(StoreError::Storage(storage::Error::Conflict { .. }))
                    if attempt < MAX_ATTEMPTS =>
                {
                    attempt += 1;
                    pause(attempt);
                    self.reload()?;
                }
                other => {
                    self.version = other?;
                    self.chain = next;
                    return Ok(self.chain.head());
                }
            }
        }
    }

    /// Reads what other writers have made of it, and verifies that nothing is missing.
    fn reload(&mut self) -> Result<(), StoreError> {
        let now = self.store.load()?;
        let kept = self.chain.head();
        now.chain
            .verify_with_head(kept)
            .map_err(StoreError::Broken)?;
        *self = now;
        Ok(())
    }

    /// Makes `chain` the contents of the file, if that is still as it was read.
    fn save(&self, chain: &Chain) -> Result<Option<Version>, StoreError> {
        let json = chain.to_json().map_err(StoreError::Json)?;
        if self.store == Store::OldWay {
            delete_then_write(&json).map_err(StoreError::Plain)?;
            return Ok(None);
        }
        let unchanged = match &self.version {
            Some(version) => Precondition::Version(version.clone()),
            None => Precondition::Absent,
        };
        let written = storage::atomic_write_file_if(PATH, json, Scope::Ability, unchanged)?;
        Ok(Some(written))
    }
}

impl Log {
    /// Records `line`. Once this returns `Ok`, the record is saved.
    pub fn record(&mut self, line: &[u8]) -> Result<Head, StoreError> {
        match self {
            Log::Document(document) => document.record(line),
            Log::Lines(log) => Ok(log.append(line)?),
        }
    }

    /// Where the chain ends.
    pub fn head(&self) -> Head {
        match self {
            Log::Document(document) => document.chain.head(),
            Log::Lines(log) => log.head(),
        }
    }
}

/// Lets other writers finish: for a random time that grows with the attempts.
fn pause(attempt: u32) {
    let longest = (1 << attempt.min(6)) + 1;
    let random = RandomState::new().hash_one(SystemTime::now());
    thread::sleep(Duration::from_millis(random % longest));
}

/// Between the first line and the last there is no chain, or half of one; and
/// without a sync the last line does not mean that it is on the disk.
fn delete_then_write(json: &[u8]) -> io::Result<()> {
    if fs::exists(OLD_PATH)? {
        fs::remove_file(OLD_PATH)?;
    }
    File::create(OLD_PATH)?.write_all(json)
}

fn unix_time() -> u64 {
    // A clock before 1970 is no reason to lose a record.
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
