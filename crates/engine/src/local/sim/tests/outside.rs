//! Other programs that change files.

use super::*;

#[test]
fn another_program_changes_files_between_two_calls() {
    let (disk, root) = start();
    create(&root, "file", b"old");
    let file = to_change(&root, "file");
    let other = disk.clone();
    disk.interrupt_at(1, move || {
        assert!(other.outside_append(&["file"], b" and more"));
    });
    assert_eq!(file.stat().expect("looked").size, 3);
    assert_eq!(file.stat().expect("looked").size, 12);
    assert!(disk.outside_truncate(&["file"], 1));
    assert_eq!(read(&root, "file"), b"o");
    assert!(disk.outside_write(&["file"], b"written"));
    assert_eq!(file.stat().expect("looked").size, 7);
    assert!(disk.outside_replace(&["file"], b"other"));
    assert_eq!(file.stat().expect("looked").size, 7);
    assert_eq!(read(&root, "file"), b"other");
    assert_ne!(durable(&disk, "file"), b"other", "nothing was synced");
}

#[test]
fn another_program_changes_directories() {
    let (disk, root) = start();
    assert!(!disk.outside_write(&["sub", "file"], b""));
    assert!(disk.outside_write(&["sub"], b"a file"));
    assert!(disk.outside_mkdir(&["sub"]));
    assert!(disk.outside_write(&["sub", "file"], b"x"));
    let sub = root.open_dir("sub").expect("opened");
    assert_eq!(read(&sub, "file"), b"x");
    assert!(disk.outside_remove(&["sub"]));
    assert!(sub.is_removed().expect("looked"));
    assert!(
        unless_absent(root.open_dir("sub"))
            .expect("looked")
            .is_none()
    );
}

#[test]
fn a_name_that_is_not_utf8_is_listed_and_in_the_way() {
    let (disk, root) = start();
    disk.outside_mkdir(&["sub"]);
    assert!(disk.outside_name_not_utf8(&["sub"]));
    let sub = root.open_dir("sub").expect("opened");
    let entries = sub.entries().expect("listed");
    assert_eq!(entries[0].kind, Kind::Other);
    assert!(sub.stat(&entries[0].name).expect("looked").is_none());
    let not_empty = Some(ErrorKind::DirectoryNotEmpty);
    assert_eq!(kind(root.remove_dir("sub")), not_empty);
    assert!(disk.outside_remove(&["sub"]));
}

#[test]
fn an_unreadable_directory_is_neither_opened_nor_listed() {
    let (disk, root) = start();
    disk.outside_mkdir(&["sub"]);
    let sub = root.open_dir("sub").expect("opened");
    assert!(disk.outside_unreadable(&["sub"]));
    let denied = Some(ErrorKind::PermissionDenied);
    assert_eq!(kind(root.open_dir("sub")), denied);
    assert_eq!(kind(sub.entries()), denied);
    create(&sub, "file", b"by a handle");
    disk.heal();
    assert_eq!(
        root.open_dir("sub").map(|_| ()).map_err(|e| e.kind()),
        Ok(())
    );
}
