//! The real thing: [`Directory`] over a capability handle of `cap-std`, which
//! holds a process inside a directory whatever names and links it meets.
//!
//! The only module in which types of `cap-std` appear.

use super::directory::{Access, Directory, Entry, FileHandle, Kind, Lock, Stamp, Stat};
use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, FileType, Metadata, OpenOptions};
use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// More than any mark is long.
const MAX_MARK_BYTES: u64 = 256;

#[derive(Debug)]
pub(crate) struct CapDirectory {
    dir: Dir,
    syncs: Arc<AtomicU64>,
}

/// A file that counts how often it is synced.
#[derive(Debug)]
pub(crate) struct CapFile {
    file: File,
    syncs: Arc<AtomicU64>,
}

/// A lock file whose lock is held as long as it is open.
#[derive(Debug)]
pub(crate) struct CapLock(File);

impl CapDirectory {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            dir: Dir::open_ambient_dir(path, ambient_authority())?,
            syncs: Arc::default(),
        })
    }

    fn open_regular(&self, name: &str, write: bool) -> io::Result<Option<CapFile>> {
        let mut options = nofollow();
        options.read(true).write(write).nonblock(true);
        match self.dir.open_with(name, &options) {
            Ok(file) => {
                let file = file.into_std();
                let is_file = file.metadata()?.is_file();
                Ok(is_file.then(|| self.file(file)))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            // Links, sockets and the like refuse to be opened, each in its way.
            Err(error) => match self.stat(name)? {
                Some(stat) if stat.kind == Kind::File => Err(error),
                _ => Ok(None),
            },
        }
    }

    fn file(&self, file: File) -> CapFile {
        CapFile {
            file,
            syncs: self.syncs.clone(),
        }
    }

    /// How often something in this volume was made durable.
    pub(crate) fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    fn lock_file(&self, name: &str) -> io::Result<File> {
        let mut options = nofollow();
        options.read(true).write(true).create(true);
        set_access(&mut options, Access::Private);
        Ok(self.dir.open_with(name, &options)?.into_std())
    }
}

impl Directory for CapDirectory {
    type File = CapFile;
    type Lock = CapLock;

    fn open_dir(&self, name: &str) -> io::Result<Self> {
        match self.dir.open_dir_nofollow(name) {
            Ok(dir) => Ok(Self {
                dir,
                syncs: self.syncs.clone(),
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(error),
            // A symbolic link shows as ELOOP or ENOTDIR, depending on the kernel.
            Err(error) => match self.stat(name)? {
                Some(stat) if stat.kind != Kind::Directory => Err(ErrorKind::NotADirectory.into()),
                _ => Err(error),
            },
        }
    }

    fn is_removed(&self) -> io::Result<bool> {
        // File systems differ in what still works and in whether they count names.
        let look = || {
            let links = links_of_cap(&self.dir.open(".")?.metadata()?);
            Ok(links == 0 && self.dir.entries()?.next().transpose()?.is_none())
        };
        match look() {
            Err(error) if is_gone(&error) => Ok(true),
            result => result,
        }
    }

    fn create_dir(&self, name: &str, access: Access) -> io::Result<()> {
        self.dir.create_dir_with(name, &dir_builder(access))
    }

    fn remove_dir(&self, name: &str) -> io::Result<()> {
        self.dir.remove_dir(name)
    }

    fn create_file(&self, name: &str, access: Access) -> io::Result<CapFile> {
        let mut options = nofollow();
        options.write(true).create_new(true);
        set_access(&mut options, access);
        Ok(self.file(self.dir.open_with(name, &options)?.into_std()))
    }

    fn open_file(&self, name: &str) -> io::Result<Option<CapFile>> {
        self.open_regular(name, false)
    }

    fn open_file_to_change(&self, name: &str) -> io::Result<Option<CapFile>> {
        self.open_regular(name, true)
    }

    fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        match self.dir.symlink_metadata(name) {
            Ok(metadata) => stat_of_cap(&metadata).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn rename(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        patiently(|| self.dir.rename(name, &to.dir, new_name))
    }

    fn hard_link(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        self.dir.hard_link(name, &to.dir, new_name)
    }

    fn remove_file(&self, name: &str) -> io::Result<()> {
        self.dir.remove_file(name)
    }

    fn sync(&self) -> io::Result<()> {
        // Windows has no such call; its file systems journal names themselves.
        if cfg!(windows) {
            return Ok(());
        }
        // The handle is opened for lookups only (O_PATH), which cannot be synced.
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.dir.open(".")?.into_std().sync_all()
    }

    #[cfg(target_os = "linux")]
    fn sync_file_system(&self) -> io::Result<()> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(rustix::fs::syncfs(self.dir.open(".")?)?)
    }

    #[cfg(not(target_os = "linux"))]
    fn sync_file_system(&self) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    fn tells_changes_apart(&self, name: &str) -> io::Result<bool> {
        let file = self.create_file(name, Access::Private)?;
        let apart = has_a_fine_clock(&file);
        self.remove_file(name)?;
        apart
    }

    fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in self.dir.entries()? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let kind = match entry.file_type() {
                Ok(file_type) => kind_of(file_type),
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            entries.push(Entry { name, kind });
        }
        Ok(entries)
    }

    fn lock(&self, name: &str) -> io::Result<CapLock> {
        let file = self.lock_file(name)?;
        retry_interrupted(|| file.lock())?;
        Ok(CapLock(file))
    }

    fn lock_shared(&self, name: &str) -> io::Result<CapLock> {
        let file = self.lock_file(name)?;
        retry_interrupted(|| file.lock_shared())?;
        Ok(CapLock(file))
    }

    fn try_lock(&self, name: &str) -> io::Result<Option<CapLock>> {
        let file = self.lock_file(name)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(CapLock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Whether changes in quick succession have different times. A clock of ticks, as
/// Linux had before 6.13, cannot show so many in so little time.
fn has_a_fine_clock(file: &CapFile) -> io::Result<bool> {
    const CHANGES: usize = 8;
    const SHORTEST_TICK: Duration = Duration::from_millis(1);
    let start = Instant::now();
    let mut last = file.stat()?.stamp;
    for at in 0..CHANGES {
        file.write_all_at(b"x", at as u64)?;
        let stamp = file.stat()?.stamp;
        if stamp == last {
            return Ok(false);
        }
        last = stamp;
    }
    Ok(last.is_some() && start.elapsed() < SHORTEST_TICK * (CHANGES as u32 / 2))
}

/// Windows refuses to replace a file while a program that did not agree to it has
/// it open: an indexer or a virus scanner, for some milliseconds. The rename itself
/// has the semantics of POSIX there.
#[cfg(windows)]
fn patiently(mut rename: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    const ATTEMPTS: u64 = 10;
    for attempt in 1..ATTEMPTS {
        match rename() {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                std::thread::sleep(std::time::Duration::from_millis(attempt * attempt));
            }
            result => return result,
        }
    }
    rename()
}

#[cfg(not(windows))]
fn patiently(mut rename: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    rename()
}

/// What the system says of a directory that was removed while it is open.
fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::StaleNetworkFileHandle
    )
}

fn retry_interrupted(mut wait: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    loop {
        match wait() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

impl Lock for CapLock {
    fn mark(&self) -> io::Result<Vec<u8>> {
        let mut file = &self.0;
        file.seek(SeekFrom::Start(0))?;
        let mut mark = Vec::new();
        file.take(MAX_MARK_BYTES).read_to_end(&mut mark)?;
        Ok(mark)
    }

    fn set_mark(&self, mark: &[u8]) -> io::Result<()> {
        let mut file = &self.0;
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(mark)
    }
}

impl io::Read for CapFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl io::Write for CapFile {
    fn write(&mut self, contents: &[u8]) -> io::Result<usize> {
        self.file.write(contents)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl FileHandle for CapFile {
    #[cfg(unix)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.file, buffer, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.file, buffer, offset)
    }

    #[cfg(unix)]
    fn write_at(&self, contents: &[u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(&self.file, contents, offset)
    }

    #[cfg(windows)]
    fn write_at(&self, contents: &[u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_write(&self.file, contents, offset)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn stat(&self) -> io::Result<Stat> {
        let metadata = self.file.metadata()?;
        Ok(Stat {
            kind: if metadata.is_file() {
                Kind::File
            } else {
                Kind::Other
            },
            size: metadata.len(),
            modified: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            mode: mode_of_std(&metadata),
            links: links_of_std(&metadata),
            stamp: stamp_of_std(&metadata),
        })
    }

    #[cfg(unix)]
    fn set_mode(&self, mode: u32) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        self.file
            .set_permissions(std::fs::Permissions::from_mode(mode))
    }

    #[cfg(not(unix))]
    fn set_mode(&self, _mode: u32) -> io::Result<()> {
        Ok(())
    }

    // On macOS the standard library asks for F_FULLFSYNC in both.
    fn sync(&self) -> io::Result<()> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.file.sync_all()
    }

    fn sync_data(&self) -> io::Result<()> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.file.sync_data()
    }
}

fn nofollow() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.follow(FollowSymlinks::No);
    options
}

fn kind_of(file_type: FileType) -> Kind {
    if file_type.is_file() {
        Kind::File
    } else if file_type.is_dir() {
        Kind::Directory
    } else {
        Kind::Other
    }
}

fn stat_of_cap(metadata: &Metadata) -> io::Result<Stat> {
    Ok(Stat {
        kind: kind_of(metadata.file_type()),
        size: metadata.len(),
        modified: metadata
            .modified()
            .map_or(SystemTime::UNIX_EPOCH, |time| time.into_std()),
        mode: mode_of_cap(metadata),
        links: links_of_cap(metadata),
        stamp: stamp_of_cap(metadata),
    })
}

/// The bits that `chmod` knows, without set-user-id and its like: no contents
/// that a guest wrote may run with another user's rights.
#[cfg(unix)]
const PERMISSION_BITS: u32 = 0o777;

#[cfg(unix)]
fn mode_of_cap(metadata: &Metadata) -> Option<u32> {
    use cap_std::fs::PermissionsExt;
    Some(metadata.permissions().mode() & PERMISSION_BITS)
}

#[cfg(unix)]
fn mode_of_std(metadata: &std::fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    Some(metadata.permissions().mode() & PERMISSION_BITS)
}

#[cfg(unix)]
fn links_of_cap(metadata: &Metadata) -> u64 {
    cap_std::fs::MetadataExt::nlink(metadata)
}

#[cfg(unix)]
fn links_of_std(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(metadata)
}

#[cfg(unix)]
fn stamp_of_cap(metadata: &Metadata) -> Option<Stamp> {
    use cap_std::fs::MetadataExt;
    Some(Stamp {
        device: metadata.dev(),
        inode: metadata.ino(),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    })
}

#[cfg(unix)]
fn stamp_of_std(metadata: &std::fs::Metadata) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt;
    Some(Stamp {
        device: metadata.dev(),
        inode: metadata.ino(),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    })
}

#[cfg(unix)]
fn set_access(options: &mut OpenOptions, access: Access) {
    use cap_std::fs::OpenOptionsExt;
    options.mode(match access {
        Access::Private => 0o600,
        Access::Usual => 0o666,
        Access::Mode(mode) => mode,
    });
}

#[cfg(unix)]
fn dir_builder(access: Access) -> DirBuilder {
    use cap_std::fs::DirBuilderExt;
    let mut builder = DirBuilder::new();
    builder.mode(match access {
        Access::Private => 0o700,
        Access::Usual => 0o777,
        Access::Mode(mode) => mode,
    });
    builder
}

#[cfg(not(unix))]
fn mode_of_cap(_metadata: &Metadata) -> Option<u32> {
    None
}

#[cfg(not(unix))]
fn mode_of_std(_metadata: &std::fs::Metadata) -> Option<u32> {
    None
}

#[cfg(not(unix))]
fn links_of_cap(_metadata: &Metadata) -> u64 {
    1
}

#[cfg(not(unix))]
fn links_of_std(_metadata: &std::fs::Metadata) -> u64 {
    1
}

#[cfg(not(unix))]
fn stamp_of_cap(_metadata: &Metadata) -> Option<Stamp> {
    None
}

#[cfg(not(unix))]
fn stamp_of_std(_metadata: &std::fs::Metadata) -> Option<Stamp> {
    None
}

#[cfg(not(unix))]
fn set_access(_options: &mut OpenOptions, _access: Access) {}

#[cfg(not(unix))]
fn dir_builder(_access: Access) -> DirBuilder {
    DirBuilder::new()
}
