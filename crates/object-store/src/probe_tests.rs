//! Stores that lie, each in its own way: the probe must say what is missing, and on
//! which request it showed.

use crate::ObjectRoot;
use crate::testing::file;
use ability_storage_engine::{Change, Error, Volume, VolumeId};
use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::fmt;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    IgnoresCreate,
    IgnoresUpdate,
    RefusesUpdate,
    HasNoConditions,
    /// No lie: the credentials may not write.
    Denies,
    /// It looks whether there is an object, and then writes, without a lock.
    LooksThenWrites,
    ForgetsWrites,
    HasNoBucket,
    /// No lie: tags without quotation marks, like Ceph.
    WantsUnquoted,
    /// No lie, but of no use: other tags for a write than for a read.
    TellsOtherTags,
}

#[derive(Debug)]
struct LyingStore {
    inner: InMemory,
    lie: Lie,
}

impl fmt::Display for LyingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LyingStore")
    }
}

#[async_trait]
impl ObjectStore for LyingStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        mut options: PutOptions,
    ) -> Result<PutResult> {
        match (self.lie, &mut options.mode) {
            (Lie::HasNoBucket, _) => {
                return Err(no_bucket());
            }
            (Lie::Denies, _) => {
                return Err(object_store::Error::PermissionDenied {
                    path: String::new(),
                    source: "status 403".into(),
                });
            }
            (Lie::HasNoConditions, PutMode::Create | PutMode::Update(_)) => {
                return Err(object_store::Error::NotImplemented {
                    operation: "conditions".to_owned(),
                    implementer: "LyingStore".to_owned(),
                });
            }
            (Lie::IgnoresCreate, mode @ PutMode::Create) => *mode = PutMode::Overwrite,
            (Lie::IgnoresUpdate, mode @ PutMode::Update(_)) => *mode = PutMode::Overwrite,
            (Lie::RefusesUpdate, PutMode::Update(version)) => {
                version.e_tag = Some("another".to_owned());
            }
            (Lie::LooksThenWrites, mode @ PutMode::Create)
                if self.inner.head(location).await.is_err() =>
            {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                *mode = PutMode::Overwrite;
            }
            (Lie::WantsUnquoted, PutMode::Update(version)) => {
                let tag = version.e_tag.take().unwrap_or_default();
                version.e_tag = Some(match tag.contains('"') {
                    true => "another".to_owned(),
                    false => format!("\"{tag}\""),
                });
            }
            (Lie::ForgetsWrites, PutMode::Update(_)) => {
                let meta = self.inner.head(location).await?;
                return Ok(PutResult {
                    e_tag: meta.e_tag,
                    version: None,
                    extensions: Default::default(),
                });
            }
            _ => {}
        }
        let mut result = self.inner.put_opts(location, payload, options).await?;
        if self.lie == Lie::TellsOtherTags {
            result.e_tag = Some("another".to_owned());
        }
        Ok(result)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        if self.lie == Lie::HasNoBucket {
            return Err(no_bucket());
        }
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

fn no_bucket() -> object_store::Error {
    object_store::Error::NotFound {
        path: String::new(),
        source: "no such bucket".into(),
    }
}

fn open(lie: Lie) -> ability_storage_engine::Result<ObjectRoot> {
    let inner = InMemory::new();
    let store = Arc::new(LyingStore { inner, lie });
    ObjectRoot::options().open_in(store, Path::from("root"))
}

#[test]
fn a_store_that_lies_is_refused_in_words() {
    for (lie, words) in [
        (
            Lie::IgnoresCreate,
            [
                "it ignores conditions",
                "the second PUT with `If-None-Match: *`",
            ],
        ),
        (
            Lie::IgnoresUpdate,
            ["had changed since", "PUT with `If-Match` of an old state"],
        ),
        (
            Lie::RefusesUpdate,
            ["refused to replace", "quoted and unquoted"],
        ),
        (
            Lie::HasNoConditions,
            ["conditional writes", "PUT with `If-None-Match: *`"],
        ),
        (Lie::LooksThenWrites, ["8 of 8 writers", "several at once"]),
        (Lie::ForgetsWrites, ["does not give back", "GET after PUT"]),
        (
            Lie::HasNoBucket,
            ["no such bucket", "PUT with `If-None-Match: *`"],
        ),
    ] {
        let error = open(lie).expect_err("it lies");
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        let text = format!("{error}: {:?}", std::error::Error::source(&error));
        for words in words {
            assert!(text.contains(words), "{lie:?}: {text}");
        }
    }
}

#[test]
fn denied_requests_are_not_missing_conditions() {
    let error = open(Lie::Denies).expect_err("it may not be written");
    let text = error.to_string();
    assert!(text.contains("the object store denied it"), "{text}");
    assert!(text.contains("credentials must be allowed"), "{text}");
    assert!(!text.contains("conditional"), "{text}");
}

#[test]
fn a_bucket_that_is_missing_is_no_empty_one() {
    let store = Arc::new(LyingStore {
        inner: InMemory::new(),
        lie: Lie::HasNoBucket,
    });
    let options = ObjectRoot::options().read_only(true);
    let error = options
        .open_in(store, Path::from("root"))
        .expect_err("no bucket");
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
}

#[test]
fn a_store_that_wants_unquoted_tags_gets_them() {
    can_be_used(Lie::WantsUnquoted);
}

#[test]
fn a_store_whose_writes_tell_other_tags_is_asked_again() {
    can_be_used(Lie::TellsOtherTags);
}

fn can_be_used(lie: Lie) {
    let root = open(lie).expect("no lie");
    let volume = root.open_volume(&VolumeId::user());
    for contents in ["1", "2", "3"] {
        let path = file("a");
        let write = Change::write(path.clone(), contents);
        volume.commit(write.into()).expect("committed");
        let read = volume.read(&path, 10).expect("read").into_contents();
        assert_eq!(read, contents.as_bytes());
    }
}

#[test]
fn a_probe_leaves_nothing_behind() {
    let store = Arc::new(InMemory::new());
    let root = ObjectRoot::options().open_in(store.clone(), Path::from("root"));
    root.expect("opened");
    let listed = crate::runtime::wait(async move {
        let listed: Vec<_> = store.list(None).collect().await;
        listed.len()
    });
    assert_eq!(listed.expect("a runtime"), 0);
}
