//! Reading a local volume. Never waits for a writer, never follows a link.
//!
//! While a batch is being published or an append is being made, a reader sees
//! all of it or nothing; what is on the disk at that moment is not what it gets
//! to see.

use super::Local;
use super::directory::{Directory, FileHandle, Kind, Stat};
use super::journaled::Opened;
use super::overlay::Shown;
use super::usage::Inventory;
use crate::volume::{FileInfo, Reader, Snapshot};
use crate::{Error, FilePath, Result, Version};
use std::io::{self, Read};

/// How often a list is made again because a batch came in between.
const LOOKS: usize = 64;

/// A file as a reader sees it: at most so many bytes of it.
struct Whole<F> {
    file: Opened<F>,
    stat: Stat,
}

struct LocalReader<F> {
    path: FilePath,
    file: Opened<F>,
    size: u64,
    left: u64,
}

impl<D: Directory> Local<D> {
    pub(super) fn read(&self, path: &FilePath, max_bytes: u64) -> Result<Snapshot> {
        let not_read = |error| Error::not_read(path, error);
        let whole = self.open_whole(path).map_err(not_read)?;
        let Whole { file, stat } = whole.ok_or_else(|| Error::not_found(path))?;
        if stat.size > max_bytes {
            return Err(Error::TooLarge {
                path: path.clone(),
                limit: max_bytes,
            });
        }
        let mut contents = Vec::with_capacity(usize::try_from(stat.size).unwrap_or(0));
        let mut bounded = file.take(stat.size);
        bounded.read_to_end(&mut contents).map_err(not_read)?;
        Ok(Snapshot { contents })
    }

    pub(super) fn reader(&self, path: &FilePath) -> Result<Box<dyn Reader>> {
        let whole = self.open_whole(path);
        let whole = whole.map_err(|error| Error::not_read(path, error))?;
        let Whole { file, stat } = whole.ok_or_else(|| Error::not_found(path))?;
        Ok(Box::new(LocalReader {
            path: path.clone(),
            file,
            size: stat.size,
            left: stat.size,
        }))
    }

    pub(super) fn stat(&self, path: &FilePath) -> Result<FileInfo> {
        let whole = self.open_whole(path);
        let whole = whole.map_err(|error| Error::not_read(path, error))?;
        let Whole { stat, .. } = whole.ok_or_else(|| Error::not_found(path))?;
        Ok(FileInfo {
            size: stat.size,
            modified: stat.modified,
        })
    }

    pub(super) fn list(&self, directory: Option<&FilePath>) -> Result<Vec<FilePath>> {
        let unavailable = |source| Error::unavailable("its files cannot be listed", source);
        if let Some(journaled) = &self.journaled {
            let looked = journaled.look_at_all(|| self.tree.files(directory));
            let (mut files, shown) = looked.map_err(unavailable)?;
            files.retain(|path| !shown.contains_key(path));
            let is_listed =
                |path: &FilePath| directory.is_none_or(|directory| path.is_under(directory));
            let shown = shown.into_iter();
            files.extend(
                shown.filter_map(|(path, file)| {
                    (file.is_some() && is_listed(&path)).then_some(path)
                }),
            );
            files.sort_unstable();
            return Ok(files);
        }
        let (mut shown, mut before) = self.overlay.all();
        let mut files = self.tree.files(directory).map_err(unavailable)?;
        for _ in 0..LOOKS {
            let (shown_now, now) = self.overlay.all();
            if now == before {
                break;
            }
            (shown, before) = (shown_now, now);
            files = self.tree.files(directory).map_err(unavailable)?;
        }
        if shown.is_empty() {
            return Ok(files);
        }
        files.retain(|path| !shown.contains_key(path));
        let put = shown.into_iter().filter(|(path, entry)| {
            let listed = directory.is_none_or(|directory| path.is_under(directory));
            listed && matches!(entry, Shown::Staged(_))
        });
        files.extend(put.map(|(path, _)| path));
        files.sort_unstable();
        Ok(files)
    }

    /// The version of the file at `path`, `None` if there is no file. For who
    /// holds the path's lock, or only takes a first look.
    pub(super) fn version(&self, path: &FilePath) -> Result<Option<Version>> {
        let not_changed = |error| Error::not_changed(path, error);
        if let Some(journaled) = &self.journaled
            && let Some(version) = journaled.known_version(path).map_err(not_changed)?
        {
            return Ok(Some(version));
        }
        let file = self.open_now(path).map_err(not_changed)?;
        file.map(Version::of_reader)
            .transpose()
            .map_err(not_changed)
    }

    /// `None` unless a regular file has this path. For who holds its lock.
    pub(super) fn stat_file(&self, path: &FilePath) -> io::Result<Option<Stat>> {
        if let Some(journaled) = &self.journaled {
            return journaled.stat_current(path);
        }
        let stat = self.tree.stat(path)?;
        Ok(stat.filter(|stat| stat.kind == Kind::File))
    }

    /// The file at `path`, which was there a moment ago. For who holds its lock.
    pub(super) fn open_existing(&self, path: &FilePath) -> Result<Opened<D::File>> {
        let file = self.open_now(path);
        let file = file.map_err(|error| Error::not_changed(path, error))?;
        file.ok_or_else(|| Error::not_found(path))
    }

    pub(super) fn inventory(&self) -> Inventory<'_, D> {
        Inventory {
            tree: &self.tree,
            journaled: self.journaled.as_ref(),
        }
    }

    fn open_now(&self, path: &FilePath) -> io::Result<Option<Opened<D::File>>> {
        match &self.journaled {
            Some(journaled) => Ok(journaled.open_current(path)?.map(|(file, _)| file)),
            None => Ok(self.tree.open_file(path)?.map(Opened::File)),
        }
    }

    fn open_whole(&self, path: &FilePath) -> io::Result<Option<Whole<D::File>>> {
        if let Some(journaled) = &self.journaled {
            let current = journaled.open_current(path)?;
            return match current {
                Some((Opened::File(file), _)) => self.whole_of(path, file).map(Some),
                current => Ok(current.map(|(file, stat)| Whole { file, stat })),
            };
        }
        let file = match self.overlay.get(path) {
            None => self.tree.open_file(path)?,
            Some(Shown::Absent) => return Ok(None),
            Some(Shown::Staged(name)) => match self.open_staged(&name)? {
                Some(staged) => Some(staged),
                None => self.tree.open_file(path)?,
            },
        };
        file.map(|file| self.whole_of(path, file)).transpose()
    }

    /// A file without the half of an append that is just being made.
    fn whole_of(&self, path: &FilePath, file: D::File) -> io::Result<Whole<D::File>> {
        let mut stat = file.stat()?;
        if let Some(appends) = &self.appends {
            stat.size = appends.whole_length(path, || Ok(file.stat()?.size))?;
        }
        let file = Opened::File(file);
        Ok(Whole { file, stat })
    }

    fn open_staged(&self, name: &str) -> io::Result<Option<D::File>> {
        match &self.writing {
            Some(writing) => writing.session.directory().open_file(name),
            None => Ok(None),
        }
    }
}

impl<F: FileHandle> Reader for LocalReader<F> {
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
            let cut_short = "another program cut the file short while it was read";
            return Err(not_read(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                cut_short,
            )));
        }
        self.left -= contents.len() as u64;
        Ok(contents)
    }
}
