//! The journaled volume: a commit is one record in a journal, on the disk after one
//! flush that it shares with all who commit at that moment; the files follow later.
//!
//! | module | holds |
//! |---|---|
//! | `effects` | what a record says |
//! | `logs` | the two journals that take the records in turn |
//! | `parts` | what the journal holds of a file, in memory |
//! | `view` | what the records make of the volume, until it is in the files |
//! | `alone` | a lock that one in all processes has at a time |
//! | `turn` | one writer of records at a time |
//! | `durable` | one flush for all who wait |
//! | `commit` | from the steps of a batch to a record |
//! | `draft` | what a record is made of |
//! | `large` | contents that are too long for a record |
//! | `ways` | that nothing becomes both a file and a directory |
//! | `current` | what a path has at this moment, for readers and planners |
//! | `settle` | putting what the records say into the files |
//! | `background` | when that is done |
//! | `sharing` | that all who have the volume open do it in the same way |
//!
//! As long as a session like this has the volume open, its files may be changed in
//! `settle` alone: there is no lock of a path. What the records say counts, whatever
//! the files hold.

mod alone;
mod background;
mod commit;
mod current;
mod draft;
mod durable;
mod effects;
mod large;
mod logs;
mod parts;
mod settle;
mod sharing;
mod turn;
mod view;
mod ways;

use super::append::AppendError;
use super::directory::{Access, Directory, FileHandle};
use super::recent::Recent;
use super::tree::Tree;
use super::unchanged::Unchanged;
use alone::{Alone, Held};
use background::Background;
pub(crate) use current::Opened;
use durable::Durable;
use effects::Record;
use logs::{Logs, REDO, Room};
pub(crate) use sharing::{Mode, enter};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};
use turn::{Turn, WRITER};
use view::View;

use crate::FilePath;
use crate::path::PRIVATE_DIR;

/// How many bytes of contents go into one record, of one file and of all.
const INLINE_BYTES: u64 = if cfg!(test) { 256 } else { 256 << 10 };
const ALL_INLINE_BYTES: u64 = if cfg!(test) { 700 } else { 1 << 20 };

/// Of how many files it is remembered that they are on the disk, at least.
const BASES: usize = 128;

pub(crate) struct Journaled<D: Directory> {
    tree: Tree<D>,
    state: Mutex<State<D>>,
    durable: Durable,
    /// `None` if the volume is only read.
    writing: Option<Writing<D>>,
    /// For the thread that settles.
    me: Weak<Self>,
}

struct State<D: Directory> {
    logs: Logs<D>,
    view: View,
}

/// What it takes to write records and to settle them.
struct Writing<D: Directory> {
    /// Where logs and large contents are.
    redo: Arc<D>,
    /// Where files are staged on their way from the journal.
    staging: Arc<D>,
    /// Who may write records.
    writer: Alone<D>,
    /// Who settles.
    settling: Alone<D>,
    /// Who syncs a log. btrfs has lost what an `fdatasync` returned for when another of
    /// the same file ran at that time.
    syncing: Alone<D>,
    background: Background,
    unchanged: Arc<Unchanged>,
    /// Files whose contents are known to be on the disk, with length and time of
    /// change: of those that were needed last.
    bases: Mutex<Recent<FilePath, (u64, SystemTime)>>,
}

impl<D: Directory> Journaled<D> {
    /// For a session that writes; `staging` is its own. It settles by itself within
    /// `settle_after`, `None` for only when it must. What it settled is remembered as
    /// `unchanged`.
    pub(crate) fn open(
        tree: &Tree<D>,
        root: Arc<D>,
        staging: Arc<D>,
        unchanged: Arc<Unchanged>,
        settle_after: Option<Duration>,
    ) -> io::Result<Arc<Self>> {
        let private = root.open_dir(PRIVATE_DIR)?;
        let redo = Arc::new(private.open_or_create_dir(REDO, Access::Private)?);
        let writing = Writing {
            redo: redo.clone(),
            staging,
            writer: Alone::new(WRITER),
            settling: Alone::new("settling"),
            syncing: Alone::new("syncing"),
            background: Background::new(settle_after),
            unchanged,
            bases: Mutex::new(Recent::new(BASES)),
        };
        Ok(Self::new(tree, root, Some(redo), Some(writing)))
    }

    /// To read only.
    pub(crate) fn open_to_read(tree: &Tree<D>, root: Arc<D>) -> Arc<Self> {
        Self::new(tree, root, None, None)
    }

    fn new(
        tree: &Tree<D>,
        root: Arc<D>,
        redo: Option<Arc<D>>,
        writing: Option<Writing<D>>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            tree: tree.to_look_at(),
            state: Mutex::new(State {
                logs: Logs::new(root, redo),
                view: View::default(),
            }),
            durable: Durable::default(),
            writing,
        })
    }

    fn writing(&self) -> io::Result<&Writing<D>> {
        let writing = self.writing.as_ref();
        writing.ok_or_else(|| io::ErrorKind::ReadOnlyFilesystem.into())
    }

    /// The logs and the view, with all that anybody has written.
    fn up_to_date(&self) -> io::Result<MutexGuard<'_, State<D>>> {
        let mut state = self.state();
        let State { logs, view } = &mut *state;
        logs.follow(view)?;
        Ok(state)
    }

    fn state(&self) -> MutexGuard<'_, State<D>> {
        lock(&self.state)
    }

    /// Sees to it that there is room for a record of this length.
    fn make_room(&self, _turn: &Turn<'_, D>, payload_bytes: usize) -> io::Result<()> {
        let mut synced = None;
        loop {
            let room = self
                .state()
                .logs
                .make_room(payload_bytes, synced.is_some())?;
            match room {
                Room::Ready => return Ok(()),
                Room::Sync => synced = Some(self.sync_log()?),
                Room::Settle(which) => {
                    synced = None;
                    self.settle(which)?;
                }
            }
        }
    }

    /// Writes a record of these effects, for which there is room, and shows it.
    /// Returns its number.
    fn write(
        &self,
        turn: &Turn<'_, D>,
        time: SystemTime,
        effects: Vec<(FilePath, effects::Effect)>,
    ) -> Result<u64, AppendError> {
        let mut state = self.state();
        let State { logs, view } = &mut *state;
        let record = Record {
            sequence: logs.last() + 1,
            time,
            effects,
        };
        let sequence = record.sequence;
        let which = logs.write(turn.number(), &record)?;
        view.apply(which, record);
        Ok(sequence)
    }

    /// Waits until all up to this commit is on the disk.
    fn wait_durable(&self, sequence: u64) -> io::Result<()> {
        self.durable.wait(sequence, || {
            let (_alone, last) = self.sync_unchecked()?;
            Ok(last)
        })
    }

    /// Makes all records durable that there are, also those of others. Nobody else
    /// syncs a log before what is returned is dropped.
    fn sync_log(&self) -> io::Result<Held<'_, D>> {
        self.durable.check()?;
        let synced = self.sync_unchecked();
        let (alone, _) = synced.inspect_err(|error| self.durable.fail(error))?;
        Ok(alone)
    }

    /// The number of the last record that is durable by it.
    fn sync_unchecked(&self) -> io::Result<(Held<'_, D>, u64)> {
        let alone = self.sync_alone()?;
        let mut state = self.state();
        let last = state.logs.last();
        let file = state.logs.descriptor_to_sync()?;
        drop(state);
        file.sync_data()?;
        Ok((alone, last))
    }

    /// Waits until nobody syncs a log.
    fn sync_alone(&self) -> io::Result<Held<'_, D>> {
        let writing = self.writing()?;
        writing.syncing.take(&writing.redo)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::sim::{Fault, SimDisk};
    use super::super::testing::{Way, contents_after_cut, file, open_with, write};
    use super::*;

    #[test]
    fn nothing_is_written_over_a_log_that_could_not_be_read() {
        let disk = SimDisk::new();
        let volume = open_with(&disk, Way::Journaled).expect("no faults");
        volume.commit(write("a", b"1").into()).expect("committed");
        let journaled = volume.journaled.as_ref().expect("it is journaled");
        let turn = journaled.turn().expect("no faults");
        disk.fail_at(0, Fault::Error(io::ErrorKind::Other));
        journaled
            .up_to_date()
            .map(drop)
            .expect_err("a reader fails meanwhile");
        let written = journaled.write(&turn, SystemTime::now(), Vec::new());
        assert!(matches!(written, Err(AppendError::NotApplied(_))));
        drop(turn);
        volume.commit(write("b", b"2").into()).expect("read again");
        let left = contents_after_cut(&disk);
        assert_eq!(left.into_keys().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn who_writes_what_is_there_waits_until_it_is_durable() {
        let disk = SimDisk::new();
        let volume = open_with(&disk, Way::Journaled).expect("no faults");
        volume.commit(write("a", b"1").into()).expect("committed");
        let journaled = volume.journaled.as_ref().expect("it is journaled");
        let turn = journaled.turn().expect("no faults");
        let put = effects::Put {
            contents: effects::Contents::Inline(b"2".as_slice().into()),
            mode: None,
            modified: SystemTime::now(),
            version: None,
        };
        let effects = vec![(file("a"), effects::Effect::Put(put))];
        let written = journaled.write(&turn, SystemTime::now(), effects);
        assert!(written.is_ok(), "though not synced");
        drop(turn);
        let flushes = disk.flushes();
        for unchanged in 1..3 {
            volume.commit(write("a", b"2").into()).expect("committed");
            assert_eq!(volume.observer.counters(0).unchanged, unchanged);
            assert_eq!(
                disk.flushes(),
                flushes + 1,
                "one for what is not synced yet"
            );
            let left = contents_after_cut(&disk);
            assert_eq!(left["a"], b"2");
        }
    }
}
