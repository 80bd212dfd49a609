//! A process is killed with SIGKILL at every system call that could concern files, from
//! the opening of a volume to the end of its closing: for each of them a process is
//! started anew and killed when it is about to make that call. What it acknowledged must be
//! there, whole; of what it had begun either all or nothing; nothing is left behind; and
//! the volume serves the next, whether that opens it or had it open all the time.
//!
//! | module | holds |
//! |---|---|
//! | `workloads` | what the process does, and what the volume holds after each step |
//! | `process` | the process that is killed |
//! | `check` | what must be true after the kill |
//! | `directories` | directories for volumes |
//!
//! A kill leaves everything to the system that was written before, so what this cannot
//! see is a sync that is missing: that is for power cuts.

#![cfg(all(target_os = "linux", target_env = "gnu"))]

mod check;
mod directories;
mod process;
mod workloads;

use ability_storage_engine::LocalVolume;
use check::{KINDS, change_after, check_opened, check_survivor};
use directories::{copy, scratch};
use kill_points::Call;
use process::{Ending, Part, run_and_kill};
use std::io::{self, ErrorKind};
use std::path::Path;
use workloads::{Operation, State, Workload};

/// Fewer would mean that the calls are not seen.
const FEW_CALLS: usize = 30;

/// More in one part would mean that it does not come to an end.
const MANY_CALLS: usize = 2_000;

#[test]
fn whole_files_survive_a_kill_at_every_call() {
    killed_at_every_call(&workloads::files());
}

#[test]
fn appends_survive_a_kill_at_every_call() {
    killed_at_every_call(&workloads::appends());
}

#[test]
fn batches_survive_a_kill_at_every_call() {
    killed_at_every_call(&workloads::batches());
}

#[test]
fn streams_survive_a_kill_at_every_call() {
    killed_at_every_call(&workloads::streams());
}

#[test]
fn another_process_goes_on_writing_whole_files_after_a_kill_at_every_call() {
    survived_at_every_call(&workloads::files());
}

#[test]
fn another_process_goes_on_appending_after_a_kill_at_every_call() {
    survived_at_every_call(&workloads::appends());
}

#[test]
fn another_process_goes_on_with_batches_after_a_kill_at_every_call() {
    survived_at_every_call(&workloads::batches());
}

#[test]
fn another_process_does_anything_after_a_kill_between_two_appends() {
    survived_whatever_is_done(&workloads::appends());
}

#[test]
fn another_process_does_anything_after_a_kill_in_the_middle_of_a_batch() {
    survived_whatever_is_done(&workloads::batches());
}

/// A kill takes nothing from the system that it was told, synced or not.
#[test]
fn what_is_never_synced_survives_a_kill_at_every_call() {
    for name in ["files, unsynced", "appends, unsynced", "batches, unsynced"] {
        killed_at_every_call(&Workload::named(name));
    }
}

#[test]
fn another_process_goes_on_after_a_kill_of_one_that_never_syncs() {
    survived_at_every_call(&Workload::named("batches, unsynced"));
}

/// The process finds a batch that another has decided and only begun to publish, and
/// records of appends that are in no file for good, and is killed at every call.
#[test]
fn recovery_of_a_batch_survives_a_kill_at_every_call() {
    let mut renames = 0;
    recovery_survives(&workloads::batch_to_recover(), |call| {
        renames += usize::from(is_rename(call));
        renames == 2
    });
}

/// The same with an append that is recorded and not in its file.
#[test]
fn recovery_of_an_append_survives_a_kill_at_every_call() {
    let mut is_recorded = false;
    recovery_survives(&workloads::append_to_recover(), |call| {
        is_recorded |= call.name() == "fdatasync";
        is_recorded && call.name() == "pwrite64"
    });
}

fn killed_at_every_call(workload: &Workload) {
    let states = workload.states_from(&workload.start());
    let prepared = scratch();
    let volume = workload.open(prepared.path());
    prepare(&volume, workload);
    drop(volume);
    kill_and_check(prepared.path(), workload, &states);
}

/// Kills a process that starts from what is in `prepared` at every call, and opens
/// what is left.
fn kill_and_check(prepared: &Path, workload: &Workload, states: &[State]) {
    at_every_call(workload, |part, n| {
        let directory = scratch();
        copy(prepared, directory.path());
        let ending = run_and_kill(directory.path(), workload, part, n, Call::may_concern_files)?;
        let at = place(workload, part, n, &ending);
        check_opened(directory.path(), states, &ending, &at);
        Ok(ending)
    });
}

/// Another has the volume open and has worked on it before the process begins. After
/// each kill it does something else.
fn survived_at_every_call(workload: &Workload) {
    let states = workload.states_from(&workload.start());
    at_every_call(workload, |part, n| {
        let change = |ending: &_| change_after(workload, ending, n, n / KINDS);
        kill_and_survive(
            workload,
            &states,
            (part, n),
            Call::may_concern_files,
            change,
        )
    });
}

/// The same with every kind of change after each kill at a call that changes files.
fn survived_whatever_is_done(workload: &Workload) {
    let states = workload.states_from(&workload.start());
    for kind in 0..KINDS {
        at_every_call(workload, |part, n| {
            let change = |ending: &_| change_after(workload, ending, kind, n);
            kill_and_survive(workload, &states, (part, n), changes_files, change)
        });
    }
}

fn kill_and_survive(
    workload: &Workload,
    states: &[State],
    (part, n): (Part, usize),
    counts: fn(&Call) -> bool,
    change: impl Fn(&Ending) -> Operation,
) -> io::Result<Ending> {
    let directory = scratch();
    let survivor = workload.open(directory.path());
    prepare(&survivor, workload);
    let ending = run_and_kill(directory.path(), workload, part, n, counts)?;
    let at = place(workload, part, n, &ending);
    let change = change(&ending);
    check_survivor(survivor, directory.path(), &change, states, &ending, &at);
    Ok(ending)
}

/// Has `kill_at` kill a process in each part of its work at its first call, at its
/// second and so on, until it comes to the end of that part.
fn at_every_call(workload: &Workload, kill_at: impl Fn(Part, usize) -> io::Result<Ending>) {
    let mut calls = 0;
    for part in Part::all(workload) {
        for n in 0.. {
            assert!(n < MANY_CALLS, "{}, {part:?} has no end", workload.name);
            let ending = match kill_at(part, n) {
                Ok(ending) => ending,
                Err(error) => return skip(&error),
            };
            if ending.killed_at.is_none() {
                calls += n;
                break;
            }
        }
    }
    assert!(calls >= FEW_CALLS, "only {calls} calls were seen");
    eprintln!("{}: killed at each of {calls} calls", workload.name);
}

/// Kills a process in the middle of its last operation, where `is_middle` says, and then
/// at every call the one that recovers what is left.
fn recovery_survives(workload: &Workload, is_middle: impl FnMut(&Call) -> bool) {
    let states = workload.states_from(&workload.start());
    let dead = scratch();
    let volume = LocalVolume::open(dead.path()).expect("opened");
    prepare(&volume, workload);
    drop(volume);
    let last = Part::Operation(workload.operations.len() - 1);
    let ending = match run_and_kill(dead.path(), workload, last, 0, is_middle) {
        Ok(ending) => ending,
        Err(error) => return skip(&error),
    };
    let at = place(workload, last, 0, &ending);
    assert_eq!(ending.acknowledged + 1, workload.operations.len(), "{at}");
    let copied = scratch();
    copy(dead.path(), copied.path());
    let found = check_opened(copied.path(), &states, &ending, &at);
    assert_eq!(found, workload.operations.len(), "it was not decided; {at}");

    let next = workloads::after_recovery();
    let states = next.states_from(&states[found]);
    kill_and_check(dead.path(), &next, &states);
}

fn prepare(volume: &LocalVolume, workload: &Workload) {
    for operation in &workload.before {
        operation.run(volume).expect("done");
    }
}

#[track_caller]
fn skip(error: &io::Error) {
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    eprintln!("skipped: processes may not be traced here");
}

/// Where a process was killed, for messages.
fn place(workload: &Workload, part: Part, n: usize, ending: &Ending) -> String {
    let call = ending.killed_at.map(|call| call.name());
    let call = call.unwrap_or("none".to_owned());
    let acknowledged = ending.acknowledged;
    let name = workload.name;
    format!("{name}, killed at call {n} of {part:?}, {call}, {acknowledged} acknowledged")
}

fn changes_files(call: &Call) -> bool {
    is_rename(call) || ["pwrite64", "unlinkat"].contains(&call.name().as_str())
}

fn is_rename(call: &Call) -> bool {
    call.name().starts_with("rename")
}
