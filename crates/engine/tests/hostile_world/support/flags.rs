//! Flags of a file that forbid changes even to root.

use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// A flag that `chattr` sets.
#[derive(Clone, Copy, Debug)]
pub enum Flag {
    /// The file cannot be changed, renamed or removed (`chattr +i`).
    Immutable,
    /// The file can only grow (`chattr +a`).
    AppendOnly,
}

impl Flag {
    fn bits(self) -> IFlags {
        match self {
            Flag::Immutable => IFlags::IMMUTABLE,
            Flag::AppendOnly => IFlags::APPEND,
        }
    }
}

/// Sets the flag or takes it back.
pub fn set_flag(path: &Path, flag: Flag, on: bool) -> io::Result<()> {
    let file = File::open(path)?;
    let mut flags = ioctl_getflags(&file)?;
    flags.set(flag.bits(), on);
    Ok(ioctl_setflags(&file, flags)?)
}

/// Takes back all flags below a directory, so that it can be removed.
pub(super) fn clear_flags(directory: &Path) {
    for flag in [Flag::Immutable, Flag::AppendOnly] {
        let _ = set_flag(directory, flag, false);
    }
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() {
            clear_flags(&entry.path());
        } else if kind.is_file() {
            for flag in [Flag::Immutable, Flag::AppendOnly] {
                let _ = set_flag(&entry.path(), flag, false);
            }
        }
    }
}
