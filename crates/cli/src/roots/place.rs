//! `Place`: a directory or a url, as a person writes it.

use clap::builder::{OsStringValueParser, TypedValueParser};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// The urls of roots, with what they are the urls of.
const SCHEMES: [&str; 4] = ["s3", "gs", "az", "memory"];

/// Where a root is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Directory(PathBuf),
    Url(String),
}

impl Place {
    /// Reads what was written on the command line: what has `://` in it is a url.
    pub fn parser() -> impl TypedValueParser<Value = Self> {
        OsStringValueParser::new().try_map(Self::parse)
    }

    fn parse(text: OsString) -> Result<Self, String> {
        let Some((scheme, rest)) = text.to_str().and_then(|text| text.split_once("://")) else {
            return match text.is_empty() {
                true => Err("neither a directory nor a url".to_owned()),
                false => Ok(Self::Directory(text.into())),
            };
        };
        if !SCHEMES.contains(&scheme) {
            return Err(format!(
                "{scheme}:// is not known here; s3://, gs://, az:// and memory:// are"
            ));
        }
        let bucket = rest.split('/').next().unwrap_or_default();
        if scheme == "memory" && !bucket.is_empty() {
            return Err("a url in memory has no server, such as memory:///data".to_owned());
        }
        if scheme != "memory" && bucket.is_empty() {
            return Err(format!(
                "the bucket is missing, as in {scheme}://bucket/prefix"
            ));
        }
        Ok(Self::Url(format!("{scheme}://{rest}")))
    }

    pub fn is_url(&self) -> bool {
        matches!(self, Self::Url(_))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => path.display().fmt(f),
            Self::Url(url) => f.write_str(url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let place = |text: &str| Place::parse(text.into());
        for directory in ["data", "./s3:/x", "/a/b", "s3:", "c:\\data"] {
            assert_eq!(place(directory), Ok(Place::Directory(directory.into())));
        }
        for url in [
            "s3://bucket",
            "gs://bucket/a/b",
            "az://box/",
            "memory://",
            "memory:///a",
        ] {
            assert_eq!(place(url), Ok(Place::Url(url.to_owned())));
        }
        for (wrong, reason) in [
            ("", "neither"),
            ("://", "not known"),
            ("file:///data", "not known"),
            ("S3://bucket", "not known"),
            ("https://example.com/data", "not known"),
            ("s3://", "bucket is missing"),
            ("s3:///prefix", "bucket is missing"),
            ("memory://data", "no server"),
        ] {
            let error = place(wrong).expect_err(wrong);
            assert!(error.contains(reason), "{wrong}: {error}");
        }
    }
}
