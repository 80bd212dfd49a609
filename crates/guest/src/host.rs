//! Which storage calls go to: in a component the host's, elsewhere the one in memory that
//! a test has made.
//!
//! No decision about files belongs here.

#[cfg(target_family = "wasm")]
pub(crate) use crate::bindings::{
    batch::commit,
    storage,
    streaming::{Reader, Writer},
};
#[cfg(not(target_family = "wasm"))]
pub(crate) use crate::testing::calls::{commit, storage};
#[cfg(not(target_family = "wasm"))]
pub(crate) use crate::testing::streams::{Reader, Writer};
