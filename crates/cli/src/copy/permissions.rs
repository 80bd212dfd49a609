//! Who may read and write a copied file: the permissions that it has in FROM, where both
//! roots are directories.
//!
//! Until its permissions are set, a new file or directory belongs to its owner alone. A copy
//! must never let anybody read what they cannot read in FROM, not for a moment either.

use crate::roots::Place;
use ability_storage::{FilePath, VolumeId};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The permissions of one root, to be given to another.
pub struct Permissions {
    from: PathBuf,
    to: PathBuf,
    /// Directories that are not in TO yet, by their paths from the root.
    missing: BTreeSet<PathBuf>,
}

impl Permissions {
    /// Keeps new files from others, from now on; none where a root is no directory, or
    /// where there are no permissions.
    pub fn keep(from: &Place, to: &Place) -> Option<Self> {
        let (Place::Directory(from), Place::Directory(to)) = (from, to) else {
            return None;
        };
        owner_only()?;
        let mut missing = BTreeSet::new();
        if fs::symlink_metadata(to).is_err() {
            missing.insert(PathBuf::new());
        }
        Some(Self {
            from: from.clone(),
            to: to.clone(),
            missing,
        })
    }

    /// Looks which directories of a volume are not in TO yet, and makes its own: when the volume
    /// is opened for the first time, the permissions of its directory decide which users may open
    /// it. Its files are for their owner alone until they are given.
    pub fn expect(&mut self, id: &VolumeId, files: &[FilePath]) {
        let volume: PathBuf = id.components().collect();
        let mut seen = BTreeSet::new();
        // Also if it has no files.
        let files = files.iter().map(|file| volume.join(file.as_str()));
        for path in files.chain([volume.join("file")]) {
            for above in path.ancestors().skip(1) {
                if !seen.insert(above.to_owned()) {
                    break;
                }
                if fs::symlink_metadata(self.to.join(above)).is_err() {
                    self.missing.insert(above.to_owned());
                }
            }
        }
        if self.missing.contains(&volume) {
            // If it cannot be made, the opening of the volume tells.
            let _ = make(&self.from, &self.to, &volume);
        }
    }

    /// Gives a file in TO its permissions. One that was there already is not opened to more
    /// people than before.
    pub fn give(&self, id: &VolumeId, file: &FilePath, was_there: bool) -> io::Result<()> {
        let volume: PathBuf = id.components().collect();
        give(&self.from, &self.to, &volume.join(file.as_str()), was_there)
    }

    /// Gives the directories in which the copy has made a volume their permissions, and that
    /// of the volume.
    pub fn give_to_volume(&mut self, id: &VolumeId) -> Vec<(PathBuf, io::Error)> {
        let volume: PathBuf = id.components().collect();
        let is_within = |path: &PathBuf| path.starts_with(&volume);
        let (within, others) = std::mem::take(&mut self.missing)
            .into_iter()
            .partition(is_within);
        self.missing = others;
        self.give_to_directories(&within)
    }

    /// The same for those that are above volumes, when no volume is to be made any more.
    pub fn give_to_rest(mut self) -> Vec<(PathBuf, io::Error)> {
        let missing = std::mem::take(&mut self.missing);
        self.give_to_directories(&missing)
    }

    fn give_to_directories(&self, directories: &BTreeSet<PathBuf>) -> Vec<(PathBuf, io::Error)> {
        // What is within a directory first: it may be closed to its owner, too.
        let directories = directories.iter().rev();
        let given = directories.filter(|path| self.to.join(path).is_dir());
        let given = given.map(|path| (path, give(&self.from, &self.to, path, false)));
        let failed = given.filter_map(|(path, given)| Some((path.clone(), given.err()?)));
        failed.collect()
    }
}

/// Lets new files and directories of this process be for their owner alone.
#[cfg(unix)]
fn owner_only() -> Option<()> {
    use rustix::fs::Mode;
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    Some(())
}

#[cfg(not(unix))]
fn owner_only() -> Option<()> {
    None
}

/// Those of a directory. One of them lets what is made in it have its group.
#[cfg(unix)]
const DIRECTORY_BITS: u32 = 0o2777;

/// Makes a directory in TO with the permissions of that in FROM, as far as its owner can go on in
/// it.
#[cfg(unix)]
fn make(from: &Path, to: &Path, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::symlink_metadata(from.join(path))?.permissions().mode();
    let made = to.join(path);
    fs::create_dir_all(&made)?;
    let mode = mode & DIRECTORY_BITS | 0o700;
    fs::set_permissions(made, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn make(_: &Path, _: &Path, _: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn give(from: &Path, to: &Path, path: &Path, only_less: bool) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| {
        let metadata = fs::symlink_metadata(path)?;
        // A link has no permissions, and those of what it leads to are not to be changed.
        let kept = metadata.is_file() || metadata.is_dir();
        let bits = if metadata.is_dir() {
            DIRECTORY_BITS
        } else {
            0o777
        };
        io::Result::Ok(kept.then(|| metadata.permissions().mode() & bits))
    };
    let target = to.join(path);
    let (Some(wanted), Some(present)) = (mode(&from.join(path))?, mode(&target)?) else {
        return Ok(());
    };
    let wanted = if only_less { wanted & present } else { wanted };
    if wanted == present {
        return Ok(());
    }
    fs::set_permissions(target, fs::Permissions::from_mode(wanted))
}

#[cfg(not(unix))]
fn give(_: &Path, _: &Path, _: &Path, _: bool) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_given_its_permissions_once_and_what_is_above_volumes_last() {
        let place = || tempfile::tempdir().expect("a directory");
        let (from, to) = (place(), place());
        let ids = ["one", "two"].map(|id| VolumeId::ability(id).expect("valid"));
        let mut missing = BTreeSet::from([PathBuf::from("abilities")]);
        for id in &ids {
            let volume: PathBuf = id.components().collect();
            missing.insert(volume.join("deep"));
            missing.insert(volume.clone());
            fs::create_dir_all(to.path().join(volume).join("deep")).expect("created");
        }
        // Nothing is in FROM any more, so that each of them fails.
        let mut permissions = Permissions {
            from: from.path().to_owned(),
            to: to.path().to_owned(),
            missing,
        };
        let named = |failed: Vec<(PathBuf, io::Error)>| -> Vec<String> {
            let failed = failed.into_iter();
            failed.map(|(path, _)| path.display().to_string()).collect()
        };
        let [one, two] = &ids;
        let one = named(permissions.give_to_volume(one));
        assert_eq!(one, ["abilities/one/deep", "abilities/one"]);
        let two = named(permissions.give_to_volume(two));
        assert_eq!(two, ["abilities/two/deep", "abilities/two"]);
        assert_eq!(named(permissions.give_to_rest()), ["abilities"]);
    }
}
