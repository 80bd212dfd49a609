//! A volume in a world that is against it: mounts in the middle of it, directories and
//! files that the host may not change, full disks, few descriptors, other programs that
//! change files, names that the file system takes for others.
//!
//! Each test asserts the promise *available* after the trouble: what fails on one path
//! stays with that path, the volume can be closed and opened again in both modes, what was
//! acknowledged is there, and what was refused as "not applied" left nothing.
//!
//! The engine runs in a child process with a deadline, because a volume that hangs must
//! not hang the test, and because limits of descriptors and users belong to a process. A
//! test that needs root, a mount or a file system that is not at hand says so on stderr
//! and is skipped.
#![cfg(target_os = "linux")]

#[macro_use]
mod support;

mod bounds;
mod descriptors;
mod full_disk;
mod groups;
mod mounts;
mod names;
mod outside_changes;
mod permissions;
mod readers;
mod rotated_logs;
