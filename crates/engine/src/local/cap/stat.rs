//! What the system says of files and directories, in the words of the seam.

use super::super::directory::{Access, Id, Kind, Stamp, Stat};
use cap_std::fs::{Dir, DirBuilder, FileType, Metadata, OpenOptions};
use std::io;
use std::time::SystemTime;

pub(super) fn kind_of(file_type: FileType) -> Kind {
    if file_type.is_file() {
        Kind::File
    } else if file_type.is_dir() {
        Kind::Directory
    } else {
        Kind::Other
    }
}

/// The number by which the system knows the type of the file system, if it tells.
#[cfg(target_os = "linux")]
pub(super) fn file_system(on_it: impl std::os::fd::AsFd) -> Option<u32> {
    // The type of the field differs from one processor to the next.
    Some(rustix::fs::fstatfs(on_it).ok()?.f_type as u32)
}

/// What has a name that is neither a file nor a directory, in words for a person.
pub(super) fn describe(directory: &Dir, name: &str) -> &'static str {
    match directory.symlink_metadata(name) {
        Ok(metadata) if metadata.is_symlink() => "a symbolic link",
        Ok(metadata) => special(metadata.file_type()),
        Err(_) => "something else",
    }
}

#[cfg(unix)]
fn special(file_type: FileType) -> &'static str {
    use cap_std::fs::FileTypeExt;
    if file_type.is_fifo() {
        "a named pipe"
    } else if file_type.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn special(_file_type: FileType) -> &'static str {
    "something else"
}

pub(super) fn stat_of_cap(metadata: &Metadata) -> io::Result<Stat> {
    Ok(Stat {
        kind: kind_of(metadata.file_type()),
        size: metadata.len(),
        modified: metadata
            .modified()
            .map_or(SystemTime::UNIX_EPOCH, |time| time.into_std()),
        created: metadata.created().ok().map(|time| time.into_std()),
        mode: mode_of_cap(metadata),
        links: links_of_cap(metadata),
        stamp: stamp_of_cap(metadata),
        is_fixed: false,
    })
}

fn stat_of_std(metadata: &std::fs::Metadata) -> Stat {
    let kind = match metadata.is_file() {
        true => Kind::File,
        false => Kind::Other,
    };
    Stat {
        kind,
        size: metadata.len(),
        modified: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
        created: metadata.created().ok(),
        mode: mode_of_std(metadata),
        links: links_of_std(metadata),
        stamp: stamp_of_std(metadata),
        is_fixed: false,
    }
}

/// What has this name, if anything has, with what only Linux tells of it; `None` if the system
/// does not answer, or not all of it.
#[cfg(target_os = "linux")]
pub(super) fn stat_of_name(directory: &Dir, name: &str) -> Option<Option<Stat>> {
    use rustix::fs::AtFlags;
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    ask(directory, name, flags)
}

/// What is open.
pub(super) fn stat_of_file(file: &std::fs::File) -> io::Result<Stat> {
    #[cfg(target_os = "linux")]
    if let Some(Some(found)) = ask(file, "", rustix::fs::AtFlags::EMPTY_PATH) {
        return Ok(found);
    }
    Ok(stat_of_std(&file.metadata()?))
}

#[cfg(target_os = "linux")]
fn ask(of: impl rustix::fd::AsFd, name: &str, flags: rustix::fs::AtFlags) -> Option<Option<Stat>> {
    use rustix::fs::{FileType, StatxFlags, makedev, statx};
    let asked = StatxFlags::BASIC_STATS;
    let found = match statx(of, name, flags, asked | StatxFlags::BTIME) {
        Err(rustix::io::Errno::NOENT) => return Some(None),
        found => found.ok()?,
    };
    let is_created_known = found.stx_mask & StatxFlags::BTIME.bits() != 0;
    let created = time_of(found.stx_btime.tv_sec, found.stx_btime.tv_nsec);
    if found.stx_mask & asked.bits() != asked.bits() {
        return None;
    }
    let mode = u32::from(found.stx_mode);
    let changed = found.stx_ctime;
    Some(Some(Stat {
        kind: match FileType::from_raw_mode(mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Directory,
            _ => Kind::Other,
        },
        size: found.stx_size,
        modified: time_of(found.stx_mtime.tv_sec, found.stx_mtime.tv_nsec),
        created: is_created_known.then_some(created),
        mode: Some(mode & PERMISSION_BITS),
        links: u64::from(found.stx_nlink),
        stamp: Some(Stamp {
            device: makedev(found.stx_dev_major, found.stx_dev_minor),
            inode: found.stx_ino,
            changed: (changed.tv_sec, i64::from(changed.tv_nsec)),
        }),
        is_fixed: is_fixed(&found),
    }))
}

/// Whether it is immutable, or can only be appended to.
#[cfg(target_os = "linux")]
pub(super) fn is_fixed(found: &rustix::fs::Statx) -> bool {
    use rustix::fs::StatxAttributes;
    let fixed = StatxAttributes::IMMUTABLE | StatxAttributes::APPEND;
    found.stx_attributes.intersects(fixed)
}

/// Seconds since 1970, which may be less than 0, and nanoseconds on top of them.
#[cfg(target_os = "linux")]
fn time_of(seconds: i64, nanoseconds: u32) -> SystemTime {
    use std::time::Duration;
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let time = match seconds < 0 {
        true => SystemTime::UNIX_EPOCH.checked_sub(whole),
        false => SystemTime::UNIX_EPOCH.checked_add(whole),
    };
    let time = time.and_then(|time| time.checked_add(Duration::from_nanos(nanoseconds.into())));
    time.unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The bits that `chmod` knows, without set-user-id and its like: no contents
/// that a guest wrote may run with another user's rights.
#[cfg(unix)]
const PERMISSION_BITS: u32 = 0o777;

#[cfg(unix)]
pub(super) fn mode_of_cap(metadata: &Metadata) -> Option<u32> {
    use cap_std::fs::PermissionsExt;
    Some(metadata.permissions().mode() & PERMISSION_BITS)
}

#[cfg(unix)]
pub(super) fn mode_of_std(metadata: &std::fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    Some(metadata.permissions().mode() & PERMISSION_BITS)
}

#[cfg(unix)]
pub(super) fn links_of_cap(metadata: &Metadata) -> u64 {
    cap_std::fs::MetadataExt::nlink(metadata)
}

#[cfg(unix)]
pub(super) fn links_of_std(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(metadata)
}

#[cfg(unix)]
pub(super) fn id_of(metadata: &Metadata) -> Option<Id> {
    use cap_std::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(unix)]
pub(super) fn stamp_of_cap(metadata: &Metadata) -> Option<Stamp> {
    use cap_std::fs::MetadataExt;
    Some(Stamp {
        device: metadata.dev(),
        inode: metadata.ino(),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    })
}

#[cfg(unix)]
pub(super) fn stamp_of_std(metadata: &std::fs::Metadata) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt;
    Some(Stamp {
        device: metadata.dev(),
        inode: metadata.ino(),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    })
}

#[cfg(unix)]
pub(super) fn set_access(options: &mut OpenOptions, access: Access) {
    use cap_std::fs::OpenOptionsExt;
    options.mode(match access {
        Access::Private => 0o600,
        Access::Usual => 0o666,
        Access::Mode(mode) => mode,
    });
}

#[cfg(unix)]
pub(super) fn dir_builder(access: Access) -> DirBuilder {
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
pub(super) fn mode_of_cap(_metadata: &Metadata) -> Option<u32> {
    None
}

#[cfg(not(unix))]
pub(super) fn mode_of_std(_metadata: &std::fs::Metadata) -> Option<u32> {
    None
}

#[cfg(not(unix))]
pub(super) fn links_of_cap(_metadata: &Metadata) -> u64 {
    1
}

#[cfg(not(unix))]
pub(super) fn links_of_std(_metadata: &std::fs::Metadata) -> u64 {
    1
}

#[cfg(not(unix))]
pub(super) fn id_of(_metadata: &Metadata) -> Option<Id> {
    None
}

#[cfg(not(unix))]
pub(super) fn stamp_of_cap(_metadata: &Metadata) -> Option<Stamp> {
    None
}

#[cfg(not(unix))]
pub(super) fn stamp_of_std(_metadata: &std::fs::Metadata) -> Option<Stamp> {
    None
}

#[cfg(not(unix))]
pub(super) fn set_access(_options: &mut OpenOptions, _access: Access) {}

#[cfg(not(unix))]
pub(super) fn dir_builder(_access: Access) -> DirBuilder {
    DirBuilder::new()
}

/// Device and inode of what has this name, if anything has; `None` if the system does not answer
/// without more.
#[cfg(target_os = "linux")]
pub(super) fn id_of_name(directory: &Dir, name: &str) -> Option<Option<Id>> {
    use rustix::fs::{AtFlags, StatxFlags, makedev, statx};
    let asked = StatxFlags::INO;
    let found = match statx(directory, name, AtFlags::SYMLINK_NOFOLLOW, asked) {
        Err(rustix::io::Errno::NOENT) => return Some(None),
        found => found.ok()?,
    };
    let device = makedev(found.stx_dev_major, found.stx_dev_minor);
    let is_known = found.stx_mask & asked.bits() != 0;
    is_known.then_some(Some((device, found.stx_ino)))
}
