//! A root with things around a guest's volume that it must not reach, and what can
//! be said of them when the guest is done.

use crate::command::{sessions_of, wait_until_closed};
use ability_storage::{LocalRoot, Root, Scope, StorageCtx, Volume};
use ability_storage_engine::layout::{
    KEPT, LOCKS, LOG, LOG_FILES, LOG_KEPT, PRIVATE_DIR, SESSION_LOCK, SESSIONS, SPARE_SESSION,
    SPECIAL_LOCKS,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io, thread};
use tempfile::TempDir;

/// What no guest may ever read.
pub const SECRET: &str = "secret of the host";

/// The ability whose guests are not trusted.
pub const HOSTILE: &str = "hostile";

const TICK: Duration = Duration::from_millis(10);

/// Only a host that hangs takes longer, however slow the machine.
const PATIENCE_IN_TICKS: usize = 12_000;

/// Each path beneath a directory, with what is there.
type Tree = BTreeMap<PathBuf, Found>;

#[derive(Debug, PartialEq, Eq)]
enum Found {
    Directory,
    File(Vec<u8>),
    Other,
}

pub struct Surroundings {
    directory: TempDir,
    before: Tree,
}

impl Surroundings {
    /// A root in which an ability, the user and the private directories of all have
    /// something to hide, and so has the directory around it.
    pub fn set_up() -> Self {
        let directory = temporary().expect("temporary directory");
        let root = LocalRoot::open_or_create(directory.path().join("root")).expect("created");
        for volume in [root.ability(HOSTILE), root.ability("other"), root.user()] {
            drop(volume.expect("opened"));
        }
        let new = Self {
            before: Tree::new(),
            directory,
        };
        for place in [
            new.directory.path().to_owned(),
            new.root(),
            new.root().join("abilities"),
            new.root().join("abilities/other"),
            new.root().join("user"),
            new.root().join("user").join(PRIVATE_DIR),
            new.volume().join(PRIVATE_DIR),
        ] {
            fs::write(place.join("secret"), SECRET).expect("written");
        }
        Self {
            before: new.around(),
            ..new
        }
    }

    pub fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    /// The directory of the hostile ability's own volume.
    pub fn volume(&self) -> PathBuf {
        self.root().join("abilities").join(HOSTILE)
    }

    /// A file outside of the root.
    pub fn secret(&self) -> PathBuf {
        self.directory.path().join("secret")
    }

    /// The hostile ability's own volume.
    pub fn open(&self) -> Arc<dyn Volume> {
        let root = LocalRoot::open_or_create(self.root()).expect("opened");
        root.ability(HOSTILE).expect("opened")
    }

    /// What a hostile guest is given: its own volume, nothing else.
    pub fn ctx(&self, volume: &Arc<dyn Volume>) -> StorageCtx {
        let ctx = StorageCtx::builder().volume(Scope::Ability, volume.clone());
        ctx.build()
    }

    /// Waits for calls that were under way when their guest was stopped: the volume
    /// closes with the last of them, and is empty but for what is meant to be there.
    pub fn wait_until_closed(&self) {
        for _ in 0..PATIENCE_IN_TICKS {
            if sessions_of(&self.volume()).is_empty() {
                return;
            }
            thread::sleep(TICK);
        }
        panic!("{:?} stay open", sessions_of(&self.volume()));
    }

    /// All plain files of the volume, by their paths in it, with what is not text
    /// (guests stream patterns of bytes) replaced. When it is closed.
    pub fn files(&self) -> BTreeMap<String, String> {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let mut files = BTreeMap::new();
        for (path, found) in tree(&self.volume()) {
            if path.starts_with(PRIVATE_DIR) {
                continue;
            }
            match found {
                Found::Directory => {}
                Found::Other => panic!("{path:?} is neither a file nor a directory"),
                Found::File(contents) => {
                    let path = path.to_str().expect("text").to_owned();
                    files.insert(path, text(contents));
                }
            }
        }
        files
    }

    /// Checks that nothing outside the volume was changed, created or removed, and
    /// nothing put into its private directory. Waits until it is closed.
    pub fn check(&self) {
        wait_until_closed(&self.volume());
        let after = self.around();
        for (path, found) in &after {
            assert_eq!(
                Some(found),
                self.before.get(path),
                "{path:?} is new or changed"
            );
        }
        assert_eq!(after, self.before, "something is gone");

        let private = tree(&self.volume().join(PRIVATE_DIR));
        for path in private.keys() {
            assert!(
                is_of_the_engine(path),
                "{path:?} is in the private directory"
            );
        }
        let secret = private.get(Path::new("secret"));
        assert_eq!(secret, Some(&Found::File(SECRET.into())));
    }

    /// All but what is in the volume.
    fn around(&self) -> Tree {
        let mut tree = tree(self.directory.path());
        let volume = self.volume();
        let volume = volume.strip_prefix(self.directory.path()).expect("in it");
        tree.retain(|path, _| path == volume || !path.starts_with(volume));
        tree
    }
}

/// In memory, where there is one for files: attacks are to be many, and none of them
/// cuts the power.
fn temporary() -> io::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        return tempfile::tempdir_in(memory);
    }
    tempfile::tempdir()
}

/// What may be left in the private directory of a volume that is closed.
fn is_of_the_engine(path: &Path) -> bool {
    let names: Vec<&str> = path
        .iter()
        .map(|name| name.to_str().expect("text"))
        .collect();
    match *names.as_slice() {
        ["secret"] => true,
        [name] => KEPT.contains(&name),
        [LOCKS, name] => SPECIAL_LOCKS.contains(&name) || u8::from_str_radix(name, 16).is_ok(),
        [SESSIONS, SPARE_SESSION] | [SESSIONS, SPARE_SESSION, SESSION_LOCK] => true,
        [LOG, name] => LOG_KEPT.contains(&name) || LOG_FILES.contains(&name),
        _ => false,
    }
}

fn tree(top: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut pending = vec![top.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(&directory).expect("listed") {
            let path = entry.expect("an entry").path();
            let metadata = fs::symlink_metadata(&path).expect("still there");
            let found = if metadata.is_dir() {
                pending.push(path.clone());
                Found::Directory
            } else if metadata.is_file() {
                Found::File(fs::read(&path).expect("read"))
            } else {
                Found::Other
            };
            let path = path.strip_prefix(top).expect("beneath it");
            tree.insert(path.to_owned(), found);
        }
    }
    tree
}
