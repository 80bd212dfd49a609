//! The power is cut after something else has gone wrong: a process was killed and another
//! went on, or calls failed.

use super::check::{self, check};
use super::explore::{Sampling, record};
use super::scenario::{Scenario, history_of, one, play};
use crate::local::Local;
use crate::local::sim::{Process, SimDirectory, SimDisk};
use crate::local::testing::{Contents, Way, append, batch, delete, open_with, rename, write};
use crate::{Batch, Error};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Two processes that have a volume open, the first of which is going to be killed.
struct Two {
    disk: SimDisk,
    process: Process,
    first: Local<SimDirectory>,
    second: Arc<Local<SimDirectory>>,
}

impl Two {
    fn start(scenario: &Scenario) -> Self {
        let disk = SimDisk::new();
        let (root, process) = disk.start();
        let first = Local::open(root, scenario.way.options()).expect("no faults");
        for batch in &scenario.before {
            first.commit(batch.clone()).expect("no faults");
        }
        let second = open_with(&disk, scenario.way).expect("no faults");
        for batch in &scenario.before_by_other {
            second.commit(batch.clone()).expect("no faults");
        }
        Self {
            disk,
            process,
            first,
            second,
        }
    }

    /// The calls of the first before which something has changed.
    fn cuts(scenario: &Scenario) -> Vec<usize> {
        // The second has the volume open here, too: it must not make a checkpoint.
        let Self {
            disk,
            first,
            second: _second,
            ..
        } = Self::start(scenario);
        let moments = record(&disk, |_| drop((scenario.run(&first, || ()), first)));
        moments.into_iter().map(|moment| moment.call).collect()
    }

    /// Kills the first at this call of the steps. Returns the second, and what is allowed.
    fn kill(scenario: &Scenario, cut: usize) -> (SimDisk, Arc<Local<SimDirectory>>, Vec<Contents>) {
        let history = scenario.history();
        let two = Self::start(scenario);
        two.disk.cut_at(cut);
        let acknowledged = scenario.run(&two.first, || ());
        drop(two.first);
        two.disk.kill(&two.process);
        two.disk.heal();
        let end = history.len().min(acknowledged + 2);
        (two.disk, two.second, history[acknowledged..end].to_vec())
    }
}

/// One process is killed at every call; another, which had the volume open all
/// the time, makes one more change; then the power is cut. The change must be
/// there, on top of what the first left.
#[track_caller]
pub(super) fn survives_a_kill_and_then_a_power_cut(scenario: &Scenario, by_other: &Batch) {
    let mut sampling = Sampling::new();
    for cut in Two::cuts(scenario) {
        let (disk, second, mut allowed) = Two::kill(scenario, cut);
        match second.commit(by_other.clone()) {
            Ok(_) => allowed
                .iter_mut()
                .for_each(|contents| play(contents, by_other)),
            // A refusal says what readers see, which need not be durable yet.
            Err(Error::NotAFile { .. }) if scenario.way == Way::Journaled => {}
            // What the first left is in the way, so it is there.
            Err(Error::NotAFile { .. }) => drop(allowed.drain(..allowed.len() - 1)),
            Err(error) => panic!("{error}; killed before call {cut}"),
        }
        for state in sampling.states_after_cut(&disk) {
            if let Err(what) = check(&state, &allowed) {
                panic!("{what}; killed before call {cut}");
            }
        }
    }
}

/// One process is killed at every call, perhaps with a record that is not synced; another
/// makes more changes on a disk with this much space left, and closes the volume, which
/// makes a checkpoint. The power is cut at every call of that.
#[track_caller]
pub(super) fn survives_a_kill_and_a_cut_of_what_follows(
    scenario: &Scenario,
    by_other: &[Batch],
    free_bytes: Option<u64>,
) {
    let mut sampling = Sampling::new();
    for cut in Two::cuts(scenario) {
        let (disk, second, left) = Two::kill(scenario, cut);
        disk.set_free_bytes(free_bytes);
        let moments = record(&disk, |acknowledged| {
            for batch in by_other {
                second.commit(batch.clone()).expect("no faults");
                acknowledged.fetch_add(1, Ordering::SeqCst);
            }
            drop(second);
        });
        let histories = left.iter().map(|left| history_of(left, by_other));
        let histories: Vec<_> = histories.collect();
        let mut seen = HashSet::new();
        for moment in moments {
            let made = moment.acknowledged..by_other.len().min(moment.acknowledged + 1) + 1;
            let allowed = histories.iter().flat_map(|history| &history[made.clone()]);
            let allowed: Vec<_> = allowed.cloned().collect();
            for state in sampling.states_after_cut(&moment.disk) {
                if !seen.insert((state.fingerprint(), moment.acknowledged)) {
                    continue;
                }
                if let Err(what) = check::holds(&state, &allowed) {
                    panic!("{what}; killed before call {cut}; {}", moment.at);
                }
            }
        }
    }
}

/// All calls fail from one on while the process lives: what it acknowledges nevertheless is
/// durable.
#[track_caller]
pub(super) fn survives_failing_calls_and_then_a_power_cut(scenario: &Scenario) {
    let history = scenario.history();
    let mut sampling = Sampling::new();
    for cut in 0.. {
        let (disk, volume) = scenario.start();
        disk.cut_at(cut);
        let acknowledged = scenario.run(&volume, || ());
        drop(volume);
        let allowed = &history[acknowledged..history.len().min(acknowledged + 2)];
        let mut left = sampling.some_states_after_cut(&disk);
        left.push(disk.snapshot());
        for state in left {
            if let Err(what) = check::holds(&state, allowed) {
                let call = disk.call(cut.saturating_sub(1));
                panic!("{what}; all calls fail after call {cut}, {call}");
            }
        }
        if disk.calls() < cut {
            break;
        }
    }
}

/// The first closes the volume and is killed when it has begun the log file again that says
/// that a file was removed. The other creates that file, which takes no record.
#[test]
fn records_given_up_by_a_killed_process_do_not_come_back_over_a_direct_change() {
    let before = vec![one(write("file", b"old")), one(write("gone", b"soon"))];
    let change = batch([write("file", b"by a batch"), delete("gone")]);
    let scenario = || Scenario::new(before.clone(), vec![change.clone()]);
    // After a direct change, the other has synced what was given up before.
    let direct = vec![one(write("direct", b"by the other"))];
    for scenario in [scenario(), scenario().after_other(direct)] {
        for by_other in [
            write("gone", b"again"),
            rename("file", "gone"),
            write("file", b"by another"),
            delete("file"),
        ] {
            survives_a_kill_and_then_a_power_cut(&scenario, &one(by_other));
        }
    }
}

/// The first closes the volume and is killed when it has begun the longer log file again.
/// The other fills the shorter one, and goes on in the longer one, where space is short. If
/// that were cut before it is synced, a power cut could leave the records that remove the
/// files without those that create them again.
#[test]
fn a_log_file_begun_again_by_a_killed_process_keeps_its_length_until_it_is_synced() {
    let changes = [
        || batch([delete("a"), write("b", b"B")]),
        || batch([delete("b"), write("a", b"A")]),
    ];
    for count in [9, 10] {
        let mut before: Vec<_> = (0..count).map(|i| changes[i % 2]()).collect();
        before.insert(0, batch([write("a", b"A"), write("b", b"B")]));
        before.push(batch([write("a", b"again"), write("b", b"again")]));
        let scenario = Scenario::new(before, vec![]);
        let line = |i: usize| {
            one(append(
                "log",
                format!("{i} {}\n", "x".repeat(150)).as_bytes(),
            ))
        };
        let by_other: Vec<_> = (0..4).map(line).collect();
        survives_a_kill_and_a_cut_of_what_follows(&scenario, &by_other, Some(1 << 10));
    }
}
