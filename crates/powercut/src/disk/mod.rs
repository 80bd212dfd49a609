//! A disk that remembers every write and every flush, in their order.
//!
//! | module | holds |
//! |---|---|
//! | `image` | the contents of a disk, in pages |
//! | `log` | what happened to it, in order |
//! | `server` | the process that is the disk: one file on a FUSE mount |
//! | `client` | starting that process, marking its log, fetching it |

pub mod client;
pub mod image;
pub mod log;
pub mod server;

pub use client::Disk;
pub use image::Image;
pub use log::{Event, Log};
