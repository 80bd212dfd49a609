//! Read, change, write conditionally, and again if someone else was faster.
//!
//! Must never write what was not derived from the contents that it replaces,
//! and must never repeat a write that may have been applied.

use crate::error::{Error, Result};
use crate::files;
use crate::scope::Scope;
use crate::version::{Precondition, Snapshot, Version};
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// How long an update is tried. An attempt fails only because another writer
/// succeeded, so this is reached only where many write without a pause. Time and
/// not attempts, because how long a commit takes depends on the disk: with sixteen
/// writers and 30 ms a commit, a minute is some two thousand commits.
const PATIENCE: Duration = Duration::from_secs(60);

/// For hosts whose clock stands still: more attempts than fit into the time.
const MAX_ATTEMPTS: u32 = 100_000;

/// The longest pause between two attempts. It keeps the number of writers that
/// collide small even where a commit takes tens of milliseconds.
const LONGEST_PAUSE: Duration = Duration::from_millis(256);

/// Changes the file at `path` such that no change of anyone else is lost.
///
/// `change` gets the contents of the file, `None` if there is none, and returns
/// the new contents. They are written on condition that the file is still as it
/// was read. If it is not, all is done again, after a short random pause that
/// grows from attempt to attempt; so `change` may be called several times and
/// should do nothing but compute. After a minute of that the update gives up.
/// Returns the contents that were written.
///
/// Each attempt reads and writes the whole file. Where many write at once, one
/// file for each of them costs less than one that they all change.
///
/// `change` may fail with an error type of its own, provided that it can hold an
/// [`Error`]; nothing is written then. If it cannot fail, say
/// `Ok::<_, Error>(…)`.
///
/// # Errors
///
/// What `change` returns; [`Error::Conflict`] if other writers were faster each
/// time; and as [`atomic_write_file`](crate::atomic_write_file). After
/// [`Error::Unconfirmed`] the change is in the file, or may be: to call `update_file`
/// again could make it twice. Read the file first, and see whether the change is there.
///
/// ```no_run
/// use ability_storage_guest::{Error, Scope, update_file};
///
/// update_file("todo.txt", Scope::User, |old| {
///     let mut list = old.unwrap_or_default().to_vec();
///     list.extend_from_slice(b"water the plants\n");
///     Ok::<_, Error>(list)
/// })?;
/// # Ok::<(), Error>(())
/// ```
pub fn update_file<C, E>(
    path: &str,
    scope: Scope,
    change: impl FnMut(Option<&[u8]>) -> Result<C, E>,
) -> Result<C, E>
where
    C: AsRef<[u8]>,
    E: From<Error>,
{
    update(&HostFile::new(path, scope), change).map(|(contents, _)| contents)
}

/// One file, as an update needs it. A trait only so that updates can be tested
/// without a host.
pub(crate) trait VersionedFile {
    /// For messages.
    fn path(&self) -> &str;
    /// What is there; `None` if there is no file.
    fn read(&self) -> Result<Option<Snapshot>>;
    /// Writes if `precondition` holds.
    fn write_if(&self, contents: &[u8], precondition: Precondition) -> Result<Version>;
    /// Lets other writers finish, after the given number of attempts.
    fn pause(&self, attempts: u32);
    /// How long this has been going on.
    fn elapsed(&self) -> Duration;
}

/// A file behind the host's interface, for one update.
pub(crate) struct HostFile<'a> {
    path: &'a str,
    scope: Scope,
    started: Instant,
}

impl<'a> HostFile<'a> {
    pub(crate) fn new(path: &'a str, scope: Scope) -> Self {
        Self {
            path,
            scope,
            started: Instant::now(),
        }
    }
}

impl VersionedFile for HostFile<'_> {
    fn path(&self) -> &str {
        self.path
    }

    fn read(&self) -> Result<Option<Snapshot>> {
        files::read_if_there(self.path, self.scope)
    }

    fn write_if(&self, contents: &[u8], precondition: Precondition) -> Result<Version> {
        files::atomic_write_file_if(self.path, contents, self.scope, precondition)
    }

    fn pause(&self, attempts: u32) {
        pause(attempts);
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// The attempts of one change that other writers may come before.
#[derive(Debug)]
pub(crate) struct Attempts {
    count: u32,
    started: Instant,
}

impl Attempts {
    pub(crate) fn begin() -> Self {
        Self {
            count: 0,
            started: Instant::now(),
        }
    }

    /// After an attempt that failed: lets other writers finish. `false`, without a pause,
    /// if it has been tried for too long.
    pub(crate) fn pause(&mut self) -> bool {
        self.count += 1;
        if self.started.elapsed() >= PATIENCE || self.count >= MAX_ATTEMPTS {
            return false;
        }
        pause(self.count);
        true
    }
}

/// Lets other writers finish, after the given number of attempts.
fn pause(attempts: u32) {
    // Keyed with the host's seed for hash maps. The time is for hosts that
    // give all instances the same seed: they would meet again and again.
    let random = RandomState::new().hash_one(Instant::now());
    std::thread::sleep(pause_length(attempts, random));
}

/// Somewhere between nothing and a bound that doubles with every attempt.
fn pause_length(attempts: u32, random: u64) -> Duration {
    let bound = Duration::from_millis(1)
        .saturating_mul(1_u32.checked_shl(attempts).unwrap_or(u32::MAX))
        .min(LONGEST_PAUSE);
    let share = (random >> 32) as u32;
    bound.mul_f64(f64::from(share) / f64::from(u32::MAX))
}

/// The update itself. Returns what was written, and its version.
pub(crate) fn update<C, E>(
    file: &impl VersionedFile,
    mut change: impl FnMut(Option<&[u8]>) -> Result<C, E>,
) -> Result<(C, Version), E>
where
    C: AsRef<[u8]>,
    E: From<Error>,
{
    let mut attempts = 0;
    loop {
        let (old, version) = match file.read()? {
            Some(Snapshot { contents, version }) => (Some(contents), Some(version)),
            None => (None, None),
        };
        let new = change(old.as_deref())?;
        attempts += 1;
        match file.write_if(new.as_ref(), Precondition::unchanged(version)) {
            Ok(version) => return Ok((new, version)),
            Err(Error::Conflict { .. }) if file.elapsed() < PATIENCE && attempts < MAX_ATTEMPTS => {
                file.pause(attempts);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::cell::{Cell, RefCell};

    /// A file in memory, with other writers that come in before a commit.
    #[derive(Default)]
    pub(crate) struct MemoryFile {
        pub(crate) contents: RefCell<Option<Vec<u8>>>,
        /// What others write, the last one first, one before each commit.
        pub(crate) others: RefCell<Vec<&'static str>>,
        /// Commits apply but report `Unconfirmed`.
        pub(crate) unconfirmed: Cell<bool>,
        pub(crate) pauses: Cell<u32>,
        /// How long a pause takes.
        pub(crate) pause: Cell<Duration>,
    }

    impl MemoryFile {
        pub(crate) fn with(contents: &str) -> Self {
            let file = Self::default();
            file.contents.replace(Some(contents.into()));
            file
        }

        pub(crate) fn text(&self) -> Option<String> {
            let contents = self.contents.borrow().clone();
            contents.map(|contents| String::from_utf8(contents).unwrap())
        }

        fn version(&self) -> Option<Version> {
            let contents = self.contents.borrow();
            let contents = contents.as_ref()?;
            Some(Version::new(String::from_utf8_lossy(contents)))
        }
    }

    impl VersionedFile for MemoryFile {
        fn path(&self) -> &str {
            "file"
        }

        fn read(&self) -> Result<Option<Snapshot>> {
            let contents = self.contents.borrow().clone();
            Ok(contents
                .zip(self.version())
                .map(|(contents, version)| Snapshot { contents, version }))
        }

        fn write_if(&self, contents: &[u8], precondition: Precondition) -> Result<Version> {
            if let Some(other) = self.others.borrow_mut().pop() {
                self.contents.replace(Some(other.into()));
            }
            let path = || "file".to_owned();
            if precondition != Precondition::unchanged(self.version()) {
                return Err(Error::Conflict {
                    path: path(),
                    found: self.version(),
                });
            }
            self.contents.replace(Some(contents.to_vec()));
            if self.unconfirmed.get() {
                return Err(Error::Unconfirmed {
                    path: path(),
                    reason: "the directory was not synced".to_owned(),
                });
            }
            Ok(self.version().unwrap())
        }

        fn pause(&self, attempts: u32) {
            assert_eq!(attempts, self.pauses.get() + 1);
            self.pauses.set(attempts);
        }

        fn elapsed(&self) -> Duration {
            self.pause.get() * self.pauses.get()
        }
    }

    fn add_x(file: &MemoryFile) -> Result<(String, Version)> {
        update(file, |old| {
            let old = old.map(|old| String::from_utf8(old.to_vec()).unwrap());
            Ok(old.unwrap_or_default() + "x")
        })
    }

    #[test]
    fn an_absent_file_is_created() {
        let file = MemoryFile::default();
        let (contents, version) = add_x(&file).unwrap();
        assert_eq!(contents, "x");
        assert_eq!(version, Version::new("x"));
        assert_eq!(file.text().as_deref(), Some("x"));
    }

    #[test]
    fn what_others_wrote_is_kept() {
        let file = MemoryFile::with("a");
        file.others.replace(vec!["abc", "ab"]);
        add_x(&file).unwrap();
        assert_eq!(file.text().as_deref(), Some("abcx"));
        assert_eq!(file.pauses.get(), 2);
    }

    #[test]
    fn a_file_that_appears_meanwhile_is_not_overwritten() {
        let file = MemoryFile::default();
        file.others.replace(vec!["new"]);
        add_x(&file).unwrap();
        assert_eq!(file.text().as_deref(), Some("newx"));
    }

    /// A file that others write without end.
    fn busy_file(pause: Duration) -> MemoryFile {
        let file = MemoryFile::with("0");
        file.others
            .replace(["a", "b"].repeat(MAX_ATTEMPTS as usize));
        file.pause.set(pause);
        file
    }

    #[test]
    fn it_gives_up_with_the_conflict_when_the_time_is_over() {
        let file = busy_file(Duration::from_millis(50));
        let error = add_x(&file).unwrap_err();
        assert!(matches!(error, Error::Conflict { .. }), "{error}");
        assert_eq!(file.pauses.get(), 60 * 20);
    }

    #[test]
    fn it_gives_up_also_if_the_clock_stands_still() {
        let file = busy_file(Duration::ZERO);
        let error = add_x(&file).unwrap_err();
        assert!(matches!(error, Error::Conflict { .. }), "{error}");
        assert_eq!(file.pauses.get(), MAX_ATTEMPTS - 1);
    }

    #[test]
    fn what_may_be_applied_is_not_repeated() {
        let file = MemoryFile::with("a");
        file.unconfirmed.set(true);
        let error = add_x(&file).unwrap_err();
        assert!(error.is_applied());
        assert_eq!(file.text().as_deref(), Some("ax"));
        assert_eq!(file.pauses.get(), 0);
    }

    #[test]
    fn an_error_of_the_change_writes_nothing() {
        #[derive(Debug, PartialEq)]
        enum Own {
            Refused,
            Storage(Error),
        }
        impl From<Error> for Own {
            fn from(error: Error) -> Self {
                Own::Storage(error)
            }
        }
        let file = MemoryFile::with("a");
        let result = update(&file, |_| Err::<Vec<u8>, _>(Own::Refused));
        assert_eq!(result, Err(Own::Refused));
        assert_eq!(file.text().as_deref(), Some("a"));
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        assert_eq!(pause_length(1, u64::MAX), Duration::from_millis(2));
        assert_eq!(pause_length(4, u64::MAX), Duration::from_millis(16));
        assert_eq!(pause_length(8, u64::MAX), LONGEST_PAUSE);
        assert_eq!(pause_length(99, u64::MAX), LONGEST_PAUSE);
        assert_eq!(pause_length(99, 0), Duration::ZERO);
    }
}
