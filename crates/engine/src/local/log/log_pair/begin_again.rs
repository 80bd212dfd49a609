//! Giving up the records of a file, and putting a new one in the place of one that cannot be
//! trusted any more.

use super::super::super::directory::Directory;
use super::super::super::layout::LOG_FILES;
use super::super::log_file::{self, LogSlot};
use super::super::record::Record;
use super::{LogPair, empty_record};
use std::io::{self, ErrorKind};
use std::sync::Arc;

impl<D: Directory> LogPair<D> {
    /// Gives up all records of the file that is not in use, by a record without effects;
    /// it is to be synced.
    pub(in super::super) fn begin_again(&mut self, which: LogSlot) -> io::Result<Arc<D::File>> {
        let mut record = empty_record(self.last_in[which]).encode();
        let file = self.existing(which)?.ok_or(ErrorKind::NotFound)?;
        let begun = file.begin_again(&mut record).map(|()| file.file());
        self.tracked(begun.map_err(io::Error::from))
    }

    /// A file that was [begun again](Self::begin_again) was synced. It gives back what it
    /// grew by for one long record, or where space is short.
    ///
    /// If it were cut before the sync, a power cut could leave it shorter and with its old
    /// records: the first ones without the last, which recovery would put into the files.
    pub(in super::super) fn was_given_up(&mut self, which: LogSlot, is_short_of_space: bool) {
        self.begun_again_by_others[which] = false;
        let sizes = self.sizes;
        if let Some(file) = &mut self.files[which]
            && (is_short_of_space || file.bytes() > sizes.max_log_bytes)
        {
            file.cut(sizes.log_bytes);
        }
    }

    /// Puts a new file with just these records in the place of one that could not be
    /// synced. When this returns, all of them are on the disk.
    pub(in super::super) fn replace(
        &mut self,
        which: LogSlot,
        records: &[Record],
    ) -> io::Result<()> {
        let replaced = self.put_new_file(which, records);
        self.tracked(replaced)
    }

    fn put_new_file(&mut self, which: LogSlot, records: &[Record]) -> io::Result<()> {
        let directory = self.directory()?.ok_or(ErrorKind::NotFound)?;
        let bytes = self.sizes.log_bytes;
        let encoded = records.iter().map(Record::encode).collect();
        log_file::make(&*directory, LOG_FILES[which], bytes, encoded)?;
        directory.sync()?;
        if let Some(old) = self.files[which].take() {
            // Those that have it open look for the new one.
            old.mark_replaced()?;
        }
        self.begun_again_by_others[which] = false;
        self.begins_again = false;
        self.skip_to_end(which)?;
        for record in records {
            self.took(which, record);
        }
        Ok(())
    }

    /// Puts an empty file in the place of one that was given up and could not be synced.
    pub(in super::super) fn replace_given_up(&mut self, which: LogSlot) -> io::Result<()> {
        let record = empty_record(self.last_in[which]);
        let (in_use, begins_again) = (self.in_use, self.begins_again);
        self.replace(which, &[record])?;
        (self.in_use, self.begins_again) = (in_use, begins_again);
        Ok(())
    }

    /// Reads a file that this process has made; what it says is known.
    pub(super) fn skip_to_end(&mut self, which: LogSlot) -> io::Result<()> {
        if let Some(file) = self.existing(which)? {
            file.follow(|_| Ok(()))?;
        }
        Ok(())
    }
}
