//! Whether a directory takes two spellings of a name for one.

use super::stat::{id_of, links_of_cap};
use cap_std::fs::{Dir, Metadata};
use std::io::ErrorKind;

/// What to expect of a directory that nothing is known of.
pub(super) const IS_USUALLY_IGNORED: bool = cfg!(any(target_os = "macos", windows));

/// In the root of a volume this is there, so that the others need not be listed.
const LIKELY_NAME: &str = crate::path::PRIVATE_DIR;

/// `None` if there is no flag that says so, and no name by which to find out.
pub(super) fn is_ignored(dir: &Dir) -> Option<bool> {
    if has_flag(dir) {
        return Some(true);
    }
    if let Some(found) = is_found_in_other_case(dir, LIKELY_NAME) {
        return Some(found);
    }
    let names = dir.entries().ok()?.flatten();
    let mut names = names.filter_map(|entry| entry.file_name().into_string().ok());
    names.find_map(|name| is_found_in_other_case(dir, &name))
}

/// A directory of ext4, F2FS, tmpfs or bcachefs with `chattr +F`. That the flag is not
/// there says nothing: others have options of their mount or of their making instead.
#[cfg(target_os = "linux")]
fn has_flag(dir: &Dir) -> bool {
    /// `FS_CASEFOLD_FL`, which `rustix` has no name for.
    const CASEFOLD: u32 = 0x4000_0000;
    rustix::fs::ioctl_getflags(dir).is_ok_and(|flags| flags.bits() & CASEFOLD != 0)
}

#[cfg(not(target_os = "linux"))]
fn has_flag(_dir: &Dir) -> bool {
    false
}

/// Whether the other spelling of a name leads to the same file; `None` if that says
/// nothing.
fn is_found_in_other_case(dir: &Dir, name: &str) -> Option<bool> {
    let other_name = in_other_case(name)?;
    let metadata = dir.symlink_metadata(name).ok()?;
    let other = match dir.symlink_metadata(&other_name) {
        Ok(other) => other,
        Err(error) if error.kind() == ErrorKind::NotFound => return Some(false),
        Err(_) => return None,
    };
    match (id_of(&metadata), id_of(&other)) {
        (Some(id), Some(other)) if id != other => Some(false),
        // They may be two names that somebody gave to one file.
        (Some(_), Some(_)) => has_one_name(&metadata).then_some(true),
        _ => Some(!is_listed(dir, &other_name)?),
    }
}

fn has_one_name(metadata: &Metadata) -> bool {
    metadata.is_dir() || links_of_cap(metadata) == 1
}

fn is_listed(dir: &Dir, name: &str) -> Option<bool> {
    let mut entries = dir.entries().ok()?.flatten();
    Some(entries.any(|entry| entry.file_name().to_str() == Some(name)))
}

/// `None` if there is no ASCII letter in it.
fn in_other_case(name: &str) -> Option<String> {
    let swapped = |letter: char| match letter.is_ascii_lowercase() {
        true => letter.to_ascii_uppercase(),
        false => letter.to_ascii_lowercase(),
    };
    let other: String = name.chars().map(swapped).collect();
    (other != name).then_some(other)
}
