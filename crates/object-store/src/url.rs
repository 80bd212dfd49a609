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
        #[cfg(not(any(feature = "aws", feature = "gcp", feature = "azure")))]
        let _ = options;
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
    let builder = match options.server.endpoint.clone().or(endpoint) {
        Some(endpoint) => builder.with_endpoint(endpoint),
        None => builder,
    };
    let mut client = client();
    if options.server.allow_http || is_set("AWS_ALLOW_HTTP") {
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
    let builder = match &options.server.endpoint {
        Some(endpoint) => builder.with_base_url(endpoint),
        None => builder,
    };
    let client = client().with_allow_http(options.server.allow_http);
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
    let builder = match &options.server.endpoint {
        Some(endpoint) => builder.with_endpoint(endpoint.clone()),
        None => builder,
    };
    let client = client().with_allow_http(options.server.allow_http);
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

/// What a url may begin with, and whether this build has it.
const SCHEMES: [(&str, bool); 4] = [
    ("s3://", cfg!(feature = "aws")),
    ("gs://", cfg!(feature = "gcp")),
    ("az://", cfg!(feature = "azure")),
    ("memory://", true),
];

fn unknown(url: &Url) -> io::Error {
    let scheme = format!("{}://", url.scheme());
    let names = |is_built: bool| {
        let of_kind = SCHEMES.iter().filter(move |(_, built)| *built == is_built);
        of_kind.map(|(name, _)| *name)
    };
    let known = names(true).collect::<Vec<_>>().join(", ");
    match names(false).any(|name| name == scheme) {
        true => wrong(&format!(
            "{scheme} is not part of this build of ability-storage-object-store: its feature is \
             off; {known} can be used"
        )),
        false => wrong(&format!("{scheme} is not known here; {known} can be used")),
    }
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_scheme_is_told_from_one_that_is_not_built_in() {
        let text = |url: &str| unknown(&Url::parse(url).expect("a url")).to_string();
        assert!(text("ftp://host/x").starts_with("ftp:// is not known here; "));
        for (scheme, is_built) in SCHEMES {
            let text = text(&format!("{scheme}x/y"));
            assert_eq!(text.contains("its feature is off"), !is_built, "{text}");
            let usable = text.split("; ").last().expect("a part");
            assert_eq!(usable.contains(scheme), is_built, "{text}");
        }
    }
}
