//! Opening what is in a directory, never through a symbolic link.

use super::super::directory::{Access, Directory, Kind};
use super::stat::{set_access, stat_of_file};
use super::{CapDirectory, CapFile};
use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::fs::{Dir, OpenOptions};
use std::fs::File;
use std::io::{self, ErrorKind};

impl CapDirectory {
    /// A handle that can be synced, where it may be read.
    #[cfg(target_os = "linux")]
    pub(super) fn open_child(&self, name: &str) -> io::Result<Dir> {
        use cap_std::fs::OpenOptionsExt;
        let mut options = nofollow();
        let flags = rustix::fs::OFlags::DIRECTORY.bits();
        options.read(true).custom_flags(flags.cast_signed());
        match self.dir.open_with(name, &options) {
            Ok(file) => Ok(Dir::from_std_file(file.into_std())),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                self.dir.open_dir_nofollow(name)
            }
            Err(error) => Err(error),
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn open_child(&self, name: &str) -> io::Result<Dir> {
        self.dir.open_dir_nofollow(name)
    }

    pub(super) fn open_regular(&self, name: &str, write: bool) -> io::Result<Option<CapFile>> {
        let mut options = nofollow();
        options.read(true).write(write).nonblock(true);
        match self.dir.open_with(name, &options) {
            Ok(file) => {
                let file = file.into_std();
                let stat = stat_of_file(&file)?;
                let opened = Some(stat);
                Ok((stat.kind == Kind::File).then(|| CapFile {
                    opened,
                    ..self.file(file)
                }))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            // Links, sockets and the like refuse to be opened, each in its way.
            Err(error) => match self.stat(name)? {
                Some(stat) if stat.kind == Kind::File => Err(error),
                _ => Ok(None),
            },
        }
    }

    pub(super) fn file(&self, file: File) -> CapFile {
        CapFile {
            file,
            syncs: self.syncs.clone(),
            opened: None,
        }
    }

    pub(super) fn lock_file(&self, name: &str) -> io::Result<File> {
        let mut options = nofollow();
        options.read(true).write(true).create(true);
        set_access(&mut options, Access::Private);
        let open = || self.dir.open_with(name, &options);
        let file = self.group_access.open_when_given(&self.dir, name, open)?;
        let file = file.into_std();
        self.group_access.give_lock_file(&file);
        Ok(file)
    }
}

pub(super) fn nofollow() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.follow(FollowSymlinks::No);
    options
}
