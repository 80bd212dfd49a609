//! The same for a journaled volume: every state that a power cut could leave, at every
//! call of commits, of settling and of recovery.

use super::super::sim::{Deaf, SimDisk};
use super::super::testing::{Way, append, batch, contents, delete, open_with, rename, write};
use super::scenario::{
    Broken, Scenario, appends, appends_and_replacements, batches, batches_that_change_the_tree,
    moves_and_removals, one, single_writes,
};
use super::{deaf, holds, is_found_out, what_others_build_on_is_durable};
use crate::Precondition;
use crate::local::Local;
use std::io::ErrorKind;

/// Many versions of a few files: the logs are full again and again.
fn rewrites() -> Scenario {
    let version = |path: &str, number: u8| one(write(path, &[b'a' + number; 200]));
    let mut steps: Vec<_> = (0..5).map(|number| version("file", number)).collect();
    steps.insert(2, version("dir/other", 0));
    steps.insert(
        4,
        batch([write("file", b"in a batch"), delete("dir/other")]),
    );
    Scenario::new(vec![version("file", 20)], steps)
}

/// What is in the journal as a whole, what grows in the file, and what is too long for
/// the journal, in turn.
fn growth() -> Scenario {
    let long = [b'l'; 400];
    Scenario::new(
        vec![one(write("log", b"begin\n"))],
        vec![
            one(append("log", b"one\n")),
            one(write("log", &long)),
            one(append("log", b"behind long contents\n")),
            one(rename("log", "moved")),
            one(append("moved", &[b'+'; 200])),
            one(append("moved", &long)),
            one(append("log", b"begun again\n")),
        ],
    )
}

/// What is there already, in the journal, in the file, and changed in between.
fn repeats() -> Scenario {
    let version = |number: u8| one(write("file", &[b'a' + number; 150]));
    let steps = [0, 0, 1, 1, 2, 2, 3, 3, 3, 4, 4].map(version);
    let mut steps = steps.to_vec();
    steps.insert(6, one(delete("file")));
    steps.insert(
        4,
        batch([write("file", &[b'b'; 150]), write("other", b"and another")]),
    );
    Scenario::new(vec![version(9), version(0)], steps)
}

#[test]
fn what_is_not_written_again_survives_a_power_cut_at_every_call() {
    holds(repeats().journaled());
}

#[test]
fn single_commits_survive_a_power_cut_at_every_call() {
    holds(single_writes().journaled());
    holds(moves_and_removals().journaled());
}

#[test]
fn rewrites_survive_a_power_cut_at_every_call() {
    holds(rewrites().journaled());
}

#[test]
fn appends_survive_a_power_cut_at_every_call() {
    holds(appends().journaled());
    holds(appends_and_replacements().journaled());
}

#[test]
fn growth_survives_a_power_cut_at_every_call() {
    holds(growth().journaled());
}

#[test]
fn batches_survive_a_power_cut_at_every_call() {
    holds(batches().journaled());
    holds(batches_that_change_the_tree().journaled());
}

#[test]
fn all_directories_that_matter_are_synced() {
    for scenario in [
        single_writes(),
        moves_and_removals(),
        growth(),
        rewrites(),
        batches(),
        batches_that_change_the_tree(),
    ] {
        let broken = Broken {
            unordered: true,
            ..Broken::default()
        };
        let explored = scenario.journaled().explore(broken);
        explored.expect("all is there");
    }
}

#[test]
fn a_journal_without_sync_is_found_out() {
    let broken = deaf(Deaf {
        journals: true,
        ..Deaf::default()
    });
    is_found_out(rewrites().journaled(), broken);
    is_found_out(batches().journaled(), broken);
}

#[test]
fn records_without_checksum_are_found_out() {
    let broken = Broken {
        ignore_checksums: true,
        ..Broken::default()
    };
    is_found_out(rewrites().journaled(), broken);
}

#[test]
fn settling_without_syncs_is_found_out() {
    for deaf_to in [
        Deaf {
            staged_files: true,
            ..Deaf::default()
        },
        Deaf {
            directories: true,
            ..Deaf::default()
        },
    ] {
        is_found_out(rewrites().journaled(), deaf(deaf_to));
    }
    let files = deaf(Deaf {
        files: true,
        ..Deaf::default()
    });
    is_found_out(appends().journaled(), files);
}

#[test]
fn long_contents_without_syncs_are_found_out() {
    let private_directories = true;
    let broken = deaf(Deaf {
        private_directories,
        ..Deaf::default()
    });
    is_found_out(growth().journaled(), broken);
}

#[test]
fn what_another_process_builds_on_is_durable_too() {
    what_others_build_on_is_durable(Scenario::journaled);
}

/// A path is stuck, for there is no space for it. A long append makes it, a short one follows,
/// another session is killed, and a checkpoint carries the path over. All sessions look at each
/// commit.
#[test]
fn a_stuck_path_keeps_all_appends_when_it_is_carried_over() {
    let mut wrong = Vec::new();
    for killed in 0..60 {
        let disk = SimDisk::new();
        disk.set_one_thread();
        let (root, dying) = disk.start();
        let first = Local::open(root, Way::Journaled.options()).expect("opened");
        let second = open_with(&disk, Way::Journaled).expect("opened");
        let third = open_with(&disk, Way::Journaled).expect("opened");
        let look = |with_first: bool| {
            let all = [&first, &second, &third];
            for volume in all.into_iter().skip(usize::from(!with_first)) {
                contents(volume).expect("read");
            }
        };
        disk.fail_path_unannounced(&["d", "a"], ErrorKind::StorageFull);
        third.commit(write("b", b"1").into()).expect("made");
        look(true);
        second
            .commit(append("d/a", &[b'x'; 300]).into())
            .expect("made");
        look(true);
        first
            .commit(batch([write("b", b"2"), append("d/a", &[b'y'; 60])]))
            .expect("made");
        look(true);
        let (on, process) = (disk.clone(), dying.clone());
        disk.interrupt_at(killed, move || on.kill(&process));
        let never = write("d/a", b"never").only_if(Precondition::Absent);
        let _ = first.commit(never.into());
        disk.interrupt_at(usize::MAX, || ());
        disk.kill(&dying);
        look(false);
        second.commit(write("b", b"3").into()).expect("made");
        look(false);
        let result = third.checkpoint().is_ok();
        for (name, volume) in [("second", &second), ("third", &third)] {
            let all = contents(volume).expect("read");
            let length = all.get("d/a").map(Vec::len);
            if length != Some(360) {
                wrong.push(format!("{killed} {result} {name}: {length:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
