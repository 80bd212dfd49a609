//! The seam: every system call that a local volume makes goes through these two
//! traits, so that a test can fail any of them or stand in for the disk.
//!
//! All names are single components. Nothing here follows a symbolic link, and
//! nothing here knows of volumes, commits or preconditions.

use std::io::{self, ErrorKind};
use std::time::SystemTime;

/// `None` if what was asked for does not exist.
pub(crate) fn unless_absent<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

/// A handle to a directory; what it names stays the same when the directory is
/// moved.
pub(crate) trait Directory: Send + Sync + Sized + 'static {
    type File: FileHandle;
    /// Held as long as the value lives, and freed by the system if the process
    /// dies.
    type Lock: Lock;

    /// Which directory it is, among all that are open; `None` where that is not
    /// known.
    fn id(&self) -> io::Result<Option<Id>>;

    /// Fails with `NotFound` or, for anything that is no directory, symbolic
    /// links included, `NotADirectory`.
    fn open_dir(&self, name: &str) -> io::Result<Self>;

    /// Whether this directory was removed, so that nothing can be in it any more;
    /// `false` where that is not known.
    fn is_removed(&self) -> io::Result<bool>;

    fn create_dir(&self, name: &str, access: Access) -> io::Result<()>;

    fn remove_dir(&self, name: &str) -> io::Result<()>;

    /// Fails with `NotADirectory` like [`open_dir`](Self::open_dir).
    fn open_or_create_dir(&self, name: &str, access: Access) -> io::Result<Self> {
        match self.open_dir_with_access(name, access) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            result => return result,
        }
        match self.create_dir(name, access) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => self.open_dir_with_access(name, access),
        }
    }

    /// Opens a directory that another process may have made this moment, and not yet given to
    /// those who may use it, or that was killed before it did.
    fn open_dir_with_access(&self, name: &str, _access: Access) -> io::Result<Self> {
        self.open_dir(name)
    }

    /// Creates a file that did not exist, for writing.
    fn create_file(&self, name: &str, access: Access) -> io::Result<Self::File>;

    /// Opens a regular file for reading; `None` if there is none, whatever else
    /// may have that name. Never waits, as it would for a pipe.
    fn open_file(&self, name: &str) -> io::Result<Option<Self::File>>;

    /// Like [`open_file`](Self::open_file), for reading and changing in place.
    fn open_file_to_change(&self, name: &str) -> io::Result<Option<Self::File>>;

    /// What has this name, in words for a person, if it is [`Kind::Other`]: `a symbolic link`.
    fn describe(&self, _name: &str) -> &'static str {
        "something else"
    }

    /// What has this name; `None` if nothing has.
    fn stat(&self, name: &str) -> io::Result<Option<Stat>>;

    /// Which file has this name; `None` if there is none, or where files have no ids. Does not
    /// ask for times: Linux gives a file whose times were asked for a new one at each write,
    /// which costs a sync of it some 50 µs on ext4 (6.13 and later).
    fn id_of(&self, name: &str) -> io::Result<Option<Id>> {
        Ok(self.stat(name)?.and_then(|stat| stat.id()))
    }

    /// Moves a file, replacing what has the new name: a symbolic link is
    /// replaced, not followed.
    fn rename(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()>;

    /// Gives a regular file a second name, which must not exist.
    fn hard_link(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()>;

    fn remove_file(&self, name: &str) -> io::Result<()>;

    /// Makes the names in this directory durable. To be called by `DirSync` alone,
    /// unless it is a private directory.
    fn sync(&self) -> io::Result<()>;

    /// Makes everything on this file system durable: files, and names in
    /// directories. For many at once. `Ok` does not prove that all of it was written:
    /// see [`FileHandle::check_written`].
    fn sync_file_system(&self) -> io::Result<()>;

    /// Whether two changes to a file of this file system always have different
    /// times in its [`Stamp`], if it was looked at in between. May create a file of
    /// this name and remove it again.
    fn tells_changes_apart(&self, name: &str) -> io::Result<bool>;

    /// What is in this directory, in any order. A name that is not UTF-8 is
    /// [`Kind::Other`] whatever has it, and is given with replacement characters: it
    /// cannot be opened by what is returned here, but the directory is not empty.
    fn entries(&self) -> io::Result<Vec<Entry>>;

    /// Fails if it can be known without trying that a file of the directory `staging`
    /// cannot be renamed to one of these names in this directory, or that what has the
    /// name now cannot be replaced or removed; tells which of them. `Ok` is no promise:
    /// where the system cannot tell it is `Ok`, and things may change before the rename.
    /// A name that does not exist is fine.
    ///
    /// - `CrossesDevices`: this directory is on another device or mount than `staging`
    /// - `PermissionDenied`: the process may not change this directory; the directory or
    ///   the file is immutable or can only be appended to; the file is another user's in
    ///   a sticky directory
    /// - `ReadOnlyFilesystem`: nothing can be changed here
    /// - `ResourceBusy`: a file system is mounted at the name
    /// - `InvalidFilename`: the name is too long for this file system
    ///
    /// A regular directory at a name is no error: see [`stat`](Self::stat).
    fn check_change(&self, names: &[&str], staging: &Self) -> Result<(), (usize, io::Error)>;

    /// Whether two names in this directory that differ in case, or in Unicode form,
    /// may be one file. Where nothing tells, the answer for the directory that this one
    /// was opened in, if it was asked before; else what is usual on this system.
    fn ignores_case(&self) -> io::Result<bool>;

    /// How many bytes the process may still write to this file system; `None` where that
    /// is not known.
    fn free_bytes(&self) -> Option<u64> {
        None
    }

    /// Whether there is no name in this directory.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.entries()?.is_empty())
    }

    /// Waits for the lock that the file `name` stands for, creating it if
    /// needed.
    fn lock(&self, name: &str) -> io::Result<Self::Lock>;

    /// Like [`lock`](Self::lock), with what a lock of it left when it was
    /// [given back](Lock::release). `None` if that is of no use any more, for another file
    /// has its name, or none.
    fn lock_again(
        &self,
        name: &str,
        idle: <Self::Lock as Lock>::Idle,
    ) -> io::Result<Option<Self::Lock>>;

    /// Like [`lock`](Self::lock), but others may have it like this too.
    fn lock_shared(&self, name: &str) -> io::Result<Self::Lock>;

    /// Like [`lock_shared`](Self::lock_shared), with what a lock of it left, as
    /// [`lock_again`](Self::lock_again).
    fn share_again(
        &self,
        name: &str,
        idle: <Self::Lock as Lock>::Idle,
    ) -> io::Result<Option<Self::Lock>>;

    /// The mark of the lock `name`, whoever holds it, by what stands for it; `None` if another
    /// file has its name, or none.
    fn mark_of(
        &self,
        name: &str,
        lock: &<Self::Lock as Lock>::Watched,
    ) -> io::Result<Option<Vec<u8>>>;

    /// Like [`lock`](Self::lock), but `None` instead of waiting.
    fn try_lock(&self, name: &str) -> io::Result<Option<Self::Lock>>;
}

/// A lock that is held.
pub(crate) trait Lock: Send + Sync {
    /// What stands for the lock while nobody holds it.
    type Idle: Send + 'static;
    /// What stands for the lock to those who only read its mark.
    type Watched: Send;

    /// Lets others have the lock; `None` if nothing of it can be kept.
    fn release(self) -> Option<Self::Idle>;

    /// What the last holder left for the next, empty or zeros if nothing. It outlives
    /// the holder, but need not outlive a power cut.
    fn mark(&self) -> io::Result<Vec<u8>>;

    /// To [read the mark](Directory::mark_of) when the lock is not held.
    fn watched(&self) -> io::Result<Self::Watched>;

    fn set_mark(&self, mark: &[u8]) -> io::Result<()>;

    /// Leaves no mark, or one that is [spoiled](SPOILED_MARK), and takes no space on the
    /// disk for it.
    fn cut_mark(&self, is_spoiled: bool) -> io::Result<()>;
}

/// A mark that is nobody's.
pub(crate) const SPOILED_MARK: &[u8] = b"spoiled";

/// An open file.
pub(crate) trait FileHandle: io::Read + io::Write + Send + Sync + 'static {
    /// What the file was when it was opened, where that is known, or else is now.
    fn stat_when_opened(&self) -> io::Result<Stat> {
        self.stat()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    fn write_at(&self, contents: &[u8], offset: u64) -> io::Result<usize>;

    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// Like [`sync`](Self::sync), but without attributes that reading the
    /// contents does not need.
    fn sync_data(&self) -> io::Result<()>;

    /// Waits until what was written through this handle has been handed to the device,
    /// and reports the first error of a write-back since the handle was opened that the
    /// handle has not reported yet, even if another program was told of it. Does not
    /// flush the device where that can be avoided.
    ///
    /// To be called on each file after [`Directory::sync_file_system`], which reports
    /// no error that another program's sync has reported before. After an error, what
    /// this file holds must not be relied on, whatever later syncs say.
    fn check_written(&self) -> io::Result<()>;

    /// All that is there from `offset` on, at most as much as fits.
    fn read_all_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        read_all(buffer, offset, |buffer, offset| {
            self.read_at(buffer, offset)
        })
    }

    fn write_all_at(&self, contents: &[u8], offset: u64) -> io::Result<()> {
        write_all(contents, offset, |bytes, offset| {
            self.write_at(bytes, offset)
        })
    }

    /// Lets the system begin to write these bytes to the disk, so that a sync has less
    /// to do. Waits for nothing and promises nothing.
    fn start_sync(&self, _offset: u64, _bytes: u64) {}

    fn stat(&self) -> io::Result<Stat>;

    /// Sets the permission bits; does nothing where there are none.
    fn set_mode(&self, mode: u32) -> io::Result<()>;

    /// Sets the time of the last change.
    fn set_modified(&self, time: SystemTime) -> io::Result<()>;

    /// Makes contents and attributes durable. After an error it must not be
    /// called again: the system may have marked the pages clean.
    fn sync(&self) -> io::Result<()>;
}

/// All that `read` gives from `offset` on, at most as much as fits.
pub(crate) fn read_all(
    mut buffer: &mut [u8],
    mut offset: u64,
    read: impl Fn(&mut [u8], u64) -> io::Result<usize>,
) -> io::Result<usize> {
    let mut total = 0;
    while !buffer.is_empty() {
        match read(buffer, offset) {
            Ok(0) => break,
            Ok(read) => {
                buffer = &mut buffer[read..];
                offset += read as u64;
                total += read;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(total)
}

/// Lets `write` write all of it, from `offset` on.
pub(crate) fn write_all(
    mut contents: &[u8],
    mut offset: u64,
    write: impl Fn(&[u8], u64) -> io::Result<usize>,
) -> io::Result<()> {
    while !contents.is_empty() {
        match write(contents, offset) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => {
                contents = &contents[written..];
                offset += written as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Who may use what is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// This user alone.
    Private,
    /// What the process usually gives.
    Usual,
    /// At most these permission bits.
    Mode(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    File,
    Directory,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub kind: Kind,
    pub size: u64,
    pub modified: SystemTime,
    /// When the file was made, by the clock of its file system; `None` where that is not
    /// known. No program can set this time.
    pub created: Option<SystemTime>,
    /// The permission bits, `None` where there are none.
    pub mode: Option<u32>,
    /// How many names the file has; 1 where that is not known.
    pub links: u64,
    /// `None` where there is none.
    pub stamp: Option<Stamp>,
    /// Whether it is immutable, or can only be appended to; `false` where that is not known.
    pub is_fixed: bool,
}

impl Stat {
    /// Which file of the file system it is; 0 where that is not known.
    pub(crate) fn inode(&self) -> u64 {
        self.stamp.map_or(0, |stamp| stamp.inode)
    }

    /// Which file it is, on which device; `None` where that is not known.
    pub(crate) fn id(&self) -> Option<Id> {
        self.stamp.map(|stamp| stamp.id())
    }
}

/// A device and an inode.
pub(crate) type Id = (u64, u64);

/// Which file it is and when it was last changed in any way: its contents, its
/// names or its attributes. No program can set this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub device: u64,
    pub inode: u64,
    /// Seconds and nanoseconds.
    pub changed: (i64, i64),
}

impl Stamp {
    pub(crate) fn id(&self) -> Id {
        (self.device, self.inode)
    }

    /// Whether the last change was after this time.
    pub(crate) fn is_after(&self, time: SystemTime) -> bool {
        let since = time.duration_since(SystemTime::UNIX_EPOCH);
        let since = since.unwrap_or_default();
        self.changed > (since.as_secs() as i64, i64::from(since.subsec_nanos()))
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub name: String,
    pub kind: Kind,
}
