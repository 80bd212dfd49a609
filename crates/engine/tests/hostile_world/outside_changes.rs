//! Other programs that change the files of a volume.

use crate::support::{
    Case, Flag, Host, Ledger, Mode, World, append, checkpoint, commit, committed, copy_image,
    delete, file, mount_image, open, read_text, set_flag, unmount, write,
};
use ability_storage_engine::{LocalVolume, Precondition, Volume};
use std::fs::{self, OpenOptions};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

both_modes! {
    a_directory_in_the_way_of_a_file_is_trouble_of_its_own,
    a_file_in_the_way_of_a_directory_is_trouble_of_its_own,
    a_link_in_the_way_of_a_directory_leads_nowhere,
    records_of_a_killed_host_that_cannot_be_applied_wait,
    what_others_remove_before_the_checkpoint_comes_back_or_stays_away,
    appends_after_a_truncation_are_whole,
    appends_after_a_copy_and_truncation_at_full_speed_are_whole,
    appends_after_a_replacement_are_whole,
    appends_after_an_edit_are_whole,
    a_file_cut_short_while_it_is_read_is_not_read_in_part,
    an_append_to_a_replaced_file_is_durable,
    lines_that_wait_in_the_log_outlive_a_rotation,
}

fn nothing_special(_: &mut World) -> crate::support::Scene {
    Ok(())
}

/// Commits files in `way` and beside it, which in a journaled volume are not in the files
/// yet.
fn committed_files(host: &Host) -> (Ledger, LocalVolume) {
    let mut ledger = Ledger::of(&[]);
    let volume = host.open();
    ledger.acknowledged(&volume, [write("way/a", "a")]);
    ledger.acknowledged(&volume, [append("way/log", "line\n")]);
    ledger.acknowledged(&volume, [write("way/b", "b"), write("beside", "b")]);
    (ledger, volume)
}

/// Asserts the promise after another program has put something where `way` was. What a
/// journaled volume has acknowledged stays readable; of a direct one, whose files were
/// removed, it is the rest that must go on.
fn goes_on(host: &Host, ledger: Ledger, volume: LocalVolume) {
    let mut ledger = match host.mode() {
        Mode::Journaled => ledger,
        Mode::Direct => Ledger::of(&[("beside", "b")]),
    };
    ledger.check(&volume, "the change from outside");
    eprintln!("checkpoint: {:?}", checkpoint(&volume));
    let attempts = [
        vec![write("way/a", "new")],
        vec![write("way/a", "newer"), write("beside", "newer")],
        vec![append("way/log", "+")],
        vec![delete("way/b"), append("way/log", "+")],
    ];
    for changes in attempts {
        if host.mode() == Mode::Journaled {
            let _ = ledger.attempt(&volume, changes);
        } else {
            eprintln!("{:?}", commit(&volume, changes));
        }
    }
    if host.mode() == Mode::Direct {
        ledger = Ledger::of(&[]);
    }
    ledger.acknowledged(&volume, [write("beside", "newest")]);
    ledger.check_available(host.root(), host.mode(), volume);
}

/// A directory with something in it where files of the volume go.
fn a_directory_in_the_way_of_a_file_is_trouble_of_its_own(case: &Case) {
    case.play(nothing_special, |host| {
        let (ledger, volume) = committed_files(host);
        for name in ["a", "log"] {
            let path = host.path("way").join(name);
            let _ = fs::remove_file(&path);
            fs::create_dir_all(path.join("full")).expect("made");
            fs::write(path.join("full/file"), "of others").expect("written");
        }
        goes_on(host, ledger, volume);
        let kept = fs::read(host.path("way/a/full/file")).expect("still there");
        assert_eq!(kept, b"of others");
        // Out of the way again.
        for name in ["a", "log"] {
            fs::remove_dir_all(host.path("way").join(name)).expect("removed");
        }
        Ledger::of(&[("beside", "newest")]).check_opens(host.root(), host.mode());
    });
}

fn a_file_in_the_way_of_a_directory_is_trouble_of_its_own(case: &Case) {
    case.play(nothing_special, |host| {
        let (ledger, volume) = committed_files(host);
        let _ = fs::remove_dir_all(host.path("way"));
        fs::write(host.path("way"), "of others").expect("written");
        goes_on(host, ledger, volume);
    });
}

fn a_link_in_the_way_of_a_directory_leads_nowhere(case: &Case) {
    case.play(nothing_special, |host| {
        let (ledger, volume) = committed_files(host);
        let outside = host.beside("outside");
        fs::create_dir(&outside).expect("made");
        let _ = fs::remove_dir_all(host.path("way"));
        std::os::unix::fs::symlink(&outside, host.path("way")).expect("linked");
        goes_on(host, ledger, volume);
        let found = fs::read_dir(outside).expect("listed").count();
        assert_eq!(found, 0, "the volume wrote to another directory");
    });
}

/// Sets or takes back the flag of what there is of `way`.
fn freeze(host: &Host, on: bool) {
    for path in ["way/log", "way"] {
        if host.path(path).exists() {
            set_flag(&host.path(path), Flag::Immutable, on).expect("set");
        }
    }
}

/// The host is killed with commits that are not in the files, and before the volume is
/// opened again the directory of some of them cannot be changed any more.
fn records_of_a_killed_host_that_cannot_be_applied_wait(case: &Case) {
    let scene = |world: &mut World| {
        world.needs_flags()?;
        world.directory("way");
        Ok(())
    };
    case.play(scene, |host| {
        if host.is("killed") {
            let (_, _volume) = committed_files(host);
            fs::write(host.beside("committed"), "").expect("written");
            return sleep(Duration::from_secs(30));
        }
        let mut killed = host.start("killed");
        while !host.beside("committed").exists() {
            assert!(!killed.has_ended(), "it ended before it was killed");
            sleep(Duration::from_millis(2));
        }
        killed.kill();
        freeze(host, true);
        let files = [("way/a", "a"), ("way/b", "b"), ("beside", "b")];
        let mut ledger = Ledger::of(&[&files[..], &[("way/log", "line\n")]].concat());
        ledger.check_opens(host.root(), host.mode());
        freeze(host, false);
        ledger.check_opens(host.root(), host.mode());
        let disk = fs::read(host.path("way/a")).expect("in its file");
        assert_eq!(disk, b"a");
    });
}

fn what_others_remove_before_the_checkpoint_comes_back_or_stays_away(case: &Case) {
    case.play(nothing_special, |host| {
        let (mut ledger, volume) = committed_files(host);
        let _ = checkpoint(&volume);
        ledger.acknowledged(&volume, [append("way/log", "line\n")]);
        ledger.acknowledged(&volume, [write("way/a", "new"), write("beside", "new")]);
        fs::remove_dir_all(host.path("way")).expect("removed");
        eprintln!("checkpoint: {:?}", checkpoint(&volume));
        Ledger::of(&[("beside", "new")]).check_available(host.root(), host.mode(), volume);
    });
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

/// Another program cuts a file and makes it long again, all the time.
fn a_file_cut_short_while_it_is_read_is_not_read_in_part(case: &Case) {
    const LONG: u64 = 8 << 20;
    const SHORT: u64 = 10;
    let scene = |world: &mut World| {
        world.in_memory();
        Ok(())
    };
    case.play(scene, |host| {
        fs::write(host.path("cut"), vec![b'x'; LONG as usize]).expect("written");
        let volume = host.open();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let file = OpenOptions::new().write(true).open(host.path("cut"));
                let file = file.expect("opened");
                while !done.load(Ordering::Relaxed) {
                    for length in [SHORT, LONG] {
                        file.set_len(length).expect("set");
                        sleep(Duration::from_micros(700));
                    }
                }
            });
            let start = Instant::now();
            let mut wrong = None;
            while start.elapsed() < Duration::from_secs(2) && wrong.is_none() {
                let found = volume.read(&file("cut"), 64 << 20);
                let length = found.map(|found| found.contents().len() as u64);
                wrong = length.ok().filter(|length| ![LONG, SHORT].contains(length));
            }
            done.store(true, Ordering::Relaxed);
            assert_eq!(wrong, None, "a length that the file never had");
        });
        Ledger::of(&[]).check_available(host.root(), host.mode(), volume);
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
