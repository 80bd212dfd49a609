//! A disk that remembers every write and every flush, in their order.
//!
//! | module | holds |
//! |---|---|
//! | `image` | the contents of a disk, in pages |
//! | `log` | what happened to it, in order |
//! | `server` | the process that is the disk: one file on a FUSE mount |
//! | `command` | what that process can be told |
//! | `fault` | writes that fail for a while |
//! | `layout` | which writes are data of files |
//! | `client` | starting that process, marking its log, fetching it |

pub mod client;
mod command;
pub mod fault;
pub mod image;
mod layout;
pub mod log;
pub mod server;

pub use client::Disk;
pub use fault::{Fault, Reason, Which};
pub use image::Image;
pub use log::{Event, Log};
