//! One build at a time in a folder, and one installation at a time in a
//! directory of tools.
//!
//! Locks end with the process that holds them, however it ends.

use super::step::note;
use anyhow::{Context, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

/// Held until it is dropped.
pub struct Lock(#[expect(dead_code, reason = "closing it unlocks it")] File);

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
