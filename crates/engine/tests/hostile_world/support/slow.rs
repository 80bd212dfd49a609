//! A thread that is stopped for a while at any of its system calls, so that much happens
//! between two of them.

use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::thread::sleep;
use std::time::Duration;

/// One of so many stops takes long.
const LONG_STOP_EVERY: u64 = 4;

/// How long it takes at most.
const MAX_STOP_MICROS: u64 = 600;

/// Slows a thread of a child process down until it ends. Where that is not allowed, it runs
/// as fast as it can.
pub fn slow_down(thread: Pid) {
    let options = Options::PTRACE_O_EXITKILL | Options::PTRACE_O_TRACESYSGOOD;
    if let Err(error) = ptrace::seize(thread, options) {
        eprintln!("not slowed down: {error}");
        return;
    }
    ptrace::interrupt(thread).expect("interrupted");
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    loop {
        let signal = match waitpid(thread, Some(WaitPidFlag::__WALL)) {
            Err(_) | Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) => return,
            Ok(WaitStatus::Stopped(_, Signal::SIGTRAP)) => None,
            Ok(WaitStatus::Stopped(_, signal)) => Some(signal),
            Ok(_) => None,
        };
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let number = random >> 33;
        if number.is_multiple_of(LONG_STOP_EVERY) {
            sleep(Duration::from_micros(number % MAX_STOP_MICROS));
        }
        // It may have been killed meanwhile.
        let _ = ptrace::syscall(thread, signal);
    }
}
