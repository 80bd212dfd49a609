//! A file is an object, and replaced by one conditional request: the least that anything
//! on an object store can do that loses no update.

use super::Store;
use anyhow::{Context, Result};
use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutPayload, UpdateVersion};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use tokio::runtime::{Builder, Runtime};

pub struct Objects {
    store: AmazonS3,
    runtime: Runtime,
    /// What each object was when it was last written.
    tags: Mutex<HashMap<String, String>>,
}

impl Objects {
    pub fn new(store: AmazonS3) -> Result<Self> {
        let mut runtime = Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build();
        Ok(Self {
            store,
            runtime: runtime.context("no threads could be started")?,
            tags: Mutex::default(),
        })
    }

    fn tags(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.tags.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Objects {
    fn replace(&self, path: &str, contents: &[u8]) -> Result<()> {
        let mode = match self.tags().get(path) {
            Some(tag) => PutMode::Update(UpdateVersion {
                e_tag: Some(tag.clone()),
                version: None,
            }),
            None => PutMode::Overwrite,
        };
        let payload = PutPayload::from(contents.to_vec());
        let key = Path::from(format!("bare/{path}"));
        let put = self.store.put_opts(&key, payload, mode.into());
        let tag = self.runtime.block_on(put)?.e_tag.context("no tag")?;
        // As Ceph wants it.
        let tag = tag.trim_matches('"').to_owned();
        self.tags().insert(path.to_owned(), tag);
        Ok(())
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        let key = Path::from(format!("bare/{path}"));
        let contents = self
            .runtime
            .block_on(async { self.store.get(&key).await?.bytes().await });
        Ok(contents?.into())
    }
}
