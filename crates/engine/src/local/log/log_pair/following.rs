//! Following the two files: reading what any session has written since the last time.

use super::super::super::directory::Directory;
use super::super::super::layout::LOG_FILES;
use super::super::log_file::{LogFile, LogSlot, Seen};
use super::super::pending::Pending;
use super::super::record::Record;
use super::{LogPair, Turns};
use std::io;

impl<D: Directory> LogPair<D> {
    /// Applies all that was written since the last time, by any session.
    pub(in super::super) fn follow(&mut self, pending: &mut Pending) -> io::Result<()> {
        let turns = self.turns.as_ref();
        match self.knows_all() && turns.is_some_and(Turns::is_last_of_this_session) {
            true => Ok(()),
            false => self.read_on(pending),
        }
    }

    /// The same for the holder of the writer lock, in the turn of this number. If this
    /// session had the turn last, too, there is nothing new.
    pub(in super::super) fn follow_in(
        &mut self,
        turn: u64,
        had_last: bool,
        pending: &mut Pending,
    ) -> io::Result<()> {
        if !(had_last && self.knows_all()) {
            if std::mem::take(&mut self.is_read_only) {
                // They may be written to by now.
                self.forget(pending);
            }
            self.read_on(pending)?;
        }
        self.followed_in = Some(turn);
        Ok(())
    }

    /// Whether all is known that there was in the last turn of this session.
    fn knows_all(&self) -> bool {
        self.followed_in.is_some() && !self.is_read_only
    }

    fn read_on(&mut self, pending: &mut Pending) -> io::Result<()> {
        if std::mem::take(&mut self.is_lost) {
            self.forget(pending);
        }
        let result = self.follow_all(pending);
        if result.is_err() {
            // What was read was not applied.
            self.forget(pending);
        }
        result
    }

    /// Lets all be read again, from the beginning of the files that have the names then.
    fn forget(&mut self, pending: &mut Pending) {
        self.files = [None, None];
        self.are_absent = false;
        self.followed_in = None;
        pending.forget();
    }

    /// Whether all is known that others have written before this turn.
    pub(in super::super) fn is_followed_in(&self, turn: u64) -> bool {
        self.followed_in == Some(turn)
    }

    /// What is known of the files may be old.
    pub(in super::super) fn lose_turn(&mut self) {
        self.followed_in = None;
    }

    /// Who had the turn last can be asked from now on.
    pub(in super::super) fn watch_turns(&mut self, turns: Turns<D>) {
        self.turns = Some(turns);
    }

    fn follow_all(&mut self, pending: &mut Pending) -> io::Result<()> {
        if self.are_absent && self.is_first_absent()? {
            return Ok(());
        }
        let mut records: Vec<(LogSlot, Record)> = Vec::new();
        let mut may_have_missed = false;
        let mut lost_names = self.lost_names()?;
        let mut in_use = self.in_use;
        // Whether the other one was read to its end after a record in this was seen. It
        // has no more then, unless it was begun again.
        let mut other_is_closed = self.files[in_use].is_some() && !self.begins_again;
        loop {
            for which in [in_use, 1 - in_use] {
                let is_closed = which != in_use && other_is_closed;
                let lost_name = std::mem::take(&mut lost_names[which]);
                let seen = self.follow_one(which, is_closed, lost_name, &mut records)?;
                if seen != Seen::Same {
                    pending.give_up(which);
                    self.begun_again_by_others[which] = true;
                    may_have_missed |= !is_closed;
                }
            }
            let last = records.iter().max_by_key(|(_, record)| record.sequence);
            match last {
                Some((which, _)) if *which != in_use => in_use = *which,
                _ => break,
            }
            other_is_closed = false;
        }
        records.sort_by_key(|(_, record)| record.sequence);
        let next = records
            .iter()
            .find(|(_, record)| record.sequence > self.last);
        if may_have_missed && next.is_none_or(|(_, next)| next.sequence != self.last + 1) {
            pending.count_gap();
        }
        for (which, record) in records {
            self.took(which, &record);
            pending.apply(which, record);
        }
        self.are_absent = !self.is_there();
        Ok(())
    }

    /// Whether the file is not there that is made before the other, and before there is a
    /// record.
    fn is_first_absent(&mut self) -> io::Result<bool> {
        Ok(match self.directory()? {
            Some(directory) => directory.stat(LOG_FILES[0])?.is_none(),
            None => true,
        })
    }

    /// Reads on in one file; adds its records to those of the other.
    fn follow_one(
        &mut self,
        which: LogSlot,
        is_closed: bool,
        lost_name: bool,
        records: &mut Vec<(LogSlot, Record)>,
    ) -> io::Result<Seen> {
        let Some(file) = self.existing(which)? else {
            return Ok(Seen::Same);
        };
        if is_closed && !lost_name && !file.is_torn() && file.look()? == Seen::Same {
            return Ok(Seen::Same);
        }
        let mut more = Vec::new();
        let mut read = |file: &mut LogFile<D::File>| {
            file.follow(|payload| {
                more.push((which, Record::decode(payload)?));
                Ok(())
            })
        };
        let mut seen = match lost_name {
            true => Seen::Replaced,
            false => read(file)?,
        };
        if seen == Seen::Replaced {
            self.files[which] = None;
            self.are_made = false;
            if let Some(file) = self.existing(which)?
                && read(file)? == Seen::Replaced
            {
                file.ignore_replaced()?;
            }
            seen = Seen::BegunAgain;
        }
        if seen == Seen::BegunAgain {
            records.retain(|(other, _)| *other != which);
        }
        records.extend(more);
        Ok(seen)
    }

    /// Which of the files that are open have lost their names to others. Their maker marks
    /// the old one, unless it was killed before that; another program may have given the old
    /// one a second name.
    fn lost_names(&mut self) -> io::Result<[bool; 2]> {
        let mut lost = [false; 2];
        let Some(directory) = self.directory()? else {
            return Ok(lost);
        };
        for which in [0, 1] {
            if let Some(file) = &self.files[which]
                && let Some(there) = directory.id_of(LOG_FILES[which])?
            {
                lost[which] = Some(there) != file.id();
            }
        }
        Ok(lost)
    }

    pub(super) fn took(&mut self, which: LogSlot, record: &Record) {
        self.last_in[which] = self.last_in[which].max(record.sequence);
        if record.sequence > self.last {
            self.last = record.sequence;
            self.in_use = which;
            // Another session may have begun it again.
            self.begins_again = false;
        }
    }
}
