//! What the simulated disk does with what goes wrong.

mod faults;
mod lost_writes;
mod outside;

use super::{Call, Fault, Role, SimDirectory, SimDisk};
use crate::local::directory::{Access, Directory, FileHandle, Kind, Lock, unless_absent};
use std::io::{self, ErrorKind};

fn start() -> (SimDisk, SimDirectory) {
    let disk = SimDisk::new();
    let root = disk.start().0;
    (disk, root)
}

fn create(directory: &SimDirectory, name: &str, contents: &[u8]) {
    let file = directory.create_file(name, Access::Usual).expect("created");
    file.write_all_at(contents, 0).expect("written");
    file.sync().expect("synced");
    directory.sync().expect("synced");
}

fn to_change(directory: &SimDirectory, name: &str) -> <SimDirectory as Directory>::File {
    let file = directory.open_file_to_change(name).expect("opened");
    file.expect("there")
}

fn read(directory: &SimDirectory, name: &str) -> Vec<u8> {
    let file = directory.open_file(name).expect("opened").expect("there");
    let mut contents = vec![0; 100];
    let read = file.read_all_at(&mut contents, 0).expect("read");
    contents.truncate(read);
    contents
}

/// After a power cut that takes all that is not durable.
fn durable(disk: &SimDisk, name: &str) -> Vec<u8> {
    let after = disk.after_power_cut(1, &mut || 0);
    read(&after[0].start().0, name)
}

fn kind<T>(result: io::Result<T>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

#[test]
fn handles_are_counted_and_limited() {
    const EMFILE: Option<i32> = Some(24);
    let disk = SimDisk::new();
    let (root, process) = disk.start();
    create(&root, "file", b"");
    root.create_dir("sub", Access::Usual).expect("made");
    assert_eq!(process.open_descriptors(), 1);
    disk.limit_descriptors(3);
    let sub = root.open_dir("sub").expect("opened");
    let lock = root.lock("lock").expect("locked");
    let code = |error: Option<io::Error>| error.and_then(|error| error.raw_os_error());
    assert_eq!(code(root.open_file("file").err()), EMFILE);
    assert_eq!(code(root.create_file("new", Access::Usual).err()), EMFILE);
    assert_eq!(code(root.open_dir("sub").err()), EMFILE);
    assert_eq!(code(root.entries().err()), EMFILE);
    assert_eq!(code(root.try_lock("other").err()), EMFILE);
    assert!(
        root.stat("new").expect("looked").is_none(),
        "nothing was made"
    );
    let (_other, of_other) = disk.start();
    assert_eq!(of_other.open_descriptors(), 1);
    let idle = lock.release();
    assert_eq!(process.open_descriptors(), 3, "an idle lock is open");
    let lock = root
        .lock_again("lock", idle.expect("kept"))
        .expect("locked");
    drop((lock, sub));
    assert_eq!(process.open_descriptors(), 1);
    assert_eq!(root.entries().expect("listed").len(), 3);
    disk.heal();
}

#[test]
fn names_that_differ_in_case_or_form_are_one_where_they_are_folded() {
    let (disk, root) = start();
    disk.outside_mkdir(&["exact"]);
    disk.outside_mkdir(&["folded"]);
    disk.fold_names(&["folded"]);
    let exact = root.open_dir("exact").expect("opened");
    let folded = root.open_dir("folded").expect("opened");
    assert!(!exact.ignores_case().expect("known"));
    assert!(folded.ignores_case().expect("known"));
    create(&exact, "Name", b"1");
    assert!(exact.stat("name").expect("looked").is_none());
    create(&folded, "Café", b"1");
    assert_eq!(read(&folded, "CAFE\u{301}"), b"1");
    let exists = Some(ErrorKind::AlreadyExists);
    assert_eq!(kind(folded.create_file("café", Access::Usual)), exists);
    exact.rename("Name", &folded, "CAFÉ").expect("renamed");
    let names = |directory: &SimDirectory| {
        let entries = directory.entries().expect("listed").into_iter();
        entries.map(|entry| entry.name).collect::<Vec<_>>()
    };
    assert_eq!(names(&folded), ["Café"]);
    folded.create_dir("Below", Access::Usual).expect("made");
    let below = folded.open_dir("BELOW").expect("opened");
    assert!(below.ignores_case().expect("known"));
    folded.remove_file("café").expect("removed");
    folded.remove_dir("below").expect("removed");
    assert!(names(&folded).is_empty());
    disk.fold_names(&[]);
    assert!(exact.ignores_case().expect("known"));
}

#[test]
fn what_a_file_is_for_depends_on_its_directory() {
    let (disk, root) = start();
    let staged = "0123456789abcdef0123456789abcdef";
    let create_in = |path: &[&str], name: &str| {
        let mut directory = root.open_or_create_dir(path[0], Access::Private);
        for name in &path[1..] {
            directory = directory.and_then(|d| d.open_or_create_dir(name, Access::Private));
        }
        let file = directory.and_then(|d| d.create_file(name, Access::Private));
        file.expect("created")
    };
    let is_role = |file: <SimDirectory as Directory>::File, role| {
        disk.lose_next_sync_of(role);
        let failed = file.sync().is_err();
        disk.heal();
        failed
    };
    let private = ".ability-storage";
    let cases: [(&[&str], &str, Role); 9] = [
        (&["sub"], staged, Role::Volume),
        (&["sub"], "log-0", Role::Volume),
        (&[private, "log"], "log-0", Role::Journal),
        (&[private, "redo"], "log-1", Role::Journal),
        (&[private, "log"], staged, Role::Staged),
        (&[private, "sessions", "a"], staged, Role::Staged),
        (&[private, "sessions", "a"], "journal-1", Role::Journal),
        (&[private, "journals"], "00", Role::Journal),
        (&[private], staged, Role::Private),
    ];
    for (path, name, role) in cases {
        assert!(is_role(create_in(path, name), role), "{path:?} {name}");
    }
}

#[test]
fn a_file_that_was_opened_to_be_read_refuses_changes() {
    let (_, root) = start();
    create(&root, "file", b"contents");
    let file = root.open_file("file").expect("opened").expect("there");
    file.write_all_at(b"more", 0).expect_err("refused");
    file.set_len(0).expect_err("refused");
    file.sync().expect("synced");
    assert_eq!(read(&root, "file"), b"contents");
}
