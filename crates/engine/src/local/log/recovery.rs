//! What the log does when a session begins.
//!
//! A log that another process left is not trusted: a sync of it may have failed, and the
//! error may have been told to that process. What it holds goes into a new file before it
//! is put into the files.

use super::super::directory::{Directory, Kind, unless_absent};
use super::super::session::SessionTag;
use super::super::unique_name;
use super::LogWriter;
use super::origin;
use std::collections::HashSet;
use std::io;
use std::sync::atomic::Ordering;

impl<D: Directory> LogWriter<D> {
    /// Puts into the files what dead sessions left, if no other session has the volume
    /// open, and removes what they staged. Returns whether there was anything.
    ///
    /// # Errors
    ///
    /// If the log cannot be read, or a newer version has written to it.
    pub(crate) fn recover(&self, is_alone: bool) -> io::Result<bool> {
        self.reader.log.follow()?;
        let state = self.reader.log.state();
        let (is_empty, is_made) = (state.pending.is_empty(), state.logs.is_there());
        drop(state);
        if is_alone && is_made {
            // Without that, the log is not trusted, and written once more.
            if let Err(error) = self.forget_marks() {
                tracing::warn!(%error, "the mark of an earlier sync of the log stays");
                self.suspect();
            }
            if !is_empty {
                self.put_in_order();
            }
        }
        if let Err(error) = self.sweep() {
            tracing::warn!(%error, "what dead sessions staged could not be removed; it will be tried again");
        }
        Ok(is_alone && !is_empty)
    }

    /// Whatever goes wrong, the log keeps what is committed.
    fn put_in_order(&self) {
        let replaced = self.turn().and_then(|turn| {
            let replaced = self.replace_suspect();
            drop(turn);
            replaced
        });
        self.is_alone.store(true, Ordering::Relaxed);
        let settled = replaced.and_then(|()| self.checkpoint_all());
        self.is_alone.store(false, Ordering::Relaxed);
        if settled.is_ok() {
            origin::note(&*self.directory);
            if let Err(error) = self.sync_names() {
                tracing::debug!(%error, "the directory of the log could not be synced");
            }
        }
        match settled {
            Ok(()) => tracing::info!("put into the files what a dead session had left in the log"),
            Err(error) => {
                tracing::warn!(%error, "not all that the log holds could be put into the files; it will be tried again");
            }
        }
    }

    /// Removes what was staged by sessions that are dead, and is named by no record.
    fn sweep(&self) -> io::Result<()> {
        let staged: Vec<(String, SessionTag)> = self
            .directory
            .entries()?
            .into_iter()
            .filter(|entry| entry.kind == Kind::File)
            .filter_map(|entry| Some((unique_name::tag_of(&entry.name)?, entry.name)))
            .map(|(tag, name)| (name, tag))
            .collect();
        if staged.is_empty() {
            return Ok(());
        }
        let turn = self.turn()?;
        let state = self.reader.log.state();
        let named: HashSet<String> = state
            .pending
            .entries()
            .filter_map(|(_, entry)| entry.file.as_ref()?.beginning.as_ref()?.staged.clone())
            .collect();
        drop(state);
        for (name, tag) in staged {
            let is_wanted = named.contains(&name)
                || tag == self.session
                || self.sessions.is_alive_by_tag(tag)?;
            if !is_wanted {
                unless_absent(self.directory.remove_file(&name))?;
            }
        }
        drop(turn);
        Ok(())
    }
}
