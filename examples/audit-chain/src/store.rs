//! The two ways to keep the chain: with this project's interface, and as
//! abilities do today. All that differs between them is in this file.

use crate::chain::{Broken, Chain};
use ability_storage_guest::{self as storage, Scope};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};

/// Where `ability:storage` keeps the chain, in the scope of the ability.
const PATH: &str = "audit_chain.json";

/// Where the old way keeps it: a plain file in a directory that the host lends.
const OLD_PATH: &str = "/scratch/audit_chain.json";

/// How the chain is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// One atomic write per change.
    AbilityStorage,
    /// Delete, then write: here to show what goes wrong. Do not copy it.
    OldWay,
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

impl Store {
    /// The chain to add to.
    pub fn open(self) -> Result<Chain, StoreError> {
        match self {
            Store::AbilityStorage => {
                let chain = self.load()?;
                chain.verify().map_err(StoreError::Broken)?;
                Ok(chain)
            }
            // What 41 of 55 published abilities that keep files do: whatever is
            // wrong with the file, start from nothing. The next save then
            // overwrites what was left of it.
            Store::OldWay => Ok(self.load().unwrap_or_else(|_| Chain::empty())),
        }
    }

    /// The chain as the file holds it, empty if there is no file. Its links are
    /// not verified.
    pub fn load(self) -> Result<Chain, StoreError> {
        match self.read()? {
            Some(json) => Chain::parse(&json).map_err(StoreError::Broken),
            None => Ok(Chain::empty()),
        }
    }

    fn read(self) -> Result<Option<Vec<u8>>, StoreError> {
        match self {
            Store::AbilityStorage => match storage::read_file(PATH, Scope::Ability) {
                Ok(json) => Ok(Some(json)),
                Err(storage::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(StoreError::Storage(error)),
            },
            Store::OldWay => match fs::read(OLD_PATH) {
                Ok(json) => Ok(Some(json)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(StoreError::Plain(error)),
            },
        }
    }

    /// Makes `chain` the contents of the file.
    pub fn save(self, chain: &Chain) -> Result<(), StoreError> {
        let json = chain.to_json().map_err(StoreError::Json)?;
        match self {
            Store::AbilityStorage => {
                storage::atomic_write_file(PATH, json, Scope::Ability).map_err(StoreError::Storage)
            }
            Store::OldWay => delete_then_write(&json).map_err(StoreError::Plain),
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
