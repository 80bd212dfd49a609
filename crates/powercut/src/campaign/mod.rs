//! A run of the laboratory: which subjects on which file systems, how many images,
//! and what was found.
//!
//! | module | holds |
//! |---|---|
//! | `session` | the run itself |
//! | `trial` | one subject on one file system |
//! | `recovery` | cutting the power while a volume recovers |
//! | `checker` | many images, several at a time |
//! | `self_check` | that the laboratory finds a disk that lies |
//! | `tally` | counts |
//! | `case` | an image that broke a promise, kept |
//! | `report` | the table and the JSON |
//! | `progress` | what a person sees meanwhile |

pub mod case;
mod checker;
mod progress;
mod recovery;
pub mod report;
mod self_check;
pub mod session;
mod tally;
mod trial;
