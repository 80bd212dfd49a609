//! What a path has at this moment: in the view, or else in the files.
//!
//! A file that is looked at may be settled meanwhile, and replaced. So who opens one
//! looks into the view before and after: only if both say the same does it have one
//! version of the file, whole.

use super::super::directory::{Directory, FileHandle, Kind, Stat};
use super::super::unchanged::Wanted;
use super::Journaled;
use super::view::{Beginning, Entry, File};
use crate::{FilePath, Usage, Version};
use std::collections::HashMap;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;

/// How often somebody looks again because of commits that came in between.
const LOOKS: usize = 10_000;

/// How often all files are counted again because of them.
const USAGE_LOOKS: usize = 8;

/// A file that was opened to be read: one on the disk, or what the journal has of it.
pub(crate) enum Opened<F> {
    File(F),
    Pieces(Pieces<F>),
}

/// A beginning on the disk and parts in memory, read in this order.
pub(crate) struct Pieces<F> {
    beginning: Option<Piece<F>>,
    parts: Vec<Arc<[u8]>>,
    /// How many parts are read, and how much of the next.
    part: usize,
    read: usize,
}

/// A part of a file.
struct Piece<F> {
    file: F,
    at: u64,
    end: u64,
}

/// What the view says of a path at one moment.
struct Look {
    entry: Option<Arc<Entry>>,
    settlings: u64,
}

/// All that the view shows at one moment: for each path the length of its file,
/// `None` if there is none.
pub(crate) type Shown = HashMap<FilePath, Option<u64>>;

impl<F: FileHandle> Read for Opened<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Opened::File(file) => file.read(buffer),
            Opened::Pieces(pieces) => pieces.read(buffer),
        }
    }
}

impl<F: FileHandle> Read for Pieces<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if let Some(beginning) = &mut self.beginning {
            let left = beginning.end - beginning.at;
            let wanted = left.min(buffer.len() as u64) as usize;
            let read = beginning
                .file
                .read_at(&mut buffer[..wanted], beginning.at)?;
            beginning.at += read as u64;
            // If somebody cut it short, what is behind does not belong here.
            if read > 0 || left > 0 {
                return Ok(read);
            }
            self.beginning = None;
        }
        while let Some(part) = self.parts.get(self.part) {
            let rest = &part[self.read..];
            if rest.is_empty() {
                self.part += 1;
                self.read = 0;
                continue;
            }
            let read = rest.len().min(buffer.len());
            buffer[..read].copy_from_slice(&rest[..read]);
            self.read += read;
            return Ok(read);
        }
        Ok(0)
    }
}

impl<F: FileHandle> Pieces<F> {
    /// Leaves out the next bytes.
    pub(super) fn skip(&mut self, mut bytes: u64) {
        if let Some(beginning) = &mut self.beginning {
            let skipped = bytes.min(beginning.end - beginning.at);
            beginning.at += skipped;
            bytes -= skipped;
        }
        while let Some(part) = self.parts.get(self.part) {
            let rest = (part.len() - self.read) as u64;
            if rest > bytes {
                self.read += bytes as usize;
                return;
            }
            bytes -= rest;
            self.part += 1;
            self.read = 0;
        }
    }
}

impl Look {
    fn is_the_same(&self, other: &Look) -> bool {
        match (&self.entry, &other.entry) {
            (None, None) => self.settlings == other.settlings,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl<D: Directory> Journaled<D> {
    /// The file at `path` with its length; `None` if there is none.
    pub(crate) fn open_current(
        &self,
        path: &FilePath,
    ) -> io::Result<Option<(Opened<D::File>, Stat)>> {
        let mut before = self.look(path)?;
        for _ in 0..LOOKS {
            let opened = match before.entry.as_deref() {
                None => self.open_plain(path)?,
                Some(Entry { file: None, .. }) => return Ok(None),
                Some(Entry {
                    file: Some(file), ..
                }) => match &file.beginning {
                    None => return Ok(Some((pieces(None, file), stat_of(file)))),
                    Some(beginning) => {
                        let opened = self.open_beginning(path, beginning)?;
                        opened.map(|opened| (pieces(Some(opened), file), stat_of(file)))
                    }
                },
            };
            let after = self.look(path)?;
            if after.is_the_same(&before) {
                return Ok(opened);
            }
            before = after;
        }
        Err(ErrorKind::ResourceBusy.into())
    }

    fn open_plain(&self, path: &FilePath) -> io::Result<Option<(Opened<D::File>, Stat)>> {
        let Some(file) = self.tree.open_file(path)? else {
            return Ok(None);
        };
        let stat = file.stat()?;
        Ok(Some((Opened::File(file), stat)))
    }

    fn open_beginning(
        &self,
        path: &FilePath,
        beginning: &Beginning,
    ) -> io::Result<Option<Piece<D::File>>> {
        let redo = self.state().logs.directory()?;
        let staged = match (&beginning.staged, redo) {
            (Some(name), Some(redo)) => redo.open_file(name)?,
            _ => None,
        };
        let file = match staged {
            Some(file) => Some(file),
            None => self.tree.open_file(path)?,
        };
        Ok(file.map(|file| Piece {
            file,
            at: 0,
            end: beginning.bytes,
        }))
    }

    /// What kind of thing a path is, with its length; `None` if there is nothing. For
    /// who has the turn.
    pub(crate) fn stat_current(&self, path: &FilePath) -> io::Result<Option<Stat>> {
        if let Some(entry) = self.state().view.get(path) {
            return match &entry.file {
                None => Ok(None),
                // What a person made of the permissions counts until it is replaced.
                Some(file) if file.mode.is_some() => Ok(Some(stat_of(file))),
                Some(file) => {
                    let mode = self.tree.stat(path)?.and_then(|plain| plain.mode);
                    Ok(Some(Stat {
                        mode,
                        ..stat_of(file)
                    }))
                }
            };
        }
        let plain = self.tree.stat(path)?;
        Ok(plain.filter(|stat| stat.kind == Kind::File))
    }

    pub(super) fn entry(&self, path: &FilePath) -> Option<Arc<Entry>> {
        self.state().view.get(path)
    }

    /// Whether the view shows what is wanted, which is of this version.
    pub(super) fn shows(&self, path: &FilePath, wanted: &Wanted<'_>, version: Version) -> bool {
        let entry = self.entry(path);
        entry.is_some_and(|entry| entry.is(wanted, version))
    }

    /// The version of a file that the view shows, where it is known.
    pub(crate) fn known_version(&self, path: &FilePath) -> io::Result<Option<Version>> {
        let entry = self.look(path)?.entry;
        Ok(entry.and_then(|entry| entry.file.as_ref()?.version))
    }

    /// Does `look` at the files, with what the view shows above them, so that both are
    /// of one moment.
    pub(crate) fn look_at_all<T>(
        &self,
        mut look: impl FnMut() -> io::Result<T>,
    ) -> io::Result<(T, Shown)> {
        let mut before = self.up_to_date()?.view.settlings();
        for _ in 0..LOOKS {
            let looked = look()?;
            let state = self.up_to_date()?;
            if state.view.settlings() == before {
                let bytes = |entry: &Arc<Entry>| entry.file.as_ref().map(|file| file.bytes);
                let entries = state.view.entries();
                let shown = entries.map(|(path, entry)| (path.clone(), bytes(entry)));
                return Ok((looked, shown.collect()));
            }
            before = state.view.settlings();
        }
        Err(ErrorKind::ResourceBusy.into())
    }

    /// What all files come to, where `count` tells what those on the disk come to
    /// but for some.
    pub(crate) fn usage(
        &self,
        count: impl Fn(&dyn Fn(&FilePath) -> bool) -> io::Result<Usage>,
    ) -> io::Result<Usage> {
        let mut looks = 0;
        loop {
            let ((), shown) = self.look_at_all(|| Ok(()))?;
            let mut usage = count(&|path| shown.contains_key(path))?;
            let ((), after) = self.look_at_all(|| Ok(()))?;
            looks += 1;
            let same_paths =
                after.len() == shown.len() && after.keys().all(|path| shown.contains_key(path));
            // Without the turn, others may come in between each time; the next count
            // notices.
            if !same_paths && looks < USAGE_LOOKS {
                continue;
            }
            for bytes in after.into_values().flatten() {
                usage.files += 1;
                usage.bytes += bytes;
            }
            return Ok(usage);
        }
    }

    fn look(&self, path: &FilePath) -> io::Result<Look> {
        let state = self.up_to_date()?;
        Ok(Look {
            entry: state.view.get(path),
            settlings: state.view.settlings(),
        })
    }
}

fn pieces<F: FileHandle>(beginning: Option<Piece<F>>, file: &File) -> Opened<F> {
    Opened::Pieces(Pieces {
        beginning,
        parts: file.parts(),
        part: 0,
        read: 0,
    })
}

fn stat_of(file: &File) -> Stat {
    Stat {
        kind: Kind::File,
        size: file.bytes,
        modified: file.modified,
        mode: file.mode,
        links: 1,
        stamp: None,
    }
}
