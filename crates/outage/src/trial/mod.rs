//! The trial: clients commit to one volume while daemons of the cluster, or the clients
//! themselves, are killed; then it is looked at what is there.
//!
//! | module | holds |
//! |---|---|
//! | `client` | what one client does, as a process of its own |
//! | `log` | what it writes down about it |
//! | `killed` | what is killed in a phase |
//! | `phase` | one phase: clients, kills, and the look at what is left |
//! | `verdict` | the comparison of what was told with what is there |
//! | `table` | all phases, for a person or for a program |
//!
//! Each phase has a volume of its own.

pub mod client;
mod killed;
mod log;
mod phase;
mod table;
mod verdict;

pub use killed::Killed;
pub use phase::{Phase, Setting, run};
pub use table::{json, table};
pub use verdict::Verdict;
