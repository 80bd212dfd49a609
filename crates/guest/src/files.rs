//! One function for each call of the interface: convert, call the host, convert
//! back. No logic belongs here, because it could not be tested without a host.

use crate::bindings::types;
use crate::error::{Error, Result};
use crate::host::storage;
use crate::scope::Scope;
use crate::version::{Precondition, Snapshot, Version};
use std::time::{Duration, SystemTime};

/// What is known of a file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// Length in bytes.
    pub size: u64,
    /// When the contents were last changed, by the host's clock. For people to
    /// read; to find out whether a file changed, compare versions.
    pub modified: SystemTime,
}

/// How a file ends: what its author saw last, for [`append_file_if`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileEnd {
    /// Length of the file in bytes.
    pub size: u64,
    /// Its last bytes: as many as are to be compared.
    pub last_bytes: Vec<u8>,
}

impl FileEnd {
    /// How many of the last bytes are compared where this crate chooses.
    pub const DEFAULT_COMPARED_BYTES: usize = 256;

    /// The end of a file with these contents; of no file, if they are empty.
    pub fn of(contents: &[u8]) -> Self {
        let mut end = Self::default();
        end.grow(contents);
        end
    }

    /// Makes this the end of the file with `more` added to it.
    pub fn grow(&mut self, more: &[u8]) {
        let start = more.len().saturating_sub(Self::DEFAULT_COMPARED_BYTES);
        self.last_bytes.extend_from_slice(&more[start..]);
        let excess = self.last_bytes.len();
        let excess = excess.saturating_sub(Self::DEFAULT_COMPARED_BYTES);
        self.last_bytes.drain(..excess);
        self.size += more.len() as u64;
    }
}

impl From<types::FileInfo> for FileInfo {
    fn from(info: types::FileInfo) -> Self {
        let types::Datetime {
            seconds,
            nanoseconds,
        } = info.modified;
        let since_1970 =
            Duration::from_secs(seconds).saturating_add(Duration::from_nanos(nanoseconds.into()));
        Self {
            size: info.size,
            // A time beyond what the platform can hold is the host's mistake,
            // and no reason for an ability to stop.
            modified: SystemTime::UNIX_EPOCH
                .checked_add(since_1970)
                .unwrap_or(SystemTime::UNIX_EPOCH),
        }
    }
}

/// Makes `contents` the file at `path`, whole and durable, or not at all.
///
/// Directories on the way are created. A file that is there is replaced; who
/// reads it meanwhile sees the old contents or the new, never a mixture. When
/// the call returns `Ok`, a power cut does not undo it.
///
/// If someone else may write the file too, [`update_file`](crate::update_file)
/// is the one to use: this function overwrites whatever is there.
///
/// # Errors
///
/// [`Error::InvalidPath`], [`Error::TooLarge`], [`Error::QuotaExceeded`],
/// [`Error::NoSpace`], [`Error::ReadOnly`], [`Error::Unavailable`] and
/// [`Error::Other`]: the file is as it was. [`Error::Unconfirmed`]: the file is
/// the new one, but a power cut may undo it, or, as its outcome says, the file may
/// be the new one or the old one; either way the same write can be repeated.
///
/// ```no_run
/// use ability_storage_guest::{Scope, atomic_write_file};
///
/// atomic_write_file("notes/today.md", "# Today\n", Scope::Ability)?;
/// # Ok::<(), ability_storage_guest::Error>(())
/// ```
pub fn atomic_write_file(path: &str, contents: impl AsRef<[u8]>, scope: Scope) -> Result<()> {
    storage::atomic_write(path, contents.as_ref(), scope.into())
        .map_err(|error| Error::from_host(error, path))
}

/// Like [`atomic_write_file`], provided that `precondition` holds at the moment
/// of the commit. Returns the version written.
///
/// # Errors
///
/// [`Error::Conflict`] if the precondition does not hold: the file is as someone
/// else left it. Else as [`atomic_write_file`]; but after
/// [`Error::Unconfirmed`] the same write would conflict if the file already is the
/// new one.
///
/// ```no_run
/// use ability_storage_guest::{Error, Precondition, Scope, atomic_write_file_if};
///
/// // Of all instances that try, exactly one gets the job.
/// match atomic_write_file_if("jobs/17.owner", "me", Scope::User, Precondition::Absent) {
///     Ok(_) => println!("it is ours"),
///     Err(Error::Conflict { .. }) => println!("someone else has it"),
///     Err(error) => return Err(error),
/// }
/// # Ok::<(), Error>(())
/// ```
pub fn atomic_write_file_if(
    path: &str,
    contents: impl AsRef<[u8]>,
    scope: Scope,
    precondition: Precondition,
) -> Result<Version> {
    storage::atomic_write_if(path, contents.as_ref(), scope.into(), &precondition.into())
        .map(Version::new)
        .map_err(|error| Error::from_host(error, path))
}

/// Adds `contents` to the end of the file at `path`: all of it or none of it.
///
/// The file is created if it does not exist. What it holds already is neither
/// read nor written again, so an append costs the same however long the file
/// is: this is the function for logs. What several writers append never mixes;
/// so append whole records, each with its line feed, and no reader, crash or
/// other writer ever shows a part of one.
///
/// A log that must show whether someone tampered with it is an `AuditLog`, with
/// the feature `audit`.
///
/// # Errors
///
/// As [`atomic_write_file`]; where the host limits how long a file may be, the
/// limit holds for the file as it would become. After [`Error::Unconfirmed`] the
/// contents are in the file, or may be: to append again could add them once more.
///
/// ```no_run
/// use ability_storage_guest::{Scope, append_file};
///
/// append_file("events.log", "2026-03-01 the lamp was turned on\n", Scope::Ability)?;
/// # Ok::<(), ability_storage_guest::Error>(())
/// ```
pub fn append_file(path: &str, contents: impl AsRef<[u8]>, scope: Scope) -> Result<()> {
    storage::append(path, contents.as_ref(), scope.into())
        .map_err(|error| Error::from_host(error, path))
}

/// Like [`append_file`], provided that the file ends as `end` says at the moment of
/// the commit: that no other writer has added to it, or replaced it, since its end
/// was seen. No file ends as an empty one does. It costs no more than an append,
/// however long the file is.
///
/// # Errors
///
/// [`Error::OtherEnd`] if the file ends in another way. Else as
/// [`append_file`]; but after [`Error::Unconfirmed`] the call can be repeated with the
/// same `end`: if the contents are there, that is a conflict, and they are not added
/// twice.
///
/// ```no_run
/// use ability_storage_guest::{FileEnd, Scope, append_file_if};
///
/// let mut end = FileEnd::default();
/// for line in ["1 first\n", "2 second\n"] {
///     append_file_if("numbered.log", line, Scope::Ability, &end)?;
///     end.grow(line.as_bytes());
/// }
/// # Ok::<(), ability_storage_guest::Error>(())
/// ```
pub fn append_file_if(
    path: &str,
    contents: impl AsRef<[u8]>,
    scope: Scope,
    end: &FileEnd,
) -> Result<()> {
    let end = storage::FileEnd {
        size: end.size,
        last_bytes: end.last_bytes.clone(),
    };
    storage::append_if(path, contents.as_ref(), scope.into(), &end).map_err(|error| match error {
        types::Error::Conflict(_) => Error::OtherEnd {
            path: path.to_owned(),
        },
        error => Error::from_host(error, path),
    })
}

/// All bytes of the file at `path`: one whole version of it.
///
/// # Errors
///
/// [`Error::NotFound`] if there is none, [`Error::InvalidPath`],
/// [`Error::TooLarge`] if it is longer than the host passes on,
/// [`Error::Unavailable`] and [`Error::Other`].
pub fn read_file(path: &str, scope: Scope) -> Result<Vec<u8>> {
    storage::read(path, scope.into()).map_err(|error| Error::from_host(error, path))
}

/// The text of the file at `path`.
///
/// # Errors
///
/// [`Error::NotUtf8`] if it is not UTF-8. Else as [`read_file`].
pub fn read_file_string(path: &str, scope: Scope) -> Result<String> {
    read_file(path, scope).and_then(|contents| into_text(contents, path))
}

fn into_text(contents: Vec<u8>, path: &str) -> Result<String> {
    String::from_utf8(contents).map_err(|error| Error::NotUtf8 {
        path: path.to_owned(),
        valid_up_to: error.utf8_error().valid_up_to(),
    })
}

/// All bytes of the file at `path` with their version, to write it
/// conditionally later.
///
/// # Errors
///
/// As [`read_file`].
pub fn read_file_versioned(path: &str, scope: Scope) -> Result<Snapshot> {
    storage::read_versioned(path, scope.into())
        .map(Snapshot::from)
        .map_err(|error| Error::from_host(error, path))
}

/// The same; `None` if there is no file.
pub(crate) fn read_if_there(path: &str, scope: Scope) -> Result<Option<Snapshot>> {
    match read_file_versioned(path, scope) {
        Ok(snapshot) => Ok(Some(snapshot)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Size and time of last change of the file at `path`.
///
/// # Errors
///
/// [`Error::NotFound`] if there is none, [`Error::InvalidPath`],
/// [`Error::Unavailable`] and [`Error::Other`].
pub fn stat_file(path: &str, scope: Scope) -> Result<FileInfo> {
    storage::stat(path, scope.into())
        .map(FileInfo::from)
        .map_err(|error| Error::from_host(error, path))
}

/// Whether there is a file at `path`. A directory is not a file.
///
/// Not for deciding whether to write: someone else may be faster. Use
/// [`Precondition::Absent`] for that.
///
/// # Errors
///
/// [`Error::InvalidPath`], [`Error::Unavailable`] and [`Error::Other`].
pub fn file_exists(path: &str, scope: Scope) -> Result<bool> {
    storage::exists(path, scope.into()).map_err(|error| Error::from_host(error, path))
}

/// Removes the file at `path`, durably. Deleting what is absent succeeds, so
/// that a retry after a crash does.
///
/// # Errors
///
/// [`Error::InvalidPath`], [`Error::NoSpace`], [`Error::ReadOnly`],
/// [`Error::Unavailable`] and [`Error::Other`]: nothing was removed.
/// [`Error::Unconfirmed`]: it is gone, but a power cut may bring it back, or, as its
/// outcome says, it may be gone or not; either way the delete can be repeated.
pub fn delete_file(path: &str, scope: Scope) -> Result<()> {
    storage::delete(path, scope.into()).map_err(|error| Error::from_host(error, path))
}

/// Moves the file at `source` to `target` in one step, within one scope. A file
/// that is at `target` is replaced.
///
/// # Errors
///
/// [`Error::NotFound`] if there is no file at `source`. Else as
/// [`atomic_write_file`]; the error names the target.
pub fn rename_file(source: &str, target: &str, scope: Scope) -> Result<()> {
    storage::rename(source, target, scope.into())
        .map_err(|error| Error::from_rename(error, source, target))
}

/// The whole paths of the files under `prefix`, sorted by their bytes.
///
/// A prefix is a directory path, with or without a slash at its end: `notes`
/// lists `notes/a.md` but not `notes-old.md`. `""` lists all. If nothing is
/// there, the list is empty.
///
/// # Errors
///
/// [`Error::InvalidPath`], [`Error::Unavailable`] and [`Error::Other`].
pub fn list_files(prefix: &str, scope: Scope) -> Result<Vec<String>> {
    storage::list(prefix, scope.into()).map_err(|error| Error::from_host(error, prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(seconds: u64, nanoseconds: u32) -> FileInfo {
        types::FileInfo {
            size: 3,
            modified: types::Datetime {
                seconds,
                nanoseconds,
            },
        }
        .into()
    }

    #[test]
    fn times_are_kept_to_the_nanosecond() {
        let since_1970 = Duration::new(1_764_000_000, 5);
        assert_eq!(
            info(1_764_000_000, 5),
            FileInfo {
                size: 3,
                modified: SystemTime::UNIX_EPOCH + since_1970,
            }
        );
    }

    #[test]
    fn an_end_grows_as_the_file_does() {
        let whole: Vec<u8> = (0..=255).cycle().take(1_000).collect();
        for piece in [1, 7, 255, 256, 257, 1_000] {
            let mut end = FileEnd::default();
            whole.chunks(piece).for_each(|more| end.grow(more));
            assert_eq!(end, FileEnd::of(&whole), "in pieces of {piece}");
        }
        let end = FileEnd::of(&whole);
        assert_eq!((end.size, &end.last_bytes[..]), (1_000, &whole[744..]));
    }

    #[test]
    fn an_impossible_time_does_not_panic() {
        assert_eq!(info(u64::MAX, u32::MAX).modified, SystemTime::UNIX_EPOCH);
    }

    #[test]
    fn text_that_is_not_utf8_is_an_error_with_its_place() {
        assert_eq!(into_text("où".into(), "a").unwrap(), "où");
        assert_eq!(
            into_text(b"ab\xff".to_vec(), "a.txt"),
            Err(Error::NotUtf8 {
                path: "a.txt".into(),
                valid_up_to: 2
            })
        );
    }
}
