//! Writes that are lost, and which program hears of it.

use super::*;

#[test]
fn a_sync_that_failed_succeeds_when_repeated_and_writes_nothing() {
    let (disk, root) = start();
    create(&root, "file", b"old.");
    let file = to_change(&root, "file");
    file.write_all_at(b"new", 4).expect("written");
    disk.lose_next_sync(&["file"]);
    assert!(file.sync_data().is_err());
    assert!(!disk.is_to_lose());
    file.sync_data().expect("synced");
    assert_eq!(read(&root, "file"), b"old.new");
    assert_eq!(durable(&disk, "file"), b"old.\0\0\0");
}

#[test]
fn the_same_bytes_are_durable_only_after_the_file_was_cut() {
    let (disk, root) = start();
    create(&root, "file", b"old.");
    let file = to_change(&root, "file");
    file.write_all_at(b"new", 4).expect("written");
    disk.lose_next_sync_of(Role::Volume);
    assert!(file.sync().is_err());
    file.write_all_at(b"new!", 4).expect("written");
    file.sync().expect("synced");
    assert_eq!(durable(&disk, "file"), b"old.\0\0\0!");
    file.set_len(4).expect("cut");
    file.write_all_at(b"new!", 4).expect("written");
    file.sync().expect("synced");
    assert_eq!(durable(&disk, "file"), b"old.new!");
}

#[test]
fn a_new_file_is_not_concerned() {
    let (disk, root) = start();
    create(&root, "file", b"old");
    let file = to_change(&root, "file");
    file.write_all_at(b"lost", 0).expect("written");
    disk.fail_at(0, Fault::LostWrites);
    assert!(file.sync().is_err());
    create(&root, "new", &read(&root, "file"));
    root.rename("new", &root, "file").expect("renamed");
    root.sync().expect("synced");
    assert_eq!(durable(&disk, "file"), b"lost");
}

#[test]
fn overwritten_bytes_stay_as_they_were() {
    let (disk, root) = start();
    create(&root, "file", b"old old");
    let file = to_change(&root, "file");
    file.write_all_at(b"new", 2).expect("written");
    assert_eq!(disk.lose_in_background(&["file"]), 1);
    assert_eq!(disk.lose_in_background(&[]), 0);
    assert!(file.check_written().is_err());
    file.sync().expect("synced");
    assert_eq!(durable(&disk, "file"), b"old old");
}

#[test]
fn an_error_that_another_program_was_told_is_reported_to_open_files_alone() {
    let (disk, root) = start();
    create(&root, "file", b"old");
    let before = to_change(&root, "file");
    before.write_all_at(b"new", 0).expect("written");
    disk.lose_in_background(&[]);
    let after_failure = to_change(&root, "file");
    assert!(disk.outside_sync_file_system());
    assert!(!disk.outside_sync_file_system());
    let after_report = to_change(&root, "file");
    root.sync_file_system().expect("says nothing");
    assert!(before.check_written().is_err());
    before.check_written().expect("reported once");
    assert!(after_failure.sync_data().is_err());
    after_report.sync().expect("opened too late");
    assert_eq!(durable(&disk, "file"), b"old");
}

#[test]
fn a_sync_of_the_file_system_reports_what_nobody_was_told() {
    let (disk, root) = start();
    create(&root, "file", b"old");
    let file = to_change(&root, "file");
    file.write_all_at(b"new", 0).expect("written");
    disk.lose_in_background(&["file"]);
    assert!(root.sync_file_system().is_err());
    root.sync_file_system().expect("reported once");
    assert!(file.sync().is_err());
}

#[test]
fn a_sync_of_the_file_system_can_lose_writes() {
    let (disk, root) = start();
    create(&root, "file", b"old");
    let file = to_change(&root, "file");
    for (at, chosen) in [(0, true), (1, false)] {
        file.write_all_at(b"new", at * 3).expect("written");
        match chosen {
            true => disk.fail_at(0, Fault::LostWrites),
            false => disk.lose_next_sync(&["file"]),
        }
        assert!(root.sync_file_system().is_err());
        disk.heal();
        assert!(file.check_written().is_err());
    }
    assert_eq!(durable(&disk, "file"), b"old\0\0\0");
}
