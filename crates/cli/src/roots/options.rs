//! The options of the command line that are about object stores.

use crate::roots::Place;
use crate::size::bytes;
use clap::Args;
use std::path::{Path, PathBuf};

/// How the server of a store is reached.
#[derive(Args, Default)]
#[command(next_help_heading = "Object stores")]
pub struct StoreOptions {
    /// The address of the server, if it is not the provider's own
    ///
    /// For what speaks the protocol of a provider, such as MinIO or Ceph:
    /// `https://ceph.example.com`. Credentials, region and all else come from the
    /// environment variables that the provider's own tools use (AWS_ACCESS_KEY_ID and so
    /// on).
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,

    /// Speak to it without encryption, if the address begins with http://
    ///
    /// What is sent can then be read and changed on the way.
    #[arg(long)]
    pub allow_http: bool,
}

/// Where copies of what a store holds are kept.
#[derive(Args, Default)]
#[command(next_help_heading = "Object stores")]
pub struct CacheOptions {
    /// Keep copies of what was read or written in a directory
    ///
    /// Reading what has not changed then costs one short request. Use one directory
    /// for one store, and for nothing else; it can be deleted at any time.
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,

    /// How much of it to keep
    ///
    /// In bytes, or with K, M or G. What was not used for longest is removed first.
    #[arg(long, value_name = "N", value_parser = bytes, default_value = "256M", requires = "cache")]
    pub cache_bytes: u64,
}

impl StoreOptions {
    /// That they are given where they mean something: if one of the places is a store.
    pub fn check(&self, places: &[&Place]) -> Result<(), String> {
        let has_store = places.iter().any(|place| place.is_url());
        if has_store {
            return Ok(());
        }
        match (&self.endpoint, self.allow_http) {
            (Some(_), _) => Err(only_for_stores("--endpoint")),
            (None, true) => Err(only_for_stores("--allow-http")),
            (None, false) => Ok(()),
        }
    }
}

impl CacheOptions {
    /// That they are given where they mean something.
    pub fn check(&self, place: &Place) -> Result<(), String> {
        match &self.cache {
            Some(_) if !place.is_url() => Err(only_for_stores("--cache")),
            _ => Ok(()),
        }
    }

    /// Where the cache is and how long it may become, if there is to be one.
    #[cfg_attr(not(feature = "object-store"), allow(dead_code))]
    pub fn chosen(&self) -> Option<(&Path, u64)> {
        let cache = self.cache.as_deref()?;
        Some((cache, self.cache_bytes))
    }
}

fn only_for_stores(option: &str) -> String {
    format!("{option} is for object stores (s3://, gs://, az://), and this is a directory")
}
