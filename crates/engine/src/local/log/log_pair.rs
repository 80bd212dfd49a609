//! The two files of the log: while one takes the records of commits, what is in the
//! other is put into the files of the volume.
//!
//! The file with the latest record is in use; all records of the other are older, and on
//! the disk. A file may be begun again only when all that it has records about is in the
//! files of the volume, durably, or was carried over into the other. Only the holder of
//! the [writer lock](super::writer_lock) writes to them.

mod begin_again;
mod following;

use super::super::directory::{Directory, Lock, unless_absent};
use super::super::layout::{self, LOG, LOG_FILES, PRIVATE_DIR, WRITER};
use super::super::session::NOBODY;
use super::log_file::{self, LogFile, LogSlot};
use super::origin;
use super::record::{Publication, Record};
use super::{CommitError, Sizes};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::SystemTime;

pub(super) struct LogPair<D: Directory> {
    root: Arc<D>,
    /// `None` if there is none, in a volume that is only read.
    directory: Option<Arc<D>>,
    files: [Option<LogFile<D::File>>; 2],
    /// Whether there was none of them when both were looked for.
    are_absent: bool,
    /// Which takes the next record.
    in_use: LogSlot,
    /// Whether both files are known to be there, with their names on the disk.
    are_made: bool,
    /// The number of the last record.
    last: u64,
    /// The number of the last record in each file.
    last_in: [u64; 2],
    /// Whether the next record is to be the first of the file in use.
    begins_again: bool,
    /// In which turn of the writer lock it was followed, if nothing has failed since.
    followed_in: Option<u64>,
    /// Who had the turn last, once this session has had it.
    turns: Option<Turns<D>>,
    /// Whether a call has failed after which it is not known what the files are.
    is_lost: bool,
    /// Whether a file could not be opened to be written to.
    is_read_only: bool,
    /// Files that others have begun again, perhaps without a sync.
    begun_again_by_others: [bool; 2],
    sizes: Sizes,
}

/// The mark of the writer lock, and what this session marks it with.
pub(super) struct Turns<D: Directory> {
    pub(super) directory: Arc<D>,
    pub(super) lock: <D::Lock as Lock>::Watched,
    pub(super) session: String,
}

impl<D: Directory> Turns<D> {
    /// Whether no other session has had the turn since this one had it.
    fn is_last_of_this_session(&self) -> bool {
        let mark = self.directory.mark_of(WRITER, &self.lock);
        matches!(mark, Ok(Some(mark)) if mark == self.session.as_bytes())
    }
}

impl<D: Directory> LogPair<D> {
    pub(super) fn new(root: Arc<D>, directory: Option<Arc<D>>, sizes: Sizes) -> Self {
        Self {
            root,
            directory,
            files: [None, None],
            are_absent: false,
            in_use: 0,
            are_made: false,
            last: 0,
            last_in: [0; 2],
            begins_again: false,
            followed_in: None,
            turns: None,
            is_lost: false,
            is_read_only: false,
            // A file that is there may have been begun again by a process that was killed.
            begun_again_by_others: [true; 2],
            sizes,
        }
    }

    /// The number of the last record.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    fn existing(&mut self, which: LogSlot) -> io::Result<Option<&mut LogFile<D::File>>> {
        if self.files[which].is_none()
            && let Some(directory) = self.directory()?
        {
            // A volume that is only read may be one that cannot be written to.
            let file = match directory.open_file_to_change(LOG_FILES[which]) {
                Err(error) if is_read_only(&error) => {
                    self.is_read_only = true;
                    directory.open_file(LOG_FILES[which])?
                }
                file => file?,
            };
            self.files[which] = file.map(LogFile::open).transpose()?;
        }
        Ok(self.files[which].as_mut())
    }

    /// The directory of the log, `None` if there is none.
    pub(super) fn directory(&mut self) -> io::Result<Option<Arc<D>>> {
        if self.directory.is_none()
            && let Some(private) = unless_absent(self.root.open_dir(PRIVATE_DIR))?
        {
            self.directory = unless_absent(private.open_dir(LOG))?.map(Arc::new);
        }
        Ok(self.directory.clone())
    }

    /// Uses the directory of the log that the writer has open.
    pub(super) fn share_directory(&mut self, directory: &Arc<D>) {
        self.directory = Some(directory.clone());
    }

    /// Which file takes the next record.
    pub(super) fn in_use(&self) -> LogSlot {
        self.in_use
    }

    /// The descriptors of files that others have begun again, and perhaps not synced.
    pub(super) fn begun_again_by_others(&mut self) -> io::Result<Vec<(LogSlot, Arc<D::File>)>> {
        let mut doubtful = Vec::new();
        for which in [0, 1] {
            if !self.begun_again_by_others[which] {
                continue;
            }
            match self.existing(which)? {
                Some(file) => doubtful.push((which, file.file())),
                None => self.begun_again_by_others[which] = false,
            }
        }
        Ok(doubtful)
    }

    pub(super) fn were_synced(&mut self, which: LogSlot) {
        self.begun_again_by_others[which] = false;
    }

    /// Whether there is room for a record of this payload in the file in use.
    pub(super) fn has_room_for(&mut self, payload_bytes: usize) -> io::Result<bool> {
        self.make()?;
        let needed = self.end_in_use()? + log_bytes_of(payload_bytes);
        Ok(needed <= self.bytes_in_use()?)
    }

    /// Whether the records in the file in use take as much as a log file may get.
    pub(super) fn is_at_most(&mut self) -> io::Result<bool> {
        Ok(self.end_in_use()? >= self.sizes.max_log_bytes)
    }

    /// Where the next record goes in the file in use.
    fn end_in_use(&mut self) -> io::Result<u64> {
        let end = self.file_in_use()?.end();
        Ok(if self.begins_again { 0 } else { end })
    }

    /// Lets the other file, which has no record that counts, take the next record. All
    /// records are on the disk. Where space is short, it gives back what it grew by.
    pub(super) fn switch(&mut self, is_short_of_space: bool) -> io::Result<()> {
        self.make()?;
        self.in_use = 1 - self.in_use;
        self.begins_again = true;
        // One that others have begun again may have all its old records on the disk.
        if is_short_of_space && !self.begun_again_by_others[self.in_use] {
            self.cut(self.sizes.log_bytes);
        }
        Ok(())
    }

    /// Takes back [`switch`](Self::switch), after which no record was written.
    pub(super) fn switch_back(&mut self) {
        self.in_use = 1 - self.in_use;
        self.begins_again = false;
    }

    /// Makes the file in use longer, for one record of this payload. All of it has to
    /// be synced before the record counts on it. Where space is short, by no more than that
    /// takes.
    pub(super) fn grow_for(
        &mut self,
        payload_bytes: usize,
        is_short_of_space: bool,
    ) -> io::Result<()> {
        let needed = self.end_in_use()? + log_bytes_of(payload_bytes);
        // One that was switched to grows to twice the length of the other, which was full.
        let other = self.files[1 - self.in_use].as_ref();
        let twice = match (self.begins_again, other) {
            (true, Some(other)) if !is_short_of_space => {
                (2 * other.bytes()).min(self.sizes.max_log_bytes)
            }
            _ => 0,
        };
        let file = self.file_in_use()?;
        match file.grow(needed.max(twice)) {
            Err(_) if twice > needed => file.grow(needed),
            grown => grown,
        }
    }

    /// The length of the file in use.
    pub(super) fn bytes_in_use(&mut self) -> io::Result<u64> {
        Ok(self.file_in_use()?.bytes())
    }

    /// Takes back what the file in use grew by, if it could not be synced.
    pub(super) fn cut(&mut self, bytes: u64) {
        if let Ok(file) = self.file_in_use() {
            file.cut(bytes);
        }
    }

    /// Writes a record into the file in use, for which there is room. It is not yet
    /// on the disk.
    pub(super) fn write(&mut self, turn: u64, record: &Record) -> Result<LogSlot, CommitError> {
        if !self.is_followed_in(turn) {
            // Where the records end is not known: it would go over one that counts.
            let error = io::Error::other("the log could not be read");
            return Err(CommitError::NotApplied(error));
        }
        let which = self.in_use;
        let begins_again = self.begins_again;
        let file = self.file_in_use().map_err(CommitError::NotApplied)?;
        let written = match begins_again {
            true => file.begin_again(&mut record.encode()),
            false => file.write(&mut record.encode()),
        };
        if begins_again && matches!(written, Err(CommitError::NotApplied(_))) {
            // Others go on in the file that was in use.
            self.switch_back();
        }
        if let Err(CommitError::Unconfirmed(_)) = written {
            self.lose_track();
        }
        written?;
        self.begins_again = false;
        self.took(which, record);
        Ok(which)
    }

    /// A call has failed, and it is not known any more what the files are: all is to be read
    /// again before the next record is written.
    fn lose_track(&mut self) {
        self.followed_in = None;
        self.is_lost = true;
    }

    /// What a change of the files has come to. If it has failed, it may have been made in part.
    fn tracked<T>(&mut self, changed: io::Result<T>) -> io::Result<T> {
        if changed.is_err() {
            self.lose_track();
        }
        changed
    }

    /// Whether there is a log file, as far as was seen.
    pub(super) fn is_there(&self) -> bool {
        self.files.iter().any(Option::is_some)
    }

    /// Whether this session has [made](Self::make) the files, or found that they are.
    pub(super) fn are_made(&self) -> bool {
        self.are_made && self.files.iter().all(Option::is_some)
    }

    /// The descriptor to sync to make all records durable.
    pub(super) fn descriptor_to_sync(&mut self) -> io::Result<Arc<D::File>> {
        if self.is_lost {
            return Err(io::Error::other("the log has to be read again first"));
        }
        Ok(self.file_in_use()?.file())
    }

    fn file_in_use(&mut self) -> io::Result<&mut LogFile<D::File>> {
        let file = self.existing(self.in_use)?;
        file.ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// Makes the files that are missing, and their names durable: another process may
    /// have made them and been killed before it did that. The caller has the writer lock.
    pub(super) fn make(&mut self) -> io::Result<()> {
        if self.are_made {
            return Ok(());
        }
        let made = self.make_missing();
        self.tracked(made)
    }

    fn make_missing(&mut self) -> io::Result<()> {
        let directory = self.directory()?.ok_or(ErrorKind::NotFound)?;
        let private = self.root.open_dir(PRIVATE_DIR)?;
        layout::make_durable(&*self.root, &private, &*directory)?;
        if self.existing(0)?.is_none() {
            origin::note(&*directory);
        }
        // In this order: as long as there is not the first, others do not look for the second.
        for which in [0, 1] {
            if self.existing(which)?.is_none() {
                let record = empty_record(self.last_in[which]).encode();
                log_file::make(
                    &*directory,
                    LOG_FILES[which],
                    self.sizes.log_bytes,
                    vec![record],
                )?;
                self.skip_to_end(which)?;
            }
        }
        directory.sync()?;
        self.are_made = true;
        Ok(())
    }
}

/// Whether an error says that files may not be written to, and not that something failed.
fn is_read_only(error: &io::Error) -> bool {
    let kind = error.kind();
    kind == ErrorKind::PermissionDenied || kind == ErrorKind::ReadOnlyFilesystem
}

/// How much a record of this payload takes in a log file.
pub(super) fn log_bytes_of(payload_bytes: usize) -> u64 {
    (super::frame::HEADER_BYTES + payload_bytes) as u64
}

/// A record that says nothing but that there were so many before it.
pub(super) fn empty_record(sequence: u64) -> Record {
    Record {
        sequence,
        session: NOBODY,
        publication: Publication::default(),
        time: SystemTime::UNIX_EPOCH,
        effects: Vec::new(),
    }
}
