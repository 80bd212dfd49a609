//! What is in a directory. On Linux with four calls, as listing is most of the opening of a
//! volume; through `cap-std` there are seven.

use super::super::directory::Entry;
#[cfg(target_os = "linux")]
use super::stat::file_system;
use super::stat::kind_of;
use cap_std::fs::Dir;
#[cfg(target_os = "linux")]
use std::collections::HashSet;
use std::io;
#[cfg(target_os = "linux")]
use std::time::SystemTime;

#[cfg(target_os = "linux")]
pub(super) fn entries(directory: &Dir) -> io::Result<Vec<Entry>> {
    use super::super::directory::{Kind, unless_absent};
    use rustix::fs::{FileType, Mode, OFlags, openat};
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    // A position of its own, whoever else lists the directory.
    let opened = openat(directory, ".", flags, Mode::empty())?;
    let mut entries = Vec::new();
    for entry in rustix::fs::Dir::new(opened)? {
        let entry = entry?;
        let name = match entry.file_name().to_bytes() {
            b"." | b".." => continue,
            name => name,
        };
        let Ok(name) = str::from_utf8(name) else {
            let name = String::from_utf8_lossy(name).into_owned();
            entries.push(Entry {
                name,
                kind: Kind::Other,
            });
            continue;
        };
        let kind = match entry.file_type() {
            FileType::RegularFile => Some(Kind::File),
            FileType::Directory => Some(Kind::Directory),
            // Some file systems do not say it in the listing.
            FileType::Unknown => unless_absent(directory.symlink_metadata(name))?
                .map(|metadata| kind_of(metadata.file_type())),
            _ => Some(Kind::Other),
        };
        let name = name.to_owned();
        entries.extend(kind.map(|kind| Entry { name, kind }));
    }
    Ok(entries)
}

/// How often a directory is read that changes all the time. Beside a writer that does nothing else,
/// every second reading can miss the file.
#[cfg(target_os = "linux")]
const MAX_LOOKS: usize = 40;

/// Whether a file that replaces another gets a place behind all others, so that a listing which
/// has begun finds neither: on btrfs.
#[cfg(target_os = "linux")]
pub(super) fn moves_replaced(directory: &Dir) -> bool {
    const BTRFS: u32 = 0x9123_683e;
    file_system(directory) == Some(BTRFS)
}

/// What was in the directory at any time while it was read, until it was read without a change;
/// twice if it has just changed, for clocks of file systems may stand still for milliseconds.
#[cfg(target_os = "linux")]
pub(super) fn all_entries(directory: &Dir) -> io::Result<Vec<Entry>> {
    let changed = || -> io::Result<_> {
        let stat = rustix::fs::fstat(directory)?;
        Ok((stat.st_ctime, stat.st_ctime_nsec))
    };
    let mut all = Vec::new();
    let mut names = HashSet::new();
    let (mut before, mut quiet_looks) = (changed()?, 0);
    for _ in 0..MAX_LOOKS {
        for entry in entries(directory)? {
            if names.insert(entry.name.clone()) {
                all.push(entry);
            }
        }
        let after = changed()?;
        quiet_looks = if after == before { quiet_looks + 1 } else { 0 };
        if quiet_looks == 2 || (quiet_looks == 1 && is_old(after.0)) {
            break;
        }
        before = after;
    }
    Ok(all)
}

/// Whether a change at this time, in seconds since 1970, was not just made.
#[cfg(target_os = "linux")]
fn is_old(seconds: i64) -> bool {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.is_ok_and(|now| i64::try_from(now.as_secs()).is_ok_and(|now| now > seconds + 2))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn entries(directory: &Dir) -> io::Result<Vec<Entry>> {
    use super::super::directory::unless_absent;
    let mut entries = Vec::new();
    for entry in directory.entries()? {
        entries.extend(unless_absent(entry_of(&entry?))?);
    }
    Ok(entries)
}

/// Fails with `NotFound` if it was removed meanwhile.
#[cfg(not(target_os = "linux"))]
fn entry_of(entry: &cap_std::fs::DirEntry) -> io::Result<Entry> {
    use super::super::directory::Kind;
    use cap_std::fs::FileType;
    let name = match entry.file_name().into_string() {
        Ok(name) => name,
        Err(name) => {
            return Ok(Entry {
                name: name.to_string_lossy().into_owned(),
                kind: Kind::Other,
            });
        }
    };
    let mut file_type = entry.file_type()?;
    // Some file systems do not say it in the listing.
    if file_type == FileType::unknown() {
        file_type = entry.metadata()?.file_type();
    }
    let kind = kind_of(file_type);
    Ok(Entry { name, kind })
}
