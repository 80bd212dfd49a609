//! What Linux can say of a change of a name before it is tried.
//!
//! Where a kernel, a file system or a sandbox does not answer, this lets the change be
//! tried: it must never refuse what would succeed.

use super::stat::is_fixed;
use cap_std::fs::Dir;
use rustix::fs::{Access, AtFlags, Statx, StatxAttributes, StatxFlags, accessat, statx};
use rustix::io::Errno;
use rustix::process::geteuid;
use rustix::thread::{CapabilitySet, capabilities};
use std::io::{self, ErrorKind};

const STICKY: u16 = 0o1000;

/// See [`Directory::check_change`](super::super::directory::Directory::check_change).
///
/// No right is kept from one call to the next: two system calls for the directory and one
/// for each name, which touch no disk, cost some microseconds, and a right that was given or
/// taken away counts at once.
pub(super) fn check(
    directory: &Dir,
    names: &[&str],
    staging: Option<&Statx>,
) -> Result<(), (usize, io::Error)> {
    let found = check_directory(directory, staging).map_err(|error| (0, error))?;
    let Some(found) = found else { return Ok(()) };
    for (number, name) in names.iter().enumerate() {
        check_name(directory, &found, name).map_err(|error| (number, error))?;
    }
    Ok(())
}

/// Returns what can be known of the directory, if anything.
fn check_directory(directory: &Dir, staging: Option<&Statx>) -> io::Result<Option<Statx>> {
    let Some(found) = look_at(directory) else {
        return check_access(directory).map(|()| None);
    };
    if let Some(staging) = staging {
        check_place(&found, staging)?;
    }
    if is_fixed(&found) {
        refuse(
            ErrorKind::PermissionDenied,
            "the directory is immutable or append-only",
        )?;
    }
    check_access(directory)?;
    Ok(Some(found))
}

/// Where a directory is, does not change while it is open.
pub(super) fn look_at(directory: &Dir) -> Option<Statx> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::NO_AUTOMOUNT;
    let asked = StatxFlags::BASIC_STATS | StatxFlags::MNT_ID;
    statx(directory, "", flags, asked).ok()
}

/// A rename goes neither to another file system nor, if it is mounted twice, by another
/// mount of the same. Sub-volumes of btrfs have a device of their own. What must be
/// encrypted with `fscrypt` is not taken from where it need not be.
fn check_place(directory: &Statx, staging: &Statx) -> io::Result<()> {
    let device = |of: &Statx| (of.stx_dev_major, of.stx_dev_minor);
    let knows_mount = |of: &Statx| of.stx_mask & StatxFlags::MNT_ID.bits() != 0;
    let encrypted = |of: &Statx| of.stx_attributes.contains(StatxAttributes::ENCRYPTED);
    if device(directory) != device(staging) {
        return refuse(ErrorKind::CrossesDevices, "it is on another file system");
    }
    let know_mounts = knows_mount(directory) && knows_mount(staging);
    if know_mounts && directory.stx_mnt_id != staging.stx_mnt_id {
        return refuse(ErrorKind::CrossesDevices, "it is on another mount");
    }
    if encrypted(directory) && !encrypted(staging) {
        return refuse(ErrorKind::CrossesDevices, "the directory is encrypted");
    }
    Ok(())
}

fn check_access(directory: &Dir) -> io::Result<()> {
    let change = Access::WRITE_OK | Access::EXEC_OK;
    match accessat(directory, ".", change, AtFlags::EACCESS) {
        Err(Errno::ACCESS) => refuse(
            ErrorKind::PermissionDenied,
            "this process may not change the directory",
        ),
        Err(error @ Errno::ROFS) => Err(error.into()),
        // Older sandboxes answer EPERM to calls that they do not know.
        _ => Ok(()),
    }
}

fn check_name(directory: &Dir, directory_found: &Statx, name: &str) -> io::Result<()> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    let found = match statx(directory, name, flags, StatxFlags::BASIC_STATS) {
        Ok(found) => found,
        Err(error @ Errno::NAMETOOLONG) => return Err(error.into()),
        Err(_) => return Ok(()),
    };
    if found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT) {
        return refuse(ErrorKind::ResourceBusy, "something is mounted there");
    }
    if is_fixed(&found) {
        return refuse(
            ErrorKind::PermissionDenied,
            "the file is immutable or append-only",
        );
    }
    if is_kept_by_sticky_bit(directory_found, &found) {
        return refuse(
            ErrorKind::PermissionDenied,
            "the file is another user's in a sticky directory",
        );
    }
    Ok(())
}

/// In a sticky directory only its owner, the owner of a file and the privileged can
/// replace or remove the file.
fn is_kept_by_sticky_bit(directory: &Statx, file: &Statx) -> bool {
    if directory.stx_mode & STICKY == 0 {
        return false;
    }
    let user = geteuid().as_raw();
    directory.stx_uid != user && file.stx_uid != user && !may_ignore_owners()
}

fn may_ignore_owners() -> bool {
    capabilities(None).map_or(true, |held| held.effective.contains(CapabilitySet::FOWNER))
}

fn refuse(kind: ErrorKind, why: &str) -> io::Result<()> {
    Err(io::Error::new(kind, why))
}
