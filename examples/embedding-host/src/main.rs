//! A host to copy from: it keeps several abilities ready, runs many calls of them
//! at once, and stops without cutting one off.
//!
//! Each line of standard input is a call: the name of an ability and arguments.
//! What the call prints comes back with that name before it.

use ability_storage::{
    Limits, LocalRoot, LocalVolume, Scope, StorageCtx, StorageView, Volume, VolumeId,
};
use std::{
    collections::BTreeMap, env, io, path::Path, pin::pin, sync::Arc, thread, time::Duration,
};
use tokio::{signal, sync::mpsc, task::JoinSet, time};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Config, Engine, Result, Store, StoreLimits, StoreLimitsBuilder, error::Context};
use wasmtime_wasi::p2::{bindings::CommandPre, pipe::MemoryOutputPipe};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

const MAX_CALLS: usize = 100;
const MAX_MEMORY: usize = 64 << 20;
const MAX_TIME: Duration = Duration::from_secs(5);

/// What the host keeps of an ability between calls.
struct Ability {
    code: CommandPre<Guest>,
    own: Arc<LocalVolume>,
    user: Arc<LocalVolume>,
}

/// What one call of an ability has, and nothing else.
struct Guest {
    table: ResourceTable,
    wasi: WasiCtx,
    storage: StorageCtx,
    memory: StoreLimits,
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let (ctx, table) = (&mut self.wasi, &mut self.table);
        WasiCtxView { ctx, table }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut args = env::args().skip(1);
    let data = args.next().context("usage: embedding-host DATA WASM...")?;

    // One engine for all. A guest that computes comes back to the host at each
    // tick of the epoch, so that it neither holds a thread nor outlives its time.
    let engine = Engine::new(Config::new().epoch_interruption(true))?;
    let ticking = engine.clone();
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_millis(10));
            ticking.increment_epoch();
        }
    });

    // One linker: WASI, of which no guest gets files or network, and the storage.
    let mut linker = Linker::<Guest>::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    ability_storage::add_to_linker_async(&mut linker, |g| StorageView::new(&mut g.storage))?;

    // One root: a volume for each ability and one that they share, with limits.
    let limits = Limits::default().max_total_bytes(256 << 20);
    let volumes = LocalVolume::options().limits(limits);
    let root = LocalRoot::options().volumes(volumes).open_or_create(data)?;
    let user = Arc::new(root.open_volume(&VolumeId::user())?);
    let mut abilities = BTreeMap::new();
    for path in args {
        let name = Path::new(&path).file_stem().and_then(|stem| stem.to_str());
        let name = name.context("an ability needs a name")?.to_owned();
        let component = Component::from_file(&engine, &path)?;
        let code = CommandPre::new(linker.instantiate_pre(&component)?)?;
        let own = Arc::new(root.open_volume(&VolumeId::ability(&name)?)?);
        let user = user.clone();
        abilities.insert(name, Arc::new(Ability { code, own, user }));
    }

    // A thread of its own, which may still wait for a line when the host ends.
    let (sender, mut lines) = mpsc::channel(1);
    let send = move |line| sender.blocking_send(line).is_ok();
    thread::spawn(|| io::stdin().lines().map_while(io::Result::ok).all(send));
    let mut calls = JoinSet::new();
    let mut stop = pin!(signal::ctrl_c());
    loop {
        tokio::select! {
            _ = &mut stop => break,
            Some(_) = calls.join_next() => {}
            line = lines.recv(), if calls.len() < MAX_CALLS => {
                let Some(line) = line else { break };
                let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
                match words.first().and_then(|name| abilities.get(name)) {
                    Some(ability) => drop(calls.spawn(call(ability.clone(), words))),
                    None => eprintln!("no such ability: {line}"),
                }
            }
        }
    }

    // No new calls; those that run end by themselves, or when their time is over.
    // Then only this function has the volumes, and its end closes them.
    eprintln!("stopping; {} calls are still running", calls.len());
    while calls.join_next().await.is_some() {}
    for (name, ability) in &abilities {
        println!("{name}: {:?}", ability.own.counters());
    }
    println!("user: {:?}", user.counters());
    Ok(())
}

/// One call, from a new store to its end. What goes wrong in it ends nothing else.
async fn call(ability: Arc<Ability>, words: Vec<String>) {
    let out = MemoryOutputPipe::new(1 << 20);
    let wasi = WasiCtx::builder().args(&words).stdout(out.clone()).build();
    let storage = StorageCtx::builder()
        .volume(Scope::Ability, ability.own.clone())
        .volume(Scope::User, ability.user.clone())
        .build();
    let memory = StoreLimitsBuilder::new()
        .memory_size(MAX_MEMORY)
        .memories(1)
        .build();
    let guest = Guest {
        table: ResourceTable::new(),
        wasi,
        storage,
        memory,
    };
    let mut store = Store::new(ability.code.engine(), guest);
    store.limiter(|guest| &mut guest.memory);
    store.set_epoch_deadline(1);
    store.epoch_deadline_async_yield_and_update(1);
    let run = async {
        let command = ability.code.instantiate_async(&mut store).await?;
        command.wasi_cli_run().call_run(&mut store).await
    };
    // Dropping the future stops the guest wherever it is; a write that it was in
    // still happens whole, or not at all.
    let ended = time::timeout(MAX_TIME, run).await;
    let name = &words[0];
    for line in String::from_utf8_lossy(&out.contents()).lines() {
        println!("{name}: {line}");
    }
    match ended {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(()))) => eprintln!("{name}: failed"),
        Ok(Err(error)) => eprintln!("{name}: {}", error.root_cause()),
        Err(_) => eprintln!("{name}: its time is over"),
    }
}
