//! A store of a provider, or of what stands in for one, for tests that are to be tried
//! there.
//!
//! Must leave nothing behind in a bucket that is somebody's, and touch nothing else in it.

use ability_storage_object_store::object_store::{self, ObjectStore, ObjectStoreExt};
use futures_util::TryStreamExt;
use tokio::runtime::Builder;
use url::Url;
use uuid::Uuid;

/// Names the store, as a url such as `s3://bucket/prefix`.
const VARIABLE: &str = "ABILITY_STORAGE_TEST_ROOT";

/// A prefix of its own beneath what the variable names. What is there is removed when
/// this is dropped.
pub struct Place {
    url: String,
}

impl Place {
    /// `None`, with a line that says so, if the variable names no store.
    pub fn new() -> Option<Self> {
        let Ok(root) = std::env::var(VARIABLE) else {
            eprintln!("skipped: {VARIABLE} names no store");
            return None;
        };
        let url = format!("{}/{}", root.trim_end_matches('/'), Uuid::new_v4());
        Some(Self { url })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    fn remove(&self) -> object_store::Result<()> {
        let url = Url::parse(&self.url).expect("it was one before");
        let mut options: Vec<(String, String)> = std::env::vars().collect();
        options.push(("allow_http".to_owned(), "true".to_owned()));
        let (store, prefix) = object_store::parse_url_opts(&url, options)?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let store = &store;
        let removed = store
            .list(Some(&prefix))
            .try_for_each(|object| async move { store.delete(&object.location).await });
        runtime.expect("a runtime").block_on(removed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            eprintln!("{} is left behind: {error}", self.url);
        }
    }
}
