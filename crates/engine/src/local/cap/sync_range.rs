//! Waits for the write-back of a file and asks for its errors, without a flush of
//! the device.

use super::stat::file_system;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// The file systems of which it is known that `sync_file_range` waits for what was
/// written and reports to each descriptor the errors since it was opened, as `fsync`
/// does: ext2 to ext4, and XFS. On overlayfs, for one, it looks at the pages of the
/// overlay, where there never are any, and returns 0. On btrfs an `fsync` right after a
/// `syncfs` flushes nothing, so there is nothing to avoid.
const KNOWN: [u32; 2] = [0xef53, 0x5846_5342];

/// What `fsync` would report of the pages of this file; `None` if the system cannot
/// tell without an `fsync`.
pub(super) fn wait_for_write_back(file: &File) -> Option<io::Result<()>> {
    if !KNOWN.contains(&file_system(file)?) {
        return None;
    }
    let wait = libc::SYNC_FILE_RANGE_WAIT_BEFORE
        | libc::SYNC_FILE_RANGE_WRITE
        | libc::SYNC_FILE_RANGE_WAIT_AFTER;
    loop {
        // SAFETY: the call takes numbers alone and touches no memory of this process;
        // the descriptor is open as long as `file` is borrowed.
        let result = unsafe { libc::sync_file_range(file.as_raw_fd(), 0, 0, wait) };
        if result == 0 {
            return Some(Ok(()));
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EINTR) => {}
            // No such call, not for such a file, or not allowed to this process.
            Some(libc::ENOSYS | libc::EINVAL | libc::ESPIPE | libc::EBADF | libc::EPERM) => {
                return None;
            }
            _ => return Some(Err(error)),
        }
    }
}
