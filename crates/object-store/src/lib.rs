//! Volumes of ability-storage on an object store: S3 and what speaks its protocol,
//! Google Cloud Storage, Azure Blob Storage.
//!
//! A volume is one object that lists its files, HEAD, and immutable blobs with what
//! is too long for that list. A commit uploads the blobs and then replaces HEAD on
//! the condition that it is what the commit was made of; so it happens whole or not
//! at all, however many files it changes, and no update is lost between clients.
//!
//! | module | holds |
//! |---|---|
//! | `root`, `url` | from a url to volumes |
//! | `volume`, `reader`, `writer` | the calls of a volume |
//! | `change`, `commits` | from a batch to a commit, and commits that wait together |
//! | `head`, `file`, `heads` | what HEAD says, and how it is replaced exactly once |
//! | `space`, `spill`, `cache` | blobs: where they are, what goes into them, copies of them |
//! | `sweep` | removing blobs that are out of use |
//! | `probe` | whether a store can be used at all |
//! | `store`, `failure`, `patience`, `runtime` | requests, and what becomes of them |
//! | `accounts` | how much may be in the making |

#![deny(missing_docs)]

mod accounts;
mod cache;
mod change;
mod commits;
mod failure;
#[cfg(test)]
mod fault_tests;
mod file;
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
mod url;
mod volume;
mod writer;

pub use cache::BlobCache;
/// What [`ObjectRootOptions::open_in`] takes.
pub use object_store;
pub use patience::Patience;
pub use root::{ObjectRoot, ObjectRootOptions};
pub use store::Requests;
pub use sweep::Swept;
pub use volume::ObjectVolume;
