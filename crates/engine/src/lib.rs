//! Whole files, changed in one step: durably, or not at all.
//!
//! The commit engine of ability-storage. It knows nothing of WebAssembly; the
//! crate `ability-storage` puts it behind the interface `ability:storage`.
//!
//! ```
//! use ability_storage_engine::{Change, Error, FilePath, LocalVolume, Precondition, Volume};
//!
//! let directory = tempfile::tempdir()?;
//! let volume = LocalVolume::open(directory.path())?;
//! let path = FilePath::new("notes/today.md")?;
//!
//! // Whole and durable when `commit` returns, or not at all.
//! let write = Change::Write { path: path.clone(), contents: b"first".to_vec() };
//! volume.commit(write.into())?;
//!
//! // Replace only what was read: no update of another writer is lost.
//! let seen = volume.read(&path, 1 << 20)?;
//! let write = Change::Write { path: path.clone(), contents: b"second".to_vec() };
//! volume.commit(write.clone().only_if(Precondition::Version(seen.version())).into())?;
//!
//! let stale = volume.commit(write.only_if(Precondition::Version(seen.version())).into());
//! assert!(matches!(stale, Err(Error::Conflict { .. })));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![deny(missing_docs)]

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod error;
mod limits;
mod local;
mod memory;
#[cfg(test)]
mod model_tests;
pub mod observe;
mod path;
pub mod table;
mod version;
mod volume;
mod volume_id;

pub use error::{Error, Outcome, Result};
pub use limits::Limits;
pub use local::{Durability, LocalVolume, LocalVolumeOptions};
pub use memory::MemoryVolume;
pub use observe::Counters;
pub use path::{FilePath, PathError};
pub use version::{Hasher, Version};
pub use volume::{
    Batch, Change, FileInfo, Precondition, Reader, Snapshot, Step, Usage, Volume, Writer,
};
pub use volume_id::VolumeId;
