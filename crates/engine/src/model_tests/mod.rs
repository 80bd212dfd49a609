//! Random sequences of what several clients do to one volume, with kills, power
//! cuts and reopenings, against a model that is as simple as can be.
//!
//! Each run uses a few fixed seeds and a fresh one. A failure prints its seed
//! and the shortest sequence that fails; `ABILITY_STORAGE_SEED=<seed>` repeats it.
//! `ABILITY_STORAGE_CASES=<number>` tries so many sequences for each seed.

mod events;
mod model;
mod worlds;

use crate::local::testing::{SimWorld, Way};
use crate::{Batch, Change, FilePath, MemoryVolume, Outcome, Result, Step, Volume};
use events::{Action, Event, Kind, batch, event};
use model::{Contents, Model, expected, kind_of};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use std::hash::{BuildHasher, RandomState};
use worlds::{InMemory, OnDisk, World};

const CLIENTS: usize = 3;
const FIXED_SEEDS: [u64; 3] = [1, 2, 3];

/// Plays all events, and compares after each.
fn play(world: &mut impl World, events: &[Event]) -> Result<(), TestCaseError> {
    let mut model = Model::default();
    // Whether something may be refused that the model allows.
    let mut is_stuck = false;
    for event in events {
        match event {
            Event::Commit(client, actions) => {
                let batch = batch(&model.files, actions);
                let result = world.volume(*client).commit(batch.clone()).map(drop);
                settle_as(is_stuck, &mut model, &batch, result)?;
            }
            Event::Stream(client, action) => {
                let step = Action {
                    kind: Kind::Write,
                    ..action.clone()
                };
                let batch = batch(&model.files, &[step]);
                let result = stream(world.volume(*client), &batch.steps()[0]);
                settle_as(is_stuck, &mut model, &batch, result)?;
            }
            Event::Fail(client, actions, call) => {
                let batch = batch(&model.files, actions);
                let can_fail = world.fail_at(*call);
                let result = world.volume(*client).commit(batch.clone()).map(drop);
                world.heal();
                is_stuck = false;
                settle_as(can_fail, &mut model, &batch, result)?;
            }
            Event::Checkpoint(client) => world.checkpoint(*client),
            Event::Stick(path) => is_stuck |= world.stick(path),
            Event::Heal => {
                world.heal();
                is_stuck = false;
            }
            Event::Reopen(client) => world.reopen(*client),
            Event::Kill(client, actions, call) => {
                let batch = batch(&model.files, actions);
                let can_be_killed = world.kill_at(*client, *call);
                let result = world.volume(*client).commit(batch.clone()).map(drop);
                if !can_be_killed {
                    settle(&mut model, &batch, result)?;
                    continue;
                }
                world.after_kill(*client);
                is_stuck = false;
                settle_unknown(&mut model, &batch, result, &*world)?;
            }
            Event::PowerCut(client, actions, call, choice) => {
                let batch = batch(&model.files, actions);
                let can_be_cut = world.kill_at(*client, *call);
                let result = world.volume(*client).commit(batch.clone()).map(drop);
                if !can_be_cut {
                    settle(&mut model, &batch, result)?;
                    continue;
                }
                world.after_power_cut(*choice);
                settle_power_cut(&mut model, &batch, result, &*world)?;
            }
        }
        for client in 0..CLIENTS {
            let found = contents(world.volume(client));
            prop_assert_eq!(&found, &model.files, "client {}", client);
        }
    }
    Ok(())
}

/// As [`settle`], or, if `may_fail`, by what the error says of the data.
fn settle_as(
    may_fail: bool,
    model: &mut Model,
    batch: &Batch,
    result: Result<()>,
) -> Result<(), TestCaseError> {
    match result {
        Err(error) if may_fail => {
            let (after, expected) = expected(&model.files, batch);
            if error.outcome() == Outcome::Unconfirmed {
                prop_assert!(expected.is_ok(), "{:?}, refused: {:?}", error, expected);
                model.is_visible(after);
            }
            Ok(())
        }
        result => settle(model, batch, result),
    }
}

/// The volume did what the model does, and says the same about it.
fn settle(model: &mut Model, batch: &Batch, result: Result<()>) -> Result<(), TestCaseError> {
    let (after, expected) = expected(&model.files, batch);
    match (&result, expected) {
        (Ok(()), Ok(())) => model.was_acknowledged(batch, after),
        (Err(error), Err(refusal)) => {
            prop_assert_eq!(kind_of(error), Some(refusal), "{:?}", error);
            prop_assert_eq!(error.outcome(), Outcome::NotApplied);
        }
        (_, expected) => prop_assert!(false, "{:?}, the model says {:?}", result, expected),
    }
    Ok(())
}

/// A client was killed: what it acknowledged is there, else all or nothing.
fn settle_unknown(
    model: &mut Model,
    batch: &Batch,
    result: Result<()>,
    world: &impl World,
) -> Result<(), TestCaseError> {
    let (after, expected) = expected(&model.files, batch);
    let found = contents(world.volume(0));
    if result.is_ok() {
        prop_assert!(expected.is_ok(), "{:?} was acknowledged", expected);
        prop_assert_eq!(&found, &after, "an acknowledged commit is gone");
        model.was_acknowledged(batch, after);
    } else if expected.is_ok() && found == after {
        model.is_visible(after);
    }
    prop_assert_eq!(&found, &model.files, "neither what was nor what was to be");
    Ok(())
}

/// The power was cut: what was acknowledged is there, each other change all or
/// nothing.
fn settle_power_cut(
    model: &mut Model,
    batch: &Batch,
    result: Result<()>,
    world: &impl World,
) -> Result<(), TestCaseError> {
    let (after, expected) = expected(&model.files, batch);
    let found = contents(world.volume(0));
    let mut possible = Vec::new();
    if expected.is_ok() {
        let mut made = model.clone();
        made.was_acknowledged(batch, after);
        possible.extend(made.after_power_cut());
    }
    if result.is_err() {
        possible.extend(model.after_power_cut());
    }
    prop_assert!(
        possible.contains(&found),
        "found {:?}, possible {:?}",
        found,
        possible
    );
    *model = Model {
        files: found,
        shaky: Vec::new(),
    };
    Ok(())
}

fn stream(volume: &dyn Volume, step: &Step) -> Result<()> {
    let Change::Write { path, contents } = &step.change else {
        unreachable!("only writes are streamed")
    };
    let mut writer = volume.writer(path)?;
    for chunk in contents.chunks(16) {
        writer.write(chunk)?;
    }
    writer.commit(step.precondition).map(drop)
}

fn contents(volume: &dyn Volume) -> Contents {
    let paths: Vec<FilePath> = volume.list(None).expect("listed");
    let read = |path: FilePath| {
        let snapshot = volume.read(&path, u64::MAX).expect("read");
        (path.to_string(), snapshot.contents)
    };
    paths.into_iter().map(read).collect()
}

fn agrees_with_the_model<W: World>(cases: u32, start: impl Fn() -> W) {
    let asked_for = |name| std::env::var(name).ok()?.parse::<u64>().ok();
    let cases = asked_for("ABILITY_STORAGE_CASES").map_or(cases, |cases| cases as u32);
    let seeds: Vec<u64> = match asked_for("ABILITY_STORAGE_SEED") {
        Some(seed) => vec![seed],
        None => {
            let fresh = RandomState::new().hash_one("a fresh seed");
            FIXED_SEEDS.into_iter().chain([fresh]).collect()
        }
    };
    for seed in seeds {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let config = Config {
            cases,
            failure_persistence: None,
            ..Config::default()
        };
        let mut runner = TestRunner::new_with_rng(config, rng);
        let result = runner.run(&vec(event(), 1..30), |events| play(&mut start(), &events));
        match result {
            Ok(()) => {}
            Err(TestError::Fail(reason, events)) => panic!(
                "{reason}\nABILITY_STORAGE_SEED={seed} repeats this; the shortest sequence:\n{events:#?}"
            ),
            Err(TestError::Abort(reason)) => panic!("{reason}; ABILITY_STORAGE_SEED={seed}"),
        }
    }
}

#[test]
fn a_memory_volume_agrees_with_the_model() {
    agrees_with_the_model(300, || InMemory(MemoryVolume::new()));
}

#[test]
fn a_local_volume_agrees_with_the_model() {
    agrees_with_the_model(25, || OnDisk::new(Way::Published));
}

#[test]
fn a_local_volume_agrees_with_the_model_through_kills_and_power_cuts() {
    agrees_with_the_model(250, || SimWorld::new(CLIENTS, Way::Published));
}

#[test]
fn a_journaled_volume_agrees_with_the_model() {
    agrees_with_the_model(25, || OnDisk::new(Way::Journaled));
}

#[test]
fn a_journaled_volume_agrees_with_the_model_through_kills_and_power_cuts() {
    agrees_with_the_model(250, || SimWorld::new(CLIENTS, Way::Journaled));
}
