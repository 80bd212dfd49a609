//! `LocalRoot`: a directory with the volumes of many abilities.
//!
//! The layout is that of [`VolumeId`], which also says what an id may be; this module
//! must not decide it again.

use crate::spelling::other_spelling;
use crate::{
    Error, LocalVolume, LocalVolumeOptions, MemoryVolume, Quota, ReadOnly, Result, Root, Volume,
    VolumeId,
};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A directory with a volume for each ability, `abilities/<id>/`, and one that
/// they share, `user/`. The files in a volume are plain files.
///
/// Directories are created when they are first asked for, and are durable when
/// the volume is given out. On a file system that ignores case, an id that differs only in
/// case from that of a volume which is there is refused, so that no two abilities have the
/// same files.
///
/// ```
/// use ability_storage_engine::{Change, FilePath, LocalRoot, Root, Volume};
///
/// # let temporary = tempfile::tempdir()?;
/// # let data = temporary.path().join("data");
/// let root = LocalRoot::open_or_create(&data)?;
/// let volume = root.ability("todo")?;
/// volume.commit(Change::write(FilePath::new("list.txt")?, b"milk").into())?;
/// assert!(data.join("abilities/todo/list.txt").is_file());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct LocalRoot {
    path: PathBuf,
    options: LocalRootOptions,
}

/// How a [`LocalRoot`] is to be opened.
///
/// ```
/// use ability_storage_engine::{Limits, LocalRoot, LocalVolume};
///
/// # let temporary = tempfile::tempdir()?;
/// # let data = temporary.path().join("data");
/// let small = Limits::default().max_total_bytes(1 << 20);
/// let volumes = LocalVolume::options().limits(small).journaled(true);
/// let root = LocalRoot::options().volumes(volumes).open_or_create(&data)?;
/// # drop(root);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "options do nothing before a root is opened with them"]
pub struct LocalRootOptions {
    volumes: LocalVolumeOptions,
}

impl LocalRootOptions {
    /// How each volume is opened. Default: [`LocalVolumeOptions::default`].
    ///
    /// If they are to be read-only, so is the root: nothing is created, the root must
    /// exist, and a volume whose directory does not exist is empty until it is opened
    /// again.
    pub fn volumes(mut self, options: LocalVolumeOptions) -> Self {
        self.volumes = options;
        self
    }

    /// Opens the root at `path`, creating it and the directories above it if
    /// they do not exist.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if `path` is no directory, cannot be created, or
    /// does not exist and the root is read-only.
    pub fn open_or_create(self, path: impl Into<PathBuf>) -> Result<LocalRoot> {
        // `data/.` is `data`.
        let path: PathBuf = path.into().components().collect();
        if self.volumes.read_only {
            let is_directory = fs::metadata(&path).map(|metadata| metadata.is_dir());
            match is_directory {
                Ok(true) => {}
                Ok(false) => return Err(unavailable(&path)(ErrorKind::NotADirectory.into())),
                Err(error) => return Err(unavailable(&path)(error)),
            }
        } else {
            ensure_directory(&path).map_err(unavailable(&path))?;
        }
        let options = self;
        Ok(LocalRoot { path, options })
    }
}

impl LocalRoot {
    /// Opens the root at `path` with default options, creating it and the
    /// directories above it if they do not exist.
    ///
    /// # Errors
    ///
    /// See [`LocalRootOptions::open_or_create`].
    pub fn open_or_create(path: impl Into<PathBuf>) -> Result<Self> {
        Self::options().open_or_create(path)
    }

    /// To open a root with options that are not the defaults.
    pub fn options() -> LocalRootOptions {
        LocalRootOptions::default()
    }

    /// Opens a volume as [`Root::volume`] does, as what it is: for its counters, say,
    /// or to [checkpoint](LocalVolume::checkpoint) it.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the directory cannot be opened or created, also if it
    /// does not exist and the root is read-only, or if it or one on the way from the root is a
    /// symbolic link.
    pub fn open_volume(&self, id: &VolumeId) -> Result<LocalVolume> {
        let mut path = self.path.clone();
        for name in id.components() {
            path.push(name);
            if !self.is_read_only() {
                ensure_volume_directory(&path, name).map_err(unavailable(&path))?;
            }
            refuse_link(&path).map_err(unavailable(&path))?;
        }
        if let Some(ability) = id.ability_id() {
            self.check_spelling(ability)?;
        }
        let options = self.options.volumes.clone();
        if let Some(quota) = options.shared_quota() {
            self.count_others(quota, id)?;
        }
        let options = match id.ability_id() {
            Some(ability) => options.ability(ability),
            None => options,
        };
        options.open(path)
    }

    /// Refuses an id whose directory is that of another one.
    fn check_spelling(&self, ability: &str) -> Result<()> {
        let abilities = self.path.join(VolumeId::ABILITIES);
        let refused = |error| unavailable(&abilities.join(ability))(error);
        let source = match other_spelling(&abilities, ability) {
            Ok(None) => return Ok(()),
            // Nothing is there, which opening it will say.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => error,
            Ok(Some(other)) => io::Error::new(
                ErrorKind::AlreadyExists,
                format!(
                    "the file system ignores case, and the directory is that of the ability {other:?}; \
                     nothing was changed; give one of the two another id"
                ),
            ),
        };
        Err(refused(source))
    }

    /// Tells a quota what the volumes hold that it does not know, but for the one that is being
    /// opened. One that cannot be counted must not keep others from opening: it counts as empty
    /// until it is opened itself.
    fn count_others(&self, quota: &Quota, opened: &VolumeId) -> Result<()> {
        for id in self.list()?.into_iter().filter(|id| id != opened) {
            let path = id
                .components()
                .fold(self.path.clone(), |path, name| path.join(name));
            let count = || -> io::Result<()> {
                if let Some(closed) = quota.unknown(path.canonicalize()?) {
                    let usage = crate::local::count(&closed.volume)?;
                    quota.set_closed(closed, usage);
                }
                Ok(())
            };
            match count() {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    let volume = path.display();
                    tracing::warn!(%volume, %error, "a volume that shares a quota could not be counted; it counts as empty until it is opened");
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn is_read_only(&self) -> bool {
        self.options.volumes.read_only
    }

    fn is_missing(&self, id: &VolumeId) -> bool {
        let path = id
            .components()
            .fold(self.path.clone(), |path, name| path.join(name));
        fs::metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound)
    }
}

impl Root for LocalRoot {
    fn volume(&self, id: &VolumeId) -> Result<Arc<dyn Volume>> {
        if self.is_read_only() && self.is_missing(id) {
            return Ok(Arc::new(ReadOnly::new(MemoryVolume::new())));
        }
        Ok(Arc::new(self.open_volume(id)?))
    }

    /// A directory whose name cannot be an id is no volume.
    fn list(&self) -> Result<Vec<VolumeId>> {
        let abilities = self.path.join(VolumeId::ABILITIES);
        let what = || format!("the volumes in {} could not be listed", abilities.display());
        let names = directories_in(&abilities);
        let names = names.map_err(|error| Error::unavailable(what(), error))?;
        let ids = names.iter().filter_map(|name| VolumeId::ability(name).ok());
        let user = fs::symlink_metadata(self.path.join(VolumeId::USER));
        let has_user = user.is_ok_and(|user| user.is_dir());
        Ok(ids.chain(has_user.then(VolumeId::user)).collect())
    }
}

/// A link would lead out of the root, and let an ability have what is there.
fn refuse_link(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Err(io::Error::new(
            ErrorKind::NotADirectory,
            "it is a symbolic link, and no volume is behind one; nothing was changed; mount or move a directory there instead",
        )),
        _ => Ok(()),
    }
}

/// The names of the directories in a directory, sorted; none if it does not exist.
fn directories_in(path: &Path) -> io::Result<Vec<String>> {
    if path.is_symlink() {
        return Ok(Vec::new());
    }
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        // No id is anything but text.
        if let Ok(name) = entry.file_name().into_string()
            && entry.file_type()?.is_dir()
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn unavailable(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let what = format!("the directory {} could not be opened", path.display());
    move |error| Error::unavailable(what, error)
}

/// Creates a directory, and those above it, unless they exist; then all that
/// were created are durable.
fn ensure_directory(path: &Path) -> io::Result<()> {
    let parent = match path.parent() {
        None => return Ok(()),
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
    };
    if path.is_dir() {
        return sync_if_permitted(parent);
    }
    ensure_directory(parent)?;
    create(path, parent, || fs::create_dir(path))
}

/// Creates a directory on the way to a volume, if it does not exist. When this returns, it is
/// durable.
fn ensure_volume_directory(path: &Path, name: &str) -> io::Result<()> {
    let parent = path.parent().ok_or(ErrorKind::InvalidInput)?;
    if path.is_dir() {
        return sync_if_permitted(parent);
    }
    create(path, parent, || {
        crate::local::create_directory(parent, name)
    })
}

fn create(path: &Path, parent: &Path, create: impl Fn() -> io::Result<()>) -> io::Result<()> {
    match create() {
        // Another process was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(ErrorKind::NotADirectory.into());
        }
        result => result?,
    }
    sync_directory(parent)
}

/// The process that made a directory may have died before its name was durable. If only its
/// owner may sync it, that is for its owner to do.
fn sync_if_permitted(parent: &Path) -> io::Result<()> {
    match sync_directory(parent) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        result => result,
    }
}

fn sync_directory(path: &Path) -> io::Result<()> {
    // Windows has no such call; its file systems journal names themselves.
    if cfg!(windows) {
        return Ok(());
    }
    File::open(path)?.sync_all()
}

#[cfg(test)]
#[path = "local_root_tests.rs"]
mod tests;
