//! The limit: one write into a file that is there already, and one flush. It replaces
//! nothing, but nothing that is durable can be done with less.

use super::{Batching, Contestant, Guarantees, Kept, Kind, Store};
use anyhow::{Context, Result, anyhow};
use std::collections::HashMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Of the log of each path.
const LENGTH: u64 = 8 << 20;

#[derive(Debug)]
pub struct Log;

impl Contestant for Log {
    fn name(&self) -> &'static str {
        "limit: one pwrite, one flush"
    }

    fn kind(&self) -> Kind {
        Kind::Limit
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees {
            whole: Kept::No,
            durable: Kept::Always,
            ordered: Kept::No,
            plain: false,
            shared: false,
        }
    }

    fn batching(&self) -> Batching {
        Batching::Together
    }

    fn prepare(&self, directory: &Path) -> Result<Box<dyn Store>> {
        Ok(Box::new(LogStore {
            directory: directory.to_owned(),
            logs: Mutex::default(),
        }))
    }
}

struct LogStore {
    directory: PathBuf,
    logs: Mutex<HashMap<String, Arc<Mutex<OneLog>>>>,
}

struct OneLog {
    file: File,
    /// Where the next record goes, and where the last one is.
    next: u64,
    last: (u64, usize),
}

impl LogStore {
    fn log(&self, path: &str) -> Result<Arc<Mutex<OneLog>>> {
        let mut logs = self.logs.lock().map_err(|_| anyhow!("a thread panicked"))?;
        if let Some(log) = logs.get(path) {
            return Ok(log.clone());
        }
        let place = self.directory.join(path);
        // Zeros that are written: room that is only reserved costs a second flush.
        fs::write(&place, vec![0; LENGTH as usize])?;
        let file = File::options().read(true).write(true).open(place)?;
        file.sync_all()?;
        let log = Arc::new(Mutex::new(OneLog {
            file,
            next: 0,
            last: (0, 0),
        }));
        logs.insert(path.to_owned(), log.clone());
        Ok(log)
    }
}

impl Store for LogStore {
    fn replace(&self, path: &str, contents: &[u8]) -> Result<()> {
        let log = self.log(path)?;
        let mut log = log.lock().map_err(|_| anyhow!("a thread panicked"))?;
        if log.next + contents.len() as u64 > LENGTH {
            log.next = 0;
        }
        log.file.write_all_at(contents, log.next)?;
        log.file.sync_data()?;
        log.last = (log.next, contents.len());
        log.next += contents.len() as u64;
        Ok(())
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        let log = self.log(path)?;
        let log = log.lock().map_err(|_| anyhow!("a thread panicked"))?;
        let (place, length) = log.last;
        let mut contents = vec![0; length];
        log.file
            .read_exact_at(&mut contents, place)
            .context("the log is shorter than it was made")?;
        Ok(contents)
    }

    /// An append is a record like any other.
    fn append(&self, path: &str, addition: &[u8]) -> Result<()> {
        self.replace(path, addition)
    }

    /// One record, one flush.
    fn replace_all(&self, files: &[(String, Vec<u8>)]) -> Result<()> {
        let contents: Vec<&[u8]> = files.iter().map(|(_, contents)| &**contents).collect();
        self.replace("batch", &contents.concat())
    }
}
