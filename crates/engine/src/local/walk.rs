//! Walks through the directories beneath one, with few of them open at a time.
//!
//! A guest or a person can make more directories beside and in each other than a process
//! may have open. A walk keeps those that it is in, and of a long way down only the
//! lowest ones; it opens the others again, by their names, when it comes back to them.

use super::directory::{Directory, Kind};
use crate::FilePath;
use std::io::{self, ErrorKind};

/// How many directories of one walk are open at most.
const MAX_OPEN: usize = 8;

/// A place beneath the directory that the walk began in.
pub(crate) struct Walk<'a, D> {
    top: &'a D,
    /// The way from there, with the handles that are kept.
    way: Vec<(String, Option<D>)>,
}

impl<'a, D: Directory> Walk<'a, D> {
    pub(crate) fn new(top: &'a D) -> Self {
        let way = Vec::new();
        Self { top, way }
    }

    /// The directory that the walk is in.
    pub(crate) fn here(&self) -> &D {
        let lowest = self.way.last().and_then(|(_, open)| open.as_ref());
        lowest.unwrap_or(self.top)
    }

    /// Goes into the directory `name` of the directory that is `depth` levels beneath the
    /// top and on the way to where the walk is. After an error, the walk may be anywhere
    /// on that way.
    pub(crate) fn enter(&mut self, depth: usize, name: &str) -> io::Result<()> {
        self.back_to(depth)?;
        let next = self.here().open_dir(name)?;
        self.way.push((name.to_owned(), Some(next)));
        self.close_upper(self.way.len());
        Ok(())
    }

    /// Goes back to the directory that is `depth` levels beneath the top.
    pub(crate) fn back_to(&mut self, depth: usize) -> io::Result<()> {
        self.way.truncate(depth);
        let open = self.way.iter().rposition(|(_, open)| open.is_some());
        for at in open.map_or(0, |open| open + 1)..self.way.len() {
            let above = match at.checked_sub(1) {
                Some(above) => self.way[above].1.as_ref().unwrap_or(self.top),
                None => self.top,
            };
            let opened = above.open_dir(&self.way[at].0)?;
            self.way[at].1 = Some(opened);
            self.close_upper(at + 1);
        }
        Ok(())
    }

    /// Closes what is too far above the lowest of the first `length` on the way.
    fn close_upper(&mut self, length: usize) {
        if let Some(upper) = length.checked_sub(MAX_OPEN + 1) {
            self.way[upper].1 = None;
        }
    }
}

/// How many files there are, however deep, in the directory at `path`, if there is
/// nothing else in it and `goes` says of each that it is going to be removed; else `None`.
pub(crate) fn files_that_go<D: Directory>(
    directory: &D,
    path: &FilePath,
    goes: &dyn Fn(&FilePath) -> bool,
) -> io::Result<Option<usize>> {
    let mut walk = Walk::new(directory);
    let mut files = 0;
    let mut pending = Vec::new();
    let (mut depth, mut path) = (0, path.clone());
    loop {
        for entry in walk.here().entries()? {
            let Ok(path) = FilePath::new(format!("{path}/{}", entry.name)) else {
                return Ok(None);
            };
            match entry.kind {
                Kind::File if goes(&path) => files += 1,
                Kind::Directory => pending.push((depth, path)),
                _ => return Ok(None),
            }
        }
        let Some((above, next)) = pending.pop() else {
            return Ok(Some(files));
        };
        walk.enter(above, next.name())?;
        (depth, path) = (above + 1, next);
    }
}

/// Removes the directory `name` if there is no file in it, however deep.
pub(crate) fn remove_empty<D: Directory>(parent: &D, name: &str) -> io::Result<()> {
    enum Task {
        Empty(usize, String),
        Remove(usize, String),
    }
    let mut walk = Walk::new(parent);
    let mut pending = vec![Task::Empty(0, name.to_owned())];
    while let Some(task) = pending.pop() {
        match task {
            Task::Empty(depth, name) => {
                walk.enter(depth, &name)?;
                let entries = walk.here().entries()?;
                if entries.iter().any(|entry| entry.kind != Kind::Directory) {
                    return Err(ErrorKind::DirectoryNotEmpty.into());
                }
                pending.push(Task::Remove(depth, name));
                let below = entries.into_iter().map(|entry| entry.name);
                pending.extend(below.map(|name| Task::Empty(depth + 1, name)));
            }
            Task::Remove(depth, name) => {
                walk.back_to(depth)?;
                walk.here().remove_dir(&name)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::directory::Access;
    use crate::local::sim::{SimDirectory, SimDisk};

    /// A directory `d` with three directories in each directory, `levels` deep.
    fn bushy(top: &SimDirectory, levels: usize) {
        let made = top.open_or_create_dir("d", Access::Usual).expect("made");
        let mut all = vec![made];
        for _ in 1..levels {
            let make = |above: &SimDirectory, name: &str| {
                above.open_or_create_dir(name, Access::Usual).expect("made")
            };
            all = all
                .iter()
                .take(2)
                .flat_map(|above| ["a", "b", "c"].map(|name| make(above, name)))
                .collect();
        }
    }

    #[test]
    fn a_walk_keeps_few_directories_open() {
        let disk = SimDisk::new();
        let (top, _) = disk.start();
        let mut above = top.open_or_create_dir("d", Access::Usual).expect("made");
        for _ in 0..40 {
            above = above.open_or_create_dir("d", Access::Usual).expect("made");
        }
        above.create_dir("last", Access::Usual).expect("made");
        let mut walk = Walk::new(&top);
        for depth in 0..41 {
            walk.enter(depth, "d").expect("there");
            let open = walk.way.iter().filter(|(_, open)| open.is_some()).count();
            assert!(open <= MAX_OPEN, "{open} at {depth}");
        }
        let names = |walk: &Walk<'_, SimDirectory>| {
            let entries = walk.here().entries().expect("read");
            Vec::from_iter(entries.into_iter().map(|entry| entry.name))
        };
        assert_eq!(names(&walk), ["last"]);
        for depth in (0..41).rev() {
            walk.back_to(depth).expect("there");
            assert!(names(&walk).contains(&"d".to_owned()), "{depth}");
            let open = walk.way.iter().filter(|(_, open)| open.is_some()).count();
            assert!(open <= MAX_OPEN, "{open} at {depth}");
        }
    }

    #[test]
    fn empty_directories_are_removed_and_those_with_files_are_not() {
        let disk = SimDisk::new();
        let (top, _) = disk.start();
        bushy(&top, 12);
        remove_empty(&top, "d").expect("removed");
        assert!(top.entries().expect("read").is_empty());

        bushy(&top, 12);
        let d = top.open_dir("d").expect("there");
        let b = d.open_dir("b").expect("there");
        b.create_file("file", Access::Usual).expect("made");
        let refused = remove_empty(&top, "d").expect_err("there is a file");
        assert_eq!(refused.kind(), ErrorKind::DirectoryNotEmpty);
        let d = top.open_dir("d").expect("there").open_dir("b");
        assert!(d.expect("there").stat("file").expect("known").is_some());
    }

    #[test]
    fn files_that_go_are_counted_however_deep() {
        let disk = SimDisk::new();
        let (top, _) = disk.start();
        bushy(&top, 12);
        let path = FilePath::new("d").expect("valid");
        let d = top.open_dir("d").expect("there");
        let count = |goes: bool| files_that_go(&d, &path, &|_| goes).expect("read");
        assert_eq!(count(false), Some(0));
        let b = d.open_dir("b").expect("there");
        b.create_file("file", Access::Usual).expect("made");
        assert_eq!(count(true), Some(1));
        assert_eq!(count(false), None);
    }
}
