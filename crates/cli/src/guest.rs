//! What one guest is given. What is not listed here, it does not have.

use crate::args::RunArgs;
use crate::clock::WallClock;
use crate::memory::MemoryLimit;
use crate::model::{self, Model};
use ability_storage::{StorageCtx, StorageView};
use anyhow::{Context, Result};
use wasmtime::Engine;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};

const SCRATCH: &str = "/scratch";

/// Which of an ability's two guests it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The ability itself, which has standard input.
    Main,
    /// What runs beside it for as long as it does.
    Background,
}

/// The data of the guest's store.
pub struct Guest {
    wasi: WasiCtx,
    table: ResourceTable,
    storage: StorageCtx,
    pub model: Model,
    pub memory: MemoryLimit,
}

impl Guest {
    /// A guest called `name`, as the command line asks for it.
    pub fn new(
        args: &RunArgs,
        part: Part,
        name: &str,
        storage: StorageCtx,
        model: Model,
    ) -> Result<Self> {
        let mut wasi = WasiCtx::builder();
        if part == Part::Main {
            wasi.inherit_stdin();
        }
        wasi.inherit_stdout()
            .inherit_stderr()
            .arg(name)
            .args(&args.args)
            .envs(&Vec::from_iter(args.variables()))
            .wall_clock(WallClock)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false);
        if let Some(scratch) = &args.scratch {
            wasi.preopened_dir(scratch, SCRATCH, FsPerms::ReadWrite)
                .map_err(anyhow::Error::from)
                .with_context(|| {
                    format!("the directory {} could not be opened", scratch.display())
                })?;
        }
        Ok(Self {
            wasi: wasi.build(),
            table: ResourceTable::new(),
            storage,
            model,
            memory: MemoryLimit::new(args.max_memory),
        })
    }

    /// The functions that a guest can import.
    pub fn linker(engine: &Engine) -> wasmtime::Result<Linker<Self>> {
        let mut linker = Linker::new(engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        ability_storage::add_to_linker_async(&mut linker, |guest: &mut Self| {
            StorageView::new(&mut guest.storage)
        })?;
        model::add_to_linker(&mut linker)?;
        Ok(linker)
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}
