//! What must be true after a process was killed in the middle of its work.

use crate::directories::{copy, names, scratch};
use crate::process::{Ending, STARTING};
use crate::workloads::{Operation, State, Workload, append, contents, delete, in_memory, one};
use crate::workloads::{all, write};
use ability_storage_engine::layout::{
    KEPT, LOG, LOG_FILES, LOG_KEPT, PRIVATE_DIR, SESSIONS, SPARE_SESSION,
};
use ability_storage_engine::{LocalVolume, Volume};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::PoisonError;

/// No file of the log is longer.
const MAX_LOG_BYTES: u64 = 4 << 20;

/// Of a record without effects: its header, and its payload.
const EMPTY_RECORD_BYTES: usize = 72 + 25;

/// Where a header has its generation, and its index.
const GENERATION: Range<usize> = 8..24;
const INDEX: Range<usize> = 24..32;

/// Opens the volume anew: it holds what was acknowledged or one operation more, works,
/// and is clean. Returns which of the two states it was.
pub fn check_opened(directory: &Path, states: &[State], ending: &Ending, at: &str) -> usize {
    if ending.closed {
        let left = sessions(&directory.join(PRIVATE_DIR));
        assert!(left.is_empty(), "left behind by closing {left:?}; {at}");
    }
    let volume = LocalVolume::open(directory).expect(at);
    let found = contents(&volume);
    let allowed = allowed(states, ending.acknowledged);
    let which = allowed.iter().position(|state| **state == found);
    let which = which.unwrap_or_else(|| panic!("{}; {at}", differences(&found, &allowed)));
    check_usage(&volume, &found, at);

    let mut expected = found;
    for operation in [
        one(write("next/dir/file", "works")),
        one(append("next/dir/file", " on")),
        all([append("log", "works"), write("next/file", "too")]),
    ] {
        operation.run(&volume).expect(at);
        expected = after(&expected, &operation).1;
    }
    assert_same(&contents(&volume), &expected, at);
    drop(volume);
    check_closed(directory, &expected, at);
    ending.acknowledged + which
}

/// A volume that was open all the time makes a [change](change_after); then it holds that
/// and what was acknowledged, or one operation more, all of it or nothing.
pub fn check_survivor(
    survivor: LocalVolume,
    directory: &Path,
    change: &Operation,
    states: &[State],
    ending: &Ending,
    at: &str,
) {
    let result = change.run(&survivor).map_err(|error| error.to_string());

    let found = (result.is_ok(), contents(&survivor));
    let allowed = allowed(states, ending.acknowledged).map(|state| after(state, change));
    let which = allowed.iter().position(|state| *state == found);
    let allowed = allowed.map(|(_, state)| state);
    let Some(which) = which else {
        let differences = differences(&found.1, &[&allowed[0], &allowed[1]]);
        panic!("{result:?}, {differences}; {at}");
    };

    // What the operation left to be done elsewhere is done at the next opening, perhaps
    // only then: after the survivor died now, and after it closed the volume.
    let _nobody_starts = STARTING.read().unwrap_or_else(PoisonError::into_inner);
    let dead = scratch();
    copy(directory, dead.path());
    drop(survivor);
    for directory in [dead.path(), directory] {
        let volume = LocalVolume::open(directory).expect(at);
        let found = contents(&volume);
        let possible: Vec<_> = allowed[which..].iter().collect();
        let is_possible = possible.contains(&&found);
        assert!(
            is_possible,
            "opened again, {}; {at}",
            differences(&found, &possible)
        );
        check_usage(&volume, &found, at);
        drop(volume);
        check_closed(directory, &found, at);
    }
}

/// How many kinds of changes another may make after a kill.
pub const KINDS: usize = 5;

/// A change of this kind to a file of the operation that was cut off, to the first of
/// them, the second and so on; or one that needs a new directory.
pub fn change_after(workload: &Workload, ending: &Ending, kind: usize, path: usize) -> Operation {
    let last = workload.operations.len() - 1;
    let paths = workload.operations[ending.acknowledged.min(last)].paths();
    let path = paths[path % paths.len()].as_str();
    match kind % KINDS {
        0 => one(append(path, "added by another\n")),
        1 => one(write(path, "written by another")),
        2 => one(delete(path)),
        3 => all([append(path, "batched"), write("by another", "in a batch")]),
        _ => one(write("by another/in a directory", "new")),
    }
}

/// Whether an operation succeeds in this state, and the state after it.
fn after(state: &State, operation: &Operation) -> (bool, State) {
    let volume = in_memory(state);
    let succeeds = operation.run(&volume).is_ok();
    (succeeds, contents(&volume))
}

fn allowed(states: &[State], acknowledged: usize) -> [&State; 2] {
    let next = (acknowledged + 1).min(states.len() - 1);
    [&states[acknowledged], &states[next]]
}

fn check_usage(volume: &LocalVolume, state: &State, at: &str) {
    let usage = volume.usage().expect(at);
    let bytes: usize = state.values().map(Vec::len).sum();
    let expected = (state.len() as u64, bytes as u64);
    assert_eq!((usage.files, usage.bytes), expected, "{at}");
}

/// The directory holds the files and nothing else, but locks that nobody holds and a log
/// without effects.
fn check_closed(directory: &Path, state: &State, at: &str) {
    let mut plain = State::new();
    gather(directory, "", &mut plain);
    assert_same(&plain, state, at);

    let private = directory.join(PRIVATE_DIR);
    assert_eq!(names(&private), KEPT, "{at}");
    let sessions = sessions(&private);
    assert!(sessions.is_empty(), "left behind {sessions:?}; {at}");
    for name in names(&private.join(LOG)) {
        if LOG_KEPT.contains(&&*name) {
            continue;
        }
        assert!(LOG_FILES.contains(&&*name), "left behind {name}; {at}");
        let log = fs::read(private.join(LOG).join(&name)).expect(at);
        assert!(has_no_effects(&log), "{name} has effects; {at}");
        let bytes = log.len() as u64;
        assert!(bytes <= MAX_LOG_BYTES, "{name} has {bytes} bytes; {at}");
    }
}

fn sessions(private: &Path) -> Vec<String> {
    let mut sessions = names(&private.join(SESSIONS));
    sessions.retain(|name| name != SPARE_SESSION);
    sessions
}

/// Whether all records that follow each other in this file of the log are without effects.
fn has_no_effects(log: &[u8]) -> bool {
    let mut rest = log;
    for index in 0_u64.. {
        let follows = rest.len() >= EMPTY_RECORD_BYTES
            && rest[GENERATION] == log[GENERATION]
            && rest[INDEX] == index.to_le_bytes();
        if !follows {
            return index > 0;
        }
        if rest[32..40] != 25_u64.to_le_bytes() {
            return false;
        }
        rest = &rest[EMPTY_RECORD_BYTES..];
    }
    true
}

/// The plain files, as any program sees them.
fn gather(directory: &Path, prefix: &str, files: &mut State) {
    for name in names(directory) {
        let path = directory.join(&name);
        if path.is_dir() && name != PRIVATE_DIR {
            gather(&path, &format!("{prefix}{name}/"), files);
        } else if path.is_file() {
            files.insert(format!("{prefix}{name}"), fs::read(&path).expect("read"));
        }
    }
}

#[track_caller]
fn assert_same(found: &State, expected: &State, at: &str) {
    assert!(
        found == expected,
        "{}; {at}",
        differences(found, &[expected])
    );
}

/// What differs from each of some states, in few words.
fn differences(found: &State, expected: &[&State]) -> String {
    let short = |state: &State, path: &str| match state.get(path) {
        Some(contents) => {
            let start = String::from_utf8_lossy(&contents[..contents.len().min(20)]);
            format!("{} bytes {start:?}", contents.len())
        }
        None => "absent".to_owned(),
    };
    let mut text = String::new();
    for (i, expected) in expected.iter().enumerate() {
        let _ = write!(text, "not state {i}:");
        let paths: BTreeMap<&String, ()> = found
            .keys()
            .chain(expected.keys())
            .map(|path| (path, ()))
            .collect();
        for path in paths.keys() {
            if found.get(*path) != expected.get(*path) {
                let (is, was) = (short(found, path), short(expected, path));
                let _ = write!(text, " {path} is {is}, not {was};");
            }
        }
    }
    text
}
