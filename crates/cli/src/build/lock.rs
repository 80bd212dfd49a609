//! One build at a time in a folder, and one installation at a time in a
//! directory of tools.
//!
//! Locks end with the processes that hold them, however they end.

use super::step::note;
use anyhow::{Context, Result, bail};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;

/// Held until it is dropped, and by programs that were given it until they end.
pub struct Lock(File);

impl Lock {
    /// An empty standard input for a program. If this process is killed, the
    /// program goes on, and nobody gets the lock before it has ended.
    pub fn given_as_stdin(&self) -> std::io::Result<Stdio> {
        self.0.try_clone().map(Stdio::from)
    }
}

/// Nobody else may hold it.
pub fn alone(path: &Path, waiting_for: &str) -> Result<Lock> {
    lock(path, waiting_for, File::try_lock, File::lock)
}

/// Others may hold it in this way too, but not alone.
pub fn shared(path: &Path, waiting_for: &str) -> Result<Lock> {
    lock(path, waiting_for, File::try_lock_shared, File::lock_shared)
}

fn lock(
    path: &Path,
    waiting_for: &str,
    attempt: fn(&File) -> Result<(), TryLockError>,
    wait: fn(&File) -> std::io::Result<()>,
) -> Result<Lock> {
    let failed = || format!("{} could not be locked", path.display());
    // A link would make a file where it leads.
    if let Ok(metadata) = fs::symlink_metadata(path)
        && !metadata.is_file()
    {
        bail!(
            "{} is no file, so it cannot be locked; remove it",
            path.display()
        );
    }
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path)
        .with_context(failed)?;
    match attempt(&file) {
        Ok(()) => return Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => note(&format!("Waiting for {waiting_for}")),
        Err(TryLockError::Error(error)) => return Err(error).with_context(failed),
    }
    loop {
        match wait(&file) {
            Ok(()) => return Ok(Lock(file)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error).with_context(failed),
        }
    }
}
