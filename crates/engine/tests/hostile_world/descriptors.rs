//! Hosts with few descriptors: 256 is the default of macOS, 1,024 of most Linux systems.

use crate::support::{
    Case, Host, Ledger, Mode, World, append, checkpoint, commit, committed, delete, file, listed,
    open, options, read, write,
};
use ability_storage_engine::{Batch, LocalVolume, Precondition, Volume};
use std::fs::{self, File};

both_modes! {
    the_conformance_suite_runs,
    everyday_use_works,
    many_directories_are_listed_and_counted,
    a_thousand_small_files_reach_the_disk,
    a_batch_deletes_in_many_directories,
    a_batch_of_the_largest_size_is_made,
    a_commit_without_any_descriptor_is_refused_honestly,
    idle_volumes_fit_into_256_descriptors,
    idle_volumes_fit_into_1024_descriptors,
    a_volume_keeps_its_streams_and_counters_while_others_sleep,
    threads_use_more_volumes_than_can_be_awake,
    a_volume_that_was_removed_in_its_sleep_says_so,
}

fn few_descriptors(world: &mut World) -> crate::support::Scene {
    world.in_memory();
    world.descriptors(256);
    world.ends_within(30);
    Ok(())
}

#[cfg(feature = "conformance")]
fn the_conformance_suite_runs(case: &Case) {
    use ability_storage_engine::author::conformance;
    case.play(few_descriptors, |host| {
        for (name, run) in conformance::cases() {
            eprintln!("{name}");
            let directory = host.path(name);
            fs::create_dir(&directory).expect("made");
            let options = options(host.mode()).limits(conformance::limits());
            let volume = options.open(&directory).expect("opened");
            run(&volume);
            drop(volume);
            open(&directory, host.mode());
        }
    });
}

#[cfg(not(feature = "conformance"))]
fn the_conformance_suite_runs(_: &Case) {
    eprintln!("skipped: the suite needs the feature `conformance`");
}

/// Many files, streams and threads at once.
fn everyday_use_works(case: &Case) {
    case.play(few_descriptors, |host| {
        let mut ledger = Ledger::of(&[]);
        let volume = host.open();
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let volume = &volume;
                scope.spawn(move || {
                    for number in 0..40 {
                        let path = format!("{thread}/{number}/file");
                        committed(volume, [write(&path, "1"), append("log", "line\n")]);
                        committed(volume, [append(&format!("{thread}/log"), "line\n")]);
                        assert_eq!(read(volume, &path).as_deref(), Some(&b"1"[..]));
                    }
                });
            }
        });
        let streams: Vec<_> = (0..40)
            .map(|n| volume.reader(&file(&format!("0/{n}/file"))).expect("read"))
            .collect();
        ledger.check_usable(&volume);
        drop(streams);
        assert_eq!(read(&volume, "log"), Some(b"line\n".repeat(320)));
        ledger.check_available(host.root(), host.mode(), volume);
    });
}

const DIRECTORIES: usize = 1_100;

fn many_directories_are_listed_and_counted(case: &Case) {
    case.play(few_descriptors, |host| {
        let mut ledger = Ledger::of(&[]);
        let volume = host.open();
        for number in 0..DIRECTORIES {
            committed(&volume, [write(&format!("users/{number}/profile"), "x")]);
        }
        assert_eq!(listed(&volume), DIRECTORIES);
        let usage = volume.usage().expect("counted");
        assert_eq!(usage.files, DIRECTORIES as u64);
        drop(volume);
        let volume = host.open();
        assert_eq!(listed(&volume), DIRECTORIES);
        ledger.acknowledged(&volume, [write("users/0/profile", "new")]);
        ledger.acknowledged(&volume, [delete("users/1/profile")]);
        ledger.check_available(host.root(), host.mode(), volume);
    });
}

fn a_thousand_small_files_reach_the_disk(case: &Case) {
    case.play(few_descriptors, |host| {
        let mut ledger = Ledger::of(&[]);
        let volume = host.open();
        for number in 0..1_100 {
            committed(&volume, [write(&format!("f{number}"), "x")]);
        }
        if let Err(error) = checkpoint(&volume) {
            panic!("the files do not reach the disk: {error:?}");
        }
        for number in 0..1_100 {
            committed(&volume, [append(&format!("f{number}"), "y")]);
        }
        drop(volume);
        for number in 0..1_100 {
            let disk = fs::read(host.path(&format!("f{number}"))).expect("on the disk");
            assert_eq!(disk, b"xy");
        }
        let volume = host.open();
        assert_eq!(listed(&volume), 1_100);
        ledger.check_available(host.root(), host.mode(), volume);
    });
}

fn a_batch_deletes_in_many_directories(case: &Case) {
    let path = |number: usize| format!("a{}/b{}/f", number / 35, number % 35);
    case.play(few_descriptors, |host| {
        for number in 0..1_200 {
            let place = host.path(&path(number));
            fs::create_dir_all(place.parent().expect("a parent")).expect("made");
            fs::write(place, "x").expect("written");
        }
        let mut ledger = Ledger::of(&[]);
        let volume = host.open();
        assert_eq!(listed(&volume), 1_200);
        let deletes = (0..1_200).map(|number| delete(&path(number)));
        if let Err(error) = commit(&volume, deletes) {
            panic!("the batch is refused: {error:?}");
        }
        assert_eq!(listed(&volume), 0);
        ledger.acknowledged(&volume, [write("elsewhere/new", "x")]);
        ledger.check_available(host.root(), host.mode(), volume);
        assert!(!host.path(&path(0)).exists(), "it is still on the disk");
    });
}

fn a_batch_of_the_largest_size_is_made(case: &Case) {
    case.play(few_descriptors, |host| {
        let mut ledger = Ledger::of(&[]);
        let volume = host.open();
        let path = |number: usize| format!("d{}/f{number}", number % 50);
        let batch: Batch = (0..10_000).map(|n| write(&path(n), "x")).collect();
        if let Err(error) = volume.commit(batch) {
            panic!("the batch is refused: {error:?}");
        }
        assert_eq!(listed(&volume), 10_000);
        ledger.check_usable(&volume);
        drop(volume);
        let volume = host.open();
        assert!(listed(&volume) >= 10_000);
        ledger.check_available(host.root(), host.mode(), volume);
        assert_eq!(
            fs::read(host.path(&path(9_999))).expect("on the disk"),
            b"x"
        );
    });
}

/// Opens files until the system gives no more.
fn take_all_descriptors() -> Vec<File> {
    let mut taken = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    taken
}

fn a_commit_without_any_descriptor_is_refused_honestly(case: &Case) {
    case.play(few_descriptors, |host| {
        let mut ledger = Ledger::of(&[]);
        let volume = host.open();
        ledger.acknowledged(&volume, [write("a", "old")]);
        ledger.acknowledged(&volume, [write("b", "old"), append("log", "line\n")]);
        let batches = || {
            [
                vec![write("a", "new")],
                vec![append("log", "+\n")],
                vec![write("a", "newer"), write("sub/b", "newer")],
                vec![delete("b")],
            ]
        };
        for batch in batches() {
            let mut taken = take_all_descriptors();
            // With each descriptor more, the commit fails at a later step.
            for _ in 0..12 {
                if ledger.attempt_unread(&volume, batch.clone()).is_ok() {
                    break;
                }
                taken.pop();
            }
            drop(taken);
            ledger.check(&volume, "a commit without descriptors");
            ledger.acknowledged(&volume, batch);
        }
        ledger.check_available(host.root(), host.mode(), volume);
    });
}

/// Opens volumes, writes into each once, and then into each again.
fn keep_open(host: &Host, number: usize) {
    let directories: Vec<_> = (0..number).map(|n| host.path(&format!("{n}"))).collect();
    let mut volumes: Vec<LocalVolume> = Vec::new();
    for directory in &directories {
        fs::create_dir(directory).expect("made");
        let volume = match options(host.mode()).open(directory) {
            Ok(volume) => volume,
            Err(error) => panic!("volume {} is not opened: {error:?}", volumes.len()),
        };
        if let Err(error) = commit(&volume, [write("sub/a", "1")]) {
            panic!("volume {} takes no write: {error:?}", volumes.len());
        }
        volumes.push(volume);
    }
    for volume in &volumes {
        committed(volume, [append("sub/a", "2"), write("b", "2")]);
        assert_eq!(read(volume, "sub/a").as_deref(), Some(&b"12"[..]));
    }
    drop(volumes);
    for directory in &directories {
        let volume = open(directory, Mode::Direct);
        assert_eq!(read(&volume, "sub/a").as_deref(), Some(&b"12"[..]));
    }
}

fn idle_volumes_fit_into_256_descriptors(case: &Case) {
    case.play(few_descriptors, |host| keep_open(host, 150));
}

fn idle_volumes_fit_into_1024_descriptors(case: &Case) {
    let scene = |world: &mut World| {
        few_descriptors(world)?;
        world.descriptors(1_024);
        Ok(())
    };
    case.play(scene, |host| keep_open(host, 1_000));
}

/// Opens volumes side by side, each with a file.
fn open_many(host: &Host, number: usize) -> Vec<LocalVolume> {
    let open = |n: usize| {
        let directory = host.path(&format!("{n}"));
        fs::create_dir(&directory).expect("made");
        let volume = options(host.mode()).open(directory).expect("opened");
        committed(&volume, [append("log", "1")]);
        volume
    };
    (0..number).map(open).collect()
}

fn a_volume_keeps_its_streams_and_counters_while_others_sleep(case: &Case) {
    case.play(few_descriptors, |host| {
        let volumes = open_many(host, 1);
        let mut reader = volumes[0].reader(&file("log")).expect("opened");
        let mut writer = volumes[0].writer(&file("stream")).expect("opened");
        writer.write(b"begun, ").expect("staged");
        let others: Vec<_> = (0..60)
            .map(|n| {
                let directory = host.path(&format!("other{n}"));
                fs::create_dir(&directory).expect("made");
                let volume = options(host.mode()).open(directory).expect("opened");
                committed(&volume, [write("a", "1")]);
                volume
            })
            .collect();
        writer.write(b"and ended").expect("staged");
        writer.commit(Precondition::Any).expect("committed");
        assert_eq!(reader.read(10).expect("read"), b"1");
        for volume in &others {
            assert_eq!(read(volume, "a").as_deref(), Some(&b"1"[..]));
            committed(volume, [write("a", "1")]);
            assert_eq!(volume.counters().unchanged, 1, "it is not known any more");
        }
        let stream = read(&volumes[0], "stream");
        assert_eq!(stream.as_deref(), Some(&b"begun, and ended"[..]));
        committed(&volumes[0], [append("log", "2")]);
        assert_eq!(volumes[0].counters().commits, 3);
    });
}

fn threads_use_more_volumes_than_can_be_awake(case: &Case) {
    case.play(few_descriptors, |host| {
        let volumes = open_many(host, 40);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let volumes = &volumes;
                scope.spawn(move || {
                    for round in 0..5 {
                        for n in 0..volumes.len() {
                            // Two threads in the one order, and two in the other.
                            let n = if thread % 2 == 0 {
                                n
                            } else {
                                volumes.len() - 1 - n
                            };
                            let path = format!("{thread}");
                            committed(&volumes[n], [append("log", "+")]);
                            committed(&volumes[n], [write(&path, format!("{round}"))]);
                            assert!(read(&volumes[n], &path).is_some());
                        }
                    }
                });
            }
        });
        let expected = [&b"1"[..], &[b'+'; 20]].concat();
        for volume in &volumes {
            assert_eq!(read(volume, "log").as_deref(), Some(&expected[..]));
        }
    });
}

fn a_volume_that_was_removed_in_its_sleep_says_so(case: &Case) {
    case.play(few_descriptors, |host| {
        let volumes = open_many(host, 60);
        fs::remove_dir_all(host.path("0")).expect("removed");
        let refused = commit(&volumes[0], [write("a", "1")]);
        let error = format!("{:?}", refused.expect_err("there is no directory"));
        assert!(
            error.contains("the directory of the volume was removed"),
            "{error}"
        );
        let refused = volumes[0].list(None);
        let error = format!("{:?}", refused.expect_err("there is no directory"));
        assert!(
            error.contains("the directory of the volume was removed"),
            "{error}"
        );
        committed(&volumes[1], [append("log", "2")]);
    });
}
