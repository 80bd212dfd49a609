//! Ways to replace a file: ours, those of others, and what no way can beat.
//!
//! | module | holds |
//! |---|---|
//! | `guarantees` | what a way keeps |
//! | `catalogue` | all of them, one line each |
//! | `ours` | `LocalVolume`, with its options |
//! | `raw` | system calls, as few as can be |
//! | `libraries` | crates that replace files |
//! | `habits` | what programs do that use none |
//! | `sqlite`, `redb` | databases with a row for each file |
//! | `guest` | all from inside WebAssembly |
//! | `object` | one object for each file, by conditional requests |
//! | `log` | the limit |
//!
//! Must never make a peer slower than its own documentation would: each has all that
//! can be opened once opened once.

mod catalogue;
mod guarantees;
mod guest;
mod habits;
mod libraries;
mod log;
mod object;
mod ours;
mod raw;
mod redb;
mod sqlite;
#[cfg(test)]
mod tests;

pub use catalogue::{all, named};
pub use guarantees::{Guarantees, Kept, LEGEND};
pub use guest::{Guest, Memory};
pub use object::Objects;
pub use ours::{Native, Ours};
pub use raw::Raw;

use crate::contents::stamp;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// What sort of way it is, which decides in which cases it takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Of this project, native.
    Ours,
    /// Of this project, called by a guest.
    OursInGuest,
    /// A guest that does it by itself.
    Guest,
    /// System calls without any library.
    Raw,
    /// A library, a database or a habit.
    Peer,
    /// No way to replace files, but what none can be faster than.
    Limit,
}

impl Kind {
    pub fn is_ours(self) -> bool {
        matches!(self, Self::Ours | Self::OursInGuest)
    }

    /// Whether each call starts an instance, so that only many at once can be measured.
    pub fn is_guest(self) -> bool {
        matches!(self, Self::Guest | Self::OursInGuest)
    }
}

/// What [`Store::replace_all`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batching {
    /// One after the other: there is nothing better.
    Singly,
    /// Cheaper together, but a crash may leave some of the files replaced.
    Together,
    AllOrNothing,
}

/// A way to replace a file.
pub trait Contestant: fmt::Debug + Sync {
    fn name(&self) -> &'static str;
    fn kind(&self) -> Kind;
    fn guarantees(&self) -> Guarantees;

    fn batching(&self) -> Batching {
        Batching::Singly
    }

    /// The fewest replaces in a call of [`Store::repeat`], so that what each call costs
    /// does not show: that of a guest starts an instance.
    fn least_repeats(&self) -> u64 {
        if self.kind().is_guest() { 16 } else { 1 }
    }

    /// It, if it is a volume that can do more than [`Store`] asks for.
    fn as_ours(&self) -> Option<&Ours> {
        None
    }

    /// Opens whatever it keeps open; `directory` is empty and nobody else's.
    fn prepare(&self, directory: &Path) -> Result<Box<dyn Store>>;
}

/// A contestant at work in a directory, by any number of threads at once.
pub trait Store: Send + Sync {
    fn replace(&self, path: &str, contents: &[u8]) -> Result<()>;

    fn read(&self, path: &str) -> Result<Vec<u8>>;

    /// Adds to the end of a file. Who has nothing better rewrites it.
    fn append(&self, path: &str, addition: &[u8]) -> Result<()> {
        let mut contents = self.read(path)?;
        contents.extend_from_slice(addition);
        self.replace(path, &contents)
    }

    /// Replaces several files; in one step if it can.
    fn replace_all(&self, files: &[(String, Vec<u8>)]) -> Result<()> {
        let mut files = files.iter();
        files.try_for_each(|(path, contents)| self.replace(path, contents))
    }

    /// Replaces a file `count` times, by versions from `first` on.
    fn repeat(&self, path: &str, bytes: usize, first: u64, count: u64) -> Result<()> {
        let mut contents = vec![b'.'; bytes];
        for number in first..first + count {
            stamp(&mut contents, number);
            self.replace(path, &contents)?;
        }
        Ok(())
    }
}
