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
//! let write = Change::write(path.clone(), b"first");
//! volume.commit(write.into())?;
//!
//! // Replace only what was read: no update of another writer is lost.
//! let seen = volume.read(&path, 1 << 20)?;
//! let write = Change::write(path.clone(), b"second");
//! volume.commit(write.clone().only_if(Precondition::Version(seen.version())).into())?;
//!
//! let stale = volume.commit(write.only_if(Precondition::Version(seen.version())).into());
//! assert!(matches!(stale, Err(Error::Conflict { .. })));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The source
//!
//! | module | holds |
//! |---|---|
//! | `volume` | the trait [`Volume`], and what its calls take and return |
//! | `causes` | an error of the system as one line |
//! | `path`, `volume_id`, `version`, `limits`, `error` | one type each, with its rules |
//! | `local` | [`LocalVolume`], a volume in a directory: commits, recovery, isolation |
//! | `memory` | [`MemoryVolume`], a volume for tests |
//! | `root`, `local_root` | many volumes by their ids |
//! | `spelling` | names that a file system takes for one |
//! | `quota` | a limit that several volumes share |
//! | `layers` | volumes over volumes: read-only, counted |
//! | [`author`] | for implementors of volumes: what a batch means, counters, conformance |
//! | `std_io` | adapters to `std::io` |
//! | `layout` | names on the disk, for tests of other crates |

#![deny(missing_docs)]

// First, for the macro that is in it.
#[macro_use]
mod volume;

pub mod author;
mod causes;
mod error;
mod layers;
#[doc(hidden)]
pub mod layout;
mod limits;
mod local;
mod local_root;
mod memory;
#[cfg(test)]
mod model_tests;
mod path;
mod quota;
mod root;
mod spelling;
mod std_io;
mod version;
mod volume_id;

use author::observe;
pub use author::observe::{CommitTimes, Counters};
pub use error::{Error, Outcome, Result};
pub use layers::{Counted, ReadOnly};
pub use limits::Limits;
pub use local::{Durability, LocalVolume, LocalVolumeOptions};
pub use local_root::{LocalRoot, LocalRootOptions};
pub use memory::MemoryVolume;
pub use path::{FilePath, PathError};
pub use quota::Quota;
pub use root::Root;
pub use std_io::{ReaderIo, WriterIo};
pub use version::{Version, VersionHasher};
pub use volume::{
    Batch, Change, FileEnd, FileInfo, Precondition, Reader, Snapshot, Step, Usage, Volume, Writer,
};
pub use volume_id::{IdError, VolumeId};
