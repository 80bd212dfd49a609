//! Other programs that cut, move, edit or replace a log that a volume appends to.

use crate::support::{
    Case, Host, Ledger, Mode, World, append, checkpoint, committed, copy_image, file, mount_image,
    nothing_special, open, read_text, unmount, write,
};
use ability_storage_engine::{LocalVolume, Precondition, Volume};
use std::fs::{self, OpenOptions};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

both_modes! {
    appends_after_a_truncation_are_whole,
    appends_after_a_copy_and_truncation_at_full_speed_are_whole,
    appends_after_a_replacement_are_whole,
    appends_after_an_edit_are_whole,
    an_append_to_a_replaced_file_is_durable,
    lines_that_wait_in_the_log_outlive_a_rotation,
}
one_mode! { Direct:
    a_log_that_was_emptied_stays_empty,
}

/// Appends to a log that starts with `start`, and lets a conditional write be made of
/// what was read.
fn append_after(host: &Host, volume: &LocalVolume, start: &str) {
    let mut expected = start.to_owned();
    for number in 0..6 {
        committed(volume, [append("log", format!("new {number}\n"))]);
        expected.push_str(&format!("new {number}\n"));
        assert_eq!(read_text(volume, "log"), expected);
        let size = volume.stat(&file("log")).expect("there").size;
        assert_eq!(size, expected.len() as u64);
        if number == 3 {
            let seen = volume.read(&file("log"), 1 << 20).expect("read");
            expected.push_str("checked\n");
            let next = write("log", expected.clone());
            let next = next.only_if(Precondition::Version(seen.version()));
            if let Err(error) = volume.commit(next.into()) {
                panic!("the log was just read: {error:?}");
            }
        }
    }
    checkpoint(volume).expect("a checkpoint");
    assert_eq!(read_text(volume, "log"), expected);
    let disk = fs::read_to_string(host.path("log")).expect("read");
    assert_eq!(disk, expected);
}

/// A log that is in its file, with a last append that a direct volume has just made.
fn log_in_its_file(host: &Host) -> LocalVolume {
    let volume = host.open();
    committed(&volume, [write("log", "head\n")]);
    for _ in 0..3 {
        committed(&volume, [append("log", "a long line before the change\n")]);
    }
    if host.mode() == Mode::Journaled {
        checkpoint(&volume).expect("a checkpoint");
    }
    volume
}

fn finish(host: &Host, volume: LocalVolume) {
    let log = read_text(&volume, "log");
    drop(volume);
    let disk = fs::read_to_string(host.path("log")).expect("read");
    assert_eq!(disk, log, "the closed volume");
    let mut ledger = Ledger::of(&[("log", &log)]);
    ledger.check_available(host.root(), host.mode(), host.open());
}

/// `> log`, or logrotate with `copytruncate`.
fn appends_after_a_truncation_are_whole(case: &Case) {
    case.play(nothing_special, |host| {
        let volume = log_in_its_file(host);
        let log = OpenOptions::new().write(true).open(host.path("log"));
        log.expect("opened").set_len(0).expect("cut");
        append_after(host, &volume, "");
        // And again, now in the middle of a line.
        let start = &read_text(&volume, "log")[..10].to_owned();
        let log = OpenOptions::new().write(true).open(host.path("log"));
        log.expect("opened").set_len(10).expect("cut");
        append_after(host, &volume, start);
        finish(host, volume);
    });
}

/// The log is cut while it is appended to. Lines may go with what was cut, but none may be
/// read or left in part.
fn appends_after_a_copy_and_truncation_at_full_speed_are_whole(case: &Case) {
    case.play(nothing_special, |host| {
        let volume = log_in_its_file(host);
        let start = Instant::now();
        let mut number = 0;
        let mut last_cut = start;
        while start.elapsed() < Duration::from_millis(1_500) {
            if last_cut.elapsed() > Duration::from_millis(50) {
                last_cut = Instant::now();
                checkpoint(&volume).expect("a checkpoint");
                let log = OpenOptions::new().write(true).open(host.path("log"));
                log.expect("opened").set_len(0).expect("cut");
            }
            number += 1;
            let line = format!("{number:0>width$}\n", width = 8 + number % 90);
            committed(&volume, [append("log", line.clone())]);
            assert!(read_text(&volume, "log").ends_with(&line), "line {number}");
        }
        let log = read_text(&volume, "log");
        let number_of = |line: &str| line.parse().expect("a whole line");
        let numbers: Vec<usize> = log.lines().map(number_of).collect();
        assert!(numbers.windows(2).all(|two| two[0] + 1 == two[1]), "{log}");
        assert_eq!(numbers.last(), Some(&number));
        finish(host, volume);
    });
}

fn appends_after_a_replacement_are_whole(case: &Case) {
    case.play(nothing_special, |host| {
        let volume = log_in_its_file(host);
        fs::write(host.path("log.new"), "of another program\n").expect("written");
        fs::rename(host.path("log.new"), host.path("log")).expect("renamed");
        append_after(host, &volume, "of another program\n");
        finish(host, volume);
    });
}

fn appends_after_an_edit_are_whole(case: &Case) {
    case.play(nothing_special, |host| {
        let volume = log_in_its_file(host);
        let edited = "head\na line\nof an editor that writes in place\nwhich is longer than before, by far, so that no old place is its end\nand it goes on\n";
        fs::write(host.path("log"), edited).expect("written");
        append_after(host, &volume, edited);
        // As long as before.
        let edited = read_text(&volume, "log").replace("new", "NEW");
        fs::write(host.path("log"), &edited).expect("written");
        append_after(host, &volume, &edited);
        finish(host, volume);
    });
}

/// Contents reach the disk when they are synced, and not before.
const LAZY: &str = "noauto_da_alloc,commit=600";

/// A program saves without a sync; the append after that must be durable all the same.
/// The power cut is a copy of the disk.
fn an_append_to_a_replaced_file_is_durable(case: &Case) {
    let make = ["mkfs.ext4", "-q", "-F"];
    let scene = |world: &mut World| world.image(&make, 24 << 20, LAZY);
    case.play(scene, |host| {
        let volume = host.open();
        committed(&volume, [append("log", "1\n")]);
        checkpoint(&volume).expect("a checkpoint");
        committed(&volume, [append("log", "2\n")]);
        checkpoint(&volume).expect("a checkpoint");
        fs::write(host.path("log.new"), "saved\n").expect("written");
        fs::rename(host.path("log.new"), host.path("log")).expect("renamed");
        committed(&volume, [append("log", "3\n")]);
        copy_image(&host.beside("image"), &host.beside("copy"));
        let cut = host.beside("cut");
        fs::create_dir(&cut).expect("made");
        mount_image(&host.beside("copy"), &cut, LAZY).expect("mounted");
        let after = open(&cut, host.mode());
        let log = read_text(&after, "log");
        drop(after);
        unmount(&cut);
        assert_eq!(log, "saved\n3\n", "after the power cut");
        Ledger::of(&[("log", "saved\n3\n")]).check_available(host.root(), host.mode(), volume);
    });
}

/// What a program does to a log, what it leaves in its place, and whether anything.
type Rotation = (&'static str, fn(&Path), Option<&'static str>);

/// What a journaled volume has acknowledged and not put into the file yet, no other program
/// can have seen: it comes behind what that leaves.
fn lines_that_wait_in_the_log_outlive_a_rotation(case: &Case) {
    let rotations: [Rotation; 5] = [
        (
            "moved",
            |log| fs::rename(log, log.with_extension("1")).expect("moved"),
            None,
        ),
        (
            "removed",
            |log| fs::remove_file(log).expect("removed"),
            None,
        ),
        ("cut", |log| fs::write(log, "").expect("cut"), Some("")),
        (
            "edited",
            |log| fs::write(log, "of an editor\n").expect("edited"),
            Some("of an editor\n"),
        ),
        (
            "replaced",
            |log| {
                fs::write(log.with_extension("new"), "of another\n").expect("written");
                fs::rename(log.with_extension("new"), log).expect("renamed");
            },
            Some("of another\n"),
        ),
    ];
    for (what, rotate, left) in rotations {
        for reads_first in [true, false] {
            case.play(nothing_special, |host| {
                let volume = log_in_its_file(host);
                committed(&volume, [append("log", "it waits\n")]);
                rotate(&host.path("log"));
                let mut expected = left.unwrap_or_default().to_owned();
                if host.mode() == Mode::Journaled {
                    expected.push_str("it waits\n");
                }
                if reads_first && (left.is_some() || host.mode() == Mode::Journaled) {
                    assert_eq!(read_text(&volume, "log"), expected, "{what}");
                    let other = host.open();
                    assert_eq!(
                        read_text(&other, "log"),
                        expected,
                        "{what}, read by another"
                    );
                }
                if !reads_first {
                    committed(&volume, [append("log", "and one more\n")]);
                    expected.push_str("and one more\n");
                    assert_eq!(read_text(&volume, "log"), expected, "{what}");
                }
                checkpoint(&volume).expect("a checkpoint");
                let there = fs::read_to_string(host.path("log"));
                assert_eq!(there.unwrap_or_default(), expected, "{what}");
                append_after(host, &volume, &expected);
                finish(host, volume);
            });
        }
    }
}

/// It was in the file before: the other program has decided what becomes of it.
fn a_log_that_was_emptied_stays_empty(case: &Case) {
    case.play(nothing_special, |host| {
        type Change = fn(&Path);
        let changes: [(&str, Change); 4] = [
            ("", |log| fs::write(log, "").expect("emptied")),
            ("first\n", |log| cut(log, "first\n".len())),
            ("first\nsec", |log| cut(log, "first\nsec".len())),
            ("first\n", |log| {
                let restored = log.with_extension("restored");
                fs::write(&restored, "first\n").expect("written");
                fs::rename(&restored, log).expect("renamed");
            }),
        ];
        for (kept, change) in changes {
            for by_other in [false, true] {
                let _ = fs::remove_file(host.path("log"));
                fs::write(host.path("log"), "first\n").expect("written");
                let volume = host.open();
                let other = host.open();
                committed(&volume, [append("log", "second\n")]);
                // The clock of the file system is some milliseconds behind.
                thread::sleep(Duration::from_millis(30));
                change(&host.path("log"));
                let case = format!("{kept:?}, by another: {by_other}");
                assert_eq!(read_text(&volume, "log"), kept, "{case}");
                checkpoint(if by_other { &other } else { &volume }).expect("made");
                for volume in [&volume, &other] {
                    assert_eq!(read_text(volume, "log"), kept, "{case}");
                }
                committed(&volume, [append("log", "third\n")]);
                let all = format!("{kept}third\n");
                drop((volume, other));
                let disk = fs::read_to_string(host.path("log")).expect("read");
                assert_eq!(disk, all, "{case}");
            }
        }
    });
}

fn cut(log: &Path, bytes: usize) {
    let log = OpenOptions::new().write(true).open(log).expect("opened");
    log.set_len(bytes as u64).expect("cut");
}
