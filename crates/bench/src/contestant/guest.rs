//! A guest, `tests/guests/replacer`, that replaces files through the storage of its host
//! or by itself through WASI.
//!
//! Each call of [`Store::repeat`] is one instance; what it costs to make one is shared by
//! all replaces in it.

use super::ours::open;
use super::{Contestant, Guarantees, Kind, Store};
use ability_storage::{FilePath, LocalVolume, LocalVolumeOptions, StorageCtx, StorageView, Volume};
use anyhow::{Context, Result, anyhow, bail};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, Store as Instance};
use wasmtime_wasi::p2::bindings::sync::CommandPre;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};

#[derive(Debug)]
pub struct Guest {
    name: &'static str,
    guarantees: Guarantees,
    /// How it replaces files, in the guest's words.
    how: &'static str,
    /// Of the volume; `None` if it works by itself.
    options: Option<fn() -> LocalVolumeOptions>,
    component: PathBuf,
    memory: Memory,
}

/// Where instances get their memory from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// From the system, for each.
    OnDemand,
    /// From a pool that is there before.
    Pooled,
}

impl Guest {
    pub fn ours(
        name: &'static str,
        guarantees: Guarantees,
        options: fn() -> LocalVolumeOptions,
        guests: &Path,
    ) -> Self {
        Self {
            name,
            guarantees,
            how: "storage",
            options: Some(options),
            component: component(guests),
            memory: Memory::OnDemand,
        }
    }

    pub fn with_memory(self, memory: Memory) -> Self {
        Self { memory, ..self }
    }

    pub fn by_itself(synced: bool, guests: &Path) -> Self {
        let (name, guarantees, how) = match synced {
            true => ("guest: WASI, synced", Guarantees::ALL, "rename-synced"),
            false => ("guest: WASI, unsynced", Guarantees::UNSYNCED, "rename"),
        };
        Self {
            name,
            guarantees,
            how,
            options: None,
            component: component(guests),
            memory: Memory::OnDemand,
        }
    }
}

fn component(guests: &Path) -> PathBuf {
    guests.join("replacer.wasm")
}

impl Contestant for Guest {
    fn name(&self) -> &'static str {
        self.name
    }

    fn kind(&self) -> Kind {
        match self.options {
            Some(_) => Kind::OursInGuest,
            None => Kind::Guest,
        }
    }

    fn guarantees(&self) -> Guarantees {
        self.guarantees
    }

    fn prepare(&self, directory: &Path) -> Result<Box<dyn Store>> {
        let volume = match self.options {
            Some(options) => Some(Arc::new(open(options, directory)?)),
            None => None,
        };
        Ok(Box::new(GuestStore {
            how: self.how,
            command: compiled(&self.component, self.memory)?,
            directory: directory.to_owned(),
            volume,
        }))
    }
}

struct GuestStore {
    how: &'static str,
    command: CommandPre<State>,
    directory: PathBuf,
    volume: Option<Arc<LocalVolume>>,
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

type Compiled = (PathBuf, Memory, CommandPre<State>);

/// Compiled once; all that use it share the engine.
fn compiled(component: &Path, memory: Memory) -> Result<CommandPre<State>> {
    static COMPILED: Mutex<Vec<Compiled>> = Mutex::new(Vec::new());
    let mut compiled = COMPILED.lock().map_err(|_| anyhow!("a thread panicked"))?;
    let known = compiled
        .iter()
        .find(|(path, its_memory, _)| path == component && *its_memory == memory);
    if let Some((_, _, command)) = known {
        return Ok(command.clone());
    }
    let command = compile(component, memory)
        .map_err(anyhow::Error::from_boxed)
        .with_context(|| format!("cannot load {}", component.display()))?;
    compiled.push((component.to_owned(), memory, command.clone()));
    Ok(command)
}

fn compile(
    component: &Path,
    memory: Memory,
) -> Result<CommandPre<State>, Box<dyn std::error::Error + Send + Sync>> {
    let mut config = Config::new();
    if memory == Memory::Pooled {
        config.allocation_strategy(InstanceAllocationStrategy::pooling());
    }
    let engine = Engine::new(&config)?;
    let component = Component::from_file(&engine, component)?;
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    ability_storage::add_to_linker_sync(&mut linker, |state: &mut State| {
        StorageView::new(&mut state.storage)
    })?;
    Ok(CommandPre::new(linker.instantiate_pre(&component)?)?)
}

impl GuestStore {
    fn run(&self, arguments: &[String]) -> wasmtime::Result<Result<(), ()>> {
        let mut wasi = WasiCtx::builder();
        wasi.arg("replacer")
            .arg(self.how)
            .args(arguments)
            .inherit_stderr()
            // No thread of a pool between the guest and the disk: its fastest way.
            .allow_blocking_current_thread(true);
        let mut storage = StorageCtx::builder();
        match &self.volume {
            Some(volume) => {
                let volume: Arc<dyn Volume> = volume.clone();
                storage = storage.volume(ability_storage::Scope::Ability, volume);
            }
            None => {
                wasi.preopened_dir(&self.directory, ".", FsPerms::ReadWrite)?;
            }
        }
        let state = State {
            wasi: wasi.build(),
            table: ResourceTable::new(),
            storage: storage.build(),
        };
        let mut instance = Instance::new(self.command.engine(), state);
        let command = self.command.instantiate(&mut instance)?;
        command.wasi_cli_run().call_run(&mut instance)
    }
}

impl Store for GuestStore {
    /// Only what [`repeat`](Store::repeat) writes can be written: a guest makes its
    /// contents itself.
    fn replace(&self, _: &str, _: &[u8]) -> Result<()> {
        bail!("a guest makes its contents itself")
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        match &self.volume {
            Some(volume) => Ok(volume
                .read(&FilePath::new(path)?, u64::MAX)?
                .into_contents()),
            None => Ok(std::fs::read(self.directory.join(path))?),
        }
    }

    fn repeat(&self, path: &str, bytes: usize, first: u64, count: u64) -> Result<()> {
        let numbers = [bytes as u64, first, count].map(|number| number.to_string());
        let mut arguments = vec![path.to_owned()];
        arguments.extend(numbers);
        match self.run(&arguments) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(())) => bail!("the guest failed"),
            Err(error) => Err(anyhow!("the guest was ended: {error:#}")),
        }
    }
}
