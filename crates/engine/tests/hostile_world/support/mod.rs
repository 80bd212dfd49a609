//! What all tests share: the one place that knows how the engine is called.

mod flags;
pub mod fork;
mod ledger;
mod process;
mod slow;
mod world;

use ability_storage_engine::{
    Batch, Change, Error, FilePath, LocalVolume, LocalVolumeOptions, Result, Volume,
};
use std::path::Path;
use std::time::Duration;

pub use flags::{Flag, set_flag};
pub use ledger::Ledger;
pub use process::{Case, Host, Process};
pub use slow::slow_down;
pub use world::{Scene, Skip, World, copy_image, fill, mount_image, nothing_special, unmount};

/// The longest file that a test reads.
const MAX_READ_BYTES: u64 = 64 << 20;

/// How a volume publishes its commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Direct,
    Journaled,
}

impl Mode {
    pub fn other(self) -> Self {
        match self {
            Mode::Direct => Mode::Journaled,
            Mode::Journaled => Mode::Direct,
        }
    }
}

/// Puts all that is committed into the files.
pub fn checkpoint(volume: &LocalVolume) -> Result<()> {
    volume.checkpoint()
}

/// Options under which a journaled volume is checkpointed only when it must be.
pub fn options(mode: Mode) -> LocalVolumeOptions {
    let options = LocalVolume::options().journaled(mode == Mode::Journaled);
    options.checkpoint_after(Duration::from_secs(3_600))
}

/// Opens the volume; that must succeed.
pub fn open(root: &Path, mode: Mode) -> LocalVolume {
    match options(mode).open(root) {
        Ok(volume) => volume,
        Err(error) => panic!("the volume does not open ({mode:?}): {error:?}"),
    }
}

pub fn file(path: &str) -> FilePath {
    FilePath::new(path).expect("a valid path")
}

pub fn write(path: &str, contents: impl Into<Vec<u8>>) -> Change {
    Change::write(file(path), contents)
}

pub fn append(path: &str, contents: impl Into<Vec<u8>>) -> Change {
    Change::append(file(path), contents)
}

pub fn rename(source: &str, target: &str) -> Change {
    Change::rename(file(source), file(target))
}

pub fn delete(path: &str) -> Change {
    Change::delete(file(path))
}

/// Commits the changes as one batch.
pub fn commit(volume: &impl Volume, changes: impl IntoIterator<Item = Change>) -> Result<()> {
    let batch: Batch = changes.into_iter().collect();
    volume.commit(batch).map(|_| ())
}

/// Commits the changes as one batch; that must succeed.
pub fn committed(volume: &impl Volume, changes: impl IntoIterator<Item = Change>) {
    if let Err(error) = commit(volume, changes) {
        panic!("not committed: {error:?}");
    }
}

/// What the volume has at a path; reading it must succeed.
pub fn read(volume: &LocalVolume, path: &str) -> Option<Vec<u8>> {
    match volume.read(&file(path), MAX_READ_BYTES) {
        Ok(snapshot) => Some(snapshot.into_contents()),
        Err(Error::NotFound { .. }) => None,
        Err(error) => panic!("{path} is not read: {error:?}"),
    }
}

pub fn read_text(volume: &LocalVolume, path: &str) -> String {
    let contents = read(volume, path).unwrap_or_default();
    String::from_utf8(contents).expect("text")
}

/// How many files the volume lists; that must succeed.
pub fn listed(volume: &LocalVolume) -> usize {
    match volume.list(None) {
        Ok(files) => files.len(),
        Err(error) => panic!("the files are not listed: {error:?}"),
    }
}

/// Makes a test in each mode of a function that takes a [`Case`].
macro_rules! both_modes {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            use crate::support::{Case, Mode};

            #[test]
            fn direct() {
                super::$name(&Case::new(concat!(module_path!(), "::direct"), Mode::Direct));
            }

            #[test]
            fn journaled() {
                super::$name(&Case::new(concat!(module_path!(), "::journaled"), Mode::Journaled));
            }
        }
    )*};
}

/// Makes a test in one mode of a function that takes a [`Case`].
macro_rules! one_mode {
    ($mode:ident: $($name:ident),* $(,)?) => {$(
        mod $name {
            use crate::support::{Case, Mode};

            #[test]
            fn holds() {
                super::$name(&Case::new(concat!(module_path!(), "::holds"), Mode::$mode));
            }
        }
    )*};
}
