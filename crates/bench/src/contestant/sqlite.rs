//! SQLite: one row a file, write-ahead log, a sync at each commit.

use super::{Batching, Contestant, Guarantees, Kind, Store};
use anyhow::{Result, anyhow};
use rusqlite::{Connection, params};
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

#[derive(Debug)]
pub struct Sqlite;

impl Contestant for Sqlite {
    fn name(&self) -> &'static str {
        "SQLite, WAL, FULL"
    }

    fn kind(&self) -> Kind {
        Kind::Peer
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees::DATABASE
    }

    fn batching(&self) -> Batching {
        Batching::AllOrNothing
    }

    fn prepare(&self, directory: &Path) -> Result<Box<dyn Store>> {
        let connection = Connection::open(directory.join("files.sqlite"))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute(
            "CREATE TABLE files (path TEXT PRIMARY KEY, contents BLOB NOT NULL)",
            [],
        )?;
        grow_the_log(&connection)?;
        // One connection: writers that wait for a mutex are faster than such as wait for
        // SQLite's lock, which sleep and try again.
        Ok(Box::new(SqliteStore(Mutex::new(connection))))
    }
}

/// Gives the log the length that it has sooner or later: while it still grows, each commit
/// costs a second flush.
fn grow_the_log(connection: &Connection) -> Result<()> {
    connection.execute(
        "INSERT INTO files VALUES ('log', zeroblob(?1))",
        [LOG_BYTES],
    )?;
    connection.execute("DELETE FROM files", [])?;
    connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()))?;
    Ok(())
}

/// More than a commit in these benchmarks adds to what SQLite takes for a full log.
const LOG_BYTES: i64 = 12 << 20;

struct SqliteStore(Mutex<Connection>);

const PUT: &str = "INSERT INTO files VALUES (?1, ?2) \
                   ON CONFLICT (path) DO UPDATE SET contents = ?2";

impl SqliteStore {
    fn connection(&self) -> Result<MutexGuard<'_, Connection>> {
        self.0.lock().map_err(|_| anyhow!("a thread panicked"))
    }
}

impl Store for SqliteStore {
    fn replace(&self, path: &str, contents: &[u8]) -> Result<()> {
        let connection = self.connection()?;
        let mut put = connection.prepare_cached(PUT)?;
        put.execute(params![path, contents])?;
        Ok(())
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        let connection = self.connection()?;
        let mut get = connection.prepare_cached("SELECT contents FROM files WHERE path = ?1")?;
        Ok(get.query_row([path], |row| row.get(0))?)
    }

    fn append(&self, path: &str, addition: &[u8]) -> Result<()> {
        let connection = self.connection()?;
        let mut append = connection.prepare_cached(
            "UPDATE files SET contents = CAST(contents || ?2 AS BLOB) WHERE path = ?1",
        )?;
        append.execute(params![path, addition])?;
        Ok(())
    }

    fn replace_all(&self, files: &[(String, Vec<u8>)]) -> Result<()> {
        let mut connection = self.connection()?;
        let transaction = connection.transaction()?;
        {
            let mut put = transaction.prepare_cached(PUT)?;
            for (path, contents) in files {
                put.execute(params![path, contents])?;
            }
        }
        Ok(transaction.commit()?)
    }
}
