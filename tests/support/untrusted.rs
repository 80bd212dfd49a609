//! A host for guests that nobody trusts, as `examples/embedding-host` is one: their
//! memory is limited, a clock takes the thread back from those that compute, and
//! each can be stopped. While one attacks it, it has others to serve.

use crate::guests;
use crate::script;
use crate::surroundings::Surroundings;
use ability_storage::{LocalVolume, StorageCtx, StorageView};
use std::future::Future;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Config, Engine, OptLevel, Result, Store, StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::p2::bindings::CommandPre;
use wasmtime_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// How much memory a guest gets.
pub const MAX_MEMORY: usize = 64 << 20;

/// How long a table of a guest may be.
pub const MAX_ELEMENTS: usize = 10_000;

const WORKERS: usize = 2;
const TICK: Duration = Duration::from_millis(5);

/// Only a host that hangs takes longer, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// What another guest does meanwhile, and what it is answered.
const OTHERS: [(&[&str], &str); 8] = [
    (&["write", "notes/a", "text"], "ok"),
    (&["append", "notes/a", " and more"], "ok"),
    (&["read", "notes/a"], "ok text and more"),
    (&["stream-write", "b", "100000"], "ok "),
    (&["stream-read", "b"], "ok 100000\tpattern"),
    (&["list", ""], "ok b\tnotes/a"),
    (&["batch", "delete", "b", "delete", "notes/a"], "ok none"),
    (&["list", ""], "ok"),
];

/// What one guest has.
pub struct Guest {
    table: ResourceTable,
    wasi: WasiCtx,
    storage: StorageCtx,
    limits: StoreLimits,
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// A guest that can be run.
pub type Command = CommandPre<Guest>;

pub struct Host {
    engine: Engine,
    linker: Linker<Guest>,
    probe: Command,
    runtime: Runtime,
}

/// One for all tests of a binary, as it is to survive all of their attacks.
pub static HOST: LazyLock<Host> = LazyLock::new(Host::new);

impl Host {
    fn new() -> Self {
        let mut config = Config::new();
        config.epoch_interruption(true);
        // Nothing here runs for long; but much is compiled.
        config.cranelift_opt_level(OptLevel::None);
        config.memory_init_cow(false);
        let engine = Engine::new(&config).expect("an engine");
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("no name twice");
        ability_storage::add_to_linker_async(&mut linker, |guest: &mut Guest| {
            StorageView::new(&mut guest.storage)
        })
        .expect("no name twice");
        let probe = Component::from_file(&engine, guests::path("probe")).expect("a component");
        let probe = linker.instantiate_pre(&probe).and_then(CommandPre::new);

        let ticking = engine.clone();
        thread::spawn(move || {
            loop {
                thread::sleep(TICK);
                ticking.increment_epoch();
            }
        });
        let runtime = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .enable_time()
            .build();
        Self {
            linker,
            probe: probe.expect("a command"),
            runtime: runtime.expect("a runtime"),
            engine,
        }
    }

    /// Makes a component of its text.
    pub fn component(&self, text: &str) -> Component {
        let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        self.load(&bytes)
            .unwrap_or_else(|error| panic!("{error:?}\n{text}"))
    }

    /// Makes a component of what may be none.
    pub fn load(&self, bytes: &[u8]) -> Result<Component> {
        Component::from_binary(&self.engine, bytes)
    }

    /// Has guests call their function `attack` with each number below `attacks`, one
    /// guest for each and to its end, while another guest is served. Returns how each
    /// ended.
    pub fn attacked_by(
        &self,
        component: &Component,
        attacks: u32,
        place: &Surroundings,
    ) -> Vec<Result<()>> {
        let volume = place.open();
        self.serves_others_during(async {
            let mut ends = Vec::new();
            for number in 0..attacks {
                ends.push(self.attack(component, number, place.ctx(&volume)).await);
            }
            ends
        })
    }

    /// Has a guest call its function `attack`, which does not end, until another
    /// guest was served; then stops it.
    pub fn attacked_without_end_by(&self, component: &Component, place: &Surroundings) {
        let volume = place.open();
        self.within_reason(async {
            tokio::select! {
                end = self.attack(component, 0, place.ctx(&volume)) => panic!("{end:?}"),
                () = self.serve() => {}
            }
        });
    }

    /// Does some work to its end, while another guest is served.
    pub fn serves_others_during<T>(&self, work: impl Future<Output = T>) -> T {
        self.within_reason(async { tokio::join!(self.serve(), work).1 })
    }

    /// Has a guest call its function `attack`.
    pub async fn attack(&self, component: &Component, number: u32, ctx: StorageCtx) -> Result<()> {
        let mut store = self.store(ctx);
        let instance = self.linker.instantiate_async(&mut store, component).await?;
        let attack = instance.get_typed_func::<(u32,), ()>(&mut store, "attack")?;
        attack.call_async(&mut store, (number,)).await
    }

    fn within_reason<T>(&self, work: impl Future<Output = T>) -> T {
        let in_time = self
            .runtime
            .block_on(async { tokio::time::timeout(PATIENCE, work).await });
        in_time.expect("the host went on")
    }

    /// Serves another guest, and checks that it was served well.
    async fn serve(&self) {
        let directory = tempfile::tempdir().expect("temporary directory");
        let volume = LocalVolume::open(directory.path()).expect("opened");
        let ctx = StorageCtx::builder().ability_volume(volume).build();
        let script = script::lines(OTHERS.map(|(words, _)| words));
        let stdout = MemoryOutputPipe::new(1 << 20);
        let run = self.run(&self.probe, &["script"], &script, &stdout, ctx);
        let ended = self.runtime.spawn(run).await.expect("no panic");
        assert!(matches!(ended, Ok(Ok(()))), "{ended:?}");
        let answers = String::from_utf8(stdout.contents().into()).expect("text");
        for ((words, expected), answer) in OTHERS.iter().zip(answers.lines()) {
            assert!(answer.starts_with(expected), "{words:?}: {answer}");
        }
        assert_eq!(answers.lines().count(), OTHERS.len());
    }

    /// A guest that runs from its start to its end, unless it is dropped.
    pub fn run(
        &self,
        command: &Command,
        args: &[&str],
        stdin: &str,
        stdout: &MemoryOutputPipe,
        ctx: StorageCtx,
    ) -> impl Future<Output = Result<Result<(), ()>>> + Send + use<> {
        let mut store = self.store(ctx);
        store.data_mut().wasi = WasiCtx::builder()
            .arg("guest")
            .args(args)
            .stdin(MemoryInputPipe::new(stdin.to_owned()))
            .stdout(stdout.clone())
            .build();
        let command = command.clone();
        async move {
            let command = command.instantiate_async(&mut store).await?;
            command.wasi_cli_run().call_run(&mut store).await
        }
    }

    /// A built guest.
    pub fn command(&self, name: &str) -> Command {
        let component = Component::from_file(&self.engine, guests::path(name));
        component
            .and_then(|component| self.linker.instantiate_pre(&component))
            .and_then(CommandPre::new)
            .expect("a command")
    }

    /// A store with all limits.
    fn store(&self, storage: StorageCtx) -> Store<Guest> {
        let limits = StoreLimitsBuilder::new()
            .memory_size(MAX_MEMORY)
            .table_elements(MAX_ELEMENTS)
            .memories(4)
            .tables(4)
            .instances(20)
            .build();
        let guest = Guest {
            table: ResourceTable::new(),
            wasi: WasiCtx::builder().build(),
            storage,
            limits,
        };
        let mut store = Store::new(&self.engine, guest);
        store.limiter(|guest| &mut guest.limits);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        store
    }
}
