//! redb: one entry a file, with its default durability.

use super::{Batching, Contestant, Guarantees, Kind, Store};
use anyhow::{Context, Result};
use redb::{Database, ReadableDatabase, TableDefinition};
use std::path::Path;

const FILES: TableDefinition<&str, &[u8]> = TableDefinition::new("files");

#[derive(Debug)]
pub struct Redb;

impl Contestant for Redb {
    fn name(&self) -> &'static str {
        "redb"
    }

    fn kind(&self) -> Kind {
        Kind::Peer
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees {
            // Not as it is opened by default.
            shared: false,
            ..Guarantees::DATABASE
        }
    }

    fn batching(&self) -> Batching {
        Batching::AllOrNothing
    }

    fn prepare(&self, directory: &Path) -> Result<Box<dyn Store>> {
        let database = Database::create(directory.join("files.redb"))?;
        Ok(Box::new(RedbStore(database)))
    }
}

struct RedbStore(Database);

impl Store for RedbStore {
    fn replace(&self, path: &str, contents: &[u8]) -> Result<()> {
        let transaction = self.0.begin_write()?;
        transaction.open_table(FILES)?.insert(path, contents)?;
        Ok(transaction.commit()?)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        let table = self.0.begin_read()?.open_table(FILES)?;
        let entry = table.get(path)?.context("there is no such entry")?;
        Ok(entry.value().to_vec())
    }

    fn replace_all(&self, files: &[(String, Vec<u8>)]) -> Result<()> {
        let transaction = self.0.begin_write()?;
        {
            let mut table = transaction.open_table(FILES)?;
            for (path, contents) in files {
                table.insert(path.as_str(), contents.as_slice())?;
            }
        }
        Ok(transaction.commit()?)
    }
}
