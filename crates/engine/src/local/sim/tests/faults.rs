//! Calls that fail on a path.

use super::*;

fn start_with_sub() -> (SimDisk, SimDirectory, SimDirectory) {
    let (disk, root) = start();
    let sub = root.open_or_create_dir("sub", Access::Usual).expect("made");
    create(&sub, "file", b"old");
    create(&root, "staged", b"new");
    (disk, root, sub)
}

fn check(directory: &SimDirectory, staging: &SimDirectory) -> io::Result<()> {
    let checked = directory.check_change(&["file"], staging);
    checked.map_err(|(_, error)| error)
}

#[test]
fn a_mount_point_lets_no_rename_in_or_out() {
    let (disk, root, sub) = start_with_sub();
    disk.fail_path(&["sub"], ErrorKind::CrossesDevices);
    let crosses = Some(ErrorKind::CrossesDevices);
    for _ in 0..2 {
        assert_eq!(kind(root.rename("staged", &sub, "file")), crosses);
        assert_eq!(kind(sub.rename("file", &root, "file")), crosses);
        assert_eq!(kind(root.hard_link("staged", &sub, "other")), crosses);
    }
    assert_eq!(kind(check(&sub, &root)), crosses);
    assert_eq!(kind(check(&sub, &sub)), None);
    sub.rename("file", &sub, "moved").expect("renamed within");
    root.rename("staged", &root, "elsewhere").expect("renamed");
    disk.heal();
    root.rename("elsewhere", &sub, "file").expect("renamed");
}

#[test]
fn a_path_without_permission_fails_and_others_do_not() {
    let (disk, root, sub) = start_with_sub();
    disk.fail_path(&["sub"], ErrorKind::PermissionDenied);
    let denied = Some(ErrorKind::PermissionDenied);
    assert_eq!(kind(root.rename("staged", &sub, "file")), denied);
    assert_eq!(kind(sub.remove_file("file")), denied);
    assert_eq!(kind(sub.create_file("new", Access::Usual)), denied);
    assert_eq!(kind(sub.create_dir("new", Access::Usual)), denied);
    assert_eq!(kind(sub.open_file_to_change("file")), denied);
    assert_eq!(kind(check(&sub, &root)), denied);
    assert_eq!(read(&sub, "file"), b"old");
    root.create_dir("other", Access::Usual).expect("made");
    check(&root, &root).expect("possible");
}

#[test]
fn a_fault_may_show_only_when_it_is_tried_and_outlives_a_power_cut() {
    let (disk, root, sub) = start_with_sub();
    disk.fail_path_unannounced(&["sub", "file"], ErrorKind::ResourceBusy);
    assert_eq!(kind(check(&sub, &root)), None);
    let after = disk.after_power_cut(1, &mut || 0);
    for disk in [&disk, &after[0], &disk.snapshot()] {
        let root = disk.start().0;
        let sub = root.open_dir("sub").expect("opened");
        let result = root.rename("staged", &sub, "file");
        assert_eq!(kind(result), Some(ErrorKind::ResourceBusy));
        create(&sub, "other", b"not the same path");
    }
}

#[test]
fn a_full_disk_lets_files_be_removed() {
    let (disk, root, sub) = start_with_sub();
    disk.fail_path(&[], ErrorKind::StorageFull);
    let full = Some(ErrorKind::StorageFull);
    assert_eq!(kind(root.create_file("new", Access::Usual)), full);
    let file = to_change(&sub, "file");
    assert_eq!(kind(file.write_at(b"x", 0)), full);
    assert_eq!(kind(file.sync_data()), full);
    assert_eq!(kind(check(&sub, &root)), None);
    sub.remove_file("file").expect("removed");
}

#[test]
fn other_calls_fail_as_told() {
    let (disk, root, sub) = start_with_sub();
    disk.fail_path(&["sub"], ErrorKind::DirectoryNotEmpty);
    sub.remove_file("file").expect("removed");
    let not_empty = Some(ErrorKind::DirectoryNotEmpty);
    assert_eq!(kind(root.remove_dir("sub")), not_empty);
    disk.fail_calls(&["staged"], ErrorKind::PermissionDenied, &[Call::Read]);
    let denied = Some(ErrorKind::PermissionDenied);
    assert_eq!(kind(root.open_file("staged")), denied);
    to_change(&root, "staged");
}
