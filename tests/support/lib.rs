//! What the tests share that run real components.
//!
//! | module | holds |
//! |---|---|
//! | `guests` | where the built guests are |
//! | `embedding` | a host as an embedder would write it, in the test's process |
//! | `command` | the `ability` command, in a process of its own |
//! | `script` | what the guest `probe` is told, and what it answers |

pub mod command;
pub mod embedding;
pub mod guests;
pub mod script;
