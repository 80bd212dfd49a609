//! A host as an embedder would write it: wasmtime, WASI and the storage, in
//! this process, with calls that are synchronous or asynchronous.

use crate::guests;
use crate::script;
use ability_storage::{StorageCtx, StorageView};
use std::sync::LazyLock;
use std::time::Duration;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Config, Engine, Result, Store};
use wasmtime_wasi::p2::bindings;
use wasmtime_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
use wasmtime_wasi::{I32Exit, WasiCtx, WasiCtxView, WasiView};

/// A compiled guest, which can run many times and in many threads at once.
#[derive(Clone)]
pub struct Guest {
    name: String,
    synchronous: bindings::sync::CommandPre<State>,
    asynchronous: bindings::CommandPre<State>,
}

/// The guest that does what a test tells it, compiled once for all tests of a
/// binary.
pub static PROBE: LazyLock<Guest> = LazyLock::new(|| Guest::load("probe"));

/// The guest that hands out numbers.
pub static COUNTER: LazyLock<Guest> = LazyLock::new(|| Guest::load("counter"));

/// The guest that attacks its host.
pub static HOSTILE: LazyLock<Guest> = LazyLock::new(|| Guest::load("hostile"));

/// Which of the two sets of host functions a guest is linked with.
#[derive(Clone, Copy, Debug)]
pub enum Variant {
    Synchronous,
    Asynchronous,
}

pub const VARIANTS: [Variant; 2] = [Variant::Synchronous, Variant::Asynchronous];

/// How a guest ended, and what it printed until then.
pub struct Run {
    pub stdout: String,
    pub result: Result<i32>,
}

/// One of many guests in one asynchronous host.
pub struct Instance {
    store: Store<State>,
    command: bindings::Command,
    stdout: MemoryOutputPipe,
}

struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    storage: StorageCtx,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl Run {
    fn new(stdout: &MemoryOutputPipe, ended: Result<Result<(), ()>>) -> Self {
        Self {
            stdout: String::from_utf8(stdout.contents().into()).expect("text"),
            result: exit_code(ended),
        }
    }
}

impl Instance {
    /// Runs the guest to its end.
    pub async fn run(mut self) -> Run {
        let ended = self.command.wasi_cli_run().call_run(&mut self.store).await;
        Run::new(&self.stdout, ended)
    }
}

impl Guest {
    fn load(name: &str) -> Self {
        Self::try_load(name).expect("the guest can be run")
    }

    fn try_load(name: &str) -> Result<Self> {
        // Images of memory must be sealed, which Linux does not always do.
        let engine = Engine::new(Config::new().memory_init_cow(false))?;
        let component = Component::from_file(&engine, guests::path(name))?;

        let mut synchronous = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_sync(&mut synchronous)?;
        ability_storage::add_to_linker_sync(&mut synchronous, storage)?;

        let mut asynchronous = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut asynchronous)?;
        ability_storage::add_to_linker_async(&mut asynchronous, storage)?;

        Ok(Self {
            name: name.to_owned(),
            synchronous: bindings::sync::CommandPre::new(synchronous.instantiate_pre(&component)?)?,
            asynchronous: bindings::CommandPre::new(asynchronous.instantiate_pre(&component)?)?,
        })
    }

    /// Runs the guest to its end.
    pub fn run(&self, variant: Variant, storage: StorageCtx, args: &[&str], stdin: &str) -> Run {
        let (state, stdout) = self.state(storage, args, stdin);
        let ended = match variant {
            Variant::Synchronous => self.run_synchronously(state),
            Variant::Asynchronous => self.run_asynchronously(state),
        };
        Run::new(&stdout, ended)
    }

    /// An instance of the guest that has not begun to run.
    pub async fn instance(&self, storage: StorageCtx, args: &[&str]) -> Result<Instance> {
        let (state, stdout) = self.state(storage, args, "");
        let mut store = Store::new(self.asynchronous.engine(), state);
        let command = self.asynchronous.instantiate_async(&mut store).await?;
        Ok(Instance {
            store,
            command,
            stdout,
        })
    }

    fn state(&self, storage: StorageCtx, args: &[&str], stdin: &str) -> (State, MemoryOutputPipe) {
        let stdout = MemoryOutputPipe::new(64 << 20);
        let wasi = WasiCtx::builder()
            .arg(&self.name)
            .args(args)
            .stdin(MemoryInputPipe::new(stdin.to_owned()))
            .stdout(stdout.clone())
            .inherit_stderr()
            .build();
        let state = State {
            wasi,
            table: ResourceTable::new(),
            storage,
        };
        (state, stdout)
    }

    fn run_synchronously(&self, state: State) -> Result<Result<(), ()>> {
        let mut store = Store::new(self.synchronous.engine(), state);
        let command = self.synchronous.instantiate(&mut store)?;
        command.wasi_cli_run().call_run(&mut store)
    }

    fn run_asynchronously(&self, state: State) -> Result<Result<(), ()>> {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let ended = runtime.block_on(async {
            let mut store = Store::new(self.asynchronous.engine(), state);
            let command = self.asynchronous.instantiate_async(&mut store).await?;
            command.wasi_cli_run().call_run(&mut store).await
        });
        runtime.shutdown_timeout(Duration::from_secs(10));
        ended
    }

    /// Has `probe` do `operations` one after the other, and returns its answer
    /// to each.
    pub fn answers<S: AsRef<str>>(
        &self,
        variant: Variant,
        storage: StorageCtx,
        operations: impl IntoIterator<Item = impl AsRef<[S]>>,
    ) -> Vec<String> {
        let script = script::lines(operations);
        let run = self.run(variant, storage, &["script"], &script);
        assert!(matches!(run.result, Ok(0)), "{:?}", run.result);
        run.stdout.lines().map(str::to_owned).collect()
    }
}

fn storage(state: &mut State) -> StorageView<'_> {
    StorageView::new(&mut state.storage)
}

fn exit_code(ended: Result<Result<(), ()>>) -> Result<i32> {
    match ended {
        Ok(Ok(())) => Ok(0),
        Ok(Err(())) => Ok(1),
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(exit) => Ok(exit.0),
            None => Err(error),
        },
    }
}
