//! What is in a directory. On Linux with four calls, as listing is most of the opening of a
//! volume; through `cap-std` there are seven.

use super::super::directory::Entry;
use super::stat::kind_of;
use cap_std::fs::Dir;
use std::io;

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
