//! Files that move or go: the steps of a direct commit that are left of it where nothing is
//! staged.

use super::super::directory::{Directory, FileHandle};
use super::super::writer::{Abort, Writer};
use crate::volume::Precondition;
use crate::{Error, FilePath, Result};
use std::io::{self, ErrorKind};
use std::slice;

impl<D: Directory> Writer<D> {
    pub(in crate::local) fn rename(
        &self,
        source: &FilePath,
        target: &FilePath,
        precondition: &Precondition,
    ) -> Result<(), Abort> {
        self.locked(&[source.clone(), target.clone()], || {
            self.rename_under_locks(source, target, precondition)
        })
    }

    fn rename_under_locks(
        &self,
        source: &FilePath,
        target: &FilePath,
        precondition: &Precondition,
    ) -> Result<(), Abort> {
        let tree = &self.reader.tree;
        let not_changed = |error| Error::not_changed(target, error);
        self.reader.check(target, precondition)?;
        let from = tree.find(source).map_err(not_changed)?;
        let from = from.ok_or_else(|| Error::not_found(source))?;
        let file = from.open_file(source.name()).map_err(not_changed)?;
        let Some(file) = file else {
            self.reader.stat_on_disk(source).map_err(not_changed)?;
            return Err(Error::not_found(source).into());
        };
        if source == target {
            return Ok(());
        }

        // Its contents may be from a program that did not sync them; published
        // here, they must be on the disk.
        if !self.log.sync_foreign(&file).map_err(not_changed)? {
            return Err(Abort::NeedsLog);
        }
        if self.is_another_name(source, &from, target, &file)? {
            return self.remove_other_name(source, &from, target);
        }
        let reservation = self.reserve(target, None)?;
        let place = self.place(target, |parent| {
            from.rename(source.name(), parent, target.name())
        })?;
        reservation.keep();
        let settled = tree.sync_names(vec![place]).and_then(|()| {
            if source.parent() == target.parent() {
                return Ok(());
            }
            tree.sync(&from)
        });
        settled.map_err(|error| Error::unconfirmed(target, error))?;
        self.remove_if_empty(&from, source);
        Ok(())
    }

    /// Whether `target` is another name of the file at `source`. The system does nothing
    /// when it is to rename one to the other.
    fn is_another_name(
        &self,
        source: &FilePath,
        from: &D,
        target: &FilePath,
        file: &D::File,
    ) -> Result<bool> {
        let look = || -> io::Result<bool> {
            let stat = file.stat()?;
            let there = self
                .reader
                .stat_on_disk(target)?
                .and_then(|there| there.stamp);
            let same = stat.stamp.map(|stamp| stamp.id()) == there.map(|stamp| stamp.id());
            if there.is_none() || !same || stat.links < 2 {
                return Ok(false);
            }
            let Some(to) = self.reader.tree.find(target)? else {
                return Ok(false);
            };
            if from.id()? != to.id()? {
                return Ok(true);
            }
            // In one directory they may be two spellings of one name.
            let names = from.entries()?;
            let has = |name: &str| names.iter().any(|entry| entry.name == name);
            Ok(source.name() != target.name() && has(source.name()) && has(target.name()))
        };
        look().map_err(|error| Error::not_changed(target, error))
    }

    /// Renames a file to a name that it has already: takes the other one away.
    fn remove_other_name(
        &self,
        source: &FilePath,
        from: &D,
        target: &FilePath,
    ) -> Result<(), Abort> {
        let tree = &self.reader.tree;
        let not_changed = |error| Error::not_changed(target, error);
        let reservation = self.reserve(source, None)?;
        // Another program may have given it the name that stays a moment ago.
        let place = tree.enter(target);
        let place = place.map_err(|no_way| no_way.into_error(target))?;
        let settled = tree.sync_names(place.into_iter().collect());
        settled.map_err(not_changed)?;
        from.remove_file(source.name()).map_err(not_changed)?;
        reservation.keep();
        let settled = tree.sync(from);
        settled.map_err(|error| Error::unconfirmed(target, error))?;
        self.remove_if_empty(from, source);
        Ok(())
    }

    pub(in crate::local) fn delete(
        &self,
        path: &FilePath,
        precondition: &Precondition,
    ) -> Result<(), Abort> {
        self.locked(slice::from_ref(path), || {
            self.delete_under_lock(path, precondition)
        })
    }

    /// The same, where the caller keeps others from changing the path.
    pub(in crate::local) fn delete_under_lock(
        &self,
        path: &FilePath,
        precondition: &Precondition,
    ) -> Result<(), Abort> {
        let tree = &self.reader.tree;
        let not_changed = |error| Error::not_changed(path, error);
        let unconfirmed = |error| Error::unconfirmed(path, error);
        self.reader.check(path, precondition)?;

        let parent = tree.find(path).map_err(not_changed)?;
        let is_there = self
            .reader
            .stat_on_disk(path)
            .map_err(not_changed)?
            .is_some();
        let (Some(parent), true) = (parent, is_there) else {
            // The process that removed it may have died before that was durable.
            return Ok(tree.sync_absence(path).map_err(unconfirmed)?);
        };
        let reservation = self.reserve(path, None)?;
        match parent.remove_file(path.name()) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(not_changed(error).into());
            }
            _ => reservation.keep(),
        }
        tree.sync(&parent).map_err(unconfirmed)?;
        self.remove_if_empty(&parent, path);
        Ok(())
    }

    /// Removes `directory`, which a file left that was at `path`, and those above it, if
    /// they are empty now. Where another commit needs the directories to stay as they are,
    /// or a call fails, they stay: they are only in the way of a tidy disk.
    pub(in crate::local) fn remove_if_empty(&self, directory: &D, path: &FilePath) {
        if path.parent().is_none() || !directory.is_empty().unwrap_or(false) {
            return;
        }
        let structure = self.locks.try_structure_exclusive();
        let removed = structure.and_then(|lock| match lock.is_some() {
            true => self.reader.tree.remove_empty_parents(path),
            false => Ok(()),
        });
        if let Err(error) = removed {
            tracing::debug!(%path, %error, "an empty directory could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::local::cap::CapDirectory;
    use crate::local::directory::Directory;
    use crate::local::sim::SimDisk;
    use crate::local::testing::{contents, contents_after_cut, open, rename, write};
    use crate::local::{Local, LocalVolumeOptions};
    use crate::{Change, Durability, FilePath};
    use std::fs;

    #[test]
    fn renaming_to_another_name_of_the_file_removes_the_source() {
        for (source, target) in [("a", "b"), ("dir/a", "b"), ("dir/a", "dir/c")] {
            let disk = SimDisk::new();
            let volume = open(&disk).expect("opened");
            volume.commit(write(source, b"1").into()).expect("made");
            let (root, _) = disk.start();
            let open_dir = |path: &str| match path.split_once('/') {
                Some((directory, _)) => root.open_dir(directory),
                None => Ok(disk.start().0),
            };
            let name = |path: &str| path.rsplit('/').next().map(str::to_owned).expect("a name");
            let (from, to) = (open_dir(source), open_dir(target));
            let (from, to) = (from.expect("there"), to.expect("there"));
            from.hard_link(&name(source), &to, &name(target))
                .expect("linked");
            assert_eq!(contents(&volume).expect("read").len(), 2);

            volume.commit(rename(source, target).into()).expect("made");
            let all = contents(&volume).expect("read");
            assert_eq!(Vec::from_iter(all.keys()), [target]);
            assert_eq!(contents_after_cut(&disk), all);
            let fresh = open(&disk).expect("opened");
            assert_eq!(fresh.usage().expect("counted").files, 1);
        }
    }

    #[test]
    fn a_real_file_loses_the_name_that_is_renamed_to_another_of_it() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = CapDirectory::open(directory.path(), Durability::Full).expect("opened");
        let volume = Local::open(root, LocalVolumeOptions::default()).expect("opened");
        fs::write(directory.path().join("a"), b"1").expect("written");
        let [a, b] = ["a", "b"].map(|name| directory.path().join(name));
        if fs::hard_link(&a, &b).is_err() {
            return;
        }
        let path = |name| FilePath::new(name).expect("valid");
        let (source, target) = (path("a"), path("b"));
        let change = Change::Rename { source, target };
        volume.commit(change.into()).expect("made");
        let left = volume.reader.list(None).expect("listed");
        let expected = match cfg!(unix) {
            true => vec![path("b")],
            false => left.clone(),
        };
        assert_eq!(left, expected);
    }
}
