//! Other programs that change the files of a volume.

use crate::support::{
    Case, Flag, Host, Ledger, Mode, World, append, checkpoint, commit, delete, file,
    nothing_special, set_flag, write,
};
use ability_storage_engine::{LocalVolume, Volume};
use std::fs::{self, OpenOptions};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

both_modes! {
    a_directory_in_the_way_of_a_file_is_trouble_of_its_own,
    a_file_in_the_way_of_a_directory_is_trouble_of_its_own,
    a_link_in_the_way_of_a_directory_leads_nowhere,
    records_of_a_killed_host_that_cannot_be_applied_wait,
    what_others_remove_before_the_checkpoint_comes_back_or_stays_away,
    a_file_cut_short_while_it_is_read_is_not_read_in_part,
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
