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

    /// Looks which of the directories that are above a volume's files are not in TO yet.
    pub fn expect(&mut self, id: &VolumeId, files: &[FilePath]) {
        let volume: PathBuf = id.components().collect();
        let mut seen = BTreeSet::new();
        for file in files {
            for above in volume.join(file.as_str()).ancestors().skip(1) {
                if !seen.insert(above.to_owned()) {
                    break;
                }
                if fs::symlink_metadata(self.to.join(above)).is_err() {
                    self.missing.insert(above.to_owned());
                }
            }
        }
    }

    /// Gives a file in TO its permissions. One that was there already is not opened to more
    /// people than before.
    pub fn give(&self, id: &VolumeId, file: &FilePath, was_there: bool) -> io::Result<()> {
        let volume: PathBuf = id.components().collect();
        give(&self.from, &self.to, &volume.join(file.as_str()), was_there)
    }

    /// Gives the directories that the copy has made their permissions.
    pub fn give_to_directories(&self) -> Vec<(PathBuf, io::Error)> {
        // What is within a directory first: it may be closed to its owner, too.
        let directories = self.missing.iter().rev();
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

#[cfg(unix)]
fn give(from: &Path, to: &Path, path: &Path, only_less: bool) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| {
        let metadata = fs::symlink_metadata(path)?;
        // A link has no permissions, and those of what it leads to are not to be changed.
        let kept = metadata.is_file() || metadata.is_dir();
        io::Result::Ok(kept.then(|| metadata.permissions().mode() & 0o777))
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
