//! The power-loss laboratory: cuts the power of real file systems under
//! ability-storage at every write to their disk, and looks at what is left.
//!
//! Must never touch the machine's own disks: every file system here lives in an
//! image in memory, in a private namespace.

#![cfg(target_os = "linux")]

pub mod system;
