//! Kills a process at a system call of one's choice, for tests: at the entry of its
//! n-th call that could concern files, so that for every n from zero to the end
//! nothing of what a kill may leave is missed.
//!
//! ```no_run
//! use kill_points::{Call, Traced};
//! use std::process::Command;
//!
//! for n in 0.. {
//!     let child = Command::new("some-program").spawn()?;
//!     let killed = Traced::seize(child)?.kill_at(n, Call::may_concern_files)?;
//!     // ... look at what it left ...
//!     if killed.is_none() {
//!         break; // It came to its end before its n-th call.
//!     }
//! }
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! It must never change what the process does up to the kill, and never make the
//! call that the process is killed at.

#![cfg(all(target_os = "linux", target_env = "gnu"))]
#![deny(missing_docs)]

mod call;
mod traced;

pub use call::Call;
pub use traced::Traced;
