//! Where volumes are: under a directory, or in an object store. All commands find
//! their volumes through this module.
//!
//! | module | holds |
//! |---|---|
//! | `place` | what a person writes to say where |
//! | `options` | the options that are about object stores |
//!
//! Must never take one kind for the other, nor create a root that is only to be read.

mod options;
mod place;

pub use options::{CacheOptions, StoreOptions};
pub use place::Place;

use ability_storage::{Error, Limits, Root, RootOptions, Volume, VolumeId};
#[cfg(feature = "object-store")]
use ability_storage_object_store::{BlobCache, ObjectRoot};
use anyhow::{Result, anyhow};
use std::sync::Arc;

/// What holds the volumes of abilities.
pub enum AnyRoot {
    Directory(Root),
    #[cfg(feature = "object-store")]
    Store(ObjectRoot),
}

/// How to open a root of either kind.
#[derive(Default)]
#[cfg_attr(not(feature = "object-store"), allow(dead_code))]
pub struct Opening<'a> {
    pub limits: Limits,
    pub read_only: bool,
    /// What else there is to say of a directory.
    pub directory: RootOptions,
    /// What else there is to say of a store.
    pub store: Option<&'a StoreOptions>,
    pub cache: Option<&'a CacheOptions>,
}

impl AnyRoot {
    /// Opens the root at `place`. A directory is created if it is not to be read only.
    pub fn open(place: &Place, opening: Opening<'_>) -> Result<Self> {
        match place {
            Place::Directory(path) => {
                let options = opening.directory.limits(opening.limits);
                let root = options.read_only(opening.read_only).open_or_create(path);
                Ok(Self::Directory(root.map_err(told)?))
            }
            Place::Url(url) => Self::open_store(url, &opening),
        }
    }

    #[cfg(feature = "object-store")]
    fn open_store(url: &str, opening: &Opening<'_>) -> Result<Self> {
        let mut options = ObjectRoot::options()
            .limits(opening.limits.clone())
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
        Ok(Self::Store(options.open(url).map_err(told)?))
    }

    #[cfg(not(feature = "object-store"))]
    fn open_store(url: &str, _: &Opening<'_>) -> Result<Self> {
        anyhow::bail!(
            "{url} cannot be opened: this `ability` was built without the feature `object-store`"
        )
    }

    /// A volume of it, which is created when it is needed.
    pub fn volume(&self, id: &VolumeId) -> Result<Arc<dyn Volume>> {
        Ok(match self {
            Self::Directory(root) => root.volume(id).map_err(told)?,
            #[cfg(feature = "object-store")]
            Self::Store(root) => Arc::new(root.volume(id)),
        })
    }

    /// All volumes that it has.
    pub fn volumes(&self) -> Result<Vec<VolumeId>> {
        let volumes = match self {
            Self::Directory(root) => root.volumes(),
            #[cfg(feature = "object-store")]
            Self::Store(root) => root.volumes(),
        };
        volumes.map_err(told)
    }
}

/// Why something is not available, without saying twice that it is not; and what is
/// behind it, which a volume keeps from guests.
pub fn told(error: Error) -> anyhow::Error {
    let Error::Unavailable { what, source } = error else {
        return error.into();
    };
    match behind(&source) {
        Some(cause) => anyhow!("{what}: {source} ({cause})"),
        None => anyhow!("{what}: {source}"),
    }
}

/// The first line of what is behind an error of a store, if it says more.
fn behind(error: &std::io::Error) -> Option<String> {
    const MOST: usize = 300;
    let cause = std::error::Error::source(error)?.to_string();
    let line = cause.lines().next()?.trim();
    if line.is_empty() || error.to_string().contains(line) {
        return None;
    }
    let end = line.floor_char_boundary(MOST);
    let cut = if end < line.len() { "…" } else { "" };
    Some(format!("{}{cut}", &line[..end]))
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
        assert!(AnyRoot::open(&Place::Directory(path.clone()), opening).is_err());
        assert!(!path.exists());
    }

    #[test]
    fn what_is_behind_an_error_is_said_once_and_in_one_line() {
        #[derive(Debug, thiserror::Error)]
        #[error("the request failed")]
        struct Outer(#[source] std::io::Error);
        let error = |text: &str| {
            let inner = Outer(std::io::Error::other(text.to_owned()));
            std::io::Error::other(inner)
        };
        assert_eq!(
            behind(&error("no route\nmore")).as_deref(),
            Some("no route")
        );
        assert_eq!(behind(&error("failed")), None);
        let long = behind(&error(&"é".repeat(1_000))).expect("something");
        assert_eq!(long.len(), 300 + "…".len());
        assert_eq!(behind(&std::io::Error::other("plain")), None);
    }

    #[cfg(not(feature = "object-store"))]
    #[test]
    fn a_url_needs_the_feature() {
        let place = Place::Url("s3://bucket/data".to_owned());
        let error = AnyRoot::open(&place, Opening::default()).err();
        let error = error.expect("it cannot be opened").to_string();
        assert!(error.contains("feature `object-store`"), "{error}");
    }
}
