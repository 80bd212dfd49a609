//! How a file ends: a cheap condition for whoever adds to it.

use crate::Version;

/// How a file ends: its length, and what its last bytes are.
///
/// [`Precondition::EndsWith`](crate::Precondition::EndsWith) asks for one. Whoever has read
/// a file, or has appended to it, knows how it ends; the volume compares that without reading
/// the rest of the file.
///
/// ```
/// use ability_storage_engine::{Change, Error, FileEnd, FilePath, MemoryVolume, Precondition, Volume};
///
/// let volume = MemoryVolume::new();
/// let log = FilePath::new("log")?;
/// let append = |line: &str| Change::append(log.clone(), line.as_bytes());
///
/// // No file, and an empty one, end in the same way.
/// let start = Precondition::EndsWith(FileEnd::of(b""));
/// volume.commit(append("1 first\n").only_if(start).into())?;
///
/// // Another writer that has not seen the first line does not get between.
/// let second = volume.commit(append("1 other\n").only_if(start).into());
/// assert!(matches!(second, Err(Error::Conflict { .. })));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileEnd {
    size: u64,
    compared_bytes: u64,
    compared: Version,
}

impl FileEnd {
    /// How many of the last bytes [`FileEnd::of`] compares.
    pub const DEFAULT_COMPARED_BYTES: usize = 256;

    /// The end of a file of `size` bytes whose last bytes are `last_bytes`: as many as the
    /// caller wants to be compared.
    pub fn new(size: u64, last_bytes: &[u8]) -> Self {
        Self {
            size,
            compared_bytes: last_bytes.len() as u64,
            compared: Version::of(last_bytes),
        }
    }

    /// The end of a file with these contents.
    pub fn of(contents: &[u8]) -> Self {
        let start = contents.len().saturating_sub(Self::DEFAULT_COMPARED_BYTES);
        Self::new(contents.len() as u64, &contents[start..])
    }

    /// The length of the file in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How many of its last bytes are compared.
    pub fn compared_bytes(&self) -> u64 {
        self.compared_bytes
    }

    /// Whether a file that ends with `found` ends in this way. `None` stands for no file,
    /// which ends as an empty one does.
    pub fn is(&self, found: Option<&Tail>) -> bool {
        let empty = Tail::default();
        let found = found.unwrap_or(&empty);
        let compared = usize::try_from(self.compared_bytes).unwrap_or(usize::MAX);
        let start = found.last_bytes.len().checked_sub(compared);
        found.size == self.size
            && start.is_some_and(|start| Version::of(&found.last_bytes[start..]) == self.compared)
    }
}

/// The length of a file and its last bytes, as a volume finds them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// The length of the whole file in bytes.
    pub size: u64,
    /// The last bytes: as many as were asked for, or all of a shorter file.
    pub last_bytes: Vec<u8>,
}

impl Tail {
    /// The tail of a file with these contents.
    pub fn of(contents: &[u8], max_bytes: u64) -> Self {
        let max_bytes = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        let start = contents.len().saturating_sub(max_bytes);
        Self {
            size: contents.len() as u64,
            last_bytes: contents[start..].to_vec(),
        }
    }

    /// The tail of the file that this one becomes with `more` added to it, if this one has
    /// the last `max_bytes` bytes of what was there before.
    pub fn and(mut self, more: &[u8], max_bytes: u64) -> Self {
        self.last_bytes.extend_from_slice(more);
        let size = self.size + more.len() as u64;
        let last_bytes = Self::of(&self.last_bytes, max_bytes).last_bytes;
        Self { size, last_bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_length_and_last_bytes() {
        let end = FileEnd::new(5, b"lo");
        assert!(end.is(Some(&Tail::of(b"hello", 2))));
        assert!(end.is(Some(&Tail::of(b"jello", 5))));
        assert!(!end.is(Some(&Tail::of(b"help!", 2))));
        assert!(!end.is(Some(&Tail::of(b"hallo ", 2))));
        assert!(!end.is(None));
    }

    #[test]
    fn no_file_ends_as_an_empty_one_does() {
        let end = FileEnd::of(b"");
        assert!(end.is(None) && end.is(Some(&Tail::of(b"", 7))));
        assert!(!FileEnd::new(0, b"x").is(None));
    }

    #[test]
    fn no_file_ends_with_more_bytes_than_it_has() {
        let end = FileEnd::new(2, b"hello");
        assert!(!end.is(Some(&Tail::of(b"lo", 5))));
        assert!(!FileEnd::new(u64::MAX, b"").is(Some(&Tail::of(b"lo", 5))));
    }

    #[test]
    fn a_tail_grows_with_what_is_added() {
        let tail = Tail::of(b"abc", 4).and(b"de", 4);
        assert_eq!(tail, Tail::of(b"abcde", 4));
        assert_eq!(Tail::of(b"abc", 2).and(b"defg", 2), Tail::of(b"abcdefg", 2));
    }
}
