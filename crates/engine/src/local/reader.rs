//! Reading a local volume. Never waits for a writer, never follows a link.
//!
//! Whatever a commit has done so far to the files, a reader sees all of it or nothing.

use super::directory::{Directory, FileHandle, Stat};
use super::log::{LogReader, Opened, Pieces};
use super::occupied;
use super::tree::Tree;
use super::usage::Inventory;
use crate::volume::{FileInfo, Precondition, Reader as VolumeReader, Snapshot, Tail};
use crate::{Error, FilePath, Limits, Result, Version};
use std::collections::HashSet;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;

/// How often a file is read again that another program cuts short meanwhile.
const ATTEMPTS: usize = 16;

/// What it takes to read a volume.
pub(crate) struct Reader<D: Directory> {
    pub(crate) tree: Arc<Tree<D>>,
    pub(crate) log: Arc<LogReader<D>>,
    pub(crate) limits: Limits,
}

struct LocalReader<F> {
    path: FilePath,
    file: Pieces<F>,
    size: u64,
    left: u64,
}

impl<D: Directory> Reader<D> {
    pub(super) fn read(&self, path: &FilePath, max_bytes: u64) -> Result<Snapshot> {
        let not_read = |error| Error::not_read(path, error);
        for _ in 0..ATTEMPTS {
            let (file, stat) = self.open(path)?;
            if stat.size > max_bytes {
                return Err(Error::too_large(path, max_bytes));
            }
            let mut contents = Vec::with_capacity(usize::try_from(stat.size).unwrap_or(0));
            let mut bounded = file.take(stat.size);
            bounded.read_to_end(&mut contents).map_err(not_read)?;
            if contents.len() as u64 == stat.size {
                return Ok(Snapshot::new(contents));
            }
        }
        Err(not_read(cut_short()))
    }

    pub(super) fn reader(&self, path: &FilePath) -> Result<Box<dyn VolumeReader>> {
        let (file, stat) = self.open(path)?;
        Ok(Box::new(LocalReader {
            path: path.clone(),
            file: file.into_pieces(stat.size),
            size: stat.size,
            left: stat.size,
        }))
    }

    pub(super) fn stat(&self, path: &FilePath) -> Result<FileInfo> {
        let (_, stat) = self.open(path)?;
        Ok(FileInfo {
            size: stat.size,
            modified: stat.modified,
        })
    }

    pub(super) fn list(&self, directory: Option<&FilePath>) -> Result<Vec<FilePath>> {
        let mut asks_again = ATTEMPTS;
        loop {
            let last = self.log.last();
            let (files, asked) = self.list_once(directory, asks_again > 0)?;
            asks_again = asks_again.saturating_sub(1);
            // What was asked afterwards is of the same moment as the rest.
            if !asked || self.log.last() == last {
                return Ok(files);
            }
        }
    }

    /// Lists the files, and returns whether the disk was asked about some of them afterwards,
    /// as it is if `asks`.
    fn list_once(&self, directory: Option<&FilePath>, asks: bool) -> Result<(Vec<FilePath>, bool)> {
        let not_listed =
            |source| Error::unavailable("the files of the volume cannot be listed", source);
        let looked = self.log.look_at_all(|| self.tree.files(directory));
        let (mut files, shown) = looked.map_err(not_listed)?;
        if shown.is_empty() {
            return Ok((files, false));
        }
        self.check_presence()?;
        let mut asked = false;
        let mut on_disk = HashSet::new();
        files.retain(|path| match shown.contains_key(path) {
            true => !on_disk.insert(path.clone()),
            false => true,
        });
        for (path, governed) in shown {
            if directory.is_some_and(|directory| !path.is_under(directory)) {
                continue;
            }
            let mut is_there = governed.bytes.is_some();
            if asks && governed.follows_at_once && is_there != on_disk.contains(&path) {
                asked = true;
                // What cannot be looked at keeps no other file from being listed.
                match occupied::unless_occupied(self.log.open_current(&path)) {
                    Ok(current) => is_there = current.is_some(),
                    Err(error) => {
                        tracing::warn!(%path, %error, "a file is listed as the log has it, for the disk cannot be asked");
                    }
                }
            }
            if is_there {
                files.push(path);
            }
        }
        files.sort_unstable();
        Ok((files, asked))
    }

    /// The version of the file at `path`, `None` if there is no file. For the holder of
    /// the path's lock, or a first look.
    pub(crate) fn version(&self, path: &FilePath) -> Result<Option<Version>> {
        let not_changed = |error| Error::not_changed(path, error);
        if let Some(version) = self.log.known_version(path).map_err(not_changed)? {
            return Ok(Some(version));
        }
        let current = self.log.open_current(path).map_err(not_changed)?;
        current
            .map(|(file, _)| Version::of_reader(file))
            .transpose()
            .map_err(not_changed)
    }

    /// The length and the last bytes of the file at `path`, `None` if there is no file. For
    /// the holder of the path's lock, or a first look.
    pub(crate) fn tail(&self, path: &FilePath, max_bytes: u64) -> Result<Option<Tail>> {
        let not_changed = |error| Error::not_changed(path, error);
        let current = self.log.open_current(path).map_err(not_changed)?;
        let Some((file, stat)) = current else {
            return Ok(None);
        };
        let mut end = file.into_pieces(stat.size);
        end.skip(stat.size.saturating_sub(max_bytes));
        let mut last_bytes = Vec::new();
        end.read_to_end(&mut last_bytes).map_err(not_changed)?;
        Ok(Some(Tail {
            size: stat.size,
            last_bytes,
        }))
    }

    /// Whether the file at `path` is what a change to it asks for. For the holder of the
    /// path's lock, or a first look.
    pub(crate) fn check(&self, path: &FilePath, precondition: &Precondition) -> Result<()> {
        precondition.check(
            path,
            || self.version(path),
            |max_bytes| self.tail(path, max_bytes),
        )
    }

    /// `None` if there is no file. For the holder of the path's lock.
    pub(crate) fn stat_file(&self, path: &FilePath) -> io::Result<Option<Stat>> {
        self.log.stat_current(path)
    }

    /// The same where the disk governs the path.
    pub(crate) fn stat_on_disk(&self, path: &FilePath) -> io::Result<Option<Stat>> {
        occupied::stat_file(&self.tree, path)
    }

    /// The permission bits of the file that is to be replaced; `None` if there is no
    /// file.
    pub(crate) fn mode_of(&self, path: &FilePath) -> io::Result<Option<u32>> {
        Ok(self.stat_file(path)?.and_then(|stat| stat.mode))
    }

    /// The file at `path`, which was there a moment ago. For the holder of its lock.
    pub(crate) fn open_existing(&self, path: &FilePath) -> Result<Opened<D::File>> {
        let current = self.log.open_current(path);
        let current = current.map_err(|error| Error::not_changed(path, error))?;
        let (file, _) = current.ok_or_else(|| Error::not_found(path))?;
        Ok(file)
    }

    pub(super) fn inventory(&self) -> Inventory<'_, D> {
        Inventory {
            tree: &self.tree,
            log: &self.log,
        }
    }

    fn open(&self, path: &FilePath) -> Result<(Opened<D::File>, Stat)> {
        let current = self.log.open_current(path);
        let current = current.map_err(|error| Error::not_read(path, error))?;
        let (file, stat) = current.ok_or_else(|| Error::not_found(path))?;
        if matches!(file, Opened::Pieces(_)) {
            // What the log has in memory does not show that the directory is gone.
            self.check_presence()?;
        }
        Ok((file, stat))
    }
}

impl<F: FileHandle> VolumeReader for LocalReader<F> {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&mut self, max_bytes: usize) -> Result<Vec<u8>> {
        let not_read = |error| Error::not_read(&self.path, error);
        let bytes = self.left.min(max_bytes as u64);
        let mut contents = Vec::new();
        (&mut self.file)
            .take(bytes)
            .read_to_end(&mut contents)
            .map_err(not_read)?;
        if contents.is_empty() && bytes > 0 {
            return Err(not_read(cut_short()));
        }
        self.left -= contents.len() as u64;
        Ok(contents)
    }

    fn skip(&mut self, bytes: u64) -> Result<()> {
        let skipped = bytes.min(self.left);
        self.file.skip(skipped);
        self.left -= skipped;
        Ok(())
    }
}

fn cut_short() -> io::Error {
    io::Error::new(
        ErrorKind::UnexpectedEof,
        "another program cut the file short while it was read",
    )
}

#[cfg(test)]
mod tests {
    use crate::Error;
    use crate::local::directory::{Directory, FileHandle};
    use crate::local::sim::SimDisk;
    use crate::local::testing::{file, open, write};

    /// Lets another program take a byte from the file before the call `call`, and before
    /// each of those that follow, `times` times in all.
    fn cut_before_calls(disk: &SimDisk, call: usize, times: usize) {
        let other = disk.clone();
        disk.interrupt_at(call, move || {
            let (root, _) = other.start();
            let file = root.open_file_to_change("a").expect("opened");
            let file = file.expect("there");
            let bytes = file.stat().expect("known").size;
            file.set_len(bytes - 1).expect("cut");
            if times > 1 {
                cut_before_calls(&other, 1, times - 1);
            }
        });
    }

    #[test]
    fn a_file_cut_short_during_a_read_is_read_again() {
        for call in 0.. {
            let disk = SimDisk::new();
            let volume = open(&disk).expect("opened");
            volume.commit(write("a", &[7; 500]).into()).expect("made");
            cut_before_calls(&disk, call, 1);
            let read = volume.reader.read(&file("a"), 500).expect("read again");
            if disk.is_to_be_interrupted() {
                assert!(call > 2, "{call}");
                break;
            }
            assert!(read.contents.len() >= 499);
        }
    }

    #[test]
    fn a_file_cut_short_during_every_read_is_an_error() {
        let disk = SimDisk::new();
        let volume = open(&disk).expect("opened");
        volume.commit(write("a", &[7; 500]).into()).expect("made");
        cut_before_calls(&disk, 0, 400);
        let read = volume.reader.read(&file("a"), 500);
        assert!(matches!(read, Err(Error::Io { .. })), "{read:?}");
    }
}
