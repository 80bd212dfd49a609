//! Commits share syncs of a directory, and none counts on one that came too early.

use super::dir_sync::DirSync;
use super::directory::{Access, Directory, Id};
use super::locks::shard_of;
use super::sim::{SimDirectory, SimDisk};
use super::testing::{contents, file, open, write};
use std::collections::BTreeMap;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

const TOO_LONG: Duration = Duration::from_secs(20);
const ID: Id = (0, 0);
const WRITERS: usize = 16;

/// A directory whose syncs end when the test says so.
struct Gate {
    disk: SimDisk,
    directory: SimDirectory,
    dir_sync: DirSync,
    syncs: AtomicUsize,
    begun: Pipe<()>,
    end: Pipe<io::Result<()>>,
}

type Pipe<T> = (Mutex<Sender<T>>, Mutex<Receiver<T>>);

fn pipe<T>() -> Pipe<T> {
    let (sender, receiver) = channel();
    (Mutex::new(sender), Mutex::new(receiver))
}

impl Gate {
    fn new() -> Self {
        let disk = SimDisk::new();
        Self {
            directory: disk.start().0,
            disk,
            dir_sync: DirSync::default(),
            syncs: AtomicUsize::new(0),
            begun: pipe(),
            end: pipe(),
        }
    }

    fn change(&self, name: &str) {
        let created = self.directory.create_file(name, Access::Usual);
        created.expect("no faults");
    }

    fn settle(&self) -> io::Result<()> {
        self.dir_sync.share(ID, || self.sync())
    }

    /// Makes durable what is there when it begins, and nothing that comes later.
    fn sync(&self) -> io::Result<()> {
        self.syncs.fetch_add(1, Ordering::SeqCst);
        self.directory.sync().expect("no faults");
        self.begun
            .0
            .lock()
            .expect("no panic")
            .send(())
            .expect("heard");
        let end = self.end.1.lock().expect("no panic");
        end.recv_timeout(TOO_LONG).expect("the test goes on")
    }

    #[track_caller]
    fn a_sync_began(&self) {
        let begun = self.begun.1.lock().expect("no panic");
        begun.recv_timeout(TOO_LONG).expect("a sync began");
    }

    fn the_sync_ends(&self, result: io::Result<()>) {
        let end = self.end.0.lock().expect("no panic");
        end.send(result).expect("heard");
    }

    /// Waits until this number of commits wait for the running sync to end.
    fn await_waiting(&self, number: usize) {
        await_waiting(&self.dir_sync, ID, number);
    }

    fn syncs(&self) -> usize {
        self.syncs.load(Ordering::SeqCst)
    }

    /// The names that every power cut leaves.
    fn durable(&self) -> Vec<String> {
        self.disk.after_power_cut(usize::MAX, &mut || 0)[0].names_in(&[])
    }
}

/// A commit counts only once it has joined a group, so that the number of syncs does not
/// depend on when its thread runs.
#[track_caller]
fn await_waiting(dir_sync: &DirSync, id: Id, number: usize) {
    let begun = Instant::now();
    while dir_sync.waiting(id) < number {
        assert!(begun.elapsed() < TOO_LONG, "fewer than {number} wait");
        thread::yield_now();
    }
}

#[test]
fn many_commits_take_two_syncs() {
    let gate = Gate::new();
    thread::scope(|scope| {
        gate.change("first");
        let first = scope.spawn(|| gate.settle());
        gate.a_sync_began();
        for number in 1..WRITERS {
            gate.change(&format!("{number}"));
            scope.spawn(|| gate.settle().expect("settled"));
        }
        gate.await_waiting(WRITERS - 1);
        gate.the_sync_ends(Ok(()));
        first.join().expect("no panic").expect("settled");
        gate.a_sync_began();
        gate.the_sync_ends(Ok(()));
    });
    assert_eq!(gate.syncs(), 2);
    assert_eq!(gate.durable().len(), WRITERS);
}

/// What a commit changes while a sync runs may be past where that sync is.
#[test]
fn a_commit_does_not_count_on_a_sync_that_began_before_it() {
    let gate = Gate::new();
    thread::scope(|scope| {
        gate.change("first");
        scope.spawn(|| gate.settle().expect("settled"));
        gate.a_sync_began();
        gate.change("late");
        let late = scope.spawn(|| {
            gate.settle().expect("settled");
            gate.durable()
        });
        gate.await_waiting(1);
        gate.the_sync_ends(Ok(()));
        gate.a_sync_began();
        gate.the_sync_ends(Ok(()));
        assert_eq!(late.join().expect("no panic"), ["first", "late"]);
    });
}

#[test]
fn a_sync_that_fails_fails_for_all_that_counted_on_it_and_nobody_else() {
    let gate = Gate::new();
    thread::scope(|scope| {
        let first = scope.spawn(|| gate.settle());
        gate.a_sync_began();
        let group: Vec<_> = (1..WRITERS)
            .map(|_| scope.spawn(|| gate.settle()))
            .collect();
        gate.await_waiting(WRITERS - 1);
        gate.the_sync_ends(Ok(()));
        first
            .join()
            .expect("no panic")
            .expect("the first is settled");
        gate.a_sync_began();
        let last = scope.spawn(|| gate.settle());
        gate.await_waiting(WRITERS - 1);
        let full = io::ErrorKind::StorageFull;
        gate.the_sync_ends(Err(full.into()));
        for one in group {
            let error = one.join().expect("no panic").expect_err("none is settled");
            assert_eq!(error.kind(), full);
        }
        gate.a_sync_began();
        gate.the_sync_ends(Ok(()));
        last.join().expect("no panic").expect("the last is settled");
    });
    assert_eq!(gate.syncs(), 3);
}

#[test]
fn commits_into_one_directory_share_its_sync() {
    let disk = SimDisk::new();
    let volume = open(&disk).expect("no faults");
    // Paths with locks of their own.
    let paths = (0..100).map(|number| format!("file{number}"));
    let paths: BTreeMap<String, String> =
        paths.map(|path| (shard_of(&file(&path)), path)).collect();
    let paths: Vec<String> = paths.into_values().take(WRITERS).collect();
    let dir_sync = volume.reader.tree.dir_sync();
    let root = volume
        .reader
        .tree
        .root()
        .id()
        .expect("known")
        .expect("known");
    let (begin, begun) = pipe::<()>();
    let (go_on, wait) = pipe::<()>();
    thread::scope(|scope| {
        let running = || {
            begin.lock().expect("no panic").send(()).expect("heard");
            let waited = wait.lock().expect("no panic").recv_timeout(TOO_LONG);
            waited.map_err(|_| io::ErrorKind::TimedOut.into())
        };
        scope.spawn(move || dir_sync.share(root, running).expect("ended"));
        let begun = begun.lock().expect("no panic").recv_timeout(TOO_LONG);
        begun.expect("a sync began");
        let before = disk.flushes();
        let commits: Vec<_> = paths
            .iter()
            .map(|path| {
                let volume = &volume;
                scope.spawn(move || volume.commit(write(path, b"new").into()).expect("made"))
            })
            .collect();
        await_waiting(dir_sync, root, WRITERS);
        go_on.lock().expect("no panic").send(()).expect("heard");
        for commit in commits {
            commit.join().expect("no panic");
        }
        assert_eq!(disk.flushes() - before, WRITERS + 1);
    });
    let now = contents(&volume).expect("read");
    for state in disk.after_power_cut(500, &mut || 7) {
        let left = open(&state).expect("no faults");
        assert_eq!(contents(&left).expect("read"), now);
    }
}
