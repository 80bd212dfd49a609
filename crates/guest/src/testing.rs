//! Storage in memory, to test an ability with an ordinary `cargo test`.
//!
//! A component does not have this module: its storage is the host's.

pub(crate) mod calls;
#[cfg(test)]
mod faults;
mod paths;
mod state;
pub(crate) mod streams;
#[cfg(test)]
mod tests;
mod volume;

use crate::scope::Scope;
use state::State;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How much each of the two places of a [`MemoryStorage`] may hold. The defaults are
/// those of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest file, in bytes.
    pub max_file_bytes: u64,
    /// The lengths of all files together, in bytes.
    pub max_total_bytes: u64,
    /// The number of files.
    pub max_files: usize,
    /// The number of components of a path.
    pub max_depth: usize,
    /// How many bytes one call carries.
    pub max_value_bytes: u64,
    /// How many writers and readers may be open at a time.
    pub max_streams: usize,
    /// Whether names must end in `.txt`, `.csv`, `.json`, `.md`, `.log`, `.yaml` or `.yml`.
    pub text_files_only: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_file_bytes: 1 << 30,
            max_total_bytes: 4 << 30,
            max_files: 100_000,
            max_depth: 32,
            max_value_bytes: 64 << 20,
            max_streams: 32,
            text_files_only: false,
        }
    }
}

/// What a call can be told to fail with: see [`MemoryStorage::fail_call`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// [`Error::NoSpace`](crate::Error::NoSpace)
    NoSpace,
    /// [`Error::QuotaExceeded`](crate::Error::QuotaExceeded)
    QuotaExceeded,
    /// [`Error::ReadOnly`](crate::Error::ReadOnly)
    ReadOnly,
    /// [`Error::Unavailable`](crate::Error::Unavailable)
    Unavailable,
    /// [`Error::Unconfirmed`](crate::Error::Unconfirmed): the change is made, then the
    /// call fails.
    Unconfirmed,
    /// The change is made, then the call fails with
    /// [`Outcome::Unknown`](crate::Outcome::Unknown).
    UnknownMade,
    /// The change is not made, and the call fails with
    /// [`Outcome::Unknown`](crate::Outcome::Unknown).
    UnknownNotMade,
    /// [`Error::Other`](crate::Error::Other)
    Other,
}

/// Two places for files, in memory, for the tests of an ability.
///
/// All calls of this crate on the thread that made it go to it, until it is dropped; so
/// the tests of a program, each with a storage of its own, can run at the same time. It
/// does what the host does, with the same errors, and can be told to fail.
///
/// ```
/// use ability_storage_guest::testing::MemoryStorage;
/// use ability_storage_guest::{Counter, Error, Scope};
///
/// let storage = MemoryStorage::new();
/// let tickets = Counter::new("tickets.txt", Scope::Ability);
/// assert_eq!(tickets.next()?, 1);
/// assert_eq!(storage.text("tickets.txt", Scope::Ability).as_deref(), Some("1"));
///
/// storage.set_disk_full(true);
/// let error = tickets.next().unwrap_err();
/// assert_eq!(error.to_string(), "tickets.txt was not changed: the disk is full");
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct MemoryStorage {
    state: Arc<Mutex<State>>,
}

thread_local! {
    /// The storages of this thread; calls go to the last one.
    static MADE: RefCell<Vec<Arc<Mutex<State>>>> = const { RefCell::new(Vec::new()) };
}

impl MemoryStorage {
    /// Storage without files.
    #[allow(clippy::new_without_default)] // It does more than to make a value.
    pub fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    /// Storage without files that holds no more than `limits` allow.
    pub fn with_limits(limits: Limits) -> Self {
        let state = Arc::new(Mutex::new(State::new(limits)));
        MADE.with_borrow_mut(|made| made.push(state.clone()));
        Self { state }
    }

    /// All files of a scope and what they hold.
    pub fn files(&self, scope: Scope) -> BTreeMap<String, Vec<u8>> {
        self.state().files(scope)
    }

    /// What the file at `path` holds; `None` if there is none.
    ///
    /// # Panics
    ///
    /// If it is not UTF-8.
    #[allow(clippy::expect_used)] // A test that asks for text wants to know.
    pub fn text(&self, path: &str, scope: Scope) -> Option<String> {
        let contents = self.files(scope).remove(path)?;
        Some(String::from_utf8(contents).expect("the file should be text"))
    }

    /// Whether every change but a delete fails with [`Error::NoSpace`](crate::Error::NoSpace).
    pub fn set_disk_full(&self, is_full: bool) {
        self.state().disk_full = is_full;
    }

    /// Whether every change fails with [`Error::ReadOnly`](crate::Error::ReadOnly).
    pub fn set_read_only(&self, is_read_only: bool) {
        self.state().read_only = is_read_only;
    }

    /// How many calls there were, changes and others.
    pub fn calls(&self) -> usize {
        self.state().calls
    }

    /// Lets the `n`-th call from now fail, counted from 1.
    ///
    /// If that call cannot meet such a failure, the next one that can meets it: a read is
    /// never told that the disk is full, or that it was not confirmed.
    ///
    /// # Panics
    ///
    /// If `n` is 0.
    ///
    /// ```
    /// use ability_storage_guest::testing::{Failure, MemoryStorage};
    /// use ability_storage_guest::{Scope, append_file};
    ///
    /// let storage = MemoryStorage::new();
    /// storage.fail_call(2, Failure::Unconfirmed);
    /// append_file("log", "a", Scope::Ability)?;
    /// assert!(append_file("log", "b", Scope::Ability).unwrap_err().is_applied());
    /// assert_eq!(storage.text("log", Scope::Ability).as_deref(), Some("ab"));
    /// # Ok::<(), ability_storage_guest::Error>(())
    /// ```
    pub fn fail_call(&self, n: usize, failure: Failure) {
        assert!(n > 0, "calls are counted from 1");
        let mut state = self.state();
        let call = state.calls + n;
        state.failures.insert(call, failure);
    }

    /// Calls `change` right before the next change, once: another writer is faster. What
    /// it does with the storage is neither counted nor failed.
    pub fn interfere(&self, change: impl FnOnce() + Send + 'static) {
        self.state().interference.push_back(Box::new(change));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }
}

impl Drop for MemoryStorage {
    fn drop(&mut self) {
        // Fails only when the thread is ending, and its storages with it.
        let _ = MADE.try_with(|made| {
            made.borrow_mut()
                .retain(|state| !Arc::ptr_eq(state, &self.state));
        });
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The storage that calls on this thread go to.
#[allow(clippy::panic)] // There is no error for it: it is a mistake of the program.
fn current() -> Arc<Mutex<State>> {
    let made = MADE.with_borrow(|made| made.last().cloned());
    made.unwrap_or_else(|| {
        panic!(
            "there is no storage here: this program does not run in the sandbox of an ability. \
             A test makes an `ability_storage_guest::testing::MemoryStorage` first, on the same \
             thread"
        )
    })
}
