//! Files and directories that the host may not change or not even read.

use crate::support::{
    Case, Flag, Host, Ledger, World, append, checkpoint, commit, committed, delete, file, options,
    read, rename, set_flag, write,
};
use ability_storage_engine::{Change, Durability, LocalVolume, Outcome, Precondition, Volume};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Barrier;
use std::time::{Duration, Instant};

both_modes! {
    a_directory_of_another_user_refuses_or_keeps_each_commit,
    a_file_that_cannot_be_read_is_trouble_of_its_own,
    a_log_that_its_owner_made_read_only_blocks_no_other_file,
    an_immutable_file_refuses_or_keeps_each_commit,
    an_append_only_file_refuses_or_keeps_each_commit,
    a_file_that_becomes_immutable_between_appends_refuses_them,
    a_file_that_others_have_changed_and_made_immutable_refuses_appends,
    an_immutable_directory_refuses_or_keeps_each_commit,
    an_unreadable_directory_is_not_part_of_the_volume,
    a_file_that_cannot_be_looked_at_keeps_no_other_from_being_listed,
    a_directory_made_read_only_after_the_commit_keeps_what_was_acknowledged,
    an_older_batch_does_not_overwrite_a_later_write,
    a_conditional_write_of_what_was_read_succeeds_after_the_trouble,
}

fn attempt_all(ledger: &mut Ledger, volume: &LocalVolume, attempts: Vec<Vec<Change>>) {
    for changes in attempts {
        let _ = ledger.attempt(volume, changes);
    }
}

/// The directory is of root and 0755, the host is not root: EACCES.
fn a_directory_of_another_user_refuses_or_keeps_each_commit(case: &Case) {
    let scene = |world: &mut World| {
        world.needs_root()?;
        world.directory("sub");
        world.put("sub/a", "old");
        world.put("sub/b", "old");
        world.host_is_not_root();
        Ok(())
    };
    case.play(scene, |host| {
        let mut ledger = Ledger::of(&[("sub/a", "old"), ("sub/b", "old")]);
        let volume = host.open();
        ledger.acknowledged(&volume, [write("top", "top")]);
        let attempts = vec![
            vec![write("sub/a", "1")],
            vec![write("sub/a", "2"), write("beside", "2")],
            vec![write("sub/new", "3")],
            vec![append("sub/a", "+")],
            vec![append("sub/a", "+"), append("beside", "+")],
            vec![rename("top", "sub/moved")],
            vec![rename("sub/b", "moved")],
            vec![delete("sub/a")],
            vec![delete("sub/b"), write("beside", "5")],
            vec![write("sub/deep/new", "6")],
        ];
        attempt_all(&mut ledger, &volume, attempts);
        ledger.acknowledged(&volume, [write("beside", "7")]);
        ledger.check_available(host.root(), host.mode(), volume);
    });
}

/// A private key, say, that a user keeps in the directory: 0600 of root.
fn a_file_that_cannot_be_read_is_trouble_of_its_own(case: &Case) {
    let scene = |world: &mut World| {
        world.needs_root()?;
        world.put("secret", "not for the host");
        world.mode("secret", 0o600);
        world.host_is_not_root();
        Ok(())
    };
    case.play(scene, |host| {
        let mut ledger = Ledger::of(&[]);
        let volume = host.open();
        let refused = commit(&volume, [append("secret", "+")]);
        eprintln!("append secret: {refused:?}");
        let refused = commit(&volume, [append("secret", "+"), write("beside", "1")]);
        eprintln!("append secret + write beside: {refused:?}");
        ledger.acknowledged(&volume, [write("beside", "2")]);
        ledger.check_available(host.root(), host.mode(), volume);
    });
}

/// How many paths share all locks between them with near certainty.
const ALL_LOCKS: usize = 1_200;

fn a_log_that_its_owner_made_read_only_blocks_no_other_file(case: &Case) {
    let scene = |world: &mut World| {
        world.in_memory();
        world.host_is_not_root();
        Ok(())
    };
    case.play(scene, |host| {
        let volume = options(host.mode()).durability(Durability::None);
        let volume = volume.open(host.root()).expect("opened");
        let mut ledger = Ledger::of(&[]);
        ledger.acknowledged(&volume, [append("log", "line 1\n")]);
        eprintln!("checkpoint: {:?}", checkpoint(&volume));
        ledger.acknowledged(&volume, [append("log", "line 2\n")]);
        if host.path("log").exists() {
            fs::set_permissions(host.path("log"), fs::Permissions::from_mode(0o444)).expect("set");
        }
        let _ = ledger.attempt(&volume, [append("log", "line 3\n")]);
        for number in 0..ALL_LOCKS {
            committed(&volume, [write(&format!("many/{number}"), "x")]);
        }
        // The owner of a directory may replace what is in it.
        ledger.acknowledged(&volume, [write("log", "replaced\n")]);
        ledger.acknowledged(&volume, [delete("log")]);
        ledger.acknowledged(&volume, [append("log", "new\n")]);
        if host.path("log").exists() {
            fs::set_permissions(host.path("log"), fs::Permissions::from_mode(0o444)).expect("set");
        }
        ledger.check_available(host.root(), host.mode(), volume);
    });
}

fn needs_flags(world: &mut World) -> crate::support::Scene {
    world.needs_flags()?;
    world.directory("sub");
    for name in ["a", "b", "c"] {
        world.put(&format!("sub/{name}"), "old");
    }
    Ok(())
}

fn old_files() -> Ledger {
    Ledger::of(&[("sub/a", "old"), ("sub/b", "old"), ("sub/c", "old")])
}

/// Sets a flag on a file or directory, tries everything on `sub/a`, and takes it back.
fn try_with_flag(host: &Host, path: &str, flag: Flag) {
    let mut ledger = old_files();
    let volume = host.open();
    ledger.acknowledged(&volume, [write("top", "top")]);
    ledger.acknowledged(&volume, [append("sub/a", "+")]);
    eprintln!("checkpoint: {:?}", checkpoint(&volume));
    set_flag(&host.path(path), flag, true).expect("set");
    let attempts = vec![
        vec![write("sub/a", "1")],
        vec![write("sub/a", "2"), write("beside", "2")],
        vec![write("sub/new", "3")],
        vec![append("sub/a", "+")],
        vec![append("sub/a", "+"), write("beside", "4")],
        vec![rename("top", "sub/a")],
        vec![rename("sub/a", "moved")],
        vec![delete("sub/a")],
        vec![delete("sub/a"), write("beside", "5")],
    ];
    attempt_all(&mut ledger, &volume, attempts);
    ledger.acknowledged(&volume, [write("beside", "6")]);
    ledger.check_available(host.root(), host.mode(), volume);
    set_flag(&host.path(path), flag, false).expect("taken back");
    ledger.check_opens(host.root(), host.mode());
    let volume = host.open();
    ledger.acknowledged(&volume, [write("sub/a", "7")]);
    drop(volume);
    assert_eq!(fs::read(host.path("sub/a")).expect("read"), b"7");
}

fn an_immutable_file_refuses_or_keeps_each_commit(case: &Case) {
    case.play(needs_flags, |host| {
        try_with_flag(host, "sub/a", Flag::Immutable);
    });
}

/// What is open to be extended is looked at, too.
fn a_file_that_becomes_immutable_between_appends_refuses_them(case: &Case) {
    case.play(needs_flags, |host| {
        let mut ledger = old_files();
        let volume = host.open();
        for _ in 0..3 {
            ledger.acknowledged(&volume, [append("sub/a", "+")]);
        }
        checkpoint(&volume).expect("a checkpoint");
        ledger.acknowledged(&volume, [append("sub/a", "+")]);
        for flag in [Flag::Immutable, Flag::AppendOnly] {
            set_flag(&host.path("sub/a"), flag, true).expect("set");
            let refused = ledger.attempt(&volume, [append("sub/a", "-")]);
            let outcome = refused.expect_err("nothing may change it").outcome();
            assert_eq!(outcome, Outcome::NotApplied);
            set_flag(&host.path("sub/a"), flag, false).expect("taken back");
        }
        ledger.acknowledged(&volume, [append("sub/a", "+")]);
        ledger.check_available(host.root(), host.mode(), volume);
    });
}

/// The same after another session, and another program, has changed it.
fn a_file_that_others_have_changed_and_made_immutable_refuses_appends(case: &Case) {
    case.play(needs_flags, |host| {
        let (volume, other) = (host.open(), host.open());
        for volume in [&volume, &other] {
            committed(volume, [append("log", "+")]);
        }
        fs::write(host.path("log"), "edited").expect("written");
        set_flag(&host.path("log"), Flag::Immutable, true).expect("set");
        for volume in [&volume, &other] {
            let refused = commit(volume, [append("log", "-")]).expect_err("refused");
            assert_eq!(refused.outcome(), Outcome::NotApplied);
        }
        set_flag(&host.path("log"), Flag::Immutable, false).expect("taken back");
        for volume in [&volume, &other] {
            committed(volume, [append("log", "!")]);
        }
        checkpoint(&volume).expect("made");
        let log = fs::read_to_string(host.path("log")).expect("read");
        assert!(log.ends_with("!!") && !log.contains('-'), "{log}");
    });
}

fn an_append_only_file_refuses_or_keeps_each_commit(case: &Case) {
    case.play(needs_flags, |host| {
        try_with_flag(host, "sub/a", Flag::AppendOnly);
    });
}

fn an_immutable_directory_refuses_or_keeps_each_commit(case: &Case) {
    case.play(needs_flags, |host| {
        try_with_flag(host, "sub", Flag::Immutable);
    });
}

/// `lost+found`, which only root may open, at the top of a file system.
fn an_unreadable_directory_is_not_part_of_the_volume(case: &Case) {
    let scene = |world: &mut World| {
        world.needs_root()?;
        world.directory("lost+found");
        world.mode("lost+found", 0o700);
        world.host_is_not_root();
        Ok(())
    };
    case.play(scene, |host| {
        let mut ledger = Ledger::of(&[]);
        let volume = host.open();
        ledger.acknowledged(&volume, [write("a", "1")]);
        ledger.acknowledged(&volume, [append("log", "line\n")]);
        ledger.acknowledged(&volume, [write("a", "2"), write("sub/b", "2")]);
        ledger.acknowledged(&volume, [rename("a", "b")]);
        ledger.acknowledged(&volume, [delete("b")]);
        let writer = volume.writer(&file("streamed")).expect("a writer");
        writer.commit(Precondition::Any).expect("committed");
        let refused = commit(&volume, [write("lost+found/a", "1")]);
        refused.expect_err("the host may not write there");
        ledger.check_available(host.root(), host.mode(), volume);
    });
}

/// The log has a record about it.
fn a_file_that_cannot_be_looked_at_keeps_no_other_from_being_listed(case: &Case) {
    let scene = |world: &mut World| {
        world.needs_root()?;
        world.directory("d");
        world.host_is_not_root();
        world.give_to_host("d");
        Ok(())
    };
    case.play(scene, |host| {
        let killed = host.open();
        commit(&killed, [write("a", "1")]).expect("written");
        commit(&killed, [append("d/log", "line\n")]).expect("appended");
        let mode = |mode| fs::Permissions::from_mode(mode);
        fs::set_permissions(host.path("d"), mode(0)).expect("set");
        let names = |volume: &LocalVolume| {
            let listed = volume.list(None).expect("listed");
            listed.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let other = host.open();
        for volume in [&killed, &other] {
            assert!(names(volume).contains(&"a".to_owned()));
        }
        fs::set_permissions(host.path("d"), mode(0o755)).expect("set");
        assert_eq!(names(&other), ["a", "d/log"]);
    });
}

/// The owner takes the right to write away between a commit and its checkpoint.
fn a_directory_made_read_only_after_the_commit_keeps_what_was_acknowledged(case: &Case) {
    let scene = |world: &mut World| {
        world.directory("sub");
        world.put("sub/a", "old");
        world.host_is_not_root();
        for path in ["sub", "sub/a"] {
            world.give_to_host(path);
        }
        Ok(())
    };
    case.play(scene, |host| {
        let mut ledger = Ledger::of(&[("sub/a", "old")]);
        let volume = host.open();
        ledger.acknowledged(&volume, [write("sub/a", "new")]);
        ledger.acknowledged(&volume, [append("sub/log", "line\n")]);
        ledger.acknowledged(&volume, [write("sub/b", "b"), write("beside", "b")]);
        let mode = |mode| fs::Permissions::from_mode(mode);
        fs::set_permissions(host.path("sub"), mode(0o555)).expect("set");
        let _ = ledger.attempt(&volume, [write("sub/a", "newer"), write("beside", "newer")]);
        let _ = ledger.attempt(&volume, [delete("sub/b")]);
        ledger.acknowledged(&volume, [write("beside", "newest")]);
        ledger.check_available(host.root(), host.mode(), volume);
        fs::set_permissions(host.path("sub"), mode(0o755)).expect("set");
        ledger.check_opens(host.root(), host.mode());
    });
}

/// A batch that gets stuck, and then two threads that write its files: what they are
/// answered must not be undone by the batch.
fn an_older_batch_does_not_overwrite_a_later_write(case: &Case) {
    case.play(needs_flags, |host| {
        let volume = options(host.mode()).durability(Durability::None);
        let volume = volume.open(host.root()).expect("opened");
        let start = Instant::now();
        let mut rounds = 0;
        while start.elapsed() < Duration::from_secs(3) {
            rounds += 1;
            committed(&volume, [write("p", "before")]);
            committed(&volume, [write("q", "before")]);
            checkpoint(&volume).expect("a checkpoint");
            set_flag(&host.path("p"), Flag::Immutable, true).expect("set");
            let stuck = commit(&volume, [write("p", "batch"), write("q", "batch")]);
            // What the batch leaves for later is tried while it cannot be done.
            let _ = checkpoint(&volume);
            set_flag(&host.path("p"), Flag::Immutable, false).expect("taken back");
            let together = Barrier::new(2);
            let write_one = |path| {
                together.wait();
                committed(&volume, [write(path, "after")]);
                assert_eq!(read(&volume, path).as_deref(), Some(&b"after"[..]));
            };
            std::thread::scope(|scope| {
                scope.spawn(|| write_one("q"));
                scope.spawn(|| write_one("p"));
            });
            let _ = checkpoint(&volume);
            for path in ["p", "q"] {
                let found = read(&volume, path).expect("there");
                let found = String::from_utf8_lossy(&found).into_owned();
                assert_eq!(found, "after", "{path} in round {rounds}, after {stuck:?}");
                let disk = fs::read_to_string(host.path(path)).expect("read");
                assert_eq!(disk, "after", "{path} on the disk in round {rounds}");
            }
        }
        let mut ledger = Ledger::of(&[("p", "after"), ("q", "after")]);
        ledger.check_available(host.root(), host.mode(), volume);
    });
}

fn a_conditional_write_of_what_was_read_succeeds_after_the_trouble(case: &Case) {
    case.play(needs_flags, |host| {
        let mut ledger = old_files();
        let volume = host.open();
        set_flag(&host.path("sub/a"), Flag::Immutable, true).expect("set");
        let _ = ledger.attempt(&volume, [write("sub/a", "new"), write("sub/b", "new")]);
        set_flag(&host.path("sub/a"), Flag::Immutable, false).expect("taken back");
        for path in ["sub/a", "sub/b"] {
            let seen = volume.read(&file(path), 100).expect("read");
            let next = write(path, "next").only_if(Precondition::Version(seen.version()));
            if let Err(error) = volume.commit(next.into()) {
                panic!("{path} was just read, and the write is refused: {error:?}");
            }
        }
        let mut ledger = Ledger::of(&[("sub/a", "next"), ("sub/b", "next"), ("sub/c", "old")]);
        ledger.check_available(host.root(), host.mode(), volume);
    });
}
