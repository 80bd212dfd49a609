//! The real thing: [`Directory`] over a capability handle of `cap-std`, which
//! holds a process inside a directory whatever names and links it meets.
//!
//! The only module in which types of `cap-std` appear.

use super::directory::{Access, Directory, Entry, FileHandle, Kind, Lock, Stat};
use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, FileType, Metadata, OpenOptions};
use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::SystemTime;

/// More than any mark is long.
const MAX_MARK_BYTES: usize = 256;

#[derive(Debug)]
pub(crate) struct CapDirectory(Dir);

impl CapDirectory {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Dir::open_ambient_dir(path, ambient_authority()).map(Self)
    }

    fn open_regular(&self, name: &str, write: bool) -> io::Result<Option<File>> {
        let mut options = nofollow();
        options.read(true).write(write).nonblock(true);
        match self.0.open_with(name, &options) {
            Ok(file) => {
                let file = file.into_std();
                Ok(file.metadata()?.is_file().then_some(file))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            // Links, sockets and the like refuse to be opened, each in its way.
            Err(error) => match self.stat(name)? {
                Some(stat) if stat.kind == Kind::File => Err(error),
                _ => Ok(None),
            },
        }
    }

    fn lock_file(&self, name: &str) -> io::Result<File> {
        let mut options = nofollow();
        options.read(true).write(true).create(true);
        set_access(&mut options, Access::Private);
        Ok(self.0.open_with(name, &options)?.into_std())
    }
}

impl Directory for CapDirectory {
    type File = File;
    type Lock = File;

    fn open_dir(&self, name: &str) -> io::Result<Self> {
        match self.0.open_dir_nofollow(name) {
            Ok(dir) => Ok(Self(dir)),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(error),
            // A symbolic link shows as ELOOP or ENOTDIR, depending on the kernel.
            Err(error) => match self.stat(name)? {
                Some(stat) if stat.kind != Kind::Directory => Err(ErrorKind::NotADirectory.into()),
                _ => Err(error),
            },
        }
    }

    fn create_dir(&self, name: &str, access: Access) -> io::Result<()> {
        self.0.create_dir_with(name, &dir_builder(access))
    }

    fn remove_dir(&self, name: &str) -> io::Result<()> {
        self.0.remove_dir(name)
    }

    fn create_file(&self, name: &str, access: Access) -> io::Result<File> {
        let mut options = nofollow();
        options.write(true).create_new(true);
        set_access(&mut options, access);
        Ok(self.0.open_with(name, &options)?.into_std())
    }

    fn open_file(&self, name: &str) -> io::Result<Option<File>> {
        self.open_regular(name, false)
    }

    fn open_file_to_change(&self, name: &str) -> io::Result<Option<File>> {
        self.open_regular(name, true)
    }

    fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        match self.0.symlink_metadata(name) {
            Ok(metadata) => stat_of_cap(&metadata).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn rename(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        self.0.rename(name, &to.0, new_name)
    }

    fn hard_link(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        self.0.hard_link(name, &to.0, new_name)
    }

    fn remove_file(&self, name: &str) -> io::Result<()> {
        self.0.remove_file(name)
    }

    fn sync(&self) -> io::Result<()> {
        // Windows has no such call; its file systems journal names themselves.
        if cfg!(windows) {
            return Ok(());
        }
        // The handle is opened for lookups only (O_PATH), which cannot be synced.
        self.0.open(".")?.into_std().sync_all()
    }

    #[cfg(target_os = "linux")]
    fn sync_file_system(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(self.0.open(".")?)?)
    }

    #[cfg(not(target_os = "linux"))]
    fn sync_file_system(&self) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in self.0.entries()? {
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

    fn lock(&self, name: &str) -> io::Result<File> {
        let file = self.lock_file(name)?;
        retry_interrupted(|| file.lock())?;
        Ok(file)
    }

    fn lock_shared(&self, name: &str) -> io::Result<File> {
        let file = self.lock_file(name)?;
        retry_interrupted(|| file.lock_shared())?;
        Ok(file)
    }

    fn try_lock(&self, name: &str) -> io::Result<Option<File>> {
        let file = self.lock_file(name)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

fn retry_interrupted(mut wait: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    loop {
        match wait() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

impl Lock for File {
    fn mark(&self) -> io::Result<Vec<u8>> {
        let mut mark = [0; MAX_MARK_BYTES];
        let length = self.read_all_at(&mut mark, 0)?;
        Ok(mark[..length].to_vec())
    }

    fn set_mark(&self, mark: &[u8]) -> io::Result<()> {
        FileHandle::set_len(self, 0)?;
        self.write_all_at(mark, 0)
    }
}

impl FileHandle for File {
    #[cfg(unix)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(self, buffer, offset)
    }

    #[cfg(unix)]
    fn write_at(&self, contents: &[u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(self, contents, offset)
    }

    #[cfg(windows)]
    fn write_at(&self, contents: &[u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_write(self, contents, offset)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        File::set_len(self, bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }

    fn stat(&self) -> io::Result<Stat> {
        let metadata = self.metadata()?;
        Ok(Stat {
            kind: if metadata.is_file() {
                Kind::File
            } else {
                Kind::Other
            },
            size: metadata.len(),
            modified: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            mode: mode_of_std(&metadata),
        })
    }

    #[cfg(unix)]
    fn set_mode(&self, mode: u32) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        self.set_permissions(std::fs::Permissions::from_mode(mode))
    }

    #[cfg(not(unix))]
    fn set_mode(&self, _mode: u32) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        // On macOS the standard library asks for F_FULLFSYNC here.
        self.sync_all()
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
fn set_access(_options: &mut OpenOptions, _access: Access) {}

#[cfg(not(unix))]
fn dir_builder(_access: Access) -> DirBuilder {
    DirBuilder::new()
}
