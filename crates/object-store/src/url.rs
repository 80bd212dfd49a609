//! From a url to a store: which provider it is, and what the environment says of it.

use crate::root::ObjectRootOptions;
use object_store::memory::InMemory;
use object_store::path::Path;
#[cfg(any(feature = "aws", feature = "gcp", feature = "azure"))]
use object_store::{ClientOptions, RetryConfig};
use object_store::{ObjectStore, ObjectStoreScheme};
use std::io;
use std::sync::Arc;
use url::Url;

/// A store, and where in it.
pub(crate) struct Location {
    pub(crate) store: Arc<dyn ObjectStore>,
    /// The same, but each request is one attempt.
    pub(crate) single_attempts: Option<Arc<dyn ObjectStore>>,
    pub(crate) prefix: Path,
}

/// For requests that may be repeated, and for those that must not, if that differs.
type Stores = (Arc<dyn ObjectStore>, Option<Arc<dyn ObjectStore>>);

impl Location {
    pub(crate) fn parse(url: &str, options: &ObjectRootOptions) -> io::Result<Self> {
        let parsed = Url::parse(url).map_err(io::Error::other)?;
        if parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(wrong("a url of a root has no `?` and no `#`"));
        }
        let (scheme, prefix) = ObjectStoreScheme::parse(&parsed).map_err(|_| unknown(&parsed))?;
        let (store, single_attempts): Stores = match scheme {
            ObjectStoreScheme::Memory => (Arc::new(InMemory::new()), None),
            #[cfg(feature = "aws")]
            ObjectStoreScheme::AmazonS3 => both(|retry| aws(url, options, retry))?,
            #[cfg(feature = "gcp")]
            ObjectStoreScheme::GoogleCloudStorage => both(|retry| gcp(url, options, retry))?,
            #[cfg(feature = "azure")]
            ObjectStoreScheme::MicrosoftAzure => both(|retry| azure(url, options, retry))?,
            _ => return Err(unknown(&parsed)),
        };
        Ok(Self {
            store,
            single_attempts,
            prefix,
        })
    }
}

#[cfg(any(feature = "aws", feature = "gcp", feature = "azure"))]
fn both<S: ObjectStore>(
    build: impl Fn(RetryConfig) -> object_store::Result<S>,
) -> io::Result<Stores> {
    // Parts of a long blob can be sent again only by the store itself.
    let some = RetryConfig {
        max_retries: 5,
        retry_timeout: std::time::Duration::from_secs(30),
        ..RetryConfig::default()
    };
    let none = RetryConfig {
        max_retries: 0,
        ..RetryConfig::default()
    };
    let build = |retry| build(retry).map_err(io::Error::other);
    Ok((Arc::new(build(some)?), Some(Arc::new(build(none)?))))
}

#[cfg(any(feature = "aws", feature = "gcp", feature = "azure"))]
fn client() -> ClientOptions {
    // Each request has a limit of its own.
    ClientOptions::new()
        .with_timeout_disabled()
        .with_connect_timeout(std::time::Duration::from_secs(5))
}

#[cfg(feature = "aws")]
fn aws(
    url: &str,
    options: &ObjectRootOptions,
    retry: RetryConfig,
) -> object_store::Result<object_store::aws::AmazonS3> {
    let builder = object_store::aws::AmazonS3Builder::from_env();
    // The tools of the provider know one more name for it than the library does.
    let endpoint = std::env::var("AWS_ENDPOINT_URL_S3").ok();
    let builder = match options.endpoint.clone().or(endpoint) {
        Some(endpoint) => builder.with_endpoint(endpoint),
        None => builder,
    };
    let mut client = client();
    if options.allow_http || is_set("AWS_ALLOW_HTTP") {
        client = client.with_allow_http(true);
    }
    builder
        .with_url(url)
        .with_client_options(client)
        .with_retry(retry)
        .build()
}

#[cfg(feature = "gcp")]
fn gcp(
    url: &str,
    options: &ObjectRootOptions,
    retry: RetryConfig,
) -> object_store::Result<object_store::gcp::GoogleCloudStorage> {
    let builder = object_store::gcp::GoogleCloudStorageBuilder::from_env();
    let builder = match &options.endpoint {
        Some(endpoint) => builder.with_base_url(endpoint),
        None => builder,
    };
    let client = client().with_allow_http(options.allow_http);
    builder
        .with_url(url)
        .with_client_options(client)
        .with_retry(retry)
        .build()
}

#[cfg(feature = "azure")]
fn azure(
    url: &str,
    options: &ObjectRootOptions,
    retry: RetryConfig,
) -> object_store::Result<object_store::azure::MicrosoftAzure> {
    let builder = object_store::azure::MicrosoftAzureBuilder::from_env();
    let builder = match &options.endpoint {
        Some(endpoint) => builder.with_endpoint(endpoint.clone()),
        None => builder,
    };
    let client = client().with_allow_http(options.allow_http);
    builder
        .with_url(url)
        .with_client_options(client)
        .with_retry(retry)
        .build()
}

#[cfg(feature = "aws")]
fn is_set(variable: &str) -> bool {
    let value = std::env::var(variable);
    value.is_ok_and(|value| matches!(value.to_lowercase().as_str(), "1" | "true" | "yes" | "on"))
}

fn unknown(url: &Url) -> io::Error {
    wrong(&format!(
        "{}:// is not known here; s3://, gs://, az:// and memory:// are",
        url.scheme()
    ))
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what.to_owned())
}
