//! What is done on a file system while its power may be cut.
//!
//! | module | holds |
//! |---|---|
//! | `catalogue` | all workloads and all protocols, by name |
//! | `contents` | contents that tell what they should be |
//! | `protocols` | how programs replace files by themselves: most tear |
//! | `at_once` | several writers at the same time |
//! | `desk` | a volume whose every change is noted |
//! | `failing` | a disk that fails for a while |
//! | `outside` | other programs that change the files of a volume |
//! | `worker` | a process that does what it is told |
//! | the others | the workloads of the product, each about one kind of commit |

mod appends;
mod at_once;
mod batches;
pub mod catalogue;
mod chain;
mod conditional;
mod contents;
mod desk;
mod failing;
mod guest;
mod killed;
mod mixed;
mod outside;
mod protocols;
mod renames;
mod singles;
mod streams;
pub mod worker;

pub use catalogue::{Subject, Verdict, catalogue};
pub use guest::Host;
