//! Every state that a power cut could leave, at every step of every kind of
//! commit, and of recovery itself: what was acknowledged is there, all of it or
//! nothing of the rest, and nothing else. And broken protocols, which this must
//! find out.

mod after_failed_calls;
mod appended_once;
mod asleep;
mod check;
mod explore;
mod failed_sync;
mod followers;
mod former_files;
mod journaled;
mod killed;
mod living_sessions;
mod lost_track;
mod no_space_to_open;
mod outside_programs;
mod outside_removals;
mod raw_file;
mod scenario;
mod sessions_in_turn;
mod sync_mark;
mod turn_marks;
mod while_checkpointed;

use super::directory::{Access, Directory, FileHandle};
use super::sim::{Deaf, SimDisk};
use super::testing::{Contents, Way, append, batch, contents, delete, file, open, write};
use super::{Local, LocalVolumeOptions};
use crate::{Precondition, Step};
use check::check;
use explore::Sampling;
use killed::survives_a_kill_and_a_cut_of_what_follows;
use killed::{survives_a_kill_and_then_a_power_cut, survives_failing_calls_and_then_a_power_cut};
use scenario::{
    Broken, Scenario, appends, appends_and_replacements, batches, batches_that_change_the_tree,
    moves_and_removals, one, single_writes,
};

#[track_caller]
fn holds(scenario: Scenario) {
    match scenario.explore(Broken::default()) {
        Ok(explored) => {
            println!("{explored}");
            assert!(explored.cuts > 20, "{explored}");
        }
        Err(violation) => panic!("{violation:?}"),
    }
}

#[track_caller]
fn is_found_out(scenario: Scenario, broken: Broken) {
    let found = scenario.explore(broken);
    if let Ok(explored) = found {
        panic!("nothing was found: {explored}");
    }
}

fn deaf(deaf: Deaf) -> Broken {
    Broken {
        deaf,
        ..Broken::default()
    }
}

#[test]
fn single_writes_survive_a_power_cut_at_every_call() {
    holds(single_writes());
}

#[test]
fn moves_and_removals_survive_a_power_cut_at_every_call() {
    holds(moves_and_removals());
}

#[test]
fn appends_survive_a_power_cut_at_every_call() {
    holds(appends());
}

#[test]
fn appends_between_replacements_survive_a_power_cut_at_every_call() {
    holds(appends_and_replacements());
}

#[test]
fn batches_survive_a_power_cut_at_every_call() {
    holds(batches());
}

#[test]
fn batches_that_change_the_tree_survive_a_power_cut_at_every_call() {
    holds(batches_that_change_the_tree());
}

/// On file systems where a sync of one directory says nothing of another.
#[test]
fn all_directories_that_matter_are_synced() {
    let unordered = true;
    for scenario in [
        single_writes(),
        moves_and_removals(),
        appends_and_replacements(),
        batches(),
        batches_that_change_the_tree(),
    ] {
        let broken = Broken {
            unordered,
            ..Broken::default()
        };
        scenario.explore(broken).expect("all is there");
    }
}

#[test]
fn a_write_without_file_sync_is_found_out() {
    let staged_files = true;
    let broken = deaf(Deaf {
        staged_files,
        ..Deaf::default()
    });
    is_found_out(single_writes(), broken);
    is_found_out(batches(), broken);
}

#[test]
fn a_write_without_directory_sync_is_found_out() {
    let directories = true;
    let broken = deaf(Deaf {
        directories,
        ..Deaf::default()
    });
    is_found_out(single_writes(), broken);
    is_found_out(moves_and_removals(), broken);
}

#[test]
fn publishing_before_the_sync_is_found_out() {
    let sync_after_publish = true;
    let broken = deaf(Deaf {
        sync_after_publish,
        ..Deaf::default()
    });
    is_found_out(single_writes(), broken);
}

#[test]
fn a_journal_without_sync_is_found_out() {
    let journals = true;
    let broken = deaf(Deaf {
        journals,
        ..Deaf::default()
    });
    is_found_out(appends(), broken);
    is_found_out(batches(), broken);
}

#[test]
fn journal_records_without_checksum_are_found_out() {
    let ignore_checksums = true;
    let broken = Broken {
        ignore_checksums,
        ..Broken::default()
    };
    is_found_out(appends(), broken);
}

#[test]
fn a_journal_retired_before_the_files_are_settled_is_found_out() {
    let files = true;
    is_found_out(
        appends(),
        deaf(Deaf {
            files,
            ..Deaf::default()
        }),
    );
    let directories = true;
    is_found_out(
        batches(),
        deaf(Deaf {
            directories,
            ..Deaf::default()
        }),
    );
}

#[test]
fn staged_names_that_are_not_synced_are_found_out() {
    let private_directories = true;
    let broken = deaf(Deaf {
        private_directories,
        ..Deaf::default()
    });
    is_found_out(batches(), broken);
}

#[test]
fn commits_acknowledged_while_calls_fail_survive_a_power_cut() {
    survives_failing_calls_and_then_a_power_cut(&batches());
    survives_failing_calls_and_then_a_power_cut(&batches().journaled());
    survives_failing_calls_and_then_a_power_cut(&appends());
}

#[test]
fn what_another_process_builds_on_is_durable_too() {
    what_others_build_on_is_durable(|scenario| scenario);
}

#[test]
fn a_checkpoint_of_what_a_killed_process_left_survives_a_power_cut_at_every_call() {
    // So short that the log need not be switched for the batch.
    let before = || vec![one(write("a", b"A")), one(write("b", b"B"))];
    let changes = || batch([write("a", b"new a"), write("dir/c", b"new c"), delete("b")]);
    let scenario = || Scenario::new(before(), vec![changes()]);
    survives_a_kill_and_a_cut_of_what_follows(&scenario(), &[], None);
    survives_a_kill_and_a_cut_of_what_follows(&scenario().journaled(), &[], None);
}

/// One process is killed in each of these changes, and another builds on what it left.
#[track_caller]
fn what_others_build_on_is_durable(in_what_way: impl Fn(Scenario) -> Scenario) {
    let changes = [
        one(write("dir/file", b"a new version")),
        one(append("dir/file", b"one more")),
        one(delete("dir/file")),
        batch([
            write("dir/file", b"by a batch"),
            write("dir/new", b"new"),
            delete("gone"),
        ]),
        batch([delete("dir/file"), write("dir/file/below", b"by a batch")]),
    ];
    for change in &changes {
        let before = vec![
            one(write("dir/file", b"old")),
            one(write("gone", b"soon")),
            one(append("dir/file", b"+")),
        ];
        let scenario = in_what_way(Scenario::new(before, vec![change.clone()]));
        for by_other in [
            one(append("dir/file", b" and more")),
            one(append("dir/file", b"-")),
            one(write("dir/file", b"other")),
            one(delete("dir/file")),
            one(write("unrelated", b"other")),
            one(write("dir/new", b"other")),
            one(write("dir/new", &[b'o'; 300])),
            one(write("dir/new/below", b"other")),
        ] {
            survives_a_kill_and_then_a_power_cut(&scenario, &by_other);
        }
    }
}

/// A directory that a session knew to be durable went, and another of that name came,
/// whose process died before it was durable.
#[test]
fn a_directory_that_came_anew_is_made_durable_anew() {
    for cut in 0.. {
        let disk = SimDisk::new();
        disk.set_unordered();
        let volume = open(&disk).expect("no faults");
        let commit = |change| volume.commit(one(change)).expect("no faults");
        commit(write("dir/first", b"old"));
        let (root, process) = disk.start();
        let options = Way::Published.options();
        let dying = Local::open(root, options).expect("no faults");
        for change in [delete("dir/first"), write("dir", b"a file"), delete("dir")] {
            dying.commit(one(change)).expect("no faults");
        }
        disk.cut_at(cut);
        let is_done = dying.commit(one(write("dir/by other", b"new"))).is_ok();
        disk.kill(&process);
        disk.heal();
        commit(write("dir/ours", b"new"));
        let now = contents(&volume).expect("read");
        for state in Sampling::new().states_after_cut(&disk) {
            check(&state, std::slice::from_ref(&now)).expect("ours is there");
        }
        if is_done {
            break;
        }
    }
}

#[test]
fn an_append_to_what_a_person_wrote_keeps_both() {
    let scenario = Scenario::new(vec![one(write("other", b"old"))], vec![]);
    let (disk, volume) = scenario.start();
    let (by_hand, _) = disk.start();
    let file = by_hand.create_file("log", Access::Usual);
    file.and_then(|file| file.write_all_at(b"by hand\n", 0))
        .expect("no faults");
    let appended = one(append("log", b"appended\n"));
    volume.commit(appended).expect("no faults");
    let all = Contents::from([
        ("log".to_owned(), b"by hand\nappended\n".to_vec()),
        ("other".to_owned(), b"old".to_vec()),
    ]);
    for state in Sampling::new().states_after_cut(&disk) {
        check(&state, std::slice::from_ref(&all)).expect("both are there");
    }
}

/// Whichever sessions append in turn, whatever the clock of the file system tells.
#[test]
fn an_append_costs_one_flush() {
    for (sessions, is_coarse) in [(1, false), (1, true), (2, false), (2, true)] {
        let disk = SimDisk::new();
        if is_coarse {
            disk.set_coarse_clock();
        }
        // With a log of the usual size, which is not full soon.
        let options = || LocalVolumeOptions {
            tuning: Default::default(),
            ..Way::Published.options()
        };
        let open = |_| Local::open(disk.start().0, options()).expect("no faults");
        let volumes: Vec<_> = (0..sessions).map(open).collect();
        let mut in_turn = volumes.iter().cycle();
        let mut append_one = || {
            let volume = in_turn.next().expect("a cycle does not end");
            volume.commit(one(append("log", b"x\n"))).expect("appended");
        };
        (0..4).for_each(|_| append_one());
        for i in 0..50 {
            let before = disk.flushes();
            append_one();
            let flushes = disk.flushes() - before;
            assert_eq!(flushes, 1, "append {i} of {sessions} sessions, {is_coarse}");
        }
    }
}

#[test]
fn a_conditional_write_is_none_of_it_or_all_after_a_power_cut() {
    let first = crate::Version::of(b"first");
    let conditional: Step = write("file", b"second").only_if(Precondition::Version(first));
    let scenario = Scenario::new(vec![one(write("file", b"first"))], vec![conditional.into()]);
    scenario.explore(Broken::default()).expect("whole");
}

#[test]
fn a_streamed_write_survives_a_power_cut_at_every_call() {
    let history = [
        Contents::from([("file".to_owned(), b"old".to_vec())]),
        Contents::from([("file".to_owned(), b"a new file".to_vec())]),
    ];
    let mut sampling = Sampling::new();
    for cut in 0.. {
        let scenario = Scenario::new(vec![one(write("file", b"old"))], vec![]);
        let (disk, volume) = scenario.start();
        disk.cut_at(cut);
        let streamed = || {
            let mut writer = volume.writer(&file("file"))?;
            for chunk in [&b"a "[..], b"new ", b"file"] {
                writer.write(chunk)?;
            }
            writer.commit(Precondition::Any)
        };
        let acknowledged = usize::from(streamed().is_ok());
        drop(volume);
        for state in sampling.states_after_cut(&disk) {
            if let Err(what) = check(&state, &history[acknowledged..]) {
                panic!("{what}; cut before call {cut}");
            }
        }
        if disk.calls() < cut {
            break;
        }
    }
}
