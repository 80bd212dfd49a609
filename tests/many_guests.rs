//! An asynchronous host with many guests on few threads: what waits for a disk
//! never keeps the executor from its other work.

use ability_storage::author::delegate;
use ability_storage::{
    Batch, FilePath, Limits, LocalVolume, MemoryVolume, Result, Scope, StorageCtx, Version, Volume,
};
use end_to_end::embedding::{Instance, PROBE, Run};
use end_to_end::stores;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time;

const GUESTS: usize = 1_000;
const WORKERS: usize = 2;
const TICK: Duration = Duration::from_millis(1);

/// Only a host that hangs takes longer, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(120);

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(WORKERS)
        // Threads for what waits for a disk: many guests share few.
        .max_blocking_threads(16)
        .enable_time()
        .build()
        .expect("a runtime")
}

/// Waits, but not for ever.
fn block_on<T>(runtime: &Runtime, work: impl Future<Output = T>) -> T {
    let in_time = runtime.block_on(async { time::timeout(PATIENCE, work).await });
    in_time.expect("the host went on")
}

fn ctx(volume: &Arc<dyn Volume>) -> StorageCtx {
    let ctx = StorageCtx::builder().volume(Scope::Ability, volume.clone());
    ctx.build()
}

/// One instance for each number below `count`, all there at once.
async fn instances(volume: &Arc<dyn Volume>, count: usize) -> Vec<Instance> {
    let mut instances = Vec::new();
    for i in 0..count {
        let (path, text) = (format!("guest-{i}"), i.to_string());
        let args = ["write", &path, &text];
        let instance = PROBE.instance(ctx(volume), &args).await;
        instances.push(instance.expect("instantiated"));
    }
    instances
}

async fn all(runs: Vec<JoinHandle<Run>>) {
    for run in runs {
        let run = run.await.expect("no panic");
        assert_eq!(run.stdout, "ok\n");
    }
}

/// What a timer saw that ticked while guests ran.
#[derive(Debug, Default)]
struct Seen {
    /// In how many different states of progress.
    stages: usize,
    longest_wait: Duration,
}

async fn tick(finished: Arc<AtomicUsize>) -> Seen {
    let mut seen = Seen::default();
    let mut last = (usize::MAX, Instant::now());
    loop {
        time::sleep(TICK).await;
        let now = (finished.load(Ordering::Relaxed), Instant::now());
        seen.stages += usize::from(now.0 != last.0);
        seen.longest_wait = seen.longest_wait.max(now.1 - last.1);
        if now.0 == GUESTS {
            return seen;
        }
        last = now;
    }
}

#[test]
fn a_thousand_guests_write_while_a_timer_ticks() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let volume = LocalVolume::open(directory.path()).expect("opened");
    a_thousand_guests_write_into(Arc::new(volume));
}

#[test]
fn a_thousand_guests_write_to_an_object_store_while_a_timer_ticks() {
    a_thousand_guests_write_into(stores::fresh(Limits::default()));
}

fn a_thousand_guests_write_into(volume: Arc<dyn Volume>) {
    let runtime = runtime();
    let seen = block_on(&runtime, async {
        let instances = instances(&volume, GUESTS).await;
        let finished = Arc::new(AtomicUsize::new(0));
        let ticker = tokio::spawn(tick(finished.clone()));
        let runs = instances.into_iter().map(|instance| {
            let finished = finished.clone();
            tokio::spawn(async move {
                let run = instance.run().await;
                finished.fetch_add(1, Ordering::Relaxed);
                run
            })
        });
        all(runs.collect()).await;
        ticker.await.expect("no panic")
    });
    println!("{seen:?}");
    // Again and again in between, not only before and after.
    assert!(seen.stages > 5, "{seen:?}");
    let files = volume.list(None).expect("listed");
    assert_eq!(files.len(), GUESTS);
    for i in 0..GUESTS {
        let path = FilePath::new(format!("guest-{i}")).expect("valid");
        let snapshot = volume.read(&path, 16).expect("written");
        assert_eq!(snapshot.contents(), i.to_string().as_bytes());
    }
}

/// A volume whose disk hangs until it is let go.
#[derive(Default)]
struct Hanging {
    volume: MemoryVolume,
    waiting: AtomicUsize,
    go: Mutex<bool>,
    changed: Condvar,
}

impl Hanging {
    fn let_go(&self) {
        *self.go.lock().expect("no panic") = true;
        self.changed.notify_all();
    }
}

impl Volume for Hanging {
    delegate!(self => self.volume; read, stat, list, writer, reader, usage, counters, close, exists);

    fn commit(&self, batch: Batch) -> Result<Vec<Option<Version>>> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let go = self.go.lock().expect("no panic");
        drop(self.changed.wait_while(go, |go| !*go).expect("no panic"));
        self.volume.commit(batch)
    }
}

/// Lets the disk go when it is dropped, so that a failing test ends.
struct LetGo(Arc<Hanging>);

impl Drop for LetGo {
    fn drop(&mut self) {
        self.0.let_go();
    }
}

#[test]
fn while_the_disk_hangs_the_executor_goes_on() {
    let hanging = Arc::new(Hanging::default());
    let volume: Arc<dyn Volume> = hanging.clone();
    let runtime = runtime();
    let let_go = LetGo(hanging.clone());
    block_on(&runtime, async {
        // More than there are threads: if one call held its thread, all would.
        let instances = instances(&volume, 4 * WORKERS).await;
        let runs: Vec<_> = instances
            .into_iter()
            .map(|instance| tokio::spawn(instance.run()))
            .collect();
        while hanging.waiting.load(Ordering::Relaxed) < runs.len() {
            time::sleep(TICK).await;
        }
        // All hang now; what does not wait for the disk is served.
        let other: Arc<dyn Volume> = Arc::new(MemoryVolume::new());
        let others = self::instances(&other, 4 * WORKERS).await.into_iter();
        all(others.map(|other| tokio::spawn(other.run())).collect()).await;
        assert!(runs.iter().all(|run| !run.is_finished()));
        drop(let_go);
        all(runs).await;
    });
}
