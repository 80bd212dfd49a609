//! `Store`: an object store as volumes see it: few kinds of requests, each with a
//! time limit, repeated while that is harmless.
//!
//! Must never repeat a conditional write: whether that is harmless only its author
//! can tell.

use crate::failure::{Effect, timed_out, told};
use crate::patience::{Attempts, Patience};
use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMode, PutPayload, PutResult, UpdateVersion,
};
use std::future::Future;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many requests were made so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Requests {
    /// For an object, or for whether it has changed.
    pub gets: u64,
    /// With an object, or a part of one.
    pub puts: u64,
    /// For a list of objects.
    pub lists: u64,
    /// That remove an object.
    pub deletes: u64,
}

#[derive(Default)]
struct Counters {
    gets: AtomicU64,
    puts: AtomicU64,
    lists: AtomicU64,
    deletes: AtomicU64,
}

/// How the state of an object is told to the store that is to change it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TagStyle {
    /// As the store gives it.
    #[default]
    AsGiven,
    /// Without the quotation marks, which Ceph takes for a part of it.
    Unquoted,
}

/// Which object it was, for a request that is to replace that one.
pub(crate) type Tag = UpdateVersion;

/// An object that was asked for.
pub(crate) struct Object {
    pub(crate) contents: Bytes,
    pub(crate) tag: Tag,
}

/// What there was to be had under a condition.
pub(crate) enum Found {
    Object(Object),
    Unchanged,
    Nothing,
}

pub(crate) struct Store {
    /// For conditional writes: makes one attempt for each request if it is one that
    /// this crate has made.
    heads: Arc<dyn ObjectStore>,
    /// For all else: may make several.
    blobs: Arc<dyn ObjectStore>,
    makes_one_attempt: bool,
    patience: Patience,
    tag_style: TagStyle,
    /// Whether an answer to a write tells the tag that a read would.
    tells_tags: bool,
    counters: Counters,
}

impl Store {
    /// A store that somebody else has made.
    pub(crate) fn new(store: Arc<dyn ObjectStore>, patience: Patience) -> Self {
        Self {
            heads: store.clone(),
            blobs: store,
            makes_one_attempt: false,
            patience,
            tag_style: TagStyle::default(),
            tells_tags: true,
            counters: Counters::default(),
        }
    }

    /// This store, where `heads` is the same but repeats no request by itself.
    pub(crate) fn with_single_attempts(mut self, heads: Arc<dyn ObjectStore>) -> Self {
        self.heads = heads;
        self.makes_one_attempt = true;
        self
    }

    pub(crate) fn set_tag_style(&mut self, style: TagStyle) {
        self.tag_style = style;
    }

    /// From now on, what was written has to be read to learn its tag.
    pub(crate) fn distrust_tags_of_writes(&mut self) {
        self.tells_tags = false;
    }

    /// Whether each request for a conditional write is one attempt.
    pub(crate) fn makes_one_attempt(&self) -> bool {
        self.makes_one_attempt
    }

    pub(crate) fn attempts(&self) -> Attempts {
        Attempts::new(self.patience)
    }

    pub(crate) fn requests(&self) -> Requests {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Requests {
            gets: get(&self.counters.gets),
            puts: get(&self.counters.puts),
            lists: get(&self.counters.lists),
            deletes: get(&self.counters.deletes),
        }
    }

    /// One attempt to create an object (`state` is none), or to replace the one that
    /// is of this state. Its new state, if the store tells it.
    pub(crate) async fn put_if(
        &self,
        key: &Path,
        contents: Bytes,
        state: Option<&Tag>,
    ) -> Result<Option<Tag>, (Effect, io::Error)> {
        let mode = match state {
            None => PutMode::Create,
            Some(tag) => PutMode::Update(self.styled(tag)),
        };
        count(&self.counters.puts);
        let limit = self.limit(contents.len() as u64);
        let put = self.heads.put_opts(key, contents.into(), mode.into());
        match tokio::time::timeout(limit, put).await {
            Ok(Ok(result)) => Ok(tag_of_put(result).filter(|_| self.tells_tags)),
            Ok(Err(error)) => Err((Effect::of(&error, self.makes_one_attempt), told(error))),
            Err(_) => Err((Effect::Unknown, timed_out())),
        }
    }

    /// An object, unless it is still the one that has this tag.
    pub(crate) async fn get_unless(&self, key: &Path, known: Option<&Tag>) -> io::Result<Found> {
        let known = known.and_then(|tag| tag.e_tag.as_deref());
        let get = || async {
            count(&self.counters.gets);
            let options = GetOptions::new().with_if_none_match(known);
            match self.heads.get_opts(key, options).await {
                Ok(result) => Ok(Found::Object(object(result).await?)),
                Err(Error::NotModified { .. }) => Ok(Found::Unchanged),
                Err(Error::NotFound { .. }) => Ok(Found::Nothing),
                Err(error) => Err(error),
            }
        };
        let found = self.retrying(0, get).await?;
        Ok(match found {
            // It was sent all the same.
            Found::Object(object) if known.is_some() && object.tag.e_tag.as_deref() == known => {
                Found::Unchanged
            }
            found => found,
        })
    }

    /// Creates an object under a key that nobody else uses.
    pub(crate) async fn create(&self, key: &Path, contents: Bytes) -> io::Result<()> {
        let put = || async {
            count(&self.counters.puts);
            let payload = PutPayload::from(contents.clone());
            let put = self.blobs.put_opts(key, payload, PutMode::Create.into());
            match put.await {
                // By an attempt whose answer was lost.
                Ok(_) | Err(Error::AlreadyExists { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        };
        self.retrying(contents.len() as u64, put).await
    }

    /// Creates or replaces an object of which the latest is as good as any.
    pub(crate) async fn put(&self, key: &Path, contents: Bytes) -> io::Result<()> {
        let put = || async {
            count(&self.counters.puts);
            let put = self.blobs.put(key, contents.clone().into());
            put.await.map(drop)
        };
        self.retrying(contents.len() as u64, put).await
    }

    /// All of an object, or some of its bytes.
    pub(crate) async fn get(
        &self,
        key: &Path,
        size: u64,
        range: Option<Range<u64>>,
    ) -> io::Result<Bytes> {
        let get = || async {
            count(&self.counters.gets);
            let options = GetOptions::new().with_range(range.clone());
            self.blobs.get_opts(key, options).await?.bytes().await
        };
        self.retrying(size, get).await
    }

    /// Makes a copy of an object of `size` bytes, in the store. There is all of it or
    /// none.
    pub(crate) async fn copy(&self, from: &Path, to: &Path, size: u64) -> io::Result<()> {
        let copy = || async {
            count(&self.counters.puts);
            self.blobs.copy(from, to).await
        };
        self.retrying(size, copy).await
    }

    /// The length of an object.
    pub(crate) async fn size(&self, key: &Path) -> io::Result<u64> {
        let head = || async {
            count(&self.counters.gets);
            Ok(self.blobs.head(key).await?.size)
        };
        self.retrying(0, head).await
    }

    /// Removes an object, if it is there.
    pub(crate) async fn delete(&self, key: &Path) -> io::Result<()> {
        let delete = || async {
            count(&self.counters.deletes);
            match self.blobs.delete(key).await {
                Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        };
        self.retrying(0, delete).await
    }

    /// All objects beneath `prefix`.
    pub(crate) async fn list(&self, prefix: &Path) -> io::Result<Vec<ObjectMeta>> {
        let list = || async {
            count(&self.counters.lists);
            self.blobs.list(Some(prefix)).try_collect().await
        };
        // A list comes in pages of a thousand; nobody knows how many.
        self.retrying(60 << 20, list).await
    }

    /// The names of what there is directly beneath `prefix` with more beneath it.
    pub(crate) async fn directories(&self, prefix: &Path) -> io::Result<Vec<Path>> {
        let list = || async {
            count(&self.counters.lists);
            let listed = self.blobs.list_with_delimiter(Some(prefix)).await?;
            Ok(listed.common_prefixes)
        };
        self.retrying(60 << 20, list).await
    }

    /// Begins an object that is sent in parts.
    pub(crate) async fn begin(&self, key: &Path) -> io::Result<Box<dyn MultipartUpload>> {
        let begin = || async {
            count(&self.counters.puts);
            self.blobs.put_multipart(key).await
        };
        self.retrying(0, begin).await
    }

    /// Notes a part, which goes on its way elsewhere.
    pub(crate) fn count_part(&self) {
        count(&self.counters.puts);
    }

    /// The time that a request with so many bytes is given.
    pub(crate) fn limit(&self, bytes: u64) -> std::time::Duration {
        self.patience.request_of(bytes)
    }

    /// Makes requests until one succeeds, is refused, or it has been long enough.
    async fn retrying<T, F>(&self, bytes: u64, request: impl Fn() -> F) -> io::Result<T>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut attempts = self.attempts();
        loop {
            let answer = tokio::time::timeout(self.limit(bytes), request()).await;
            let error = match answer {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => match Effect::of(&error, false) {
                    Effect::Unknown | Effect::NotSent => told(error),
                    Effect::Conflict | Effect::Missing | Effect::Refused => {
                        return Err(told(error));
                    }
                },
                Err(_) => timed_out(),
            };
            if !attempts.next().await {
                return Err(error);
            }
        }
    }

    fn styled(&self, tag: &Tag) -> Tag {
        let mut tag = tag.clone();
        if self.tag_style == TagStyle::Unquoted {
            tag.e_tag = tag.e_tag.map(|e_tag| e_tag.trim_matches('"').to_owned());
        }
        tag
    }
}

async fn object(result: GetResult) -> Result<Object, Error> {
    let tag = Tag {
        e_tag: result.meta.e_tag.clone(),
        version: result.meta.version.clone(),
    };
    Ok(Object {
        contents: result.bytes().await?,
        tag,
    })
}

fn tag_of_put(result: PutResult) -> Option<Tag> {
    let is_told = result
        .e_tag
        .as_ref()
        .is_some_and(|tag| !tag.trim_matches('"').is_empty());
    (is_told || result.version.is_some()).then(|| result.into())
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
