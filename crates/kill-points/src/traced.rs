//! A process whose threads are stopped at each system call.
//!
//! A tracer is a thread, not a process: a [`Traced`] must be made and used on the
//! thread that started its child, and while it lives nothing else on that thread may
//! wait for a child.

use crate::Call;
use nix::errno::Errno;
use nix::libc::PTRACE_EVENT_STOP;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::process::Child;
use std::thread::sleep;
use std::time::Duration;

/// How `ptrace` tells the entry of a call from its return (`PTRACE_SYSCALL_INFO_ENTRY`).
const ENTRY: u8 = 1;

/// How often it is asked which call a thread is about to make, and how long between.
const ATTEMPTS: usize = 200;
const PAUSE: Duration = Duration::from_millis(1);

/// A process that is traced, with all its threads. When dropped it is killed.
#[derive(Debug)]
pub struct Traced {
    pid: Pid,
    /// Its threads, and where the system tells which call each is in.
    threads: HashMap<Pid, File>,
    exit_code: Option<i32>,
    gone: bool,
}

impl Traced {
    /// Takes hold of a child of this thread and of all threads that it has or begins.
    /// From here on they run from call to call; calls that they are waiting in are
    /// made again.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) where processes may not be
    /// traced. The child is killed then, too.
    pub fn seize(mut child: Child) -> io::Result<Self> {
        let pid = Pid::from_raw(child.id().cast_signed());
        let mut traced = Self {
            pid,
            threads: HashMap::new(),
            exit_code: None,
            gone: false,
        };
        if let Err(error) = traced.seize_threads() {
            // An untraced child is still waited for in the usual way.
            child.kill()?;
            if traced.threads.is_empty() {
                child.wait()?;
                traced.gone = true;
            }
            return Err(error);
        }
        Ok(traced)
    }

    /// Lets the process run until one of its threads is about to make the `n`-th call,
    /// from zero, that `counts`, and kills it there: the call is not made. `None` if the
    /// process ended before that.
    ///
    /// # Errors
    ///
    /// What the system said, if it does not let the process be traced.
    pub fn kill_at(
        &mut self,
        n: usize,
        mut counts: impl FnMut(&Call) -> bool,
    ) -> io::Result<Option<Call>> {
        let mut left = n;
        while let Some((thread, call)) = self.next_entry()? {
            if counts(&call) {
                if left == 0 {
                    self.kill()?;
                    return Ok(Some(call));
                }
                left -= 1;
            }
            resume(thread, None)?;
        }
        Ok(None)
    }

    /// The exit code, if the process ended by itself.
    pub fn exit_code(&self) -> Option<i32> {
        self.exit_code
    }

    fn seize_threads(&mut self) -> io::Result<()> {
        let options = Options::PTRACE_O_TRACESYSGOOD
            | Options::PTRACE_O_TRACECLONE
            | Options::PTRACE_O_EXITKILL;
        // Threads that begin while this goes on are caught in the next round.
        loop {
            let before = self.threads.len();
            for entry in fs::read_dir(format!("/proc/{}/task", self.pid))? {
                let name = entry?.file_name();
                let thread = name.to_string_lossy().parse().map(Pid::from_raw);
                let thread = thread.map_err(io::Error::other)?;
                if self.threads.contains_key(&thread) {
                    continue;
                }
                match ptrace::seize(thread, options) {
                    Ok(()) => {}
                    Err(Errno::ESRCH) => continue,
                    // The system has attached to it already.
                    Err(Errno::EPERM) if before > 0 => continue,
                    Err(errno) => return Err(errno.into()),
                }
                self.add(thread)?;
                ptrace::interrupt(thread)?;
            }
            if self.threads.len() == before {
                return Ok(());
            }
        }
    }

    /// Waits for the next stop of any thread and has all that are not about to make a
    /// call go on. `None` when the process is gone.
    fn next_entry(&mut self) -> io::Result<Option<(Pid, Call)>> {
        while !self.gone {
            let status = wait()?;
            match status {
                WaitStatus::PtraceSyscall(thread) => {
                    if let Some(call) = self.entered(thread)? {
                        return Ok(Some((thread, call)));
                    }
                    resume(thread, None)?;
                }
                // A new thread, or one that was interrupted.
                WaitStatus::PtraceEvent(thread, signal, event) => {
                    let is_stopped = event == PTRACE_EVENT_STOP && signal != Signal::SIGTRAP;
                    if is_stopped {
                        return Err(io::Error::other(format!("it was stopped by {signal}")));
                    }
                    self.add(thread)?;
                    resume(thread, None)?;
                }
                WaitStatus::Stopped(thread, signal) => resume(thread, Some(signal))?,
                _ => self.note_end(status),
            }
        }
        Ok(None)
    }

    /// The call that a stopped thread is about to make; `None` if it has just made it.
    fn entered(&self, thread: Pid) -> io::Result<Option<Call>> {
        match ptrace::syscall_info(thread) {
            Ok(info) if info.op == ENTRY => {}
            Ok(_) | Err(Errno::ESRCH) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        }
        let source = self.threads.get(&thread).ok_or(ErrorKind::NotFound)?;
        for _ in 0..ATTEMPTS {
            let mut text = [0; 256];
            let read = match source.read_at(&mut text, 0) {
                Err(error) if error.raw_os_error() == Some(Errno::ESRCH as i32) => return Ok(None),
                result => result?,
            };
            let text = String::from_utf8_lossy(&text[..read]);
            match text.split_whitespace().next().map(str::parse) {
                Some(Ok(number)) => return Ok(Some(Call::new(number))),
                // On a busy machine it is seen before it has stopped, or while it is killed.
                _ if text.starts_with("running") => sleep(PAUSE),
                _ => return Err(io::Error::other(format!("no number of a call: {text:?}"))),
            }
        }
        Ok(None)
    }

    fn add(&mut self, thread: Pid) -> io::Result<()> {
        if !self.threads.contains_key(&thread) {
            let path = format!("/proc/{}/task/{thread}/syscall", self.pid);
            self.threads.insert(thread, File::open(path)?);
        }
        Ok(())
    }

    fn note_end(&mut self, status: WaitStatus) {
        match status {
            WaitStatus::Exited(thread, code) if thread == self.pid => {
                self.exit_code = Some(code);
                self.gone = true;
            }
            WaitStatus::Signaled(thread, ..) if thread == self.pid => self.gone = true,
            WaitStatus::Exited(thread, _) | WaitStatus::Signaled(thread, ..) => {
                self.threads.remove(&thread);
            }
            _ => {}
        }
    }

    /// Kills the process where it is, and returns when nothing of it is left: its
    /// locks are free.
    fn kill(&mut self) -> io::Result<()> {
        match kill(self.pid, Signal::SIGKILL) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(errno) => return Err(errno.into()),
        }
        while !self.gone {
            let status = wait()?;
            self.note_end(status);
        }
        Ok(())
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        if !self.gone {
            let _ = self.kill();
        }
    }
}

/// What happens next to a child of this thread; those of others are not its business.
fn wait() -> io::Result<WaitStatus> {
    let all_threads = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
    loop {
        match waitpid(None, Some(all_threads)) {
            Err(Errno::EINTR) => {}
            result => return Ok(result?),
        }
    }
}

/// Has a stopped thread go on to its next call, or to the return from this one.
fn resume(thread: Pid, signal: Option<Signal>) -> io::Result<()> {
    match ptrace::syscall(thread, signal) {
        // Another thread has ended the process.
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}
