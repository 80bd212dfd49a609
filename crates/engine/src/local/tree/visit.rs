//! Going through all files of a volume.

use super::super::directory::{Directory, Entry, Kind, Stat};
use super::super::walk::Walk;
use super::Tree;
use crate::FilePath;
use crate::path::PRIVATE_DIR;
use std::io;

impl<D: Directory> Tree<D> {
    /// All files at or under `directory`, sorted.
    pub(crate) fn files(&self, directory: Option<&FilePath>) -> io::Result<Vec<FilePath>> {
        let mut files = Vec::new();
        self.visit(directory, &mut |path, _, _| {
            files.push(path);
            Ok(())
        })?;
        files.sort_unstable();
        Ok(files)
    }

    /// Calls `each` with every file at or under `directory`: its path, the
    /// directory it is in, and its name there. What no guest could name is not
    /// part of the volume.
    pub(crate) fn visit(
        &self,
        directory: Option<&FilePath>,
        each: &mut impl FnMut(FilePath, &D, &str) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(path) = directory else {
            return self.visit_beneath(&self.root, self.root.entries()?, "", each);
        };
        let Some(parent) = self.find(path)? else {
            return Ok(());
        };
        match parent.stat(path.name())?.map(|stat| stat.kind) {
            Some(Kind::File) => each(path.clone(), &parent, path.name()),
            Some(Kind::Directory) => {
                let read = || {
                    let directory = parent.open_dir(path.name())?;
                    let entries = directory.entries()?;
                    Ok((directory, entries))
                };
                match self.unreadable.unless_left_out(path, read)? {
                    Some((top, entries)) => {
                        self.visit_beneath(&top, entries, &format!("{path}/"), each)
                    }
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// Calls `each` with every file in `top`, which has these entries, however deep;
    /// `prefix` is what their paths begin with.
    fn visit_beneath(
        &self,
        top: &D,
        mut entries: Vec<Entry>,
        prefix: &str,
        each: &mut impl FnMut(FilePath, &D, &str) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut walk = Walk::new(top);
        let mut pending: Vec<(usize, FilePath)> = Vec::new();
        let (mut depth, mut prefix) = (0, prefix.to_owned());
        loop {
            for entry in entries {
                if prefix.is_empty() && entry.name == PRIVATE_DIR {
                    continue;
                }
                let Ok(path) = FilePath::new(format!("{prefix}{}", entry.name)) else {
                    continue;
                };
                match entry.kind {
                    Kind::File => each(path, walk.here(), &entry.name)?,
                    Kind::Directory => pending.push((depth, path)),
                    Kind::Other => {}
                }
            }
            entries = loop {
                let Some((above, path)) = pending.pop() else {
                    return Ok(());
                };
                let read = || {
                    walk.enter(above, path.name())?;
                    walk.here().entries()
                };
                if let Some(entries) = self.unreadable.unless_left_out(&path, read)? {
                    (depth, prefix) = (above + 1, format!("{path}/"));
                    break entries;
                }
            };
        }
    }

    /// What the name of a file, whose path is `path`, stands for in its directory; `None`
    /// if that may not be known.
    pub(crate) fn look_at(
        &self,
        path: &FilePath,
        directory: &D,
        name: &str,
    ) -> io::Result<Option<Stat>> {
        let parent = path.parent();
        let closed = parent.as_ref().unwrap_or(path);
        let look = || directory.stat(name);
        Ok(self.unreadable.unless_left_out(closed, look)?.flatten())
    }
}
