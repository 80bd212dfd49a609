//! The power-loss laboratory: cuts the power of real file systems under
//! ability-storage at every write to their disk, and looks at what is left.
//!
//! | module | holds |
//! |---|---|
//! | `disk` | a disk that remembers every write and every flush |
//! | `file_system` | what lives on it: ext4, XFS, btrfs |
//! | `neighbour` | another program there, which syncs at random times |
//! | `recording` | a workload run on it |
//! | `crash` | the disks that a power cut may leave |
//! | `bench` | where they are mounted |
//! | `campaign` | all this for many subjects and images |
//! | `look` | how what is left is read |
//! | `promise` | what it must be |
//! | `work` | what is done meanwhile |
//! | `system` | what all this asks of Linux |
//!
//! Must never touch the machine's own disks: every file system here lives in an
//! image in memory, in a private namespace.

#![cfg(target_os = "linux")]

pub mod bench;
pub mod campaign;
pub mod crash;
pub mod disk;
pub mod file_system;
pub mod look;
pub mod neighbour;
pub mod promise;
pub mod recording;
pub mod system;
pub mod work;
