//! What a session does before it begins, under the gate of all sessions: it looks at the
//! format, removes what dead sessions left, and puts into the files what the log still has.
//!
//! Recovery may be cut off anywhere and begun again. It never fails because of one record:
//! what cannot be put into its file stays in the log.

use super::Lasting;
use super::directory::{Access, Directory};
use super::journal_mode::{self, JournalMode};
use super::layout::{self, LOCKS, PRIVATE_DIR, SPARE_SESSION};
use super::locks::Locks;
use super::log::{LogOptions, LogWriter};
use super::reader::Reader;
use super::session::{Dead, OpenLock, Sessions};
use super::writer::Writer;
use crate::observe::Observer;
use std::io;
use std::sync::Arc;

/// Begins a session.
pub(super) fn begin<D: Directory>(
    reader: &Arc<Reader<D>>,
    lasting: &Lasting<D>,
) -> io::Result<Writer<D>> {
    let Lasting {
        accounts,
        observer,
        context,
        calls,
        known_files,
        options,
        ..
    } = lasting;
    let _span = tracing::debug_span!("recovery").entered();
    let root = reader.tree.root();
    let private = root.open_or_create_dir(PRIVATE_DIR, Access::Private)?;
    let gate = OpenLock::take(&private)?;
    layout::enter_format(&private, || Sessions::open(&private)?.are_living(&gate))?;
    let sessions = Arc::new(Sessions::open(&private)?);
    remove_dead(&sessions, &gate, observer)?;
    let locks = Arc::new(Locks::new(
        private.open_or_create_dir(LOCKS, Access::Private)?,
    ));
    let mode = journal_mode::enter(root, &locks, options.publication())?;
    let session = sessions.begin(&gate, mode.is_alone)?;
    let log_options = LogOptions {
        publication: mode.publication,
        session_id: session.id().to_owned(),
        sessions,
        checkpoint_after: options.checkpoint_after,
        context: context.clone(),
    };
    let (reader, locks_of_log) = (reader.clone(), locks.clone());
    let log = LogWriter::open(
        reader.clone(),
        &private,
        locks_of_log,
        known_files.clone(),
        log_options,
    )?;
    let JournalMode { lock, is_alone, .. } = mode;
    let writer = Writer {
        reader,
        log,
        session,
        locks,
        accounts: accounts.clone(),
        known_files: known_files.clone(),
        observer: observer.clone(),
        calls: calls.clone(),
        durability: options.durability,
        _mode: lock,
    };
    if writer.log.recover(is_alone)? {
        observer.recovered();
    }
    Ok(writer)
}

fn remove_dead<D: Directory>(
    sessions: &Sessions<D>,
    gate: &OpenLock<D>,
    observer: &Observer,
) -> io::Result<()> {
    let ids = sessions.ids()?.into_iter();
    for id in ids.filter(|id| id != SPARE_SESSION) {
        if let Some(dead) = sessions.dead(gate, &id)? {
            remove_one(sessions, &id, dead);
            observer.recovered();
        }
    }
    Ok(())
}

/// What cannot be removed now is in no session's way, and will be tried again.
fn remove_one<D: Directory>(sessions: &Sessions<D>, id: &str, dead: Dead<D>) {
    match sessions.remove_dead(id, dead) {
        Ok(()) => tracing::info!(session = id, "removed what a dead session left"),
        Err(error) => {
            tracing::warn!(session = id, %error, "what a dead session left could not be removed");
        }
    }
}
