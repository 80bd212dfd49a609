//! The probe: whether a store does what commits rest on. A store that takes a
//! condition and does not keep it would lose updates without a word.

use crate::failure::Effect;
use crate::store::{Found, Store, Tag, TagStyle};
use bytes::Bytes;
use futures_util::future::join_all;
use object_store::path::Path;
use std::fmt;
use std::io;
use std::time::Duration;
use uuid::Uuid;

/// How many try to create one object at once.
const AT_ONCE: usize = 8;

/// How long it may take to remove what the probe has written.
const CLEAN_UP: Duration = Duration::from_secs(5);

/// Finds out how the store wants to be asked, and that it keeps conditions. Leaves
/// nothing behind if it comes to its end.
///
/// # Errors
///
/// What the store lacks, and on which request it showed; or that it did not answer.
pub(crate) async fn probe(store: &mut Store, prefix: &Path) -> io::Result<()> {
    let probes = prefix.clone().join(".probe");
    let one = probes.clone().join(Uuid::new_v4().simple().to_string());
    let many = probes.join(Uuid::new_v4().simple().to_string());
    let result = replaces(store, &one).await;
    let result = match result {
        Ok(()) => creates_once(store, &many).await,
        failed => failed,
    };
    // What is wrong with the store must not have to wait for what cannot be deleted.
    let deletes = join_all([store.delete(&one), store.delete(&many)]);
    match tokio::time::timeout(CLEAN_UP, deletes).await {
        Ok(deleted) if deleted.iter().all(Result::is_ok) => {}
        _ => tracing::debug!("a probe is left behind"),
    }
    result
}

/// One writer: a second create and an update of another state must be refused, an
/// update of the state that is there must be made.
async fn replaces(store: &mut Store, key: &Path) -> io::Result<()> {
    let first = put(store, key, "1", None).await;
    first?.ok_or_else(|| {
        lacks(
            "it refused to create an object that does not exist",
            "PUT with `If-None-Match: *`",
        )
    })?;
    let stale = tag_of(store, key, "1").await?;
    if put(store, key, "2", None).await?.is_some() {
        let what = "it created an object that existed already: it ignores conditions";
        return Err(lacks(what, "the second PUT with `If-None-Match: *`"));
    }
    if put(store, key, "2", Some(&stale)).await?.is_none() {
        // Ceph takes the quotation marks for a part of the tag.
        store.set_tag_style(TagStyle::Unquoted);
        put(store, key, "2", Some(&stale)).await?.ok_or_else(|| {
            let what = "it refused to replace an object whose state it was told rightly";
            lacks(what, "PUT with `If-Match`, quoted and unquoted")
        })?;
    }
    let current = tag_of(store, key, "2").await?;
    if current == stale {
        let what = "it gives two contents of an object the same tag";
        return Err(lacks(what, "GET after PUT with `If-Match`"));
    }
    if put(store, key, "3", Some(&stale)).await?.is_some() {
        let what = "it replaced an object that had changed since: it ignores conditions";
        return Err(lacks(what, "PUT with `If-Match` of an old state"));
    }
    tag_of(store, key, "2").await?;
    let told = put(store, key, "3", Some(&current)).await?.ok_or_else(|| {
        let what = "it refused to replace an object whose state it was told rightly";
        lacks(what, "the second PUT with `If-Match`")
    })?;
    let found = tag_of(store, key, "3").await?;
    if told.is_some_and(|told| told != found) {
        store.distrust_tags_of_writes();
    }
    Ok(())
}

/// Many writers: one of them creates the object.
async fn creates_once(store: &Store, key: &Path) -> io::Result<()> {
    let contents: Vec<String> = (0..AT_ONCE).map(|number| number.to_string()).collect();
    let puts = contents
        .iter()
        .map(|contents| put(store, key, contents, None));
    let mut winners = Vec::new();
    for (put, contents) in join_all(puts).await.into_iter().zip(&contents) {
        if put?.is_some() {
            winners.push(contents);
        }
    }
    match winners[..] {
        [winner] => tag_of(store, key, winner).await.map(drop),
        _ => Err(lacks(
            &format!(
                "{} of {AT_ONCE} writers created the same object",
                winners.len()
            ),
            "PUT with `If-None-Match: *`, several at once",
        )),
    }
}

/// `None` if the store says that the condition does not hold.
async fn put(
    store: &Store,
    key: &Path,
    contents: &str,
    state: Option<&Tag>,
) -> io::Result<Option<Option<Tag>>> {
    let contents = Bytes::copy_from_slice(contents.as_bytes());
    let request = match state {
        None => "PUT with `If-None-Match: *`",
        Some(_) => "PUT with `If-Match`",
    };
    match store.put_if(key, contents, state).await {
        Ok(tag) => Ok(Some(tag)),
        Err((Effect::Conflict, _)) => Ok(None),
        Err((Effect::Missing, _)) if state.is_some() => Ok(None),
        Err((Effect::Missing, _)) => Err(lacks("there is no such bucket or container", request)),
        Err((_, error)) if error.kind() == io::ErrorKind::Unsupported => {
            let what = format!("it has no conditional writes: {error}");
            Err(lacks(&what, request))
        }
        Err((effect, error)) => {
            let advice = match error.kind() {
                io::ErrorKind::PermissionDenied => NEEDED_RIGHTS,
                _ if effect == Effect::Refused => REFUSED,
                _ => "",
            };
            let kind = error.kind();
            let at = At {
                request,
                error,
                advice,
            };
            Err(io::Error::new(kind, at))
        }
    }
}

/// The state of the object, which must have these contents.
async fn tag_of(store: &Store, key: &Path, contents: &str) -> io::Result<Tag> {
    match store.get_unless(key, None).await? {
        Found::Object(object) if object.contents == contents.as_bytes() => Ok(object.tag),
        _ => Err(lacks(
            "it does not give back what it was given last",
            "GET after PUT",
        )),
    }
}

fn lacks(what: &str, request: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        format!("the object store cannot be used, for {what} ({request})"),
    )
}

const NEEDED_RIGHTS: &str = "; the credentials must be allowed to read, write, list and delete \
     objects under the prefix";

const REFUSED: &str = "; either it has no conditional writes, or the region, the credentials or \
     the name of the bucket are wrong";

/// An error, on which request it was, what to do, and all that is behind it.
#[derive(Debug)]
struct At {
    request: &'static str,
    error: io::Error,
    advice: &'static str,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}){}", self.error, self.request, self.advice)
    }
}

impl std::error::Error for At {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}
