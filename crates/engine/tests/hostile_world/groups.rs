//! A directory that several users share by their group.

use crate::support::fork::{as_user, in_two_processes};
use crate::support::{append, commit, committed, read_text, write};
use ability_storage_engine::{LocalRoot, LocalVolume, LocalVolumeOptions, Root, Volume};
use nix::unistd::{Gid, Uid, chown};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

const ALICE: u32 = 61_001;
const BOB: u32 = 61_002;
const EVE: u32 = 61_003;
const TEAM: u32 = 61_900;

/// A directory of Alice, of the group, with this mode; `None` if this is not root.
fn shared_directory(mode: u32) -> Option<tempfile::TempDir> {
    if !Uid::effective().is_root() {
        eprintln!("skipped: it takes root to become another user");
        return None;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let set = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    };
    set(directory.path(), 0o755);
    let volume = directory.path().join("volume");
    fs::create_dir(&volume).expect("created");
    let (user, group) = (Uid::from_raw(ALICE), Gid::from_raw(TEAM));
    chown(&volume, Some(user), Some(group)).expect("given");
    set(&volume, mode);
    Some(directory)
}

fn each_way() -> [LocalVolumeOptions; 2] {
    let options = LocalVolume::options;
    [options(), options().journaled(true)]
}

/// Also where the mask keeps the group from the files themselves.
#[test]
fn a_strict_mask_keeps_nobody_of_the_group_from_opening() {
    let Some(directory) = shared_directory(0o2770) else {
        return;
    };
    let path = directory.path().join("volume");
    let open = || LocalVolume::open(&path).expect("opened");
    as_user(ALICE, &[TEAM], 0o077, || {
        committed(&open(), [write("a", "1")])
    });
    as_user(BOB, &[TEAM], 0o077, || {
        committed(&open(), [write("b", "2")])
    });
    as_user(ALICE, &[TEAM], 0o077, || {
        assert_eq!(open().list(None).expect("listed").len(), 2);
    });
}

/// A root is shared with all volumes that are made in it.
#[test]
fn a_strict_mask_keeps_nobody_of_the_group_from_a_root() {
    for mode in [0o2770, 0o0770] {
        let Some(directory) = shared_directory(mode) else {
            return;
        };
        let path = directory.path().join("volume");
        let use_all = |text: &str| {
            let root = LocalRoot::open_or_create(&path).expect("opened");
            for volume in [root.ability("todo"), root.user()] {
                let volume = volume.expect("opened");
                committed(&volume, [append("log", text)]);
            }
        };
        as_user(ALICE, &[TEAM], 0o022, || use_all("1"));
        as_user(BOB, &[TEAM], 0o022, || use_all("2"));
        as_user(BOB, &[TEAM], 0o077, || {
            let root = LocalRoot::open_or_create(&path).expect("opened");
            let volume = root.ability("other").expect("opened");
            committed(&volume, [write("a", "1")]);
        });
        as_user(ALICE, &[TEAM], 0o077, || {
            let root = LocalRoot::open_or_create(&path).expect("opened");
            let volume = root.ability("other").expect("opened");
            committed(&volume, [write("b", "2")]);
        });
    }
}

/// Whatever the mode that lets the group in, and also when one is killed and another puts into
/// the files what was committed.
#[test]
fn members_of_the_group_use_a_volume_in_turn() {
    for (mode, mask) in [
        (0o2770, 0o007),
        (0o0770, 0o027),
        (0o2775, 0o002),
        (0o2770, 0o027),
    ] {
        for options in each_way() {
            let Some(directory) = shared_directory(mode) else {
                return;
            };
            let path = directory.path().join("volume");
            let open = || options.clone().open(&path).expect("opened");
            as_user(ALICE, &[TEAM], mask, || {
                let volume = open();
                committed(&volume, [write("alice", "1")]);
                committed(&volume, [write("a/deep", "1"), append("log", "1")]);
                std::mem::forget(volume);
            });
            as_user(BOB, &[TEAM], mask, || {
                let volume = open();
                assert_eq!(read_text(&volume, "a/deep"), "1", "{mode:o} {mask:o}");
                committed(&volume, [write("b/c", "2"), write("alice", "2")]);
                volume.close().expect("all is in the files");
            });
            as_user(ALICE, &[TEAM], mask, || {
                let volume = open();
                assert_eq!(volume.list(None).expect("listed").len(), 4);
                for (path, text) in [("alice", "2"), ("a/deep", "1"), ("b/c", "2"), ("log", "1")] {
                    assert_eq!(read_text(&volume, path), text, "{path}: {mode:o} {mask:o}");
                }
                committed(&volume, [write("alice", "3")]);
            });
        }
    }
}

/// One who is killed between making a directory and letting the group in opens the volume again.
#[test]
fn what_was_not_given_to_the_group_is_when_its_owner_opens_it_again() {
    let Some(directory) = shared_directory(0o2770) else {
        return;
    };
    let path = directory.path().join("volume");
    let open = || LocalVolume::open(&path);
    let use_it = || committed(&open().expect("opened"), [append("log", "1")]);
    as_user(ALICE, &[TEAM], 0o007, use_it);
    for name in ["", "sessions", "path-locks", "log"] {
        let private = path.join(".ability-storage").join(name);
        fs::set_permissions(&private, fs::Permissions::from_mode(0o700)).expect("set");
        as_user(ALICE, &[TEAM], 0o007, use_it);
        as_user(BOB, &[TEAM], 0o007, use_it);
    }
}

/// No call makes a file with a mode that the mask takes from it: there is a moment in which what
/// one has made is not yet given to the others.
#[test]
fn members_of_the_group_open_a_new_volume_at_the_same_time() {
    for round in 0..60 {
        let Some(directory) = shared_directory(0o2770) else {
            return;
        };
        let path = directory.path().join("volume");
        let use_it = |name: &str| {
            let volume = LocalVolume::open(&path).expect("opened");
            committed(&volume, [write(name, "1")]);
            for number in 1..10 {
                committed(&volume, [write(&format!("{name}-{number}"), "1")]);
            }
        };
        in_two_processes(
            || as_user(ALICE, &[TEAM], 0o077, || use_it("alice")),
            || as_user(BOB, &[TEAM], 0o077, || use_it("bob")),
        );
        as_user(ALICE, &[TEAM], 0o077, || {
            let volume = LocalVolume::open(&path).expect("opened");
            assert_eq!(
                volume.list(None).expect("listed").len(),
                20,
                "round {round}"
            );
        });
    }
}

#[test]
fn a_user_of_the_group_reads_a_volume_that_the_group_may_read() {
    for options in each_way() {
        let Some(directory) = shared_directory(0o750) else {
            return;
        };
        let path = directory.path().join("volume");
        as_user(ALICE, &[TEAM], 0o027, || {
            let volume = options.clone().open(&path).expect("opened");
            committed(&volume, [append("log", "line\n")]);
            std::mem::forget(volume);
        });
        as_user(BOB, &[TEAM], 0o027, || {
            let volume = options.clone().read_only(true).open(&path);
            let volume = volume.expect("opened");
            assert_eq!(read_text(&volume, "log"), "line\n");
            commit(&volume, [write("x", "x")]).expect_err("read-only");
        });
        as_user(EVE, &[], 0o027, || {
            let options = options.clone().read_only(true);
            options.open(&path).expect_err("not in the group");
        });
    }
}

/// Whoever may hold a lock may keep all others from it.
#[test]
fn a_user_of_the_group_who_may_only_read_can_take_no_lock() {
    for mode in [0o750, 0o2750, 0o2755] {
        let Some(directory) = shared_directory(mode) else {
            return;
        };
        let path = directory.path().join("volume");
        as_user(ALICE, &[TEAM], 0o022, || {
            let volume = LocalVolume::open(&path).expect("opened");
            committed(&volume, [append("log", "1"), write("a", "1")]);
            committed(&volume, [write("a", "2")]);
        });
        as_user(BOB, &[TEAM], 0o022, || {
            let private = path.join(".ability-storage");
            let shards = fs::read_dir(private.join("path-locks")).expect("listed");
            let mut locks: Vec<_> = shards.map(|entry| entry.expect("read").path()).collect();
            let others = ["lock", "log/writer", "log/sync", "log/checkpoint"];
            locks.extend(others.map(|name| private.join(name)));
            locks.push(private.join("sessions/spare/lock"));
            assert!(locks.len() > 7, "{locks:?}");
            for lock in locks.iter().filter(|lock| lock.exists()) {
                let opened = fs::File::open(lock);
                opened.expect_err(&lock.display().to_string());
            }
        });
    }
}

/// The log has contents of files that others may not read.
#[test]
fn a_directory_that_is_not_shared_keeps_the_log_to_its_owner() {
    for mode in [0o755, 0o700, 0o777] {
        let Some(directory) = shared_directory(mode) else {
            return;
        };
        let path = directory.path().join("volume");
        as_user(ALICE, &[TEAM], 0o022, || {
            let volume = LocalVolume::open(&path).expect("opened");
            committed(&volume, [append("log", "secret")]);
        });
        let private = fs::metadata(path.join(".ability-storage")).expect("there");
        assert_eq!(private.mode() & 0o7777, 0o700, "of {mode:o}");
    }
}

#[test]
fn what_the_engine_makes_is_never_for_all() {
    let Some(directory) = shared_directory(0o2777) else {
        return;
    };
    let path = directory.path().join("volume");
    as_user(ALICE, &[TEAM], 0, || {
        let volume = LocalVolume::options().journaled(true).open(&path);
        committed(&volume.expect("opened"), [append("log", "secret")]);
    });
    let mut open = vec![path.join(".ability-storage")];
    while let Some(path) = open.pop() {
        let metadata = fs::symlink_metadata(&path).expect("there");
        assert_eq!(metadata.mode() & 0o007, 0, "{}", path.display());
        assert_eq!(metadata.gid(), TEAM, "{}", path.display());
        if metadata.is_dir() {
            let entries = fs::read_dir(&path).expect("listed");
            open.extend(entries.map(|entry| entry.expect("read").path()));
        }
    }
}
