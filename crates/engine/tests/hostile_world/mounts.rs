//! Mounts inside a volume, and a volume whose file system changes under it.

use crate::support::{
    Case, Host, Ledger, Mode, Skip, World, append, checkpoint, commit, committed, delete,
    mount_image, options, read, rename, unmount, write,
};
use nix::mount::{MsFlags, mount};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

both_modes! {
    a_mounted_directory_refuses_or_keeps_each_commit,
    a_mounted_file_refuses_or_keeps_each_commit,
    a_mounted_file_of_the_same_number_is_not_taken_for_the_one_beneath,
    a_volume_that_was_read_only_meanwhile_is_available,
    a_file_system_that_turns_read_only_loses_nothing,
}
one_mode! { Journaled: a_mount_over_unsettled_files_hides_nothing }

/// Nothing can be moved into another file system: EXDEV.
fn a_mounted_directory_refuses_or_keeps_each_commit(case: &Case) {
    let scene = |world: &mut World| {
        world.tmpfs("sub", "size=4m")?;
        world.put("sub/old", "old");
        world.put("top", "top");
        world.put("other", "other");
        Ok(())
    };
    case.play(scene, |host| {
        let files = [("sub/old", "old"), ("top", "top"), ("other", "other")];
        let mut ledger = Ledger::of(&files);
        let volume = host.open();
        let attempts = [
            vec![write("sub/new", "1")],
            vec![write("sub/new", "2"), write("beside", "2")],
            vec![append("sub/old", "+")],
            vec![append("sub/old", "+"), append("beside", "+")],
            vec![rename("top", "sub/moved")],
            vec![rename("sub/old", "moved")],
            vec![write("sub/deep/new", "1")],
            vec![delete("sub/old"), write("other", "1")],
        ];
        for changes in attempts {
            let _ = ledger.attempt(&volume, changes);
        }
        ledger.acknowledged(&volume, [write("beside", "3")]);
        ledger.acknowledged(&volume, [write("other", "3")]);
        ledger.check_available(host.root(), host.mode(), volume);
    });
}

/// A file that a container mounts cannot be replaced or removed: EBUSY.
fn a_mounted_file_refuses_or_keeps_each_commit(case: &Case) {
    let scene = |world: &mut World| {
        world.put("top", "top");
        world.bind_file("config", "config")
    };
    case.play(scene, |host| {
        let mut ledger = Ledger::of(&[("config", "config"), ("top", "top")]);
        let volume = host.open();
        let attempts = [
            vec![write("config", "1")],
            vec![write("config", "2"), write("beside", "2")],
            vec![append("config", "+")],
            vec![rename("top", "config")],
            vec![rename("config", "moved")],
            vec![delete("config")],
            vec![delete("config"), write("beside", "4")],
        ];
        for changes in attempts {
            let _ = ledger.attempt(&volume, changes);
        }
        ledger.acknowledged(&volume, [write("beside", "5")]);
        ledger.check_available(host.root(), host.mode(), volume);
    });
}

/// A session has the file open that the mount hides.
fn a_mounted_file_of_the_same_number_is_not_taken_for_the_one_beneath(case: &Case) {
    let scene = |world: &mut World| {
        world.tmpfs("", "size=16m")?;
        world.directory("sub");
        Ok(())
    };
    case.play(scene, |host| {
        let volume = host.open();
        let log = host.path("sub/log");
        for line in ["one\n", "two\n"] {
            committed(&volume, [append("sub/log", line)]);
        }
        checkpoint(&volume).expect("a checkpoint");
        committed(&volume, [append("sub/log", "three\n")]);
        checkpoint(&volume).expect("a checkpoint");
        let wanted = fs::metadata(&log).expect("there").ino();
        let (none, flags) = (None::<&str>, MsFlags::empty());
        mount(none, &host.path("sub"), Some("tmpfs"), flags, none).expect("mounted");
        let found = (0..10_000).any(|number| {
            let other = host.path(&format!("sub/{number}"));
            fs::write(&other, "one\ntwo\nthree\n").expect("written");
            let is_same = fs::metadata(&other).expect("there").ino() == wanted;
            if is_same {
                fs::rename(&other, &log).expect("renamed");
            }
            is_same
        });
        assert!(found, "no file of the mount has the number {wanted}");
        let added = commit(&volume, [append("sub/log", "four\n")]);
        let shown = read(&volume, "sub/log").expect("there");
        let has_it = shown.ends_with(b"four\n");
        assert_eq!(added.is_ok(), has_it, "{added:?}: {}", shown.escape_ascii());
        drop(volume);
        unmount(&host.path("sub"));
        assert_eq!(fs::read(&log).expect("read"), b"one\ntwo\nthree\n");
    });
}

/// What is committed to a directory stays readable when something is mounted over it, and
/// comes into the files when that is gone.
fn a_mount_over_unsettled_files_hides_nothing(case: &Case) {
    let scene = |world: &mut World| {
        // So that the host can mount.
        world.tmpfs("", "size=16m")?;
        world.directory("sub");
        Ok(())
    };
    case.play(scene, |host| {
        let mut ledger = Ledger::of(&[]);
        let volume = host.open();
        ledger.acknowledged(&volume, [write("sub/a", "a")]);
        ledger.acknowledged(&volume, [append("sub/log", "line\n")]);
        ledger.acknowledged(&volume, [write("sub/b", "b"), write("beside", "b")]);
        let none = None::<&str>;
        let flags = MsFlags::empty();
        mount(none, &host.path("sub"), Some("tmpfs"), flags, none).expect("mounted");
        ledger.check(&volume, "the mount");
        ledger.check_available(host.root(), Mode::Journaled, volume);
        unmount(&host.path("sub"));
        ledger.check_opens(host.root(), Mode::Journaled);
        assert_eq!(fs::read(host.path("sub/a")).expect("read"), b"a");
    });
}

fn remount(host: &Host, flags: MsFlags) {
    let none = None::<&str>;
    let flags = MsFlags::MS_REMOUNT | flags;
    mount(none, host.root(), none, flags, none).expect("mounted again");
}

fn a_volume_that_was_read_only_meanwhile_is_available(case: &Case) {
    let scene = |world: &mut World| world.tmpfs("", "size=16m");
    case.play(scene, |host| {
        let mut ledger = Ledger::of(&[]);
        let volume = host.open();
        ledger.acknowledged(&volume, [write("a", "a")]);
        ledger.acknowledged(&volume, [append("log", "line\n")]);
        drop(volume);
        remount(host, MsFlags::MS_RDONLY);
        ledger.check_reads(host.root(), host.mode());
        if let Ok(volume) = options(host.mode()).open(host.root()) {
            let refused = ledger.attempt(&volume, [write("a", "refused")]);
            refused.expect_err("the file system cannot be written to");
        }
        remount(host, MsFlags::empty());
        ledger.check_opens(host.root(), host.mode());
    });
}

/// ext4 turns itself read-only when it finds an error, while the volume is open.
fn a_file_system_that_turns_read_only_loses_nothing(case: &Case) {
    let scene = |world: &mut World| {
        world.image(&["mkfs.ext4", "-q", "-F"], 24 << 20, "errors=remount-ro")?;
        let trigger = error_trigger(world.root())?;
        fs::write(world.base().join("trigger"), trigger).expect("written");
        Ok(())
    };
    case.play(scene, |host| {
        let mut ledger = Ledger::of(&[]);
        let volume = host.open();
        ledger.acknowledged(&volume, [write("a", "a")]);
        ledger.acknowledged(&volume, [append("log", "line\n")]);
        ledger.acknowledged(&volume, [write("b", "b"), write("c", "c")]);
        let trigger = fs::read_to_string(host.beside("trigger")).expect("read");
        fs::write(trigger, "1").expect("an error is found");
        let attempts = [
            vec![write("a", "refused")],
            vec![append("log", "refused\n")],
            vec![write("b", "refused"), write("c", "refused")],
            vec![delete("c")],
        ];
        for changes in attempts {
            let _ = ledger.attempt(&volume, changes);
        }
        eprintln!("checkpoint: {:?}", checkpoint(&volume));
        drop(volume);
        ledger.check_reads(host.root(), host.mode());
        unmount(host.root());
        std::thread::sleep(Duration::from_millis(50));
        let again = mount_image(&host.beside("image"), host.root(), "errors=remount-ro");
        again.expect("mounted again");
        ledger.check_opens(host.root(), host.mode());
    });
}

/// The file that makes the kernel find an error in the file system.
fn error_trigger(root: &std::path::Path) -> Result<String, Skip> {
    let mounts = fs::read_to_string("/proc/thread-self/mounts").unwrap_or_default();
    let here = root.to_str().expect("UTF-8");
    let line = mounts.lines().rev().find(|l| l.contains(here));
    let device = line.and_then(|line| line.split(' ').next());
    let name = device.and_then(|device| device.rsplit('/').next());
    let name = name.ok_or_else(|| Skip("the mount is not listed".to_owned()))?;
    let trigger = format!("/sys/fs/ext4/{name}/trigger_fs_error");
    if fs::metadata(&trigger).is_ok() {
        return Ok(trigger);
    }
    Err(Skip(format!("there is no {trigger}")))
}
