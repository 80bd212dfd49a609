//! What the tests share that run real components.
//!
//! | module | holds |
//! |---|---|
//! | `guests` | where the built guests are |
//! | `embedding` | a host as an embedder would write it, in the test's process |
//! | `chain` | what an ability with a hash chain says of it |
//! | `command` | the `ability` command, in a process of its own |
//! | `raw` | components that no compiler would make |
//! | `untrusted` | a host for guests that nobody trusts, with others to serve |
//! | `surroundings` | a root with things in it that a guest must not reach |
//! | `corpus` | paths that a guest might try |
//! | `many` | what many guests do together, and that nothing of it was lost |
//! | `stores` | volumes on an object store |
//! | `provider` | an object store of a provider, or what stands in for one |
//! | `script` | what the guest `probe` is told, and what it answers |

pub mod chain;
pub mod command;
pub mod corpus;
pub mod embedding;
pub mod guests;
pub mod many;
pub mod provider;
pub mod raw;
pub mod script;
pub mod stores;
pub mod surroundings;
pub mod untrusted;
