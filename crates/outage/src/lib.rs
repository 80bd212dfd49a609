//! The laboratory of outages: a real Ceph cluster on loopback, whose daemons are killed
//! while somebody commits to it.
//!
//! | module | holds |
//! |---|---|
//! | `cluster` | the daemons: started, killed, started again, and gone in the end |
//! | `trial` | clients that commit while something is killed, and a look at what is there |
//!
//! Must never be reachable from another machine, nor touch a Ceph cluster that this
//! machine belongs to: all that it starts listens on 127.0.0.1, and reads and writes
//! nothing outside of the directory that it was given.

#![cfg(target_os = "linux")]

pub mod cluster;
pub mod trial;
