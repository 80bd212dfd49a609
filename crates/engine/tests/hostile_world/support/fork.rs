//! A process that goes on as two, as `multiprocessing` of Python makes them.
#![allow(unsafe_code)]

use nix::sys::stat::{Mode, umask};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Gid, Uid, fork, setgid, setgroups, setuid};
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

/// Runs `work` in a fork of this process as the user `user`, whose own group has the same
/// number, and who is in `groups`; it must succeed.
pub fn as_user(user: u32, groups: &[u32], mask: u32, work: impl FnOnce()) {
    let become_user = || {
        let groups: Vec<Gid> = groups.iter().copied().map(Gid::from_raw).collect();
        setgroups(&groups).expect("set");
        setgid(Gid::from_raw(user)).expect("set");
        setuid(Uid::from_raw(user)).expect("set");
        umask(Mode::from_bits_truncate(mask));
        work();
    };
    in_two_processes(become_user, || ());
}
