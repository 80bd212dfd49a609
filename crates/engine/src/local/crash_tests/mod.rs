//! Every state that a power cut could leave, at every step of every kind of
//! commit, and of recovery itself: what was acknowledged is there, all of it or
//! nothing of the rest, and nothing else. And broken protocols, which this must
//! find out.

mod explore;
mod journaled;

use super::directory::{Access, Directory, FileHandle};
use super::sim::{Deaf, SimDisk};
use super::testing::{Contents, append, batch, contents, delete, file, open, rename, write};
use super::{Local, LocalVolumeOptions};
use crate::{Batch, Change, Precondition, Step};
use explore::{Broken, STATES, Scenario, check, random, survives_a_kill_and_then_a_power_cut};

fn one(change: Change) -> Batch {
    change.into()
}

fn single_writes() -> Scenario {
    let old = vec![b'o'; 300];
    Scenario::new(
        vec![one(write("file", &old)), one(write("other", b"other"))],
        vec![
            one(write("file", b"new")),
            one(write("dir/sub/new", b"in a new directory")),
            one(write("file", &[b'n'; 500])),
        ],
    )
}

fn moves_and_removals() -> Scenario {
    Scenario::new(
        vec![one(write("a", b"A")), one(write("dir/b", b"B"))],
        vec![
            one(rename("a", "dir/b")),
            one(rename("dir/b", "c/d")),
            one(delete("c/d")),
            one(write("c", b"a file where a directory was")),
        ],
    )
}

fn appends() -> Scenario {
    // Long enough for the journal to be full and begun anew.
    let line = |i: usize| format!("{i} {}\n", "x".repeat(150)).into_bytes();
    let mut steps: Vec<Batch> = (0..6).map(|i| one(append("log", &line(i)))).collect();
    steps.insert(3, one(append("other.log", b"elsewhere\n")));
    Scenario::new(vec![one(write("log", b"begin\n"))], steps)
}

fn appends_and_replacements() -> Scenario {
    Scenario::new(
        vec![one(write("log", b"begin\n")), one(write("new", b"short"))],
        vec![
            one(append("log", b"one\n")),
            one(append("log", b"two\n")),
            one(rename("new", "log")),
            one(append("log", b"three\n")),
            one(delete("log")),
            one(append("log", b"four\n")),
            one(append("log", b"five\n")),
            one(write("log", b"replaced\n")),
        ],
    )
}

fn batches() -> Scenario {
    Scenario::new(
        vec![
            one(write("a", b"A")),
            one(write("b", b"B")),
            one(write("log", b"log\n")),
            one(append("log", b"appended\n")),
        ],
        vec![
            batch([
                write("a", b"new a"),
                write("dir/c", b"new c"),
                delete("b"),
                append("log", b"by the batch\n"),
            ]),
            batch([
                rename("a", "swap"),
                rename("dir/c", "a"),
                rename("swap", "dir/c"),
            ]),
            one(append("log", b"after\n")),
        ],
    )
}

fn batches_that_change_the_tree() -> Scenario {
    Scenario::new(
        vec![one(write("a", b"A")), one(write("dir/b", b"B"))],
        vec![batch([
            delete("a"),
            write("a/below", b"below"),
            delete("dir/b"),
            write("dir", b"a file now"),
        ])],
    )
}

#[track_caller]
fn holds(scenario: Scenario) {
    match scenario.explore(Broken::default()) {
        Ok(states) => assert!(states > 1_000, "only {states} states"),
        Err(violation) => panic!("{violation:?}"),
    }
}

#[track_caller]
fn is_found_out(scenario: Scenario, broken: Broken) {
    let found = scenario.explore(broken);
    assert!(found.is_err(), "{found:?} states, and nothing was found");
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
fn what_another_process_builds_on_is_durable_too() {
    what_others_build_on_is_durable(|scenario| scenario);
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
        let options = LocalVolumeOptions::default();
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
        for state in disk.after_power_cut(STATES, &mut random()) {
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
    for state in disk.after_power_cut(STATES, &mut random()) {
        check(&state, std::slice::from_ref(&all)).expect("both are there");
    }
}

#[test]
fn an_append_costs_one_flush() {
    let (disk, volume) = Scenario::new(vec![one(append("log", b"0\n"))], vec![]).start();
    volume.commit(one(append("log", b"1\n"))).expect("appended");
    for i in 0..5 {
        let before = disk.flushes();
        volume.commit(one(append("log", b"x\n"))).expect("appended");
        assert_eq!(disk.flushes() - before, 1, "append {i}");
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
    let mut random = random();
    for cut in 0.. {
        let scenario = Scenario::new(vec![one(write("file", b"old"))], vec![]);
        let (disk, volume) = scenario.start();
        disk.cut_at(cut);
        let streamed = || {
            let mut writer = super::LocalWriter::open(volume.clone(), &file("file"))?;
            for chunk in [&b"a "[..], b"new ", b"file"] {
                crate::Writer::write(&mut writer, chunk)?;
            }
            crate::Writer::commit(Box::new(writer), Precondition::Any)
        };
        let acknowledged = usize::from(streamed().is_ok());
        drop(volume);
        for state in disk.after_power_cut(STATES, &mut random) {
            if let Err(what) = check(&state, &history[acknowledged..]) {
                panic!("{what}; cut before call {cut}");
            }
        }
        if disk.calls() < cut {
            break;
        }
    }
}
