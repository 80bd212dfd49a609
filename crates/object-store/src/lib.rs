//! Volumes of ability-storage on an object store: S3 and what speaks its protocol,
//! Google Cloud Storage, Azure Blob Storage.
//!
//! A volume is one object that lists its files, HEAD, and immutable blobs with what
//! is too long for that list. A commit uploads the blobs and then replaces HEAD on
//! the condition that it is what the commit was made of; so it happens whole or not
//! at all, however many files it changes, and no update is lost between clients.
//!
//! # Features
//!
//! | feature | what it builds in | by default |
//! |---|---|---|
//! | `aws` | `s3://`: Amazon S3 and what speaks its protocol | yes |
//! | `gcp` | `gs://`: Google Cloud Storage | yes |
//! | `azure` | `az://`: Azure Blob Storage | yes |
//!
//! With `default-features = false` there is `memory://`, and any store that a host makes itself
//! ([`ObjectRootOptions::open_in`]); nothing that speaks HTTP or TLS is built then.
//!
//! # The source
//!
//! | module | holds |
//! |---|---|
//! | `root`, `url` | from a url to volumes |
//! | `volume`, `reader`, `writer` | the calls of a volume |
//! | `change`, `commits` | from a batch to a commit, and commits that wait together |
//! | `head`, `file`, `heads` | what HEAD says, and how it is replaced exactly once |
//! | `space`, `spill`, `cache`, `tree` | blobs: where they are, what goes into them, copies of them, hashes of their pieces |
//! | `sweep`, `garbage` | removing blobs that are out of use, and how many bytes of them there may be |
//! | `probe` | whether a store can be used at all |
//! | `store`, `failure`, `patience`, `runtime` | requests, and what becomes of them |
//! | `accounts` | how much may be in the making |

#![deny(missing_docs)]

mod accounts;
mod cache;
#[cfg(test)]
mod cache_tests;
mod change;
mod commits;
mod failure;
#[cfg(test)]
mod fault_tests;
mod file;
mod garbage;
#[cfg(test)]
mod garbage_tests;
mod head;
mod heads;
#[cfg(test)]
mod model_tests;
mod patience;
mod probe;
#[cfg(test)]
mod probe_tests;
mod reader;
mod root;
mod runtime;
mod space;
mod spill;
mod store;
mod sweep;
#[cfg(test)]
mod sweep_tests;
#[cfg(test)]
mod testing;
mod tree;
mod url;
mod volume;
mod writer;
#[cfg(test)]
mod zombie_tests;

pub use cache::BlobCache;
/// What [`ObjectRootOptions::open_in`] takes.
pub use object_store;
pub use patience::Patience;
pub use root::{ObjectRoot, ObjectRootOptions};
pub use store::Requests;
pub use sweep::Swept;
pub use volume::ObjectVolume;
