//! Two sessions at once: while one makes a checkpoint, another writes a record, which no sync
//! has made durable when it is killed. Then the power is cut.

use super::check;
use super::explore::{Moment, Sampling, record};
use super::scenario::{one, play};
use crate::Batch;
use crate::local::Local;
use crate::local::sim::{Process, SimDirectory, SimDisk};
use crate::local::testing::{Contents, Way, append, batch, rename, write};
use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// One in so many kills is looked at, and another with another seed.
const ONE_IN: u64 = 6;

/// What the log has records about when the checkpoint begins.
fn before() -> Vec<Batch> {
    vec![
        batch([write("a", b"old a"), write("b", b"old b")]),
        one(append("a", b" and more")),
    ]
}

/// What became of the commit of the other session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Commit {
    /// The checkpoint has fewer calls.
    NotBegun,
    Acknowledged,
    /// It cannot go on before the checkpoint does.
    Blocked,
    Killed,
}

struct Two {
    disk: SimDisk,
    first: Local<SimDirectory>,
    other: Arc<Local<SimDirectory>>,
    /// The process of the other session.
    process: Process,
}

impl Two {
    fn start(way: Way) -> Self {
        let disk = SimDisk::new();
        let (root, process) = disk.start();
        let other = Arc::new(Local::open(root, way.options()).expect("no faults"));
        let first = Local::open(disk.start().0, way.options()).expect("no faults");
        for changes in before() {
            first.commit(changes).expect("no faults");
        }
        Self {
            disk,
            first,
            other,
            process,
        }
    }
}

/// The calls of a commit from the first that changes something on.
fn calls_of(way: Way, commit: &Batch) -> Range<usize> {
    let two = Two::start(way);
    let moments = record(&two.disk, |_| {
        two.other.commit(commit.clone()).expect("no faults");
    });
    let calls: Vec<usize> = moments.iter().map(|moment| moment.call).collect();
    calls[1] - 1..calls[calls.len() - 1]
}

/// At `call` of the checkpoint, the other session commits; it is killed at `killed_at` of the
/// calls that takes.
fn interrupt(way: Way, by_other: &Batch, call: usize, killed_at: usize) -> (Commit, Vec<Moment>) {
    let Two {
        disk,
        first,
        other,
        process,
    } = Two::start(way);
    let outcome = Arc::new(Mutex::new(Commit::NotBegun));
    let (on, told) = (disk.clone(), outcome.clone());
    let (by, dying, changes) = (other.clone(), process.clone(), by_other.clone());
    disk.set_one_thread();
    let moments = record(&disk, |_| {
        disk.interrupt_at(call, move || {
            let (at, killed) = (on.clone(), dying.clone());
            on.interrupt_at(killed_at, move || at.kill(&killed));
            let committed = by.commit(changes.clone());
            *told.lock().expect("no panic") = match committed {
                Ok(_) => Commit::Acknowledged,
                Err(_) if on.is_to_be_interrupted() => Commit::Blocked,
                Err(_) => Commit::Killed,
            };
            // It may have written a record and be waiting, and no sync of it may follow.
            on.kill(&dying);
            on.interrupt_at(usize::MAX, || ());
        });
        first.checkpoint().expect("no faults");
    });
    disk.interrupt_at(usize::MAX, || ());
    // It must not close the volume either.
    disk.kill(&process);
    drop(other);
    let outcome = *outcome.lock().expect("no panic");
    (outcome, moments)
}

#[track_caller]
fn counts_on_nothing_that_may_be_lost(way: Way, by_other: &Batch) {
    let mut old = Contents::new();
    before().iter().for_each(|changes| play(&mut old, changes));
    let mut new = old.clone();
    play(&mut new, by_other);
    let allowed = [old, new];
    let mut sampling = Sampling::new();
    let mut seen = HashSet::new();
    let calls = calls_of(way, by_other);
    let mut killed = 0;
    for call in 0.. {
        for killed_at in calls.clone() {
            if killed_at > calls.start && !sampling.is_chosen(ONE_IN) {
                continue;
            }
            let (outcome, moments) = interrupt(way, by_other, call, killed_at);
            if outcome == Commit::NotBegun {
                assert!(killed > 50, "only {killed} kills");
                return;
            }
            for moment in moments {
                if !seen.insert(moment.disk.fingerprint()) {
                    continue;
                }
                let mut left = sampling.some_states_after_cut(&moment.disk);
                left.extend(moment.disk.after_power_cut(1, &mut || 0));
                left.retain(|state| seen.insert(state.fingerprint()));
                for state in left {
                    if let Err(what) = check::holds(&state, &allowed) {
                        let at =
                            format!("call {call} of the checkpoint, {outcome:?} at {killed_at}");
                        panic!("{what}; a commit at {at}; {}", moment.at);
                    }
                }
            }
            if outcome != Commit::Killed {
                break;
            }
            killed += 1;
        }
    }
}

#[test]
fn a_checkpoint_counts_on_no_record_that_a_power_cut_may_take_back() {
    let written = batch([write("a", b"new a"), write("b", b"new b")]);
    counts_on_nothing_that_may_be_lost(Way::Published, &written);
    counts_on_nothing_that_may_be_lost(Way::Journaled, &written);
    let moved = batch([rename("a", "c"), append("b", b" and more")]);
    counts_on_nothing_that_may_be_lost(Way::Journaled, &moved);
}
