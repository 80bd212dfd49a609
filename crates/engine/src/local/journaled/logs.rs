//! The two logs of a journaled volume: while one takes the records of commits, what
//! is in the other is put into the files.
//!
//! A log is a [`Journal`]. The one with the latest record is in use; all records of
//! the other are older, and on the disk. A log may be begun anew only after it was
//! retired, and retired only when all that it has records about is in the files,
//! durably. Only who has the [turn](super::turn) writes records.

use super::super::append::AppendError;
use super::super::directory::{Access, Directory, unless_absent};
use super::super::journal::Journal;
use super::effects::Record;
use super::view::{View, Which};
use crate::path::PRIVATE_DIR;
use std::io::{self, ErrorKind};
use std::sync::Arc;

/// The directory of the logs and of large contents that records name.
pub(super) const REDO: &str = "redo";

const NAMES: [&str; 2] = ["log-0", "log-1"];

/// To this size a log grows if it is full too soon.
const MAX_LOG_BYTES: u64 = if cfg!(test) { 2 << 10 } else { 4 << 20 };

pub(super) struct Logs<D: Directory> {
    root: Arc<D>,
    /// `None` if there is none, in a volume that is only read.
    directory: Option<Arc<D>>,
    logs: [Option<Log<D::File>>; 2],
    /// Which takes the next record.
    in_use: Which,
    /// Whether the logs themselves are known to be on the disk.
    are_durable: bool,
    /// The number of the last record.
    last: u64,
    /// In which turn they were followed, if nothing has failed since.
    followed_in: Option<u64>,
}

struct Log<F> {
    journal: Journal<F>,
    /// Another descriptor, to sync by while records are written.
    to_sync: Arc<F>,
}

/// Whether there is a place for a record.
pub(super) enum Room {
    Ready,
    /// All records have to be on the disk first.
    Sync,
    /// The log in use is full, and this one has to be settled first.
    Settle(Which),
}

impl<D: Directory> Logs<D> {
    pub(super) fn new(root: Arc<D>, directory: Option<Arc<D>>) -> Self {
        Self {
            root,
            directory,
            logs: [None, None],
            in_use: 0,
            are_durable: false,
            last: 0,
            followed_in: None,
        }
    }

    /// The number of the last record.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Tells the view all that was written since the last time, by whomever.
    pub(super) fn follow(&mut self, view: &mut View) -> io::Result<()> {
        let result = self.follow_all(view);
        if result.is_err() {
            // What was read is not told, so all has to be read again.
            self.logs = [None, None];
            self.followed_in = None;
            view.forget();
        }
        result
    }

    /// Like [`follow`](Self::follow), once in a turn of this number.
    pub(super) fn follow_in(&mut self, turn: u64, view: &mut View) -> io::Result<()> {
        self.follow(view)?;
        self.followed_in = Some(turn);
        Ok(())
    }

    /// Whether all is known that others have written before this turn.
    pub(super) fn is_followed_in(&self, turn: u64) -> bool {
        self.followed_in == Some(turn)
    }

    fn follow_all(&mut self, view: &mut View) -> io::Result<()> {
        let mut records: Vec<(Which, Record)> = Vec::new();
        let mut in_use = self.in_use;
        // Whether the other one was read to its end after a record in this was seen. It
        // has no more then, unless it was begun anew.
        let mut other_is_closed = !self.is_empty(in_use);
        loop {
            for which in [in_use, 1 - in_use] {
                let is_closed = which != in_use && other_is_closed;
                let Some(log) = self.existing(which)? else {
                    continue;
                };
                if is_closed && !log.journal.is_begun_anew()? {
                    continue;
                }
                let mut more = Vec::new();
                let is_another = log.journal.follow(|payload| {
                    more.push((which, Record::decode(payload)?));
                    Ok(())
                })?;
                if is_another {
                    records.retain(|(settled, _)| *settled != which);
                    view.settled(which);
                }
                records.extend(more);
            }
            let last = records.iter().max_by_key(|(_, record)| record.sequence);
            match last {
                Some((which, _)) if *which != in_use => in_use = *which,
                _ => break,
            }
            other_is_closed = false;
        }
        records.sort_by_key(|(_, record)| record.sequence);
        for (which, record) in records {
            self.took(which, record.sequence);
            view.apply(which, record);
        }
        Ok(())
    }

    fn took(&mut self, which: Which, sequence: u64) {
        self.in_use = which;
        self.last = self.last.max(sequence);
    }

    fn existing(&mut self, which: Which) -> io::Result<Option<&mut Log<D::File>>> {
        if self.logs[which].is_none()
            && let Some(directory) = self.directory()?
        {
            self.logs[which] = open(&*directory, NAMES[which])?;
        }
        Ok(self.logs[which].as_mut())
    }

    /// The directory of the logs, `None` if there is none.
    pub(super) fn directory(&mut self) -> io::Result<Option<Arc<D>>> {
        if self.directory.is_none()
            && let Some(private) = unless_absent(self.root.open_dir(PRIVATE_DIR))?
        {
            self.directory = unless_absent(private.open_dir(REDO))?.map(Arc::new);
        }
        Ok(self.directory.clone())
    }

    /// Whether a log has no records that count.
    pub(super) fn is_empty(&self, which: Which) -> bool {
        let log = self.logs[which].as_ref();
        log.is_none_or(|log| log.journal.position().is_empty())
    }

    /// The one whose records are older, if it has any.
    pub(super) fn not_in_use(&self) -> Which {
        1 - self.in_use
    }

    /// Sees to it that the log in use has room for a record of this length: makes
    /// it, or uses the other one. The caller has the turn, and says whether all
    /// records are on the disk and nobody else syncs a log.
    pub(super) fn make_room(
        &mut self,
        payload_bytes: usize,
        all_are_synced: bool,
    ) -> io::Result<Room> {
        if !self.are_durable && !all_are_synced {
            return Ok(Room::Sync);
        }
        let journal = &mut self.in_use()?.journal;
        if journal.has_room_for(payload_bytes) {
            return Ok(Room::Ready);
        }
        let is_empty = journal.position().is_empty();
        let twice = (2 * journal.bytes()).min(MAX_LOG_BYTES);
        let other = self.not_in_use();
        if !is_empty && !self.is_empty(other) {
            return Ok(Room::Settle(other));
        }
        // Records in the other one count on those in this one.
        if !all_are_synced {
            return Ok(Room::Sync);
        }
        if is_empty {
            self.in_use()?.journal.reserve(payload_bytes)?;
            return Ok(Room::Ready);
        }
        self.in_use = other;
        let journal = &mut self.in_use()?.journal;
        journal.reserve_bytes(twice)?;
        journal.reserve(payload_bytes)?;
        Ok(Room::Ready)
    }

    /// Closes the log in use, by a first record in the other one. `None` if there is
    /// nothing in it, or something in the other. Conditions as for
    /// [`make_room`](Self::make_room).
    pub(super) fn close_in_use(&mut self, turn: u64, record: &Record) -> io::Result<Option<Which>> {
        let full = self.in_use;
        let other = self.not_in_use();
        if self.is_empty(full) || !self.is_empty(other) {
            return Ok(None);
        }
        self.in_use = other;
        self.in_use()?.journal.reserve(record.encode().len())?;
        match self.write(turn, record) {
            Ok(_) => Ok(Some(full)),
            Err(AppendError::NotApplied(error) | AppendError::Unconfirmed(error)) => Err(error),
        }
    }

    /// Writes a record into the log in use, for which there is room. It is not yet
    /// on the disk.
    pub(super) fn write(&mut self, turn: u64, record: &Record) -> Result<Which, AppendError> {
        if !self.is_followed_in(turn) {
            // Where the records end is not known: it would go over one that counts.
            let error = io::Error::other("the journal could not be read");
            return Err(AppendError::NotApplied(error));
        }
        let which = self.in_use;
        let log = self.in_use().map_err(AppendError::NotApplied)?;
        if let Err(error) = log.journal.write(&record.encode()) {
            return Err(match log.journal.void_next() {
                Ok(()) => AppendError::NotApplied(error),
                Err(_) => AppendError::Unconfirmed(error),
            });
        }
        self.took(which, record.sequence);
        Ok(which)
    }

    /// What to sync to make all records durable. Makes the logs, if that was not done
    /// yet; nobody else syncs one meanwhile.
    pub(super) fn descriptor_to_sync(&mut self) -> io::Result<Arc<D::File>> {
        if !self.are_durable {
            self.create()?;
            self.are_durable = true;
        }
        Ok(self.in_use()?.to_sync.clone())
    }

    fn in_use(&mut self) -> io::Result<&mut Log<D::File>> {
        let log = self.existing(self.in_use)?;
        log.ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// Makes both logs, filled with zeros, durable as they are, and their names. Whoever
    /// made them may have died before they were.
    fn create(&mut self) -> io::Result<()> {
        let directory = self.directory()?.ok_or(ErrorKind::NotFound)?;
        for name in NAMES {
            if directory.open_file(name)?.is_none() {
                drop(directory.create_file(name, Access::Private)?);
            }
            if let Some(file) = directory.open_file_to_change(name)? {
                let mut journal = Journal::open(file)?;
                journal.reserve(0)?;
                // Also one that is empty: whoever retired it may have been killed before
                // that was on the disk, and what came back would count as later than what
                // is written now.
                journal.sync()?;
            }
        }
        directory.sync()?;
        let private = self.root.open_dir(PRIVATE_DIR)?;
        private.sync()?;
        self.root.sync()
    }
}

/// A log whose records are not to count any more: all that they are about is in the
/// files.
pub(super) fn open_to_retire<D: Directory>(
    directory: &D,
    which: Which,
) -> io::Result<Option<Journal<D::File>>> {
    let file = directory.open_file_to_change(NAMES[which])?;
    file.map(Journal::open).transpose()
}

/// Gives back what the logs grew by. They have no records.
pub(super) fn shrink<D: Directory>(directory: &D) -> io::Result<()> {
    for name in NAMES {
        if let Some(file) = directory.open_file_to_change(name)? {
            Journal::open(file)?.shrink()?;
        }
    }
    Ok(())
}

/// What each log holds, in the order of the records. Synced, also one that is empty:
/// whoever wrote to it or retired it may have been killed before it did.
pub(super) fn records<D: Directory>(directory: &D) -> io::Result<Vec<(Which, Record)>> {
    let mut records = Vec::new();
    for which in [0, 1] {
        let Some(file) = directory.open_file_to_change(NAMES[which])? else {
            continue;
        };
        let mut journal = Journal::open(file)?;
        journal.scan(|payload| {
            records.push((which, Record::decode(payload)?));
            Ok(())
        })?;
        journal.sync()?;
    }
    records.sort_by_key(|(_, record)| record.sequence);
    Ok(records)
}

fn open<D: Directory>(directory: &D, name: &str) -> io::Result<Option<Log<D::File>>> {
    // A volume that is only read may be one that cannot be written to.
    let file = match directory.open_file_to_change(name) {
        Err(_) => directory.open_file(name)?,
        file => file?,
    };
    let Some(file) = file else { return Ok(None) };
    let to_sync = directory.open_file(name)?.ok_or(ErrorKind::NotFound)?;
    Ok(Some(Log {
        journal: Journal::open(file)?,
        to_sync: Arc::new(to_sync),
    }))
}
