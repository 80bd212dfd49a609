//! Tear-free files for abilities compiled to WebAssembly components.
//!
//! A file written with this crate is whole and durable, or it was not written:
//! a kill, a power cut or a full disk never leaves it empty, half-written or
//! missing. The host does the work, behind the WIT interfaces of the package
//! `ability:storage`; this crate is what an ability imports.
//!
//! An ability is an ordinary command. This one keeps a to-do list; each of its
//! arguments is added as a new item:
//!
//! ```no_run
//! use ability_storage_guest::{Error, Scope, file_exists, read_file_string, update_file};
//! use std::process::ExitCode;
//!
//! const LIST: &str = "todo.txt";
//!
//! fn main() -> ExitCode {
//!     match run() {
//!         Ok(()) => ExitCode::SUCCESS,
//!         Err(error) => {
//!             // For example: "todo.txt was not changed: the disk is full".
//!             eprintln!("{error}");
//!             ExitCode::FAILURE
//!         }
//!     }
//! }
//!
//! fn run() -> Result<(), Error> {
//!     for item in std::env::args().skip(1) {
//!         // Loses no item, also when several instances run at once.
//!         update_file(LIST, Scope::Ability, |old| {
//!             let mut list = old.unwrap_or_default().to_vec();
//!             list.extend_from_slice(item.as_bytes());
//!             list.push(b'\n');
//!             Ok::<_, Error>(list)
//!         })?;
//!     }
//!     if file_exists(LIST, Scope::Ability)? {
//!         print!("{}", read_file_string(LIST, Scope::Ability)?);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! Build it with `cargo build --target wasm32-wasip2`, and run it in a host
//! that implements the interface: `ability run todo.wasm -- "water the plants"`.
//!
//! # Which function
//!
//! | to … | use |
//! |---|---|
//! | replace a file that has one writer | [`atomic_write_file`] |
//! | change a file that may have several writers | [`update_file`] |
//! | keep a value of your own type as JSON | `State`, with the feature `json` |
//! | create a file that must not exist yet | [`atomic_write_file_if`] with [`Precondition::Absent`] |
//! | change several files together | [`Batch`] |
//! | change them depending on what they hold | [`update_batch`] |
//! | give out numbers, each one once | [`Counter`] |
//! | add to a log | [`append_file`] |
//! | add to a log whose lines depend on those before | [`append_file_if`] |
//! | keep a log in which no record can be changed unseen | `AuditLog`, with the feature `audit` |
//! | write a file that is too large for memory | [`Writer`] |
//! | read one | [`Reader`] |
//!
//! All but the last two pass contents whole. All that change a file are durable
//! when they return, which takes the disk some milliseconds; so gather what
//! belongs together, and write it once.
//!
//! Do not delete a file before you write it, and write no `.tmp` or `.bak`
//! beside it: that is what opens the window in which data is lost.
//!
//! # When a call fails
//!
//! Every [`Error`] but one means *not applied*: the file is as it was before the
//! call. The exception is [`Error::Unconfirmed`]: the change is made and readers
//! see it, but a power cut may still undo it; or, where an answer was lost, it is not
//! known whether it is made. [`Error::outcome`] says which of the three it is. After
//! `Unconfirmed`, not every call can simply be made again; it says which.
//!
//! # Paths and limits
//!
//! A path is relative and `/`-separated, with at most 255 bytes a component and
//! 1,024 in all; it has no empty, `.` or `..` component, no backslash, colon or
//! control character, no component that ends in a dot or a space, and names no
//! device of Windows and nothing under `.ability-storage`. Directories are
//! created as they are needed. A path that breaks a rule is
//! [`Error::InvalidPath`].
//!
//! The host decides how long a file may be, how much may be passed whole, how
//! much all files may take, and how many [`Writer`]s and [`Reader`]s there may be
//! at a time: [`Error::TooLarge`] and [`Error::QuotaExceeded`]. What is passed
//! whole must also fit into the memory that the host gives the ability; a
//! `Writer` or a `Reader` needs some 256 KiB of it, however long the file is.
//!
//! # Outside a component
//!
//! The crate compiles on every target, so that an ability can be tested with an ordinary
//! `cargo test`. There is no host there: a test makes a `testing::MemoryStorage`, to which
//! all calls on its thread go. Without one, each function that touches a file panics.
#![deny(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

#[cfg(feature = "audit")]
pub mod audit;
mod batch;
#[cfg(all(test, feature = "audit", feature = "json"))]
mod behaviours;
mod bindings;
mod counter;
mod error;
mod files;
mod host;
mod io_error;
#[cfg(feature = "json")]
mod json;
mod reader;
mod scope;
#[cfg(feature = "json")]
mod state;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
mod text;
mod update;
mod version;
mod writer;

#[cfg(feature = "audit")]
pub use audit::AuditLog;
pub use batch::{Batch, BatchError, update_batch};
pub use counter::Counter;
pub use error::{Error, Outcome, Result};
pub use files::{
    FileEnd, FileInfo, append_file, append_file_if, atomic_write_file, atomic_write_file_if,
    delete_file, file_exists, list_files, read_file, read_file_string, read_file_versioned,
    rename_file, stat_file,
};
pub use reader::Reader;
pub use scope::Scope;
#[cfg(feature = "json")]
pub use state::State;
pub use update::update_file;
pub use version::{Precondition, Snapshot, Version};
pub use writer::Writer;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
