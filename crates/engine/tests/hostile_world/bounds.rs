//! What a guest or a killed process can make the host keep.

use crate::support::{
    Case, Ledger, Mode, Process, World, append, checkpoint, commit, committed, delete, fork,
    options, read_text, rename, write,
};
use ability_storage_engine::{Error, FilePath, Limits, LocalVolume, Outcome, Precondition, Volume};
use std::cell::Cell;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

both_modes! {
    limits_on_bytes_hold_for_commits_at_the_same_time,
    directories_that_held_deleted_files_are_removed,
    sparse_files_of_the_largest_size_are_counted,
    parent_and_child_of_a_fork_exclude_each_other,
    a_stream_of_the_parent_is_refused_in_a_child_of_fork,
    a_child_of_fork_never_waits_for_threads_of_its_parent,
}
one_mode! { Journaled:
    what_a_killed_process_staged_is_removed,
    forked_processes_stage_under_different_names,
}

const LIMIT: u64 = 10 << 20;

/// The lengths of all files of a directory.
fn bytes_below(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else {
        return 0;
    };
    let lengths = entries.flatten().map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => bytes_below(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    });
    lengths.sum()
}

/// What all files of the volume hold, by their lengths on the disk.
fn bytes_of_files(root: &Path) -> u64 {
    bytes_below(root) - bytes_below(&root.join(".ability-storage"))
}

fn limits_on_bytes_hold_for_commits_at_the_same_time(case: &Case) {
    let scene = |world: &mut World| {
        world.in_memory();
        Ok(())
    };
    case.play(scene, |host| {
        let limits = Limits::default().max_total_bytes(LIMIT);
        let volume = options(host.mode()).limits(limits).open(host.root());
        let volume = volume.expect("opened");
        let start = Instant::now();
        let mut rounds = 0;
        while start.elapsed() < Duration::from_secs(3) {
            rounds += 1;
            let together = Barrier::new(8);
            std::thread::scope(|scope| {
                for thread in 0..8 {
                    let (volume, together) = (&volume, &together);
                    scope.spawn(move || {
                        let half = || vec![b'x'; 3 << 20];
                        let one = write(&format!("{thread}/one"), half());
                        let two = write(&format!("{thread}/two"), half());
                        together.wait();
                        let _ = commit(volume, [one, two]);
                    });
                }
            });
            checkpoint(&volume).expect("a checkpoint");
            let bytes = bytes_of_files(host.root());
            assert!(
                bytes <= LIMIT,
                "round {rounds}: {bytes} bytes, limit {LIMIT}"
            );
            for thread in 0..8 {
                let [one, two] = ["one", "two"].map(|name| delete(&format!("{thread}/{name}")));
                committed(&volume, [one, two]);
            }
        }
        eprintln!("{rounds} rounds");
        // Nothing is counted that is not there.
        committed(&volume, [write("all", vec![b'x'; LIMIT as usize])]);
        committed(&volume, [delete("all")]);
        Ledger::of(&[]).check_available(host.root(), host.mode(), volume);
    });
}

/// How many directories the files of the volume are in.
fn directories_of_files(root: &Path) -> usize {
    fn below(directory: &Path) -> usize {
        let entries = fs::read_dir(directory).expect("listed").flatten();
        let directories = entries.filter(|e| e.file_type().is_ok_and(|kind| kind.is_dir()));
        directories.map(|e| 1 + below(&e.path())).sum()
    }
    below(root) - 1 - below(&root.join(".ability-storage"))
}

/// What two files at the greatest depth need, and some more.
const MAX_DIRECTORIES: usize = 100;

fn directories_that_held_deleted_files_are_removed(case: &Case) {
    let scene = |world: &mut World| {
        world.in_memory();
        Ok(())
    };
    case.play(scene, |host| {
        let limits = Limits::default().max_files(2).max_total_bytes(100);
        let open = || {
            options(host.mode())
                .limits(limits.clone())
                .open(host.root())
        };
        let volume = open().expect("opened");
        let deep = vec!["d"; 29].join("/");
        for number in 0..60 {
            let path = format!("write-{number}/{deep}/file");
            committed(&volume, [write(&path, "x")]);
            committed(&volume, [delete(&path)]);
            let path = format!("rename-{number}/{deep}/file");
            committed(&volume, [write(&path, "x")]);
            committed(&volume, [rename(&path, "kept")]);
            let path = format!("batch-{number}/{deep}/file");
            committed(&volume, [write(&path, "x"), delete("kept")]);
            checkpoint(&volume).expect("a checkpoint");
            committed(&volume, [delete(&path), write("kept", "x")]);
        }
        checkpoint(&volume).expect("a checkpoint");
        let found = directories_of_files(host.root());
        assert!(found <= MAX_DIRECTORIES, "{found} empty directories");
        let ledger = &mut Ledger::of(&[("kept", "x")]);
        drop(volume);
        ledger.check_available(host.root(), host.mode(), host.open());
    });
}

/// The longest file that there can be.
const LARGEST: u64 = i64::MAX as u64;

fn sparse_files_of_the_largest_size_are_counted(case: &Case) {
    let scene = |world: &mut World| {
        world.tmpfs("", "size=16m")?;
        for name in ["one", "two", "three"] {
            let file = File::create(world.path(name)).expect("made");
            file.set_len(LARGEST).expect("the largest size");
        }
        world.put("small", "small");
        Ok(())
    };
    case.play(scene, |host| {
        let limits = Limits::default().max_total_bytes(LIMIT);
        let volume = options(host.mode()).limits(limits).open(host.root());
        let volume = volume.expect("opened");
        let usage = volume.usage().expect("counted");
        assert!(usage.bytes > LARGEST, "{usage:?}");
        assert_eq!(usage.files, 4);
        let more = commit(&volume, [write("more", vec![b'x'; 100])]);
        more.expect_err("the limit is exceeded long since");
        committed(&volume, [write("small", "tiny")]);
        committed(&volume, [delete("one"), delete("two")]);
        committed(&volume, [delete("three")]);
        let mut ledger = Ledger::of(&[("small", "tiny")]);
        ledger.acknowledged(&volume, [write("more", vec![b'x'; 100])]);
        ledger.check_available(host.root(), host.mode(), volume);
    });
}

/// What may stay in the private directory: the logs, and not what was staged.
const MAX_PRIVATE_BYTES: u64 = 20 << 20;

fn what_a_killed_process_staged_is_removed(case: &Case) {
    let scene = |world: &mut World| {
        world.in_memory();
        Ok(())
    };
    case.play(scene, |host| {
        if host.is("killed") {
            let contents = vec![1; 200 << 20];
            fs::write(host.beside("begun"), "").expect("written");
            let _ = commit(&host.open(), [write("big", contents)]);
            return fs::write(host.beside("ended"), "").expect("written");
        }
        let mut ledger = Ledger::of(&[]);
        let stays_open = host.open();
        ledger.acknowledged(&stays_open, [write("a", "a")]);
        let private = host.path(".ability-storage");
        kill_while_it_stages(&mut host.start("killed"), &private);
        assert!(!host.beside("ended").exists(), "it was not killed in time");
        let staged = bytes_below(&private);
        assert!(staged > MAX_PRIVATE_BYTES, "it had staged {staged} bytes");
        let volume = host.open();
        checkpoint(&volume).expect("a checkpoint");
        drop(volume);
        let left = bytes_below(&private);
        assert!(left <= MAX_PRIVATE_BYTES, "{left} bytes stay");
        ledger.check_available(host.root(), Mode::Journaled, stays_open);
    });
}

fn kill_while_it_stages(process: &mut Process, private: &Path) {
    let start = Instant::now();
    while bytes_below(private) < 2 * MAX_PRIVATE_BYTES {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "nothing is staged"
        );
        assert!(!process.has_ended(), "it ended before it was killed");
        std::thread::sleep(Duration::from_micros(300));
    }
    process.kill();
}

/// Both go on with what the library had in memory, and open the volume for themselves.
fn forked_processes_stage_under_different_names(case: &Case) {
    let scene = |world: &mut World| {
        world.in_memory();
        Ok(())
    };
    const FILES: u8 = 24;
    let contents = |who: &str, number: u8| {
        let byte = if who == "parent" {
            number
        } else {
            128 + number
        };
        vec![byte; 300 << 10]
    };
    case.play(scene, |host| {
        // So that the library has made names before.
        let before = LocalVolume::open(host.root()).expect("opened");
        committed(&before, [write("before", "x")]);
        drop(before);
        let write_all = |who: &str| {
            let volume = host.open();
            for number in 0..FILES {
                let path = format!("{who}/{number}");
                committed(&volume, [write(&path, contents(who, number))]);
                committed(&volume, [write(&format!("{who}/last"), number.to_string())]);
            }
        };
        fork::in_two_processes(|| write_all("child"), || write_all("parent"));
        let mut ledger = Ledger::of(&[("before", "x")]);
        let volume = host.open();
        for who in ["parent", "child"] {
            for number in 0..FILES {
                let found = crate::support::read(&volume, &format!("{who}/{number}"));
                assert!(found == Some(contents(who, number)), "{who}/{number}");
            }
        }
        ledger.check_available(host.root(), Mode::Journaled, volume);
    });
}

/// Both go on with one volume that was opened before.
fn parent_and_child_of_a_fork_exclude_each_other(case: &Case) {
    let scene = |world: &mut World| {
        world.in_memory();
        Ok(())
    };
    const INCREMENTS: u32 = 150;
    let path = FilePath::new("counter").expect("valid");
    case.play(scene, |host| {
        let volume = host.open();
        committed(&volume, [write("counter", "0")]);
        let increment = || {
            loop {
                let seen = volume.read(&path, 100).expect("read");
                let number = String::from_utf8_lossy(seen.contents()).into_owned();
                let number: u32 = number.parse().expect("a number");
                let next = write("counter", (number + 1).to_string());
                let next = next.only_if(Precondition::Version(seen.version()));
                match volume.commit(next.into()) {
                    Ok(_) => return,
                    Err(Error::Conflict { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        };
        let increments = || (0..INCREMENTS).for_each(|_| increment());
        fork::in_two_processes(increments, increments);
        increment();
        let all = (2 * INCREMENTS + 1).to_string();
        let mut ledger = Ledger::of(&[("counter", all.as_str())]);
        drop(volume);
        ledger.check_available(host.root(), host.mode(), host.open());
    });
}

/// The child would write with the locks of its parent, which do not exclude each other.
fn a_stream_of_the_parent_is_refused_in_a_child_of_fork(case: &Case) {
    let scene = |world: &mut World| {
        world.in_memory();
        Ok(())
    };
    let path = FilePath::new("streamed").expect("valid");
    case.play(scene, |host| {
        let volume = host.open();
        let mut writer = volume.writer(&path).expect("begun");
        writer.write(b"begun ").expect("staged");
        let writer = Cell::new(Some(writer));
        let in_child = || {
            let mut writer = writer.take().expect("a copy");
            let refused = writer.write(b"by the child").expect_err("refused");
            assert_eq!(refused.outcome(), Outcome::NotApplied, "{refused}");
            let refused = writer.commit(Precondition::Any).expect_err("refused");
            assert_eq!(refused.outcome(), Outcome::NotApplied, "{refused}");
            committed(&volume, [write("of the child", "x")]);
        };
        let in_parent = || {
            let mut writer = writer.take().expect("there");
            writer.write(b"and ended").expect("staged");
            writer.commit(Precondition::Any).expect("made");
        };
        fork::in_two_processes(in_child, in_parent);
        let mut ledger = Ledger::of(&[("streamed", "begun and ended"), ("of the child", "x")]);
        drop(volume);
        ledger.check_available(host.root(), host.mode(), host.open());
    });
}

/// They may hold any mutex at the moment of the fork.
fn a_child_of_fork_never_waits_for_threads_of_its_parent(case: &Case) {
    const FORKS: usize = 60;
    let scene = |world: &mut World| {
        world.in_memory();
        Ok(())
    };
    case.play(scene, |host| {
        let volume = host.open();
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            for thread in 0..3 {
                let (volume, is_over) = (&volume, &is_over);
                scope.spawn(move || {
                    while !is_over.load(Ordering::Relaxed) {
                        committed(
                            volume,
                            [append("log", "p"), write(&format!("{thread}"), "x")],
                        );
                        committed(volume, [write(&format!("{thread}"), "y")]);
                    }
                });
            }
            for _ in 0..FORKS {
                fork::in_two_processes(|| committed(&volume, [append("log", "c")]), || ());
            }
            is_over.store(true, Ordering::Relaxed);
        });
        let log = read_text(&volume, "log");
        assert_eq!(log.matches('c').count(), FORKS);
    });
}
