//! The ways to keep the chain: two with this project's interface, and the one of
//! abilities today. All that differs between them is in this file.

use crate::chain::Chain;
use ability_storage_guest::audit::{Broken, Head};
use ability_storage_guest::{self as storage, AuditLog, Scope};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::time::SystemTime;

/// Where the chain is as one JSON document, in the scope of the ability.
const PATH: &str = "audit_chain.json";

/// Where it is as lines, in the scope of the ability.
const LINES_PATH: &str = "audit_chain.log";

/// Where the old way keeps it: a plain file in a directory that the host lends.
const OLD_PATH: &str = "/scratch/audit_chain.json";

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
    Document { store: Store, chain: Chain },
    Lines(AuditLog),
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
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Storage(error) => error.fmt(f),
            StoreError::Plain(error) => write!(f, "{OLD_PATH}: {error}"),
            StoreError::Json(error) => write!(f, "the chain is not JSON: {error}"),
            StoreError::Broken(broken) => write!(
                f,
                "{PATH} was left as it is, because its chain is {broken}; repair it, or move it away to start anew"
            ),
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
        let chain = match self {
            Store::Lines => return Ok(Log::Lines(AuditLog::open(LINES_PATH, Scope::Ability)?)),
            Store::Json => {
                let chain = self.load()?;
                chain.verify().map_err(StoreError::Broken)?;
                chain
            }
            // What 41 of 55 published abilities that keep files do: whatever is
            // wrong with the file, start from nothing. The next save then
            // overwrites what was left of it.
            Store::OldWay => self.load().unwrap_or_else(|_| Chain::empty()),
        };
        Ok(Log::Document { store: self, chain })
    }

    /// Checks the whole chain, of nothing if there is no file.
    pub fn verify(self) -> Result<Head, StoreError> {
        if self == Store::Lines {
            return match AuditLog::verify(LINES_PATH, Scope::Ability) {
                Ok(head) => Ok(head),
                Err(storage::Error::NotFound { .. }) => Ok(Head::START),
                Err(storage::Error::BrokenChain { broken, .. }) => Err(StoreError::Broken(broken)),
                Err(error) => Err(error.into()),
            };
        }
        let chain = self.load()?;
        chain.verify().map_err(StoreError::Broken)?;
        Ok(chain.head())
    }

    /// The chain as the document holds it, empty if there is no file. Its links
    /// are not verified.
    fn load(self) -> Result<Chain, StoreError> {
        match self.read()? {
            Some(json) => Chain::parse(&json).map_err(StoreError::Broken),
            None => Ok(Chain::empty()),
        }
    }

    fn read(self) -> Result<Option<Vec<u8>>, StoreError> {
        if self == Store::OldWay {
            return match fs::read(OLD_PATH) {
                Ok(json) => Ok(Some(json)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(StoreError::Plain(error)),
            };
        }
        match storage::read_file(PATH, Scope::Ability) {
            Ok(json) => Ok(Some(json)),
            Err(storage::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes `chain` the contents of the file.
    fn save(self, chain: &Chain) -> Result<(), StoreError> {
        let json = chain.to_json().map_err(StoreError::Json)?;
        if self == Store::OldWay {
            return delete_then_write(&json).map_err(StoreError::Plain);
        }
        Ok(storage::atomic_write_file(PATH, json, Scope::Ability)?)
    }
}

impl Log {
    /// Records `line`. Once this returns `Ok`, the record is saved.
    pub fn record(&mut self, line: &[u8]) -> Result<Head, StoreError> {
        match self {
            Log::Document { store, chain } => {
                chain.push(line, unix_time());
                store.save(chain)?;
                Ok(chain.head())
            }
            Log::Lines(log) => Ok(log.append(line)?),
        }
    }

    /// Where the chain ends.
    pub fn head(&self) -> Head {
        match self {
            Log::Document { chain, .. } => chain.head(),
            Log::Lines(log) => log.head(),
        }
    }
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
