//! Every state that a power cut could leave, at every step of every kind of
//! commit, and of recovery itself: what was acknowledged is there, all of it or
//! nothing of the rest, and nothing else. And broken protocols, which this must
//! find out.

use super::sim::{Deaf, IGNORE_CHECKSUMS, SimDirectory, SimDisk};
use super::testing::{
    Contents, append, batch, contents, delete, file, open, rename, sessions_left, write,
};
use super::{Local, LocalVolumeOptions};
use crate::{Batch, Change, Precondition, Step};
use std::sync::Arc;

/// How many states are looked at per cut, and per cut of a recovery.
const STATES: usize = 48;
const STATES_OF_RECOVERY: usize = 3;

/// A promise that was broken, and where.
#[derive(Debug)]
struct Violation(#[allow(dead_code, reason = "printed when a test fails")] String);

/// What a client does, and what the volume holds after each step.
struct Scenario {
    before: Vec<Batch>,
    steps: Vec<Batch>,
}

#[derive(Clone, Copy, Default)]
struct Broken {
    deaf: Deaf,
    ignore_checksums: bool,
}

impl Scenario {
    fn new(before: Vec<Batch>, steps: Vec<Batch>) -> Self {
        Self { before, steps }
    }

    /// The contents after the setup and after each of the steps.
    fn history(&self) -> Vec<Contents> {
        let mut now = Contents::new();
        for batch in &self.before {
            play(&mut now, batch);
        }
        let mut history = vec![now.clone()];
        for batch in &self.steps {
            play(&mut now, batch);
            history.push(now.clone());
        }
        history
    }

    fn start(&self) -> (SimDisk, Arc<Local<SimDirectory>>) {
        let disk = SimDisk::new();
        let volume = open(&disk).expect("a disk without faults");
        for batch in &self.before {
            volume.commit(batch.clone()).expect("a disk without faults");
        }
        (disk, volume)
    }

    /// How many steps were acknowledged.
    fn run(&self, volume: &Local<SimDirectory>) -> usize {
        let done = |batch: &&Batch| volume.commit((*batch).clone()).is_ok();
        self.steps.iter().take_while(done).count()
    }

    /// Cuts the power at every call, and looks at what may be left each time.
    /// Returns the number of states.
    fn explore(&self, broken: Broken) -> Result<usize, Violation> {
        IGNORE_CHECKSUMS.set(broken.ignore_checksums);
        let result = self.explore_all(broken.deaf);
        IGNORE_CHECKSUMS.set(false);
        result
    }

    fn explore_all(&self, deaf: Deaf) -> Result<usize, Violation> {
        let history = self.history();
        let mut random = random();
        let mut states = 0;
        for cut in 0.. {
            let (disk, volume) = self.start();
            disk.set_deaf(deaf);
            disk.cut_at(cut);
            let acknowledged = self.run(&volume);
            drop(volume);
            let allowed = &history[acknowledged..history.len().min(acknowledged + 2)];
            let at = format!("before call {cut}, {}", disk.call(cut.saturating_sub(1)));

            let mut left = disk.after_power_cut(STATES, &mut random);
            // A kill instead of a power cut: all that was written is there.
            left.push(disk.snapshot());
            for (number, state) in left.iter().enumerate() {
                states += 1;
                check(state, allowed)
                    .map_err(|what| Violation(format!("{what}; cut {at}; state {number}")))?;
                let cut_again = (number + cut).is_multiple_of(4);
                if cut_again {
                    states += explore_recovery(state, allowed, &mut random)
                        .map_err(|what| Violation(format!("{what}; cut {at}; state {number}")))?;
                }
            }
            if disk.calls() < cut {
                return Ok(states);
            }
        }
        unreachable!("every scenario ends")
    }
}

fn explore_recovery(
    state: &SimDisk,
    allowed: &[Contents],
    random: &mut impl FnMut() -> u64,
) -> Result<usize, String> {
    let mut states = 0;
    for cut in 0.. {
        let disk = state.snapshot();
        disk.cut_at(cut);
        drop(open(&disk));
        for left in disk.after_power_cut(STATES_OF_RECOVERY, random) {
            states += 1;
            check(&left, allowed).map_err(|what| format!("{what}; recovery cut at call {cut}"))?;
        }
        if disk.calls() < cut {
            break;
        }
    }
    Ok(states)
}

/// Opens what is left and looks at it as a client would.
fn check(state: &SimDisk, allowed: &[Contents]) -> Result<(), String> {
    let disk = state.snapshot();
    let volume = open(&disk).map_err(|error| format!("it cannot be opened: {error}"))?;
    let found = contents(&volume).map_err(|error| error.to_string())?;
    if !allowed.contains(&found) {
        return Err(format!(
            "found {}, allowed {}",
            show(&found),
            allowed.iter().map(show).collect::<Vec<_>>().join(" or ")
        ));
    }
    let more = write("after", b"the volume still works");
    volume
        .commit(more.into())
        .map_err(|error| format!("the next commit failed: {error}"))?;
    drop(volume);
    let sessions = sessions_left(&disk);
    if !sessions.is_empty() {
        return Err(format!("left behind: {sessions:?}"));
    }
    let again = open(&disk).map_err(|error| format!("it cannot be opened again: {error}"))?;
    let mut found_again = contents(&again).map_err(|error| error.to_string())?;
    found_again.remove("after");
    if found_again != found {
        return Err(format!("{} became {}", show(&found), show(&found_again)));
    }
    Ok(())
}

fn show(contents: &Contents) -> String {
    let files = contents.iter().map(|(path, contents)| {
        let start = String::from_utf8_lossy(&contents[..contents.len().min(24)]).into_owned();
        format!("{path}: {} bytes {start:?}", contents.len())
    });
    format!("{{{}}}", files.collect::<Vec<_>>().join(", "))
}

/// What a batch does, as simply as can be.
fn play(now: &mut Contents, batch: &Batch) {
    for step in batch.steps() {
        match step.change.clone() {
            Change::Write { path, contents } => {
                now.insert(path.to_string(), contents);
            }
            Change::Append { path, contents } => {
                now.entry(path.to_string()).or_default().extend(contents);
            }
            Change::Rename { source, target } => {
                let file = now.remove(source.as_str()).expect("a file to rename");
                now.insert(target.to_string(), file);
            }
            Change::Delete { path } => {
                now.remove(path.as_str());
            }
        }
    }
}

fn one(change: Change) -> Batch {
    change.into()
}

/// The same numbers at each run.
fn random() -> impl FnMut() -> u64 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
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

/// One process is killed at every call; another, which had the volume open all
/// the time, makes one more change; then the power is cut. The change must be
/// there, on top of what the first left.
#[track_caller]
fn survives_a_kill_and_then_a_power_cut(scenario: &Scenario, by_other: &Batch) {
    let history = scenario.history();
    let mut random = random();
    for cut in 0.. {
        let disk = SimDisk::new();
        let (root, process) = disk.start();
        let first = Local::open(root, LocalVolumeOptions::default()).expect("no faults");
        for batch in &scenario.before {
            first.commit(batch.clone()).expect("no faults");
        }
        let second = open(&disk).expect("no faults");
        disk.cut_at(cut);
        let acknowledged = scenario.run(&first);
        drop(first);
        disk.kill(&process);
        let calls = disk.calls();
        let at = format!(
            "killed before call {cut}, {}",
            disk.call(cut.saturating_sub(1))
        );
        disk.heal();
        second.commit(by_other.clone()).expect(&at);
        let end = history.len().min(acknowledged + 2);
        let allowed: Vec<Contents> = history[acknowledged..end]
            .iter()
            .cloned()
            .map(|mut contents| {
                play(&mut contents, by_other);
                contents
            })
            .collect();
        for state in disk.after_power_cut(STATES, &mut random) {
            if let Err(what) = check(&state, &allowed) {
                panic!("{what}; {at}");
            }
        }
        if calls < cut {
            break;
        }
    }
}

#[test]
fn what_another_process_builds_on_is_durable_too() {
    let old = || one(write("dir/file", b"old"));
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
            old(),
            one(write("gone", b"soon")),
            one(append("dir/file", b"+")),
        ];
        let scenario = Scenario::new(before, vec![change.clone()]);
        for by_other in [
            one(append("dir/file", b" and more")),
            one(write("dir/file", b"other")),
            one(delete("dir/file")),
            one(write("unrelated", b"other")),
            one(write("dir/new", b"other")),
        ] {
            let makes_a_directory = format!("{change:?}").contains("below");
            let needs_a_file = !matches!(by_other.steps()[0].change, Change::Delete { .. })
                && by_other.steps()[0].change.target().as_str() == "dir/file";
            if makes_a_directory && needs_a_file {
                continue;
            }
            survives_a_kill_and_then_a_power_cut(&scenario, &by_other);
        }
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
