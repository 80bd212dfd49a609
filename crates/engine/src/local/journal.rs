//! A journal file: records that are on the disk when [`Journal::append`] returns,
//! at the cost of one flush.
//!
//! The file is filled with zeros beforehand and overwritten, not grown, so that
//! a flush has no more to do than to write the record. It is read from its
//! beginning up to the first thing that is not the next record of the same
//! generation. To begin a new generation is to overwrite the first record: all
//! that the old records stand for must be on the disk before, and a journal is
//! [retired](Journal::retire) before anything else touches what they name.

use super::directory::FileHandle;
use super::record::{self, Generation, HEADER_BYTES, Header};
use std::io;
use uuid::Uuid;

/// The size of a journal as it is made, in bytes: some hundred small records.
/// Tests want it to be full soon.
const INITIAL_BYTES: u64 = if cfg!(test) { 1 << 10 } else { 64 << 10 };

const ZEROS: [u8; 16 << 10] = [0; 16 << 10];

/// Where the next record goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// `None` if the journal has no record.
    generation: Option<Generation>,
    next_index: u64,
    end: u64,
}

/// A journal and what this process knows of it. Whoever uses it must be the only
/// one to write at that time.
pub(crate) struct Journal<F> {
    file: F,
    bytes: u64,
    position: Position,
}

impl Position {
    pub(crate) fn is_empty(&self) -> bool {
        self.generation.is_none()
    }
}

impl<F: FileHandle> Journal<F> {
    /// A journal of which nothing is known; [`scan`](Self::scan) it first.
    pub(crate) fn open(file: F) -> io::Result<Self> {
        Self::open_at(file, Position::default())
    }

    /// A journal that this process left at `position`.
    pub(crate) fn open_at(file: F, position: Position) -> io::Result<Self> {
        let bytes = file.stat()?.size;
        Ok(Self {
            file,
            bytes,
            position,
        })
    }

    pub(crate) fn position(&self) -> Position {
        self.position
    }

    /// Whether the journal is as this position says: nobody added a record or
    /// began a new generation.
    pub(crate) fn is_at_position(&self) -> io::Result<bool> {
        let Position {
            generation,
            next_index,
            end,
        } = self.position;
        let first = self.header_at(0)?;
        let Some(generation) = generation else {
            return Ok(first.is_none());
        };
        if first.is_none_or(|first| first.generation != generation) {
            return Ok(false);
        }
        let next = self.header_at(end)?;
        Ok(!next.is_some_and(|next| next.generation == generation && next.index == next_index))
    }

    /// The generation that the journal begins with, whole or not.
    pub(crate) fn first_generation(&self) -> io::Result<Option<Generation>> {
        Ok(self.header_at(0)?.map(|header| header.generation))
    }

    /// Whether the journal is of another generation than the position, or has none.
    pub(crate) fn is_begun_anew(&self) -> io::Result<bool> {
        Ok(self.first_generation()? != self.position.generation)
    }

    /// Gives the payload of each record in order, and sets the position behind
    /// the last.
    pub(crate) fn scan(&mut self, each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        self.position = Position::default();
        self.read_on(each)
    }

    /// Gives the payloads of the records that others wrote behind the position; all
    /// of them, if the journal is of another generation now. Whether it is.
    pub(crate) fn follow(&mut self, each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<bool> {
        let is_another = self.is_begun_anew()?;
        if is_another {
            self.position = Position::default();
            self.bytes = self.file.stat()?.size;
        }
        self.read_on(each)?;
        Ok(is_another)
    }

    fn read_on(&mut self, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        while let Some((header, payload)) = self.next_record()? {
            each(&payload)?;
            self.position = Position {
                generation: Some(header.generation),
                next_index: header.index + 1,
                end: self.position.end + (HEADER_BYTES + payload.len()) as u64,
            };
        }
        Ok(())
    }

    /// Makes durable what [`scan`](Self::scan) found. Who acts on a record that
    /// another process wrote must do this first: that process may have died
    /// before it did, and what is done must not outlive the record in a power
    /// cut.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Its length on the disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether a record of this length goes behind the others.
    pub(crate) fn has_room_for(&self, payload_bytes: usize) -> bool {
        self.position.end + (HEADER_BYTES + payload_bytes) as u64 <= self.bytes
    }

    /// Makes the journal large enough for one record of this length. The caller
    /// has to see to it that the name of the file is on the disk.
    pub(crate) fn reserve(&mut self, payload_bytes: usize) -> io::Result<()> {
        self.reserve_bytes((HEADER_BYTES + payload_bytes) as u64)
    }

    /// Makes the journal at least so long.
    pub(crate) fn reserve_bytes(&mut self, needed: u64) -> io::Result<()> {
        if needed <= self.bytes {
            return Ok(());
        }
        let bytes = needed.next_power_of_two().max(INITIAL_BYTES);
        let mut filled = self.bytes;
        while filled < bytes {
            let chunk = (bytes - filled).min(ZEROS.len() as u64) as usize;
            self.file.write_all_at(&ZEROS[..chunk], filled)?;
            filled += chunk as u64;
        }
        self.file.sync()?;
        self.bytes = bytes;
        Ok(())
    }

    /// Writes a record behind the others and syncs it. After an error the record
    /// may or may not be there.
    pub(crate) fn append(&mut self, payload: &[u8]) -> io::Result<()> {
        let before = self.position;
        self.write(payload)?;
        let synced = self.sync();
        if synced.is_err() {
            self.position = before;
        }
        synced
    }

    /// Writes a record behind the others. It is on the disk only when the file was
    /// synced since.
    pub(crate) fn write(&mut self, payload: &[u8]) -> io::Result<()> {
        let generation = self.position.generation.unwrap_or_else(new_generation);
        let record = record::encode(generation, self.position.next_index, payload);
        self.file.write_all_at(&record, self.position.end)?;
        self.position = Position {
            generation: Some(generation),
            next_index: self.position.next_index + 1,
            end: self.position.end + record.len() as u64,
        };
        Ok(())
    }

    /// Whether the journal had to grow for a record of this length.
    pub(crate) fn is_outsize(payload_bytes: usize) -> bool {
        (HEADER_BYTES + payload_bytes) as u64 > INITIAL_BYTES
    }

    /// Gives back what the journal grew by. It holds no records.
    pub(crate) fn shrink(&mut self) -> io::Result<()> {
        if self.bytes > INITIAL_BYTES {
            self.file.set_len(INITIAL_BYTES)?;
            self.bytes = INITIAL_BYTES;
        }
        Ok(())
    }

    /// Lets the next record overwrite the first. Until it is written, all the old
    /// ones still count.
    pub(crate) fn begin_anew(&mut self) {
        self.position = Position::default();
    }

    /// Makes the record at the position, if there is one after a failed
    /// [`append`](Self::append), and all behind it not count.
    pub(crate) fn void_next(&mut self) -> io::Result<()> {
        self.void(self.position.end)
    }

    /// Makes no record count.
    pub(crate) fn retire(&mut self) -> io::Result<()> {
        self.void(0)?;
        self.position = Position::default();
        Ok(())
    }

    fn void(&mut self, offset: u64) -> io::Result<()> {
        let bytes = (self.bytes.saturating_sub(offset)).min(HEADER_BYTES as u64) as usize;
        self.file.write_all_at(&ZEROS[..bytes], offset)?;
        self.file.sync_data()
    }

    /// Whether the file is long enough for a record here. Another process may have made
    /// it longer.
    fn has_bytes(&mut self, start: u64, payload_bytes: u64) -> io::Result<bool> {
        let room = |bytes: u64| bytes.saturating_sub(start + HEADER_BYTES as u64);
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
        if !continues || !self.has_bytes(end, header.payload_bytes)? {
            return Ok(None);
        }
        let start = end + HEADER_BYTES as u64;
        if header.payload_bytes > INITIAL_BYTES && !self.holds_payload_of(&header, start)? {
            return Ok(None);
        }
        let mut payload = vec![0; header.payload_bytes as usize];
        let read = self.file.read_all_at(&mut payload, start)?;
        let whole = read == payload.len() && header.vouches_for(&payload);
        Ok(whole.then_some((header, payload)))
    }

    /// Finds out in bounded memory. A journal may be damaged, its length too: what
    /// it claims is no reason to ask the system for so much.
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

fn new_generation() -> Generation {
    Uuid::new_v4().into_bytes()
}
