//! `Limits`: how much a volume may hold.

use crate::{Change, Error, FilePath, Result, Usage};

/// The endings of plain text that the platforms we know keep, and that of counters.
const TEXT_ENDINGS: [&str; 8] = [
    ".txt", ".csv", ".json", ".md", ".log", ".yaml", ".yml", ".count",
];

/// How much a volume may hold, and how much may be in the making. What would go
/// beyond is refused and changes nothing; what a person put there by hand may
/// exceed all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest file, in bytes. Default: 1 GiB.
    pub max_file_bytes: u64,
    /// The lengths of all files together, in bytes. Default: 4 GiB.
    pub max_total_bytes: u64,
    /// The number of files. Default: 100,000.
    pub max_files: u64,
    /// The number of components of a path. Default: 32.
    pub max_depth: usize,
    /// How many writers may be open at once. Default: 64.
    pub max_writers: usize,
    /// Bytes that are written to the disk but not yet committed, by all commits
    /// and writers at the moment. Default: 4 GiB.
    pub max_bytes_in_flight: u64,
    /// How the names of files must end, in lower case with the dot; `None`
    /// allows all. Default: `None`.
    pub endings: Option<Vec<String>>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_file_bytes: 1 << 30,
            max_total_bytes: 4 << 30,
            max_files: 100_000,
            max_depth: 32,
            max_writers: 64,
            max_bytes_in_flight: 4 << 30,
            endings: None,
        }
    }
}

impl Limits {
    /// These limits with another length of the longest file, in bytes.
    #[must_use]
    pub fn max_file_bytes(mut self, bytes: u64) -> Self {
        self.max_file_bytes = bytes;
        self
    }

    /// These limits with another length of all files, in bytes.
    #[must_use]
    pub fn max_total_bytes(mut self, bytes: u64) -> Self {
        self.max_total_bytes = bytes;
        self
    }

    /// These limits with another number of files.
    #[must_use]
    pub fn max_files(mut self, files: u64) -> Self {
        self.max_files = files;
        self
    }

    /// These limits with another number of components of a path.
    #[must_use]
    pub fn max_depth(mut self, components: usize) -> Self {
        self.max_depth = components;
        self
    }

    /// These limits with another number of open writers.
    #[must_use]
    pub fn max_writers(mut self, writers: usize) -> Self {
        self.max_writers = writers;
        self
    }

    /// These limits with another number of bytes on their way.
    #[must_use]
    pub fn max_bytes_in_flight(mut self, bytes: u64) -> Self {
        self.max_bytes_in_flight = bytes;
        self
    }

    /// These limits with names that end in one of `endings` only, without
    /// regard to case.
    #[must_use]
    pub fn endings<E: Into<String>>(mut self, endings: impl IntoIterator<Item = E>) -> Self {
        let lower = |ending: E| ending.into().to_lowercase();
        self.endings = Some(endings.into_iter().map(lower).collect());
        self
    }

    /// These limits with names of plain text only: `.txt`, `.csv`, `.json`,
    /// `.md`, `.log`, `.yaml`, `.yml`, and `.count`.
    #[must_use]
    pub fn text_files_only(self) -> Self {
        self.endings(TEXT_ENDINGS)
    }

    /// Whether a change may be made at all, whatever the volume holds. Asked first,
    /// so that the answer is the same for one change as for one in a batch.
    pub(crate) fn check_change(&self, change: &Change) -> Result<()> {
        match change {
            Change::Write { path, contents } => {
                self.check_path(path)?;
                self.check_file(path, contents.len() as u64)
            }
            Change::Append { path, .. } => self.check_path(path),
            Change::Rename { target, .. } => self.check_path(target),
            Change::Delete { .. } => Ok(()),
        }
    }

    /// Whether a file may have this path at all.
    pub(crate) fn check_path(&self, path: &FilePath) -> Result<()> {
        if path.components().count() > self.max_depth {
            let depth = self.max_depth;
            let reason = format!("it has more than {depth} components");
            return Err(Error::path_not_allowed(path, reason));
        }
        let Some(endings) = &self.endings else {
            return Ok(());
        };
        let name = path.name().to_lowercase();
        if endings.iter().any(|ending| name.ends_with(ending.as_str())) {
            return Ok(());
        }
        let reason = format!("it must end in one of {}", endings.join(", "));
        Err(Error::path_not_allowed(path, reason))
    }

    /// Whether a file may have this length.
    pub(crate) fn check_file(&self, path: &FilePath, bytes: u64) -> Result<()> {
        if bytes <= self.max_file_bytes {
            return Ok(());
        }
        Err(Error::too_large(path, self.max_file_bytes))
    }

    /// Whether one more writer may be opened, for the file at `path`, where `open`
    /// writers are open.
    pub(crate) fn check_writers(&self, path: &FilePath, open: usize) -> Result<()> {
        if open < self.max_writers {
            return Ok(());
        }
        let limit = self.max_writers;
        let reason = format!("{limit} writers are open, and no more are allowed");
        Err(Error::quota_exceeded(path, reason))
    }

    /// Whether this number of bytes may be in flight at once, those for the file at
    /// `path` among them.
    pub(crate) fn check_in_flight(&self, path: &FilePath, bytes: u64) -> Result<()> {
        if bytes <= self.max_bytes_in_flight {
            return Ok(());
        }
        let limit = self.max_bytes_in_flight;
        let reason = format!("more than {limit} bytes would be on their way at once");
        Err(Error::quota_exceeded(path, reason))
    }

    /// Whether the volume may come to hold `after`; shrinking is always
    /// allowed, also from beyond a limit.
    pub(crate) fn check_usage(&self, path: &FilePath, before: Usage, after: Usage) -> Result<()> {
        if after.bytes > self.max_total_bytes && after.bytes > before.bytes {
            let limit = self.max_total_bytes;
            let reason = format!("all files together would exceed {limit} bytes");
            return Err(Error::quota_exceeded(path, reason));
        }
        if after.files > self.max_files && after.files > before.files {
            let limit = self.max_files;
            let reason = format!("there would be more than {limit} files");
            return Err(Error::quota_exceeded(path, reason));
        }
        Ok(())
    }
}
