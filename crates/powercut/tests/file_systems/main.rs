//! Real file systems, and their faults: a full disk, one that becomes read-only or does not read
//! or write any more, a directory that is moved or removed. Each meets every kind of
//! commit. The error is of the right variant and says what became of the data; the old
//! contents stand; nothing is left behind; and once the fault is gone the same volume
//! serves again, or, where the system asks for a new mount, the next one does.
//!
//! | module | holds |
//! |---|---|
//! | `full` | disks without space, or without room for another file |
//! | `read_only` | file systems that can only be read |
//! | `io_errors` | disks that do not read or do not write |
//! | `directory` | directories that are moved, replaced or removed |
//! | `conformance` | the suite of the engine on each file system |
//! | `kinds` | the kinds of commits |
//! | `trial` | one commit under a fault, and what must be true of it |
//! | `filler` | filling small disks |
//! | `inside` | a private namespace for each test, so that no mount is left |

#![cfg(target_os = "linux")]

mod conformance;
mod directory;
mod filler;
mod full;
mod inside;
mod io_errors;
mod kinds;
mod read_only;
mod trial;
