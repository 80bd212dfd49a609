//! What commits do to directories, and what is known of them.

use crate::local::directory::{Access, Directory, unless_absent};
use crate::local::durability::Durability;
use crate::local::layout::{LOG, PRIVATE_DIR, SYNC};
use crate::local::locks::shard_of;
use crate::local::sim::SimDisk;
use crate::local::testing::{
    batch, contents, contents_after_cut, delete, file, open, rename, write,
};
use crate::local::tree::{MIN_DURABLE, Tree};
use std::sync::{Arc, Mutex};
use std::thread;

#[test]
fn directories_that_commits_leave_empty_are_removed() {
    let disk = SimDisk::new();
    let volume = open(&disk).expect("opened");
    let commit = |change: crate::Change| volume.commit(change.into()).expect("made");
    let top = || {
        let mut names = disk.names_in(&[]);
        names.retain(|name| name != ".ability-storage");
        names
    };
    let (root, _) = disk.start();
    commit(write("a/b/c/one", b"1"));
    commit(write("a/b/two", b"2"));
    commit(delete("a/b/c/one"));
    assert_eq!(disk.names_in(&["a", "b"]), ["two"]);
    commit(rename("a/b/two", "d/e/two"));
    assert_eq!(top(), ["d"]);
    // What was empty before stays, and what it is in.
    root.open_dir("d")
        .expect("there")
        .create_dir("by hand", Access::Usual)
        .expect("made");
    commit(delete("d/e/two"));
    assert_eq!(disk.names_in(&["d"]), ["by hand"]);
    commit(write("d/e/two", b"3"));
    assert_eq!(contents_after_cut(&disk), contents(&volume).expect("read"));
}

#[test]
fn a_commit_whose_directory_vanishes_makes_it_again() {
    let shards = ["a/b/old", "a/b/new", "a/c"].map(|path| shard_of(&file(path)));
    assert!(shards[0] != shards[1] && shards[0] != shards[2]);
    let new: [fn() -> crate::Batch; 2] = [
        || write("a/b/new", b"2").into(),
        || batch([write("a/b/new", b"2"), write("a/c", b"3")]),
    ];
    for new in new {
        for call in 0.. {
            let disk = SimDisk::new();
            let volume = open(&disk).expect("opened");
            let other = open(&disk).expect("opened");
            volume.commit(write("a/b/old", b"1").into()).expect("made");
            let deleting = other.clone();
            let delete = move || {
                deleting.commit(delete("a/b/old").into()).expect("deleted");
            };
            let (interrupted, waiting) = (disk.clone(), Arc::new(Mutex::new(None)));
            let waits = waiting.clone();
            disk.interrupt_at(call, move || {
                // The delete needs the sync lock for a moment. If the interrupted commit
                // holds it, the delete has to wait until the commit goes on.
                let delete = delete.clone();
                match is_log_being_synced(&interrupted) {
                    true => *waits.lock().expect("no panic") = Some(thread::spawn(delete)),
                    false => delete(),
                }
            });
            volume.commit(new()).expect("made");
            let is_over = disk.is_to_be_interrupted();
            if let Some(delete) = waiting.lock().expect("no panic").take() {
                delete.join().expect("no panic");
            }
            let after = contents_after_cut(&disk);
            assert_eq!(after.get("a/b/new").map(Vec::as_slice), Some(&b"2"[..]));
            assert!(is_over || !after.contains_key("a/b/old"));
            if is_over {
                break;
            }
        }
    }
}

fn is_log_being_synced(disk: &SimDisk) -> bool {
    let root = disk.start().0;
    let private = root.open_dir(PRIVATE_DIR).expect("there");
    let log = unless_absent(private.open_dir(LOG)).expect("no faults");
    log.is_some_and(|log| log.try_lock(SYNC).expect("no faults").is_none())
}

#[test]
fn a_delete_beside_other_files_costs_one_flush_and_few_calls() {
    let disk = SimDisk::new();
    let volume = open(&disk).expect("opened");
    for name in ["dir/a", "dir/b", "dir/c"] {
        volume.commit(write(name, b"1").into()).expect("made");
    }
    let measure = |path: &str| {
        disk.cut_at(usize::MAX);
        let flushes = disk.flushes();
        volume.commit(delete(path).into()).expect("made");
        (disk.flushes() - flushes, disk.calls())
    };
    volume.usage().expect("counted");
    let (flushes, calls) = measure("dir/a");
    assert_eq!(flushes, 1);
    assert!(calls <= 12, "{calls}");
    measure("dir/b");
    // The last one takes the directory with it, and still flushes once.
    let (flushes, calls_of_last) = measure("dir/c");
    assert_eq!(flushes, 1);
    assert!(
        calls_of_last <= calls + 4,
        "{calls_of_last} instead of {calls}"
    );
    disk.heal();
}

#[test]
fn what_is_known_of_directories_is_bounded() {
    let disk = SimDisk::new();
    let tree = Tree::new(Arc::new(disk.start().0), Durability::Full);
    for number in 0..MIN_DURABLE * 3 {
        tree.durable().put(file(&format!("d{number}")), None);
    }
    assert!(tree.durable().len() <= 2 * MIN_DURABLE);
}
