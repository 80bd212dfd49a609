//! Where volumes are: under a directory, or in an object store. All commands find
//! their volumes through this module.
//!
//! | module | holds |
//! |---|---|
//! | `place` | what a person writes to say where |
//! | `options` | the options that are about object stores |
//!
//! This module must never take one kind for the other, nor create a root that is only to
//! be read.

mod options;
mod place;

pub use options::{CacheOptions, StoreOptions};
pub use place::Place;

use ability_storage::{Error, Limits, LocalRoot, LocalVolumeOptions, Root};
#[cfg(feature = "object-store")]
use ability_storage_object_store::{BlobCache, ObjectRoot};
use anyhow::{Result, anyhow};
use std::path::Path;

/// How to open a root of either kind.
#[derive(Default)]
#[cfg_attr(not(feature = "object-store"), allow(dead_code))]
pub struct Opening<'a> {
    pub limits: Limits,
    pub read_only: bool,
    /// What else there is to say of a directory.
    pub directory: LocalVolumeOptions,
    /// What else there is to say of a store.
    pub store: Option<&'a StoreOptions>,
    pub cache: Option<&'a CacheOptions>,
}

/// Opens the root at `place`. A directory is created if it is not to be read only.
pub fn open(place: &Place, opening: Opening<'_>) -> Result<Box<dyn Root>> {
    Ok(match place {
        Place::Directory(path) => Box::new(open_directory(path, opening)?),
        #[cfg(feature = "object-store")]
        Place::Url(url) => Box::new(open_store(url, opening)?),
        #[cfg(not(feature = "object-store"))]
        Place::Url(url) => return Err(without_stores(url)),
    })
}

/// As [`open`], where a directory is needed.
pub fn open_directory(path: &Path, opening: Opening<'_>) -> Result<LocalRoot> {
    let volumes = opening.directory.limits(opening.limits);
    let volumes = volumes.read_only(opening.read_only);
    let root = LocalRoot::options().volumes(volumes).open_or_create(path);
    root.map_err(told)
}

/// As [`open`], where an object store is needed.
#[cfg(feature = "object-store")]
pub fn open_store(url: &str, opening: Opening<'_>) -> Result<ObjectRoot> {
    let mut options = ObjectRoot::options()
        .limits(opening.limits)
        .read_only(opening.read_only);
    if let Some(store) = opening.store {
        options = options.allow_http(store.allow_http);
        if let Some(endpoint) = &store.endpoint {
            options = options.endpoint(endpoint);
        }
    }
    if let Some((directory, bytes)) = opening.cache.and_then(CacheOptions::chosen) {
        options = options.cache(BlobCache::open(directory, bytes).map_err(told)?);
    }
    options.open(url).map_err(told)
}

/// The error for a url, where no object store can be opened.
#[cfg(not(feature = "object-store"))]
pub fn without_stores(url: &str) -> anyhow::Error {
    anyhow!("{url} cannot be opened: this `ability` was built without the feature `object-store`")
}

/// An error whose text has its causes already, so that they are not said twice.
pub fn told(error: Error) -> anyhow::Error {
    anyhow!("{error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_that_is_only_read_is_not_created() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("none");
        let opening = Opening {
            read_only: true,
            ..Opening::default()
        };
        assert!(open(&Place::Directory(path.clone()), opening).is_err());
        assert!(!path.exists());
    }

    #[cfg(not(feature = "object-store"))]
    #[test]
    fn a_url_needs_the_feature() {
        let place = Place::Url("s3://bucket/data".to_owned());
        let error = open(&place, Opening::default()).err();
        let error = error.expect("it cannot be opened").to_string();
        assert!(error.contains("feature `object-store`"), "{error}");
    }
}
