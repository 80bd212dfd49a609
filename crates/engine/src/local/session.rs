//! Sessions: what one opened volume has to itself, and what is done about those
//! that died.
//!
//! A session is a directory with a lock that the system frees when the process
//! ends. Whether a session is alive is asked of its lock alone, never of ages
//! or process ids. What a session stages must stay in its directory until it is
//! published, so that nothing is left behind that the next to open the volume
//! does not find.

use super::directory::{Access, Directory, Kind};
use super::stage::Staged;
use std::io::{self, ErrorKind};
use uuid::Uuid;

/// The lock under which sessions begin: none can be taken for dead between the
/// making of its directory and the taking of its lock.
const GATE: &str = "lock";
const SESSIONS: &str = "sessions";
const SESSION_LOCK: &str = "lock";

pub(crate) struct Session<D: Directory> {
    id: String,
    sessions: D,
    directory: D,
    // Declared last, so that it is freed when the directory is gone.
    _lock: D::Lock,
}

impl<D: Directory> Session<D> {
    /// Begins a session under `private`, after removing what dead ones left.
    pub(crate) fn begin(private: &D) -> io::Result<Self> {
        let _gate = private.lock(GATE)?;
        let sessions = private.open_or_create_dir(SESSIONS, Access::Private)?;
        sweep(&sessions)?;
        let id = Uuid::new_v4().simple().to_string();
        sessions.create_dir(&id, Access::Private)?;
        let directory = sessions.open_dir(&id)?;
        let lock = directory.lock(SESSION_LOCK)?;
        Ok(Self {
            id,
            sessions,
            directory,
            _lock: lock,
        })
    }

    /// Starts a file that is not yet part of the volume.
    pub(crate) fn stage(&self, access: Access) -> io::Result<Staged<'_, D>> {
        Staged::create(&self.directory, access)
    }
}

impl<D: Directory> Drop for Session<D> {
    fn drop(&mut self) {
        if let Err(error) = remove_session(&self.sessions, &self.id, &self.directory) {
            tracing::warn!(session = self.id, %error, "a session could not be cleared; the next to open the volume will");
        }
    }
}

/// Removes the sessions whose lock is free. The caller holds the gate.
fn sweep<D: Directory>(sessions: &D) -> io::Result<()> {
    for entry in sessions.entries()? {
        if entry.kind != Kind::Directory {
            continue;
        }
        match sweep_one(sessions, &entry.name) {
            Ok(true) => {
                tracing::info!(session = entry.name, "removed what a dead session left");
            }
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(session = entry.name, %error, "what a dead session left could not be removed");
            }
        }
    }
    Ok(())
}

fn sweep_one<D: Directory>(sessions: &D, id: &str) -> io::Result<bool> {
    let directory = match sessions.open_dir(id) {
        // It was closed at this moment.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        result => result?,
    };
    let Some(_lock) = directory.try_lock(SESSION_LOCK)? else {
        return Ok(false);
    };
    remove_session(sessions, id, &directory)?;
    Ok(true)
}

fn remove_session<D: Directory>(sessions: &D, id: &str, directory: &D) -> io::Result<()> {
    // The lock file goes last: while it is there, a crash leaves a session that
    // is plainly dead.
    let entries = directory.entries()?;
    for entry in entries.iter().filter(|entry| entry.name != SESSION_LOCK) {
        directory.remove_file(&entry.name)?;
    }
    if entries.iter().any(|entry| entry.name == SESSION_LOCK) {
        directory.remove_file(SESSION_LOCK)?;
    }
    sessions.remove_dir(id)
}
