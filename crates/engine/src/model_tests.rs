//! Random sequences of what several clients do to one volume, with kills, power
//! cuts and reopenings, against a model that is as simple as can be.
//!
//! Each run uses a few fixed seeds and a fresh one. A failure prints its seed
//! and the shortest sequence that fails; `ABILITY_STORAGE_SEED=<seed>` repeats it.
//! `ABILITY_STORAGE_CASES=<number>` tries so many sequences for each seed.

use crate::local::testing::{SimWorld, Way, file};
use crate::{Batch, Change, Error, FilePath, LocalVolume, MemoryVolume, Outcome, Precondition};
use crate::{Result, Step, Version, Volume};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::path::Path;

const CLIENTS: usize = 3;
const FIXED_SEEDS: [u64; 3] = [1, 2, 3];

type Contents = BTreeMap<String, Vec<u8>>;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Event {
    Commit(usize, Vec<Action>),
    Stream(usize, Action),
    Reopen(usize),
    /// The client is killed before the call of this number of its commit.
    Kill(usize, Vec<Action>, usize),
    /// The power is cut then instead; the last number picks what is left.
    PowerCut(usize, Vec<Action>, usize, u64),
}

#[derive(Clone, Debug)]
struct Action {
    kind: Kind,
    path: &'static str,
    other: &'static str,
    contents: Vec<u8>,
    condition: Condition,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Write,
    /// Writes what is there.
    Rewrite,
    Append,
    Rename,
    Delete,
}

#[derive(Clone, Copy, Debug)]
enum Condition {
    Any,
    Absent,
    /// The version that the path has before the commit.
    Current,
    Stale,
}

/// What the volume holds, and what it may lose again.
#[derive(Clone, Debug, Default)]
struct Model {
    files: Contents,
    /// Changes whose client was killed after they showed and before they were
    /// acknowledged: a power cut may undo each, until something is built on it.
    shaky: Vec<Before>,
}

/// What some paths held before a change.
type Before = BTreeMap<String, Option<Vec<u8>>>;

impl Model {
    fn was_acknowledged(&mut self, batch: &Batch, after: Contents) {
        let paths = paths_of(batch);
        self.shaky
            .retain(|before| !before.keys().any(|path| paths.contains(path)));
        self.files = after;
    }

    fn is_visible(&mut self, after: Contents) {
        let all: BTreeSet<&String> = self.files.keys().chain(after.keys()).collect();
        let changed = all
            .into_iter()
            .filter(|path| self.files.get(*path) != after.get(*path));
        let before: Before = changed
            .map(|path| (path.clone(), self.files.get(path).cloned()))
            .collect();
        if !before.is_empty() {
            self.shaky.push(before);
        }
        self.files = after;
    }

    /// What a power cut may leave of it.
    fn after_power_cut(&self) -> Vec<Contents> {
        let mut possible = vec![self.files.clone()];
        for before in self.shaky.iter().rev() {
            for mut files in possible.clone() {
                for (path, contents) in before {
                    match contents {
                        Some(contents) => files.insert(path.clone(), contents.clone()),
                        None => files.remove(path),
                    };
                }
                possible.push(files);
            }
        }
        possible
    }
}

/// Why the model refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Conflict,
    NotFound,
    NotAFile,
}

/// What the events happen to.
trait World {
    fn volume(&self, client: usize) -> &dyn Volume;
    fn reopen(&mut self, client: usize);
    /// `false` if nothing can be cut off here.
    fn kill_at(&mut self, client: usize, call: usize) -> bool;
    fn after_kill(&mut self, client: usize);
    fn after_power_cut(&mut self, choice: u64);
}

const PATHS: [&str; 7] = ["a", "b", "log", "dir/x", "dir/y", "dir", "a/below"];

fn action() -> impl Strategy<Value = Action> {
    let kind = prop_oneof![
        4 => Just(Kind::Write),
        2 => Just(Kind::Rewrite),
        4 => Just(Kind::Append),
        2 => Just(Kind::Rename),
        2 => Just(Kind::Delete),
    ];
    let condition = prop_oneof![
        6 => Just(Condition::Any),
        1 => Just(Condition::Absent),
        2 => Just(Condition::Current),
        1 => Just(Condition::Stale),
    ];
    let path = || proptest::sample::select(&PATHS[..]);
    // Sometimes more than a journal holds.
    let contents = prop_oneof![8 => vec(any::<u8>(), 0..40), 1 => vec(any::<u8>(), 1_500)];
    (kind, path(), path(), contents, condition).prop_map(
        |(kind, path, other, contents, condition)| Action {
            kind,
            path,
            other,
            contents,
            condition,
        },
    )
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    prop_oneof![3 => vec(action(), 1), 1 => vec(action(), 2..5)]
}

fn event() -> impl Strategy<Value = Event> {
    let client = || 0..CLIENTS;
    let call = || 0..90_usize;
    prop_oneof![
        8 => (client(), actions()).prop_map(|(client, actions)| Event::Commit(client, actions)),
        1 => (client(), action()).prop_map(|(client, action)| Event::Stream(client, action)),
        1 => client().prop_map(Event::Reopen),
        2 => (client(), actions(), call())
            .prop_map(|(client, actions, call)| Event::Kill(client, actions, call)),
        2 => (client(), actions(), call(), any::<u64>()).prop_map(
            |(client, actions, call, choice)| Event::PowerCut(client, actions, call, choice)
        ),
    ]
}

/// Plays all events, and compares after each.
fn play(world: &mut impl World, events: &[Event]) -> Result<(), TestCaseError> {
    let mut model = Model::default();
    for event in events {
        match event {
            Event::Commit(client, actions) => {
                let batch = batch(&model.files, actions);
                let result = world.volume(*client).commit(batch.clone()).map(drop);
                settle(&mut model, &batch, result)?;
            }
            Event::Stream(client, action) => {
                let step = Action {
                    kind: Kind::Write,
                    ..action.clone()
                };
                let batch = batch(&model.files, &[step]);
                let result = stream(world.volume(*client), &batch.steps()[0]);
                settle(&mut model, &batch, result)?;
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

fn paths_of(batch: &Batch) -> BTreeSet<String> {
    let steps = batch.steps().iter();
    let paths = steps.flat_map(|step| step.change.paths());
    paths.map(FilePath::to_string).collect()
}

fn expected(model: &Contents, batch: &Batch) -> (Contents, Result<(), Refusal>) {
    let mut after = model.clone();
    for step in batch.steps() {
        if let Err(refusal) = play_step(&mut after, step) {
            return (after, Err(refusal));
        }
    }
    let result = match batch.steps().iter().all(|step| has_place(&after, step)) {
        true => Ok(()),
        false => Err(Refusal::NotAFile),
    };
    (after, result)
}

fn play_step(files: &mut Contents, step: &Step) -> Result<(), Refusal> {
    let target = step.change.target().to_string();
    let found = files.get(&target).map(|contents| Version::of(contents));
    if !step.precondition.holds_for(found) {
        return Err(Refusal::Conflict);
    }
    match step.change.clone() {
        Change::Write { contents, .. } => {
            files.insert(target, contents);
        }
        Change::Append { contents, .. } => files.entry(target).or_default().extend(contents),
        Change::Rename { source, .. } => {
            let source = source.to_string();
            let file = files.get(&source).cloned().ok_or(Refusal::NotFound)?;
            let crossing = |one: &str, other: &str| one.starts_with(&format!("{other}/"));
            if crossing(&target, &source) || crossing(&source, &target) {
                return Err(Refusal::NotAFile);
            }
            files.remove(&source);
            files.insert(target, file);
        }
        Change::Delete { .. } => {
            files.remove(&target);
        }
    }
    Ok(())
}

/// Nothing is both a file and a directory.
fn has_place(files: &Contents, step: &Step) -> bool {
    let path = step.change.target().as_str();
    !files.contains_key(path)
        || files.keys().all(|other| {
            !other.starts_with(&format!("{path}/")) && !path.starts_with(&format!("{other}/"))
        })
}

fn kind_of(error: &Error) -> Option<Refusal> {
    match error {
        Error::Step { source, .. } => kind_of(source),
        Error::Conflict { .. } => Some(Refusal::Conflict),
        Error::NotFound { .. } => Some(Refusal::NotFound),
        Error::NotAFile { .. } => Some(Refusal::NotAFile),
        _ => None,
    }
}

fn batch(model: &Contents, actions: &[Action]) -> Batch {
    actions.iter().map(|action| step(model, action)).collect()
}

fn step(model: &Contents, action: &Action) -> Step {
    let (path, contents) = (file(action.path), action.contents.clone());
    let change = match action.kind {
        Kind::Write => Change::write(path, contents),
        Kind::Rewrite => Change::write(path, model.get(action.path).cloned().unwrap_or(contents)),
        Kind::Append => Change::append(path, contents),
        Kind::Delete => Change::delete(path),
        Kind::Rename => Change::rename(file(action.other), path),
    };
    let current = model.get(action.path).map(|contents| Version::of(contents));
    change.only_if(match (action.condition, current) {
        (Condition::Any, _) => Precondition::Any,
        (Condition::Absent, _) | (Condition::Current, None) => Precondition::Absent,
        (Condition::Current, Some(version)) => Precondition::Version(version),
        (Condition::Stale, _) => Precondition::Version(Version::of(b"never written")),
    })
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

struct InMemory(MemoryVolume);

impl World for InMemory {
    fn volume(&self, _client: usize) -> &dyn Volume {
        &self.0
    }

    fn reopen(&mut self, _client: usize) {}

    fn kill_at(&mut self, _client: usize, _call: usize) -> bool {
        false
    }

    fn after_kill(&mut self, _client: usize) {}

    fn after_power_cut(&mut self, _choice: u64) {}
}

struct OnDisk {
    directory: tempfile::TempDir,
    way: Way,
    clients: Vec<LocalVolume>,
}

impl OnDisk {
    fn new(way: Way) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let open = |_| open(way, directory.path());
        let clients = (0..CLIENTS).map(open).collect();
        Self {
            directory,
            way,
            clients,
        }
    }
}

fn open(way: Way, directory: &Path) -> LocalVolume {
    way.options().open(directory).expect("opened")
}

impl World for OnDisk {
    fn volume(&self, client: usize) -> &dyn Volume {
        &self.clients[client]
    }

    fn reopen(&mut self, client: usize) {
        self.clients[client] = open(self.way, self.directory.path());
    }

    fn kill_at(&mut self, _client: usize, _call: usize) -> bool {
        false
    }

    fn after_kill(&mut self, _client: usize) {}

    fn after_power_cut(&mut self, _choice: u64) {}
}

impl World for SimWorld {
    fn volume(&self, client: usize) -> &dyn Volume {
        self.client(client)
    }

    fn reopen(&mut self, client: usize) {
        SimWorld::reopen(self, client);
    }

    fn kill_at(&mut self, _client: usize, call: usize) -> bool {
        self.cut_at(call);
        true
    }

    fn after_kill(&mut self, client: usize) {
        SimWorld::after_kill(self, client);
    }

    fn after_power_cut(&mut self, choice: u64) {
        SimWorld::after_power_cut(self, choice);
    }
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
