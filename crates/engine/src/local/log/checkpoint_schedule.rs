//! When checkpoints are made: some time after the first record, or when a log file is full,
//! or when the volume is closed.
//!
//! A thread is there only while there is something to do, so that a thousand volumes that
//! are open and idle have none.

use super::super::directory::Directory;
use super::super::poison::lock;
use super::super::session::NOBODY;
use super::LogWriter;
use crate::FilePath;
use std::collections::HashSet;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a checkpoint that failed is left alone.
const RETRY_AFTER: Duration = Duration::from_secs(5);

pub(super) struct Checkpointer {
    /// `None`: no checkpoint is made before one must be.
    after: Option<Duration>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// When the first record that is not in the files has to be.
    due: Option<Instant>,
    is_running: bool,
    is_closing: bool,
    /// The thread that was started last.
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub(super) fn new(after: Option<Duration>) -> Self {
        Self {
            after,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// There is something to do after this time. Whether a thread has to be started for it.
    fn is_needed(&self, after: Option<Duration>) -> bool {
        let Some(after) = after else {
            return false;
        };
        let mut state = lock(&self.state);
        if state.due.is_some() || state.is_closing {
            return false;
        }
        state.due = Some(Instant::now() + after);
        !std::mem::replace(&mut state.is_running, true)
    }

    /// A log file is full: if a checkpoint is to be made, then now.
    pub(super) fn make_due(&self) {
        let mut state = lock(&self.state);
        if state.due.is_some() {
            state.due = Some(Instant::now());
            self.changed.notify_all();
        }
    }

    /// Waits until something is due; `false` if there is nothing more to do.
    fn wait(&self) -> bool {
        let mut state = lock(&self.state);
        loop {
            let now = Instant::now();
            match state.due {
                Some(due) if due <= now && !state.is_closing => {
                    state.due = None;
                    return true;
                }
                Some(due) if !state.is_closing => {
                    let waited = self.changed.wait_timeout(state, due - now);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                _ => {
                    state.is_running = false;
                    self.changed.notify_all();
                    return false;
                }
            }
        }
    }

    /// Records that the thread could not be started, so that the next commit tries again.
    fn thread_failed(&self) {
        let mut state = lock(&self.state);
        state.is_running = false;
        state.due = None;
    }

    /// Keeps the thread, so that its end can be waited for.
    fn thread_started(&self, thread: JoinHandle<()>) {
        let before = lock(&self.state).thread.replace(thread);
        join(before);
    }

    /// Ends the thread, if there is one. When this returns, it keeps nothing open.
    fn close(&self) {
        let mut state = lock(&self.state);
        state.is_closing = true;
        self.changed.notify_all();
        while state.is_running {
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        let thread = state.thread.take();
        drop(state);
        join(thread);
    }
}

/// Waits for a thread that is about to end.
fn join(thread: Option<JoinHandle<()>>) {
    let Some(thread) = thread else { return };
    if thread.join().is_err() {
        tracing::error!("the thread for checkpoints has panicked");
    }
}

impl<D: Directory> LogWriter<D> {
    /// Makes a last checkpoint, if there is something for it, and none by itself from now
    /// on.
    pub(crate) fn close(&self) -> io::Result<()> {
        self.checkpointer.close();
        if self.is_finished.load(Ordering::Relaxed) {
            return Ok(());
        }
        let closed = match self.has_nothing_to_checkpoint() {
            Ok(true) => Ok(()),
            Ok(false) if self.is_for_others() => Ok(()),
            _ => self.checkpoint_all(),
        };
        self.take_back_mark();
        closed
    }

    /// Makes the last checkpoint before the session is closed, which makes no other then:
    /// what other sessions commit in between is theirs. Returns whether it was made; not if
    /// another session would have to be waited for. No commit of this session may follow.
    pub(crate) fn try_finish(&self) -> io::Result<bool> {
        let is_made = self.try_checkpoint_all()?;
        self.is_finished.store(is_made, Ordering::Relaxed);
        if is_made {
            self.take_back_mark();
        }
        Ok(is_made)
    }

    /// There is something for a checkpoint.
    pub(super) fn checkpoint_later(&self) {
        if !self.checkpointer.is_needed(self.checkpointer.after) {
            return;
        }
        let spawned = self.me.upgrade().map(|me| {
            let named = std::thread::Builder::new().name("ability-checkpoint".to_owned());
            let context = self.context.clone();
            named.spawn(move || context.run(|| me.checkpoint_when_due()))
        });
        match spawned {
            Some(Ok(thread)) => self.checkpointer.thread_started(thread),
            Some(Err(error)) => {
                tracing::warn!(%error, "no thread for checkpoints could be started; one is made when the log is full");
                self.checkpointer.thread_failed();
            }
            None => {}
        }
    }

    /// Whether a checkpoint would copy whole files that other sessions append to, which these
    /// need only sync. All that is committed is durable in the log, and in the files for all to
    /// see: so one of them makes the checkpoint, or the session that needs room in the log.
    fn is_for_others(&self) -> bool {
        if !self.publishes_immediately() {
            return false;
        }
        let state = self.reader.log.state();
        let mut appended = lock(&self.appended);
        let mut is_copied = false;
        let mut publishers = HashSet::new();
        let mut lengths = Vec::new();
        for (path, entry) in state.pending.entries() {
            let file = entry.file.as_ref().filter(|file| file.has_chunks());
            let beginning = file.and_then(|file| file.beginning.as_ref());
            is_copied |=
                beginning.is_some_and(|beginning| !appended.vouches_for(path, beginning.bytes));
            if let Some(file) = file.filter(|_| entry.is_published()) {
                lengths.push((path.clone(), file.bytes));
            }
            if !entry.is_published() {
                publishers.insert(entry.session);
            }
        }
        drop((appended, state));
        // What this session could not publish, or one that is not named any more, waits for a
        // checkpoint.
        let is_stuck = publishers.contains(&self.session) || publishers.contains(&NOBODY);
        is_copied
            && !is_stuck
            && self.sessions.is_another_alive(&self.session_id)
            && !lengths
                .iter()
                .any(|(path, bytes)| self.is_cut(path, *bytes))
    }

    /// Whether another program has cut a file that this session has seen longer. Others would
    /// not know, once this session has ended.
    fn is_cut(&self, path: &FilePath, bytes: u64) -> bool {
        let there = self.reader.tree.stat(path);
        there.is_ok_and(|there| there.is_none_or(|stat| stat.size < bytes))
    }

    fn checkpoint_when_due(&self) {
        while self.checkpointer.wait() {
            let result = match self.is_for_others() {
                true => Ok(()),
                false => self.checkpoint_all(),
            };
            if let Err(error) = &result {
                self.warn("a checkpoint failed; it will be tried again", None, error);
            }
            let is_done = self.reader.log.state().pending.is_empty();
            let has_open_files = !lock(&self.appended).is_empty();
            if !is_done || has_open_files {
                let after = self.checkpointer.after.map(|after| after.max(RETRY_AFTER));
                let starts_thread = self.checkpointer.is_needed(after);
                debug_assert!(!starts_thread, "this thread is running");
            }
        }
    }
}
