//! A volume that falls asleep and wakes, while others change it: the power is cut at every
//! call, or its process is killed.

use super::check::check;
use super::explore::{Sampling, explore, record};
use super::scenario::{history_of, one, play};
use crate::local::Local;
use crate::local::idle_sleep::{Sleep, Sleeper};
use crate::local::sim::{Process, SimDirectory, SimDisk};
use crate::local::testing::{Contents, Way, append, contents, delete, open_with, write};
use crate::{Batch, Change};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What happens to a volume that falls asleep at times.
enum Event {
    /// The volume wakes if it is asleep.
    Commit(Batch),
    FallsAsleep,
    /// Another process opens the volume.
    OtherOpens,
    OtherCommits(Batch),
    OtherCloses,
    /// The other process ends without closing the volume.
    OtherIsKilled,
}

use Event::*;

struct World {
    disk: SimDisk,
    way: Way,
    sleeper: Arc<Sleeper<SimDirectory>>,
    process: Process,
    other: Option<(Local<SimDirectory>, Process)>,
}

impl World {
    fn start(way: Way) -> Self {
        let disk = SimDisk::new();
        let (root, process) = disk.start();
        Self {
            sleeper: Sleeper::open(root, way.options()).expect("no faults"),
            disk,
            way,
            process,
            other: None,
        }
    }

    /// Whether it was done: not if the process was killed.
    fn play(&mut self, event: &Event) -> bool {
        match event {
            Commit(batch) => {
                let volume = self.sleeper.awake();
                volume.is_ok_and(|volume| volume.commit(batch.clone()).is_ok())
            }
            FallsAsleep => {
                self.sleeper.try_sleep();
                self.sleeper.is_asleep()
            }
            OtherOpens => {
                let (root, process) = self.disk.start();
                let opened = Local::open(root, self.way.options());
                self.other = opened.ok().map(|other| (other, process));
                self.other.is_some()
            }
            OtherCommits(batch) => {
                let other = self.other.as_ref();
                other.is_some_and(|(other, _)| other.commit(batch.clone()).is_ok())
            }
            OtherCloses => self.other.take().is_some(),
            OtherIsKilled => {
                let other = self.other.take();
                other.is_some_and(|(other, process)| {
                    self.disk.kill(&process);
                    drop(other);
                    true
                })
            }
        }
    }

    fn play_all(mut self, events: &[Event], acknowledged: &AtomicUsize) {
        for event in events {
            assert!(self.play(event), "no faults");
            if event.batch().is_some() {
                acknowledged.fetch_add(1, Ordering::SeqCst);
            }
        }
        self.sleeper.end();
    }
}

impl Event {
    fn batch(&self) -> Option<&Batch> {
        match self {
            Commit(batch) | OtherCommits(batch) => Some(batch),
            _ => None,
        }
    }
}

/// Cuts the power at every call of these events, or kills all processes.
#[track_caller]
fn holds(way: Way, is_unordered: bool, events: &[Event]) {
    let world = World::start(way);
    let disk = world.disk.clone();
    if is_unordered {
        disk.set_unordered();
    }
    let batches: Vec<Batch> = events.iter().filter_map(Event::batch).cloned().collect();
    let history = history_of(&Contents::new(), &batches);
    let moments = record(&disk, |acknowledged| world.play_all(events, acknowledged));
    match explore(history, &moments) {
        Ok(explored) => println!("{explored}"),
        Err(violation) => panic!("{way:?}: {violation:?}"),
    }
}

/// Makes a file, appends to one, and removes one that was made before.
fn changes(number: usize) -> Batch {
    let line = format!("{number}\n").into_bytes();
    let (new, old) = (
        format!("dir/{number}"),
        format!("dir/{}", number.max(2) - 2),
    );
    let mut changes = vec![append("log", &line), write(&new, &line)];
    if number > 2 {
        changes.push(delete(&old));
    }
    changes.into_iter().collect()
}

const WAYS: [Way; 2] = [Way::Published, Way::Journaled];

#[test]
fn commits_before_and_after_a_sleep_survive_a_power_cut_at_every_call() {
    for way in WAYS {
        let events = [
            Commit(changes(1)),
            Commit(one(write("single", b"old"))),
            FallsAsleep,
            Commit(changes(2)),
            Commit(one(write("single", b"new"))),
            FallsAsleep,
        ];
        holds(way, false, &events);
        holds(way, true, &events);
    }
}

#[test]
fn commits_of_others_during_a_sleep_survive_a_power_cut_at_every_call() {
    for way in WAYS {
        let events = [
            Commit(changes(1)),
            OtherOpens,
            FallsAsleep,
            OtherCommits(changes(2)),
            Commit(one(write("single", b"after the sleep"))),
            FallsAsleep,
            OtherCommits(one(append("log", b"by the other\n"))),
            OtherCloses,
            Commit(changes(3)),
        ];
        holds(way, false, &events);
    }
}

#[test]
fn a_sleep_during_which_another_process_is_killed_survives_a_power_cut_at_every_call() {
    for way in WAYS {
        let events = [
            Commit(changes(1)),
            FallsAsleep,
            OtherOpens,
            OtherCommits(changes(2)),
            OtherCommits(one(append("log", b"by the other\n"))),
            OtherIsKilled,
            Commit(one(append("log", b"after the sleep\n"))),
            FallsAsleep,
        ];
        holds(way, false, &events);
    }
}

/// The process of the volume that sleeps is killed at every call. Another one, which had the
/// volume open all the time, makes one more change, and then the power is cut.
#[test]
fn others_go_on_when_a_process_is_killed_while_its_volume_falls_asleep_or_wakes() {
    let events = [
        Commit(changes(1)),
        FallsAsleep,
        Commit(changes(2)),
        FallsAsleep,
    ];
    let batches: Vec<Batch> = events.iter().filter_map(Event::batch).cloned().collect();
    let history = history_of(&Contents::new(), &batches);
    for way in WAYS {
        for by_other in [
            append("log", b"-"),
            write("dir/1", b"other"),
            delete("dir/1"),
        ] {
            for cut in cuts(way, &events) {
                let mut allowed = history.clone();
                survives_a_kill(way, &events, cut, &mut allowed, &by_other);
            }
        }
    }
}

/// The calls of these events before which something has changed.
fn cuts(way: Way, events: &[Event]) -> Vec<usize> {
    let world = World::start(way);
    let disk = world.disk.clone();
    let _other = open_with(&disk, way).expect("no faults");
    let moments = record(&disk, |acknowledged| world.play_all(events, acknowledged));
    moments.into_iter().map(|moment| moment.call).collect()
}

#[track_caller]
fn survives_a_kill(
    way: Way,
    events: &[Event],
    cut: usize,
    history: &mut [Contents],
    by_other: &Change,
) {
    let mut world = World::start(way);
    let other = open_with(&world.disk, way).expect("no faults");
    world.disk.cut_at(cut);
    let done: Vec<&Event> = events
        .iter()
        .take_while(|event| world.play(event))
        .collect();
    let acknowledged = done.iter().filter(|event| event.batch().is_some()).count();
    let World {
        disk,
        process,
        sleeper,
        ..
    } = world;
    disk.kill(&process);
    drop(sleeper);
    disk.heal();
    let end = history.len().min(acknowledged + 2);
    let allowed = &mut history[acknowledged..end];
    let now = contents(&other).expect("read");
    assert!(allowed.contains(&now), "killed before call {cut}: {now:?}");
    other.commit(one(by_other.clone())).expect("no faults");
    allowed
        .iter_mut()
        .for_each(|contents| play(contents, &one(by_other.clone())));
    for state in Sampling::new().some_states_after_cut(&disk) {
        if let Err(what) = check(&state, allowed) {
            panic!("{way:?}: {what}; killed before call {cut}");
        }
    }
}
