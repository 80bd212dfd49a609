//! Kills a process with SIGKILL at a moment chosen beforehand, while another thread talks to it.
//!
//! Every process of the demo has one, armed or not: it is also what ends a process that hangs.

use std::process::{Child, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Why a process is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Killed at the chosen moment.
    Killed,
    /// Killed because the whole demo ran out of time.
    OutOfTime,
    /// It ended by itself.
    Exited(ExitStatus),
}

pub struct Killer {
    child: Arc<Mutex<Child>>,
    moment: Sender<Instant>,
    thread: JoinHandle<Option<End>>,
}

impl Killer {
    /// Kills at `deadline`, unless told an earlier moment.
    pub fn watch(child: Child, deadline: Instant) -> Self {
        let child = Arc::new(Mutex::new(child));
        let (moment, moments) = channel();
        let thread = thread::spawn({
            let child = Arc::clone(&child);
            move || wait_and_kill(&child, &moments, deadline)
        });
        Self {
            child,
            moment,
            thread,
        }
    }

    /// Sets the moment: so much time from now.
    pub fn arm(&self, delay: Duration) {
        // Nobody listens when the process is gone already, and then there is nothing to kill.
        let _ = self.moment.send(Instant::now() + delay);
    }

    /// Waits until the process is gone.
    pub fn join(self) -> std::io::Result<End> {
        let status = loop {
            if let Some(status) = locked(&self.child).try_wait()? {
                break status;
            }
            thread::sleep(Duration::from_millis(1));
        };
        drop(self.moment);
        let killed = self.thread.join().unwrap_or_default();
        Ok(killed.unwrap_or(End::Exited(status)))
    }
}

fn wait_and_kill(
    child: &Mutex<Child>,
    moments: &Receiver<Instant>,
    deadline: Instant,
) -> Option<End> {
    let mut at = deadline;
    let mut end = End::OutOfTime;
    loop {
        match moments.recv_timeout(at.saturating_duration_since(Instant::now())) {
            Ok(moment) if moment < at => (at, end) = (moment, End::Killed),
            Ok(_) => {}
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => break,
        }
    }
    let mut child = locked(child);
    let alive = matches!(child.try_wait(), Ok(None));
    (alive && child.kill().is_ok()).then_some(end)
}

/// A thread that panicked while it held the child did not harm it.
fn locked(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::process::Command;

    fn sleeping(seconds: &str) -> Child {
        Command::new("sleep")
            .arg(seconds)
            .spawn()
            .expect("a process")
    }

    fn far() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn an_armed_killer_kills() {
        let killer = Killer::watch(sleeping("60"), far());
        killer.arm(Duration::from_millis(20));
        assert_eq!(killer.join().expect("an end"), End::Killed);
    }

    #[test]
    fn a_process_that_hangs_is_ended() {
        let killer = Killer::watch(sleeping("60"), Instant::now() + Duration::from_millis(20));
        assert_eq!(killer.join().expect("an end"), End::OutOfTime);
    }

    #[test]
    fn a_process_that_ends_by_itself_was_not_killed() {
        let killer = Killer::watch(sleeping("0"), far());
        assert!(matches!(killer.join().expect("an end"), End::Exited(status) if status.success()));
    }
}
