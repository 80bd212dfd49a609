//! From a file to a compiled component that this host can run.
//!
//! Whatever the file holds, a person gets one sentence that says what is wrong
//! with it.

use crate::compile_cache::{CompileCache, CompileCacheOptions};
use crate::guest::Guest;
use crate::progress;
use crate::{compiled, complain};
use anyhow::{Context, Result, anyhow, bail};
use std::fmt::Display;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Instant;
use wasmtime::component::Component;
use wasmtime::{Config, Engine};
use wasmtime_wasi::p2::bindings::CommandPre;

const MAGIC: &[u8] = b"\0asm";
const MODULE: &[u8] = &[1, 0, 0, 0];
const COMPONENT: &[u8] = &[0x0d, 0, 1, 0];

/// The stack of a guest. wasmtime's own 512 KiB end a JavaScript program at 700 calls
/// within each other.
const STACK_BYTES: usize = 4 << 20;

/// What calls of the host may use on top of a guest's stack.
const HOST_STACK_BYTES: usize = 2 << 20;

/// Makes components ready to run, all for one engine.
pub struct Loader {
    engine: Engine,
    /// Where compiled components are kept.
    cache: CompileCache,
    /// Whether files of compiled code are run.
    trusts_compiled: bool,
    verbose: bool,
}

/// A component, ready to run.
#[derive(Clone)]
pub struct Ability {
    pub engine: Engine,
    pub command: CommandPre<Guest>,
}

/// What the ability is called unless it is given another name: the name of its
/// file without `.wasm`.
pub fn name_of(path: &Path) -> Result<&str> {
    path.file_stem()
        .and_then(|stem| stem.to_str())
        .with_context(|| {
            let shown = path.display();
            format!("{shown} has no name that is text; name the .wasm file of an ability")
        })
}

impl Loader {
    /// With `verbose`, says how each component was made ready, and more about what
    /// is wrong with one that cannot be.
    pub fn new(cache: &CompileCacheOptions, trusts_compiled: bool, verbose: bool) -> Result<Self> {
        let cache = CompileCache::open(cache)?;
        Self::with(Config::new(), cache, trusts_compiled, verbose)
    }

    /// For [`precompile`](Self::precompile): for any processor of this kind.
    pub fn for_files() -> Result<Self> {
        let mut config = Config::new();
        let target = config.target(env!("ABILITY_TARGET")).map(drop);
        target.map_err(anyhow::Error::from)?;
        Self::with(config, CompileCache::none(), false, false)
    }

    fn with(
        mut config: Config,
        cache: CompileCache,
        trusts_compiled: bool,
        verbose: bool,
    ) -> Result<Self> {
        // So that a guest can be stopped in a loop.
        config.epoch_interruption(true).cache(cache.cache());
        // Images of memory pay for hosts that start a component often, and Linux refuses
        // to seal one for as long as anything else in the kernel looks at its pages.
        config.memory_init_cow(false);
        // An interpreter in a guest needs much of it for each call of its program.
        config
            .max_wasm_stack(STACK_BYTES)
            .async_stack_size(STACK_BYTES + HOST_STACK_BYTES);
        let engine = Engine::new(&config).map_err(anyhow::Error::from);
        Ok(Self {
            engine: engine.context("WebAssembly cannot be compiled on this machine")?,
            cache,
            trusts_compiled,
            verbose,
        })
    }

    /// The file of compiled code for a component that can be run.
    pub fn precompile(&self, path: &Path) -> Result<Vec<u8>> {
        let file = path.display();
        let (bytes, _) = read(path)?;
        if compiled::is_compiled(&bytes) {
            bail!("{file} is compiled already; compile the component that it was made of");
        }
        check_kind(&bytes).with_context(|| format!("{file} is not a component"))?;
        let component = self.compile(path, &bytes)?;
        self.prepared(path, &component)?;
        let code = component.serialize();
        let code = code.map_err(|error| damaged(&file, &error, self.verbose))?;
        Ok(compiled::file_of(&code))
    }

    pub fn load(&self, path: &Path) -> Result<Ability> {
        let file = path.display();
        let (bytes, metadata) = read(path)?;
        if compiled::is_compiled(&bytes) {
            let trusted = self.trusts_compiled;
            let component = compiled::load(&self.engine, &bytes, &metadata, trusted);
            let component = component.with_context(|| format!("{file} was not run"))?;
            return self.prepared(path, &component);
        }
        check_kind(&bytes).with_context(|| format!("{file} is not a component"))?;
        self.prepared(path, &self.compile(path, &bytes)?)
    }

    /// Checks that a component can be run here.
    fn prepared(&self, path: &Path, component: &Component) -> Result<Ability> {
        let file = path.display();
        check_runs(component).with_context(|| format!("{file} cannot be run"))?;
        let linker = Guest::linker(&self.engine)?;
        let instance = linker
            .instantiate_pre(component)
            .map_err(|error| not_given(&file, &error, self.verbose))?;
        let command = CommandPre::new(instance).map_err(|error| {
            anyhow!("{file} cannot be run: its wasi:cli/run is not the one of WASI 0.2 ({error:#})")
        })?;
        Ok(Ability {
            engine: self.engine.clone(),
            command,
        })
    }

    fn compile(&self, path: &Path, bytes: &[u8]) -> Result<Component> {
        let file = path.display();
        let found_before = self.cache.hits();
        let start = Instant::now();
        let component = progress::while_waiting(format!("Compiling {file}"), || {
            Component::new(&self.engine, bytes)
        });
        let component = component.map_err(|error| damaged(&file, &error, self.verbose))?;
        let is_found = self.cache.hits() > found_before;
        if !is_found {
            self.cache.warn_if_not_kept();
        }
        if self.verbose {
            let loaded = match self.cache.cache() {
                None => "compiled, without a cache",
                Some(_) if is_found => "loaded from the cache",
                Some(_) => "compiled",
            };
            let time = start.elapsed().as_secs_f64();
            complain(format_args!("{file} was {loaded} in {time:.3} s"));
        }
        Ok(component)
    }
}

fn read(path: &Path) -> Result<(Vec<u8>, Metadata)> {
    compiled::read(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => anyhow!("there is no file {}", path.display()),
        ErrorKind::IsADirectory => {
            let shown = path.display();
            anyhow!(
                "{shown} is a directory; `ability build {shown}` makes a component of an ability"
            )
        }
        _ => anyhow!("{} could not be read: {error}", path.display()),
    })
}

fn check_kind(bytes: &[u8]) -> Result<()> {
    let Some(version) = bytes.strip_prefix(MAGIC) else {
        bail!("it is no WebAssembly at all; `ability build` makes a component of a folder");
    };
    if version.starts_with(MODULE) {
        bail!(
            "it is a core module; build it for wasm32-wasip2, or wrap it with `wasm-tools component new`"
        );
    }
    if !version.starts_with(COMPONENT) {
        bail!("it is cut off, or of a version of WebAssembly that is not known here");
    }
    Ok(())
}

fn check_runs(component: &Component) -> Result<()> {
    let engine = component.engine();
    let ty = component.component_type();
    let runs = ty
        .exports(engine)
        .any(|(name, _)| name.starts_with("wasi:cli/run@0.2."));
    if !runs {
        bail!("it exports no wasi:cli/run of WASI 0.2, so it is a library rather than a command");
    }
    Ok(())
}

fn damaged(file: impl Display, error: &wasmtime::Error, verbose: bool) -> anyhow::Error {
    if verbose {
        return anyhow!("{file} could not be compiled: {error:#}");
    }
    let reason = error.root_cause().to_string();
    let reason = reason.lines().next().unwrap_or_default();
    anyhow!("{file} could not be compiled, it is damaged or needs a newer host: {reason}")
}

fn not_given(file: impl Display, error: &wasmtime::Error, verbose: bool) -> anyhow::Error {
    let text = error.to_string();
    // wasmtime names the import between backticks.
    match text.split('`').nth(1) {
        Some(import) if !verbose => {
            anyhow!(
                "{file} cannot be run: it imports {import}, which is not given here in that form"
            )
        }
        _ => anyhow!("{file} cannot be run: {error:#}"),
    }
}
