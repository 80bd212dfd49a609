//! A process that goes on as two, as `multiprocessing` of Python makes them.
#![allow(unsafe_code)]

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `child` in a fork of this process and `parent` here; both must succeed.
pub fn in_two_processes(child: impl FnOnce(), parent: impl FnOnce()) {
    // SAFETY: the standard library has no `fork`. The child goes on with this thread
    // alone; the allocator of the C library takes care of its own locks, and the other
    // thread of the test harness, which waits for this one, holds none that is needed.
    match unsafe { fork() }.expect("forked") {
        ForkResult::Child => {
            let done = catch_unwind(AssertUnwindSafe(child));
            std::process::exit(if done.is_ok() { 0 } else { 101 });
        }
        ForkResult::Parent { child } => {
            parent();
            let status = waitpid(child, None).expect("waited");
            assert_eq!(status, WaitStatus::Exited(child, 0), "the forked process");
        }
    }
}
