//! Random sequences of what several clients do to one volume, with requests that fail
//! in all ways, clients that stop, and sweeps, against a volume in memory.
//!
//! Each run uses a few fixed seeds and a fresh one. A failure prints its seed and the
//! shortest sequence that fails; `ABILITY_STORAGE_SEED=<seed>` repeats it.
//! `ABILITY_STORAGE_CASES=<number>` tries so many sequences for each seed.

mod event;

use self::event::{Action, Condition, Event, Kind, event};
use crate::BlobCache;
use crate::testing::{Fault, FaultyStore, Meanwhile, Network, file, impatient, open};
use crate::volume::ObjectVolume;
use ability_storage_engine::{
    Batch, Change, Error, FileEnd, FilePath, MemoryVolume, Outcome, Precondition, Reader, Result,
    Version, Volume, Writer,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

const CLIENTS: usize = 3;
const FIXED_SEEDS: [u64; 2] = [1, 2];

type Contents = BTreeMap<FilePath, Vec<u8>>;

struct Client {
    store: Arc<FaultyStore>,
    volume: ObjectVolume,
}

/// A file that is being written; its client may have stopped since.
struct Begun {
    client: usize,
    store: Arc<FaultyStore>,
    path: FilePath,
    contents: Vec<u8>,
    writer: Box<dyn Writer>,
}

/// A file that is being read.
struct Opened {
    wanted: Vec<u8>,
    read: Vec<u8>,
    reader: Box<dyn Reader>,
}

struct World {
    network: Arc<Network>,
    clients: Vec<Client>,
    model: Contents,
    begun: Vec<Begun>,
    opened: Vec<Opened>,
    cache: tempfile::TempDir,
    looks: usize,
}

impl World {
    fn new() -> Self {
        let network = Arc::new(Network::default());
        let mut world = Self {
            network,
            clients: Vec::new(),
            model: Contents::new(),
            begun: Vec::new(),
            opened: Vec::new(),
            cache: tempfile::tempdir().expect("a temporary directory"),
            looks: 0,
        };
        world.clients = (0..CLIENTS).map(|client| world.client(client)).collect();
        world
    }

    fn client(&self, number: usize) -> Client {
        let store = FaultyStore::new(&self.network);
        // One of them has a cache.
        let cache = (number == 0).then(|| BlobCache::open(self.cache.path(), 50_000));
        let cache = cache.map(|cache| cache.expect("opened"));
        Client {
            volume: open(store.clone(), impatient(), cache),
            store,
        }
    }

    /// All that a client stopped to do, or that is late, is over: it may have been
    /// made or not, where that is not known.
    fn settle(
        &mut self,
        client: usize,
        fault: Option<(usize, Fault)>,
        batch: Batch,
        result: Result<()>,
    ) -> Result<(), TestCaseError> {
        self.network.settle();
        for done in self.network.done_meanwhile() {
            if done == Meanwhile::Append {
                let (path, contents) = (file("log"), b"+".to_vec());
                let appended = Change::append(path, contents).into();
                self.model = expected(&self.model, appended).unwrap_or(self.model.clone());
            }
        }
        let after = expected(&self.model, batch);
        self.clients[client].store.heal();
        if matches!(fault, Some((_, Fault::Stop | Fault::StopAfter))) {
            self.clients[client] = self.client(client);
        }
        match (&result, after) {
            (Ok(()), Some(after)) => self.model = after,
            (Ok(()), None) => prop_assert!(false, "made, but the model refuses it"),
            (Err(error), after) if error.outcome() == Outcome::Unconfirmed => {
                let has_stopped = matches!(fault, Some((_, Fault::Stop | Fault::StopAfter)));
                prop_assert!(has_stopped, "{error}");
                let found = contents_of(&self.clients[client].volume);
                if Some(&found) == after.as_ref() {
                    self.model = found;
                }
            }
            (Err(error), Some(_)) => {
                // One request that fails is no reason to give up.
                let has_stopped = matches!(fault, Some((_, Fault::Stop | Fault::StopAfter)));
                prop_assert!(has_stopped || was_swept(error), "not made: {error:?}");
            }
            (Err(_), None) => {}
        }
        // One of them looks; the others go on with what they saw before.
        self.looks += 1;
        let looks = &self.clients[self.looks % CLIENTS];
        prop_assert_eq!(&contents_of(&looks.volume), &self.model);
        Ok(())
    }
}

/// The only reason not to make what could be made, if no request fails.
fn was_swept(error: &Error) -> bool {
    error.to_string().contains("swept")
}

fn contents_of(volume: &ObjectVolume) -> Contents {
    let paths = volume.list(None).expect("listed");
    let read = |path: FilePath| {
        let snapshot = volume.read(&path, u64::MAX).expect("read");
        (path, snapshot.into_contents())
    };
    paths.into_iter().map(read).collect()
}

/// What the files become, and what a volume says of it.
fn expected(model: &Contents, batch: Batch) -> Option<Contents> {
    let volume = MemoryVolume::new();
    let whole: Batch = model
        .iter()
        .map(|(path, contents)| {
            let (path, contents) = (path.clone(), contents.clone());
            Change::write(path, contents)
        })
        .collect();
    volume.commit(whole).expect("in memory");
    volume.commit(batch).ok()?;
    let paths = volume.list(None).expect("in memory");
    let read = |path: FilePath| {
        let contents = volume
            .read(&path, u64::MAX)
            .expect("in memory")
            .into_contents();
        (path, contents)
    };
    Some(paths.into_iter().map(read).collect())
}

fn batch(model: &Contents, actions: &[Action]) -> Batch {
    let steps = actions.iter().map(|action| {
        let (path, contents) = (file(action.path), action.contents.clone());
        let there = model.get(&path);
        let current = there.map(|contents| Version::of(contents));
        let change = match action.kind {
            Kind::Write => Change::write(path, contents),
            Kind::Rewrite => Change::write(path, there.cloned().unwrap_or(contents)),
            Kind::Append => Change::append(path, contents),
            Kind::Delete => Change::delete(path),
            Kind::Rename => Change::rename(file(action.other), path),
        };
        change.only_if(match (action.condition, current) {
            (Condition::Any, _) => Precondition::Any,
            (Condition::Absent, _) | (Condition::Current, None) => Precondition::Absent,
            (Condition::Current, Some(version)) => Precondition::Version(version),
            (Condition::Stale, _) => Precondition::Version(Version::of(b"never written")),
            (Condition::CurrentEnd, _) => {
                let there = there.map_or(&[][..], Vec::as_slice);
                Precondition::EndsWith(FileEnd::of(there))
            }
            (Condition::StaleEnd, _) => Precondition::EndsWith(FileEnd::of(b"never written")),
        })
    });
    steps.collect()
}

fn play(events: &[Event]) -> Result<(), TestCaseError> {
    let mut world = World::new();
    for event in events {
        match event {
            Event::Commit(client, actions, fault) => {
                let batch = batch(&world.model, actions);
                if let Some((at, fault)) = fault {
                    world.clients[*client].store.fail_at(*at, *fault);
                }
                let result = world.clients[*client].volume.commit(batch.clone());
                world.settle(*client, *fault, batch, result.map(drop))?;
            }
            Event::Begin(client, path, contents) => {
                let (path, client) = (file(path), *client);
                let mut writer = world.clients[client].volume.writer(&path).expect("begun");
                for piece in contents.chunks(5_000) {
                    writer.write(piece).expect("no request fails");
                }
                world.begun.push(Begun {
                    client,
                    store: world.clients[client].store.clone(),
                    path,
                    contents: contents.clone(),
                    writer,
                });
            }
            Event::End(is_committed, fault) => {
                if world.begun.is_empty() {
                    continue;
                }
                let begun = world.begun.remove(0);
                if !is_committed {
                    continue;
                }
                let (path, contents) = (begun.path, begun.contents);
                let batch = Batch::from(Change::write(path, contents));
                if let Some((at, fault)) = fault {
                    begun.store.fail_at(*at, *fault);
                }
                let result = begun.writer.commit(Precondition::Any).map(drop);
                begun.store.heal();
                let has_stopped = !Arc::ptr_eq(&begun.store, &world.clients[begun.client].store);
                let fault = fault
                    .filter(|_| !has_stopped)
                    .or(has_stopped.then_some((0, Fault::Stop)));
                world.settle(begun.client, fault, batch, result)?;
            }
            Event::Open(client, path) => {
                let path = file(path);
                if let Ok(reader) = world.clients[*client].volume.reader(&path) {
                    world.opened.push(Opened {
                        wanted: world.model[&path].clone(),
                        read: Vec::new(),
                        reader,
                    });
                }
            }
            Event::ReadOn(number) => {
                let Some(number) = number.checked_rem(world.opened.len()) else {
                    continue;
                };
                let opened = &mut world.opened[number];
                match opened.reader.read(2_000) {
                    Ok(piece) if piece.is_empty() => {
                        prop_assert_eq!(&opened.read, &opened.wanted);
                    }
                    Ok(piece) => opened.read.extend(piece),
                    // It was swept: told, and nothing wrong was read.
                    Err(_) => {
                        world.opened.remove(number);
                        continue;
                    }
                }
                let (read, wanted) = (&opened.read, &opened.wanted);
                prop_assert!(wanted.starts_with(read), "another file was read");
            }
            Event::Sweep(client, fault) => {
                if let Some((at, fault)) = fault {
                    world.clients[*client].store.fail_at(*at, *fault);
                }
                let result = world.clients[*client].volume.sweep(Duration::ZERO);
                prop_assert!(result.is_ok() || fault.is_some(), "{:?}", result);
                world.settle(*client, *fault, Batch::new(), Ok(()))?;
            }
            Event::Reopen(client) => {
                world.clients[*client] = world.client(*client);
            }
        }
    }
    nothing_is_left(world)
}

/// After two sweeps there is nothing but what is in use.
fn nothing_is_left(mut world: World) -> Result<(), TestCaseError> {
    world.begun.clear();
    world.opened.clear();
    // What is discarded is discarded by others.
    std::thread::sleep(Duration::from_millis(1));
    world.clients[1]
        .volume
        .sweep(Duration::ZERO)
        .expect("swept");
    let used = world.clients[1]
        .volume
        .sweep(Duration::ZERO)
        .expect("swept");
    let blobs = world
        .network
        .keys()
        .into_iter()
        .filter(|key| key.contains("/b/"));
    prop_assert_eq!(blobs.count() as u64, used.used);
    for client in &world.clients {
        prop_assert_eq!(&contents_of(&client.volume), &world.model);
    }
    Ok(())
}

#[test]
fn an_object_volume_agrees_with_the_model_through_faults_and_sweeps() {
    let asked_for = |name| std::env::var(name).ok()?.parse::<u64>().ok();
    let cases = asked_for("ABILITY_STORAGE_CASES").map_or(100, |cases| cases as u32);
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
            max_shrink_iters: 2_000,
            ..Config::default()
        };
        let mut runner = TestRunner::new_with_rng(config, rng);
        match runner.run(&vec(event(), 1..25), |events| play(&events)) {
            Ok(()) => {}
            Err(TestError::Fail(reason, events)) => panic!(
                "{reason}\nABILITY_STORAGE_SEED={seed} repeats this; the shortest sequence:\n{events:#?}"
            ),
            Err(TestError::Abort(reason)) => panic!("{reason}; ABILITY_STORAGE_SEED={seed}"),
        }
    }
}
