//! Open files.

use super::super::directory::{FileHandle, Stat};
use super::stat::stat_of_file;
use super::syncs::Syncs;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// A file that counts how often it is synced.
#[derive(Debug)]
pub(crate) struct CapFile {
    pub(super) file: File,
    pub(super) syncs: Arc<Syncs>,
    /// What was looked at when it was opened.
    pub(super) opened: Option<Stat>,
}

/// Whether changes in quick succession have different times. A clock of ticks, as
/// Linux had before 6.13, cannot show so many in so little time.
pub(super) fn has_a_fine_clock(file: &CapFile) -> io::Result<bool> {
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

#[cfg(unix)]
pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

#[cfg(unix)]
pub(super) fn write_at(file: &File, contents: &[u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::write_at(file, contents, offset)
}

#[cfg(windows)]
pub(super) fn write_at(file: &File, contents: &[u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_write(file, contents, offset)
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
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        read_at(&self.file, buffer, offset)
    }

    fn write_at(&self, contents: &[u8], offset: u64) -> io::Result<usize> {
        write_at(&self.file, contents, offset)
    }

    /// The system starts to write the pages that are declared as not needed, and keeps what
    /// it has not written. Errors come with the sync.
    #[cfg(target_os = "linux")]
    fn start_sync(&self, offset: u64, bytes: u64) {
        use rustix::fs::Advice;
        if !self.syncs.are_made() {
            return;
        }
        if let Some(bytes) = std::num::NonZeroU64::new(bytes) {
            let _ = rustix::fs::fadvise(&self.file, offset, Some(bytes), Advice::DontNeed);
        }
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn stat_when_opened(&self) -> io::Result<Stat> {
        match self.opened {
            Some(stat) => Ok(stat),
            None => self.stat(),
        }
    }

    fn stat(&self) -> io::Result<Stat> {
        stat_of_file(&self.file)
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

    fn set_modified(&self, time: SystemTime) -> io::Result<()> {
        self.file.set_modified(time)
    }

    // On macOS the standard library asks for F_FULLFSYNC in both.
    fn sync(&self) -> io::Result<()> {
        self.syncs.make(|| self.file.sync_all())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.syncs.make(|| self.file.sync_data())
    }

    fn check_written(&self) -> io::Result<()> {
        if !self.syncs.are_made() {
            return Ok(());
        }
        #[cfg(target_os = "linux")]
        if let Some(result) = super::sync_range::wait_for_write_back(&self.file) {
            return result;
        }
        self.sync_data()
    }
}
