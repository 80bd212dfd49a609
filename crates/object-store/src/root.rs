//! `ObjectRoot`: where a host keeps the volumes of its abilities in an object store.
//!
//! The layout is that of a directory: `abilities/<id>/` for each ability and `user/`
//! for what they share, beneath the prefix.

use crate::cache::BlobCache;
use crate::patience::Patience;
use crate::probe::probe;
use crate::runtime;
use crate::store::{Requests, Store};
use crate::url::Location;
use crate::volume::ObjectVolume;
use ability_storage_engine::{Error, Limits, Result, Root, Volume, VolumeId};
use object_store::ObjectStore;
use object_store::path::{Path, PathPart};
use std::fmt;
use std::io;
use std::sync::Arc;

/// A prefix of an object store with a volume for each ability, `abilities/<id>/`, and
/// one that they share, `user/`.
///
/// ```
/// use ability_storage_engine::{Change, FilePath, Root, Volume};
/// use ability_storage_object_store::ObjectRoot;
///
/// let root = ObjectRoot::open("memory:///data")?;
/// let volume = root.ability("todo")?;
/// let path = FilePath::new("list.txt")?;
/// volume.commit(Change::write(path.clone(), b"milk").into())?;
/// assert_eq!(volume.read(&path, 1 << 20)?.contents(), b"milk");
/// # Ok::<(), ability_storage_engine::Error>(())
/// ```
#[derive(Clone)]
pub struct ObjectRoot {
    store: Arc<Store>,
    prefix: Path,
    options: ObjectRootOptions,
}

/// How an [`ObjectRoot`] is to be opened.
#[derive(Clone, Debug, Default)]
#[must_use = "options do nothing before a root is opened with them"]
pub struct ObjectRootOptions {
    limits: Limits,
    read_only: bool,
    skip_probe: bool,
    patience: Patience,
    cache: Option<BlobCache>,
    pub(crate) server: Server,
}

/// Where a provider's server is, if it is not the provider's own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Server {
    pub(crate) endpoint: Option<String>,
    pub(crate) allow_http: bool,
}

impl ObjectRootOptions {
    /// What each volume may hold. Default: [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether the volumes are for reading only. Then nothing is written into the
    /// store, and it is not probed. Default: `false`.
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// Whether to find out first that the store keeps conditions: a store that does
    /// not would lose updates. It takes some twenty requests, and writes and deletes
    /// objects beneath `<prefix>/.probe/`. Leave it out only for a store that has
    /// passed it in this configuration and wants its tags quoted. Default: `true`.
    pub fn probe(mut self, probe: bool) -> Self {
        self.skip_probe = !probe;
        self
    }

    /// How long to wait for the store. Default: [`Patience::default`].
    pub fn patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Where to keep copies of blobs. Default: nowhere.
    pub fn cache(mut self, cache: BlobCache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// The address of the server, for stores that are not the provider's own, such as
    /// `https://ceph.example.com`. Default: what the environment says, see
    /// [`open`](Self::open).
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.server.endpoint = Some(url.into());
        self
    }

    /// Whether the server may be spoken to without encryption. Default: `false`, or
    /// what the environment says.
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.server.allow_http = allow;
        self
    }

    /// Opens the root at `url`: `s3://bucket/prefix`, `gs://bucket/prefix`,
    /// `az://container/prefix`, or `memory:///prefix`, which is empty and gone with
    /// the process.
    ///
    /// Credentials and all else come from the environment variables that the
    /// provider's tools know, such as `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
    /// `AWS_REGION`, `AWS_ENDPOINT_URL` and `AWS_ALLOW_HTTP`,
    /// `GOOGLE_SERVICE_ACCOUNT`, `AZURE_STORAGE_ACCOUNT_NAME` and
    /// `AZURE_STORAGE_ACCOUNT_KEY`; on the provider's own machines also from their
    /// metadata service.
    ///
    /// Which of these urls a build knows is said by the features of this crate.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the url is wrong, the store does not answer, or it
    /// has no working conditional writes; the text says what is missing.
    pub fn open(self, url: &str) -> Result<ObjectRoot> {
        let location = Location::parse(url, &self).map_err(unavailable(url))?;
        let store = Store::new(location.store, self.patience);
        let store = match location.single_attempts {
            Some(heads) => store.with_single_attempts(heads),
            None => store,
        };
        self.open_store(store, location.prefix, url)
    }

    /// Opens the root at `prefix` of a store that was made elsewhere.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_in(self, store: Arc<dyn ObjectStore>, prefix: Path) -> Result<ObjectRoot> {
        let name = store.to_string();
        let store = Store::new(store, self.patience);
        self.open_store(store, prefix, &name)
    }

    fn open_store(self, mut store: Store, prefix: Path, name: &str) -> Result<ObjectRoot> {
        let (at, read_only, skips) = (prefix.clone(), self.read_only, self.skip_probe);
        let opened = runtime::wait(async move {
            match (read_only, skips) {
                // Whether there is anything at all.
                (true, _) => store.directories(&at).await.map(drop)?,
                (false, true) => {}
                (false, false) => probe(&mut store, &at).await?,
            }
            io::Result::Ok(store)
        });
        let store = opened
            .and_then(|opened| opened)
            .map_err(unavailable(name))?;
        Ok(ObjectRoot {
            store: Arc::new(store),
            prefix,
            options: self,
        })
    }
}

impl ObjectRoot {
    /// Opens the root at `url` with default options.
    ///
    /// # Errors
    ///
    /// See [`ObjectRootOptions::open`].
    pub fn open(url: &str) -> Result<Self> {
        Self::options().open(url)
    }

    /// To open a root with options that are not the defaults.
    pub fn options() -> ObjectRootOptions {
        ObjectRootOptions::default()
    }

    /// A volume as what it is, with a session of its own. No request is made before it
    /// is used.
    pub fn open_volume(&self, id: &VolumeId) -> ObjectVolume {
        let prefix = id
            .components()
            .fold(self.prefix.clone(), |prefix, component| {
                prefix.join(component)
            });
        let options = &self.options;
        let (cache, limits) = (options.cache.clone(), options.limits.clone());
        let ability = id.ability_id().map(str::to_owned);
        let (store, read_only) = (self.store.clone(), options.read_only);
        ObjectVolume::new(store, prefix, ability, cache, limits, read_only)
    }

    /// How many requests the volumes of this root have made so far.
    pub fn requests(&self) -> Requests {
        self.store.requests()
    }
}

impl Root for ObjectRoot {
    /// As [`open_volume`](ObjectRoot::open_volume), which cannot fail.
    fn volume(&self, id: &VolumeId) -> Result<Arc<dyn Volume>> {
        Ok(Arc::new(self.open_volume(id)))
    }

    /// The volumes that have ever been written to.
    fn list(&self) -> Result<Vec<VolumeId>> {
        let (store, prefix) = (self.store.clone(), self.prefix.clone());
        let listed = runtime::wait(async move {
            let top = store.directories(&prefix).await?;
            let abilities = prefix.join(VolumeId::ABILITIES);
            io::Result::Ok((top, store.directories(&abilities).await?))
        });
        let listed = listed.and_then(|listed| listed);
        let (top, abilities) =
            listed.map_err(|error| Error::unavailable("the volumes could not be listed", error))?;
        let abilities = abilities.iter().filter_map(|path| {
            let name = path.filename()?;
            // Names are encoded where they become keys.
            let name = percent_encoding::percent_decode_str(name)
                .decode_utf8()
                .ok()?;
            VolumeId::ability(&name).ok()
        });
        let user = VolumeId::user();
        let user_key = PathPart::from(VolumeId::USER);
        let has_user = top
            .iter()
            .any(|path| path.filename() == Some(user_key.as_ref()));
        Ok(abilities.chain(has_user.then_some(user)).collect())
    }
}

impl fmt::Debug for ObjectRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectRoot")
            .field("prefix", &self.prefix.as_ref())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

fn unavailable(name: &str) -> impl FnOnce(io::Error) -> Error {
    let what = format!("{name} could not be opened");
    move |error| Error::unavailable(what, error)
}
