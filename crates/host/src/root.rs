//! `Root`: where a host keeps the volumes of its abilities.
//!
//! The layout is that of [`VolumeId`], which also says what an id may be; nothing here
//! may decide it again.

use crate::root_volume::RootVolume;
#[cfg(doc)]
use ability_storage_engine::LocalVolumeOptions;
use ability_storage_engine::{Durability, Error, Limits, LocalVolume, Result, VolumeId};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A directory with a volume for each ability, `abilities/<id>/`, and one that
/// they share, `user/`. The files in a volume are plain files.
///
/// Directories are created when they are first asked for, and are durable when
/// the volume is given out.
///
/// ```
/// use ability_storage::{Root, Scope, StorageCtx};
///
/// # let temporary = tempfile::tempdir()?;
/// # let data = temporary.path().join("data");
/// let root = Root::open_or_create(&data)?;
/// let ctx = StorageCtx::builder()
///     .volume(Scope::Ability, root.ability("todo")?)
///     .volume(Scope::User, root.user()?)
///     .build();
/// assert!(data.join("abilities/todo").is_dir());
/// # drop(ctx);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Root {
    path: PathBuf,
    options: RootOptions,
}

/// How a [`Root`] is to be opened.
#[derive(Clone, Debug, Default)]
pub struct RootOptions {
    limits: Limits,
    read_only: bool,
    durability: Durability,
    journaled: bool,
}

impl RootOptions {
    /// What each volume may hold. Default: [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether the volumes are for reading only. Then nothing is created: the
    /// root must exist, and a volume whose directory does not is empty, until
    /// it is asked for again. Default: `false`.
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// What commits to the volumes are to survive. Default: [`Durability::Full`], which
    /// is what the interface promises to abilities.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Whether commits go into a journal first, and into the files later: faster, at a
    /// price that [`LocalVolumeOptions::journaled`] tells. Default: `false`.
    pub fn journaled(mut self, journaled: bool) -> Self {
        self.journaled = journaled;
        self
    }

    /// Opens the root at `path`, creating it and the directories above it if
    /// they do not exist.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if `path` is no directory, cannot be created, or
    /// does not exist and the root is read-only.
    pub fn open_or_create(self, path: impl Into<PathBuf>) -> Result<Root> {
        // `data/.` is `data`.
        let path: PathBuf = path.into().components().collect();
        if self.read_only {
            let is_directory = fs::metadata(&path).map(|metadata| metadata.is_dir());
            match is_directory {
                Ok(true) => {}
                Ok(false) => return Err(unavailable(&path)(ErrorKind::NotADirectory.into())),
                Err(error) => return Err(unavailable(&path)(error)),
            }
        } else {
            ensure_directory(&path).map_err(unavailable(&path))?;
        }
        Ok(Root {
            path,
            options: self,
        })
    }
}

impl Root {
    /// Opens the root at `path` with default options, creating it and the
    /// directories above it if they do not exist.
    ///
    /// # Errors
    ///
    /// See [`RootOptions::open_or_create`].
    pub fn open_or_create(path: impl Into<PathBuf>) -> Result<Self> {
        Self::options().open_or_create(path)
    }

    /// To open a root with options that are not the defaults.
    pub fn options() -> RootOptions {
        RootOptions::default()
    }

    /// Opens the volume of the ability `id`, for the scope `ability`.
    ///
    /// See [`VolumeId::ability`] for what an id may be. On a file system that ignores
    /// case, so do ids.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if `id` is not a single valid component, or the
    /// directory cannot be opened or created.
    pub fn ability(&self, id: &str) -> Result<Arc<RootVolume>> {
        self.volume(&VolumeId::ability(id)?)
    }

    /// Opens the volume that all abilities share, for the scope `user`.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the directory cannot be opened or created.
    pub fn user(&self) -> Result<Arc<RootVolume>> {
        self.volume(&VolumeId::user())
    }

    /// Opens a volume.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the directory cannot be opened or created.
    pub fn volume(&self, id: &VolumeId) -> Result<Arc<RootVolume>> {
        let mut path = self.path.clone();
        for name in id.components() {
            path.push(name);
            if !self.options.read_only {
                ensure_directory(&path).map_err(unavailable(&path))?;
            }
        }
        if self.options.read_only && is_absent(&path) {
            return Ok(Arc::new(RootVolume::missing()));
        }
        let volume = LocalVolume::options()
            .limits(self.options.limits.clone())
            .read_only(self.options.read_only)
            .durability(self.options.durability)
            .journaled(self.options.journaled)
            .open(&path)?;
        Ok(Arc::new(RootVolume::directory(volume)))
    }

    /// The volumes whose directories are there: those of abilities, sorted, and after
    /// them the one that all share. Opens none, and creates nothing. A directory whose
    /// name cannot be an id is no volume.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the directories cannot be listed.
    pub fn volumes(&self) -> Result<Vec<VolumeId>> {
        let abilities = self.path.join(VolumeId::ABILITIES);
        let names = directories_in(&abilities).map_err(|source| Error::Unavailable {
            what: format!("the volumes in {} could not be listed", abilities.display()),
            source,
        })?;
        let ids = names.iter().filter_map(|name| VolumeId::ability(name).ok());
        let has_user = self.path.join(VolumeId::USER).is_dir();
        Ok(ids.chain(has_user.then(VolumeId::user)).collect())
    }
}

/// The names of the directories in a directory, sorted; none if it does not exist.
fn directories_in(path: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        // No id is anything but text.
        if let Ok(name) = entry.file_name().into_string()
            && entry.path().is_dir()
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn is_absent(path: &Path) -> bool {
    fs::metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

fn unavailable(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let what = format!("the directory {} could not be opened", path.display());
    move |source| Error::Unavailable { what, source }
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
        // Whoever made it may have died before it was durable. If only its
        // owner may sync it, that is for its owner to do.
        return match sync_directory(parent) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
            result => result,
        };
    }
    ensure_directory(parent)?;
    match fs::create_dir(path) {
        // Another process was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(ErrorKind::NotADirectory.into());
        }
        result => result?,
    }
    sync_directory(parent)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    // Windows has no such call; its file systems journal names themselves.
    if cfg!(windows) {
        return Ok(());
    }
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ability_storage_engine::{Change, FilePath, Volume};

    fn path(text: &str) -> FilePath {
        FilePath::new(text).expect("valid")
    }

    fn write(text: &str) -> Change {
        Change::Write {
            path: path(text),
            contents: b"x".to_vec(),
        }
    }

    #[test]
    fn each_ability_has_its_own_directory_and_all_share_one() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let top = directory.path().join("not/yet/there");
        let root = Root::open_or_create(&top).expect("created");
        for volume in [root.ability("one"), root.ability("two"), root.user()] {
            let volume = volume.expect("opened");
            volume.commit(write("a.txt").into()).expect("written");
        }
        for file in ["abilities/one/a.txt", "abilities/two/a.txt", "user/a.txt"] {
            assert_eq!(fs::read(top.join(file)).expect(file), b"x");
        }
    }

    #[test]
    fn no_id_leads_elsewhere() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let root = Root::open_or_create(directory.path()).expect("opened");
        for id in [
            "",
            ".",
            "..",
            "../user",
            "a/b",
            "/",
            "a\0",
            "con",
            ".ability-storage",
        ] {
            let error = root.ability(id).err().expect(id);
            assert!(error.to_string().contains("cannot be the id"), "{error}");
        }
        let made = fs::read_dir(directory.path()).expect("listed").count();
        assert_eq!(made, 0);
    }

    #[test]
    fn a_read_only_root_creates_nothing_and_what_is_missing_is_empty() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let missing = directory.path().join("missing");
        let read_only = || Root::options().read_only(true);
        assert!(matches!(
            read_only().open_or_create(&missing),
            Err(Error::Unavailable { .. })
        ));

        let root = read_only()
            .open_or_create(directory.path())
            .expect("opened");
        let volume = root.ability("new").expect("opened");
        assert_eq!(volume.list(None).expect("listed"), []);
        let error = volume.commit(write("a.txt").into()).expect_err("read-only");
        assert!(matches!(error, Error::ReadOnly));
        let made = fs::read_dir(directory.path()).expect("listed").count();
        assert_eq!(made, 0);
    }

    #[test]
    fn the_volumes_are_those_that_are_there() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let top = directory.path();
        let root = Root::open_or_create(top).expect("opened");
        let read_only = Root::options().read_only(true);
        let read_only = read_only.open_or_create(top).expect("opened");
        assert_eq!(read_only.volumes().expect("listed"), []);
        assert_eq!(fs::read_dir(top).expect("listed").count(), 0);

        for id in ["two", "one", "Three"] {
            root.ability(id).expect("opened");
        }
        // What cannot be a volume.
        for name in ["a:b", "con", ".ability-storage"] {
            fs::create_dir(top.join("abilities").join(name)).expect(name);
        }
        fs::write(top.join("abilities/file"), b"").expect("written");
        fs::create_dir(top.join("other")).expect("created");
        let ids = |ids: &[&str]| -> Vec<VolumeId> {
            let ids = ids.iter().map(|id| VolumeId::ability(id).expect(id));
            ids.collect()
        };
        let mut expected = ids(&["Three", "one", "two"]);
        assert_eq!(read_only.volumes().expect("listed"), expected);

        root.user().expect("opened");
        expected.push(VolumeId::user());
        assert_eq!(root.volumes().expect("listed"), expected);
        for id in &expected {
            let volume = read_only.volume(id).expect("opened");
            assert_eq!(volume.list(None).expect("listed"), []);
        }
    }

    #[test]
    fn volumes_that_cannot_be_listed_are_not_none() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let root = Root::open_or_create(directory.path()).expect("opened");
        fs::write(directory.path().join("abilities"), b"a file").expect("written");
        let error = root.volumes().expect_err("a file in their place");
        assert!(error.to_string().contains("could not be listed"), "{error}");
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let file = directory.path().join("file");
        fs::write(&file, b"").expect("written");
        for path in [file.clone(), file.join("below")] {
            let Err(Error::Unavailable { what, source }) = Root::open_or_create(&path) else {
                panic!("a root in the place of a file");
            };
            assert!(what.contains("file"), "{what}");
            assert_eq!(source.kind(), ErrorKind::NotADirectory);
        }
    }
}
