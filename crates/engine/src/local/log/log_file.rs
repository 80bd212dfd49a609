//! One file of the log: records that follow each other, on the disk after one flush.
//!
//! The file is filled with zeros beforehand and overwritten, not grown, so that a flush
//! has no more to do than to write the record. It is read from its beginning up to the
//! first thing that is not the next record of the same generation. It always begins with
//! a record: to give up all records is to write one without effects, of a new
//! generation, over the first.
//!
//! A log file is made under a temporary name, synced and renamed, so that one whose
//! making failed is never found.

use super::super::directory::{Access, Directory, FileHandle, Id};
use super::super::unique_name;
use super::CommitError;
use super::frame::{self, Generation, HEADER_BYTES, Header};
use std::io;
use std::sync::Arc;
use uuid::Uuid;

/// Which of the two files of the log.
pub(super) type LogSlot = usize;

const ZEROS: [u8; 16 << 10] = [0; 16 << 10];

/// Where the next record goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Position {
    /// `None` if no record was read.
    generation: Option<Generation>,
    next_index: u64,
    end: u64,
}

/// A log file and what this process knows of it.
pub(super) struct LogFile<F> {
    file: Arc<F>,
    /// Which file it is; `None` where that is not known.
    id: Option<Id>,
    bytes: u64,
    position: Position,
    /// What the file begins with, if that is no whole record: it is being written, or was
    /// torn by a power cut.
    torn: Option<Generation>,
}

/// What became of a log file since it was last looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It has the same records, and perhaps more.
    Same,
    /// All records that it had were given up.
    BegunAgain,
    /// Another file has its name.
    Replaced,
}

/// Makes the log file `name` of at least this length, with these records, and syncs it. The
/// caller syncs the directory.
pub(super) fn make<D: Directory>(
    directory: &D,
    name: &str,
    bytes: u64,
    mut records: Vec<Vec<u8>>,
) -> io::Result<()> {
    let all_bytes: usize = records.iter().map(Vec::len).sum();
    let temporary = unique_name::next_name();
    let file = directory.create_file(&temporary, Access::Private)?;
    let mut fill = || {
        fill_with_zeros(&file, 0, bytes.max(all_bytes as u64))?;
        let generation = new_generation();
        let mut at = 0;
        for (index, record) in records.iter_mut().enumerate() {
            frame::finish(record, generation, index as u64);
            file.write_all_at(record, at)?;
            at += record.len() as u64;
        }
        file.sync()?;
        directory.rename(&temporary, directory, name)
    };
    let made = fill();
    if made.is_err() {
        // If it stays, the next session that opens the volume removes it.
        let _ = directory.remove_file(&temporary);
    }
    made
}

fn fill_with_zeros(file: &impl FileHandle, mut from: u64, to: u64) -> io::Result<()> {
    while from < to {
        let chunk = (to - from).min(ZEROS.len() as u64) as usize;
        file.write_all_at(&ZEROS[..chunk], from)?;
        from += chunk as u64;
    }
    Ok(())
}

fn new_generation() -> Generation {
    Uuid::new_v4().into_bytes()
}

impl<F: FileHandle> LogFile<F> {
    /// A log file of which nothing is known; [`follow`](Self::follow) it first.
    pub(super) fn open(file: F) -> io::Result<Self> {
        let stat = file.stat()?;
        Ok(Self {
            file: Arc::new(file),
            id: stat.id(),
            bytes: stat.size,
            position: Position::default(),
            torn: None,
        })
    }

    /// There is no other file that has its name; it has no record that counts.
    pub(super) fn ignore_replaced(&mut self) -> io::Result<()> {
        self.torn = self.header_at(0)?.map(|first| first.generation);
        Ok(())
    }

    /// Whether its first record was not whole when it was looked at: it may be by now.
    pub(super) fn is_torn(&self) -> bool {
        self.torn.is_some()
    }

    /// The descriptor to sync it by.
    pub(super) fn file(&self) -> Arc<F> {
        self.file.clone()
    }

    /// Which file it is; `None` where that is not known.
    pub(super) fn id(&self) -> Option<Id> {
        self.id
    }

    /// Its length on the disk.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Where the next record goes.
    pub(super) fn end(&self) -> u64 {
        self.position.end
    }

    /// Looks at its beginning, without reading further.
    pub(super) fn look(&self) -> io::Result<Seen> {
        let Some(first) = self.header_at(0)? else {
            // It is being written by somebody at this moment, or was damaged.
            return Ok(match self.position.generation {
                None => Seen::Same,
                Some(_) => Seen::BegunAgain,
            });
        };
        first.check_version()?;
        Ok(match self.position.generation {
            known if known.or(self.torn) == Some(first.generation) => Seen::Same,
            _ if first.is_replaced() => Seen::Replaced,
            _ => Seen::BegunAgain,
        })
    }

    /// Reads on; gives the payload of each record that is new. If all that it had were given
    /// up, they are the records since then.
    ///
    /// What was read counts only if the file still begins with the same record afterwards:
    /// else a record may have come and gone meanwhile.
    pub(super) fn follow(
        &mut self,
        mut each: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<Seen> {
        let before = self.generation();
        let mut payloads = Vec::new();
        loop {
            self.read_on(&mut payloads)?;
            match self.look_behind()? {
                Seen::Same => break,
                Seen::Replaced => return Ok(Seen::Replaced),
                Seen::BegunAgain => {
                    payloads.clear();
                    self.position = Position::default();
                    self.bytes = self.file.stat()?.size;
                }
            }
        }
        for payload in &payloads {
            each(payload)?;
        }
        Ok(match self.generation() == before {
            true => Seen::Same,
            false => Seen::BegunAgain,
        })
    }

    /// Of which records it is known that the file begins with one.
    fn generation(&self) -> Option<Generation> {
        self.position.generation.or(self.torn)
    }

    /// Looks at the beginning after all was read; remembers it if it is no whole record.
    fn look_behind(&mut self) -> io::Result<Seen> {
        if self.position.generation.is_some() {
            self.torn = None;
        } else {
            match self.header_at(0)? {
                Some(first) if first.is_replaced() => {}
                first => self.torn = first.map(|first| first.generation),
            }
        }
        self.look()
    }

    fn read_on(&mut self, payloads: &mut Vec<Vec<u8>>) -> io::Result<()> {
        while let Some((header, payload)) = self.next_record()? {
            self.position = Position {
                generation: Some(header.generation),
                next_index: header.index + 1,
                end: self.position.end + (HEADER_BYTES + payload.len()) as u64,
            };
            payloads.push(payload);
        }
        Ok(())
    }

    /// Makes the file at least so long. It is not durable before the next sync.
    pub(super) fn grow(&mut self, needed: u64) -> io::Result<()> {
        self.grow_to(needed.next_power_of_two()).or_else(|error| {
            match needed.next_multiple_of(ZEROS.len() as u64) {
                less if less < needed.next_power_of_two() => self.grow_to(less),
                _ => Err(error),
            }
        })
    }

    fn grow_to(&mut self, bytes: u64) -> io::Result<()> {
        if bytes <= self.bytes {
            return Ok(());
        }
        if let Err(error) = fill_with_zeros(&*self.file, self.bytes, bytes) {
            // The length must never be taken for proof that the blocks are there.
            let _ = self.file.set_len(self.bytes);
            return Err(error);
        }
        self.bytes = bytes;
        Ok(())
    }

    /// Takes back what it grew by beyond `bytes`, if no sync of it has succeeded.
    pub(super) fn cut(&mut self, bytes: u64) {
        if self.bytes > bytes && self.file.set_len(bytes).is_ok() {
            self.bytes = bytes;
        }
    }

    /// Writes a record, begun by [`frame::begin`], behind the others. It is on the disk
    /// only when the file was synced since.
    pub(super) fn write(&mut self, record: &mut [u8]) -> Result<(), CommitError> {
        let generation = self.position.generation.unwrap_or_else(new_generation);
        frame::finish(record, generation, self.position.next_index);
        if let Err(error) = self.file.write_all_at(record, self.position.end) {
            return Err(match self.void(record) {
                Ok(()) => CommitError::NotApplied(error),
                Err(_) => CommitError::Unconfirmed(error),
            });
        }
        self.position = Position {
            generation: Some(generation),
            next_index: self.position.next_index + 1,
            end: self.position.end + record.len() as u64,
        };
        Ok(())
    }

    /// Makes what a failed [`write`](Self::write) of this record may have left at the
    /// position not count. Where space is short, nothing may have arrived, and nothing can
    /// be written over it.
    fn void(&self, record: &[u8]) -> io::Result<()> {
        let offset = self.position.end;
        let mut header = [0; HEADER_BYTES];
        let read = self.file.read_all_at(&mut header, offset)?;
        match read == HEADER_BYTES && record.starts_with(&header) {
            true => self.file.write_all_at(&ZEROS[..HEADER_BYTES], offset),
            false => Ok(()),
        }
    }

    /// Begins the file again with this record: none of the others counts any more. It
    /// is on the disk only when the file was synced since.
    pub(super) fn begin_again(&mut self, record: &mut [u8]) -> Result<(), CommitError> {
        let before = std::mem::take(&mut self.position);
        self.write(record).inspect_err(|error| {
            if matches!(error, CommitError::NotApplied(_)) {
                self.position = before;
            }
        })
    }

    /// Says to all that have it open that another file has its name.
    pub(super) fn mark_replaced(&self) -> io::Result<()> {
        self.file
            .write_all_at(&frame::replaced(new_generation()), 0)
    }

    /// Whether the file is long enough for a record here. Another process may have made
    /// it longer.
    fn has_bytes(&mut self, start: u64, payload_bytes: u64) -> io::Result<bool> {
        let room = |bytes: u64| bytes.saturating_sub(start.saturating_add(HEADER_BYTES as u64));
        if payload_bytes > room(self.bytes) {
            self.bytes = self.file.stat()?.size;
        }
        Ok(payload_bytes <= room(self.bytes))
    }

    fn next_record(&mut self) -> io::Result<Option<(Header, Vec<u8>)>> {
        let Position {
            generation,
            next_index,
            end,
        } = self.position;
        let Some(header) = self.header_at(end)? else {
            return Ok(None);
        };
        let continues = header.index == next_index
            && generation.is_none_or(|generation| generation == header.generation);
        if !continues {
            return Ok(None);
        }
        header.check_version()?;
        if header.is_replaced() || !self.has_bytes(end, header.payload_bytes)? {
            return Ok(None);
        }
        let start = end + HEADER_BYTES as u64;
        if header.payload_bytes > ZEROS.len() as u64 && !self.holds_payload_of(&header, start)? {
            return Ok(None);
        }
        let mut payload = vec![0; header.payload_bytes as usize];
        let read = self.file.read_all_at(&mut payload, start)?;
        let whole = read == payload.len() && header.vouches_for(&payload);
        Ok(whole.then_some((header, payload)))
    }

    /// Finds out in bounded memory. A log may be damaged, its length too: what it claims
    /// is no reason to ask the system for so much.
    fn holds_payload_of(&self, header: &Header, start: u64) -> io::Result<bool> {
        let mut check = header.check();
        let mut piece = [0; ZEROS.len()];
        let mut left = header.payload_bytes;
        while left > 0 {
            let wanted = left.min(piece.len() as u64) as usize;
            let at = start + (header.payload_bytes - left);
            let read = self.file.read_all_at(&mut piece[..wanted], at)?;
            if read < wanted {
                return Ok(false);
            }
            check.update(&piece[..read]);
            left -= read as u64;
        }
        Ok(check.holds())
    }

    fn header_at(&self, offset: u64) -> io::Result<Option<Header>> {
        let mut bytes = [0; HEADER_BYTES];
        let read = self.file.read_all_at(&mut bytes, offset)?;
        Ok(Header::decode(&bytes[..read]))
    }
}
