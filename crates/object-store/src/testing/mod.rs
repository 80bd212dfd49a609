//! What the tests share: a store in memory whose requests fail as those of a real one
//! do: before they take effect, after it, long after it, or with no answer at all.

mod faulty_store;
mod network;

pub(crate) use faulty_store::{Fault, FaultyStore};
pub(crate) use network::{Meanwhile, Network};

use crate::root::ObjectRoot;
use crate::volume::ObjectVolume;
use crate::{BlobCache, Patience};
use ability_storage_engine::{Change, FilePath, Volume, VolumeId};
use object_store::ObjectStore;
use object_store::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Does not wait long between two attempts. A request may take as long as a busy machine
/// needs for it.
pub(crate) fn unhurried() -> Patience {
    impatient().request(Duration::from_secs(20))
}

/// Does not wait long for an answer, nor between two attempts.
pub(crate) fn impatient() -> Patience {
    Patience::default()
        .give_up_after(Duration::from_secs(5))
        .request(Duration::from_millis(30))
        .pauses(Duration::from_micros(100), Duration::from_millis(2))
}

/// A volume of a client.
pub(crate) fn open(
    store: Arc<dyn ObjectStore>,
    patience: Patience,
    cache: Option<BlobCache>,
) -> ObjectVolume {
    let mut options = ObjectRoot::options().patience(patience).probe(false);
    if let Some(cache) = cache {
        options = options.cache(cache);
    }
    let root = options.open_in(store, Path::from("root")).expect("opened");
    root.open_volume(&VolumeId::user())
}

pub(crate) fn file(path: &str) -> FilePath {
    FilePath::new(path).expect("valid")
}

pub(crate) fn write(path: &str, contents: impl Into<Vec<u8>>) -> Change {
    Change::write(file(path), contents)
}

pub(crate) fn append(path: &str, contents: impl Into<Vec<u8>>) -> Change {
    Change::append(file(path), contents)
}

pub(crate) fn read(volume: &ObjectVolume, path: &str) -> Vec<u8> {
    volume
        .read(&file(path), u64::MAX)
        .expect("read")
        .into_contents()
}
