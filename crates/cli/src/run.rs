//! One run of a guest, from start to exit code.
//!
//! However it ends, the volumes are closed before this returns, so that no
//! session is left in them; except if a disk or a pipe holds the guest in the
//! host when its time is over, for then the command must end all the same. The
//! next to open the volume clears what is left.

use crate::args::RunArgs;
use crate::complain;
use crate::component::{self, Ability};
use crate::guest::Guest;
use crate::{log, storage};
use anyhow::{Context, Result};
use std::time::Duration;
use tokio::runtime;
use tokio::time;
use wasmtime::{Engine, Store, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi::p2::bindings::CommandPre;

const TIMED_OUT: u8 = 124;
const TRAPPED: u8 = 134;

/// How long the host waits, when time is over, for calls that it is in.
const GRACE: Duration = Duration::from_secs(2);

/// How a guest ended.
enum End {
    Exit(u8),
    TimedOut,
    Trapped {
        error: wasmtime::Error,
        out_of_memory: bool,
    },
}

/// Runs a guest to its end and returns the exit code of the command.
///
/// # Errors
///
/// If the guest could not be started.
pub fn run(args: &RunArgs) -> Result<u8> {
    if args.verbose {
        log::show();
    }
    let name = component::name_of(&args.component)?;
    let ability = Ability::load(&args.component, args.verbose)?;
    if args.verbose {
        complain(&ability.loaded);
    }
    let storage = storage::open(args, name)?;
    let guest = Guest::new(args, name, storage)?;

    // Two threads: one for the guest, one that looks at the clock while the
    // guest computes.
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("no threads could be started")?;
    let end = runtime.block_on(run_within(args.timeout, &ability, guest));
    // What the host is writing for a guest that was stopped goes on to its end.
    runtime.shutdown_timeout(GRACE);

    let end = end.with_context(|| format!("{name} could not be started"))?;
    Ok(match end {
        End::Exit(code) => code,
        End::TimedOut => {
            complain(format_args!("{name} was stopped: its time is over"));
            TIMED_OUT
        }
        End::Trapped {
            error,
            out_of_memory,
        } => {
            complain(format_args!("{name} crashed: {}", reason(&error)));
            if out_of_memory {
                complain("it asked for more memory than --max-memory allows");
            }
            if let (true, Some(backtrace)) = (args.verbose, error.downcast_ref::<WasmBacktrace>()) {
                complain(backtrace);
            }
            TRAPPED
        }
    })
}

async fn run_within(limit: Option<Duration>, ability: &Ability, guest: Guest) -> Result<End> {
    let limit = limit.unwrap_or(Duration::MAX);
    tokio::spawn(interrupt_after(limit, ability.engine.clone()));
    let run = call(ability.engine.clone(), ability.command.clone(), guest);
    // A guest that waits is stopped by the first of the two, one that computes
    // by the interrupt, and one that is stuck in the host is left there.
    let run = tokio::spawn(time::timeout(limit, run));
    match time::timeout(limit.saturating_add(GRACE), run).await {
        Ok(run) => run.context("the host failed")?.unwrap_or(Ok(End::TimedOut)),
        Err(_) => Ok(End::TimedOut),
    }
}

async fn interrupt_after(limit: Duration, engine: Engine) {
    time::sleep(limit).await;
    engine.increment_epoch();
}

async fn call(engine: Engine, command: CommandPre<Guest>, guest: Guest) -> Result<End> {
    let mut store = Store::new(&engine, guest);
    store.limiter(|guest| &mut guest.memory);
    store.set_epoch_deadline(1);
    let command = match command.instantiate_async(&mut store).await {
        Ok(command) => command,
        Err(error) if error.is::<Trap>() => return Ok(end_of(error, &store)),
        Err(error) if store.data().memory.was_refused() => {
            let error = anyhow::Error::from(error);
            return Err(error.context("it needs more memory than --max-memory allows"));
        }
        Err(error) => return Err(error.into()),
    };
    Ok(match command.wasi_cli_run().call_run(&mut store).await {
        Ok(Ok(())) => End::Exit(0),
        Ok(Err(())) => End::Exit(1),
        Err(error) => end_of(error, &store),
    })
}

fn end_of(error: wasmtime::Error, store: &Store<Guest>) -> End {
    if let Some(I32Exit(code)) = error.downcast_ref() {
        // As the system does with the codes of its own processes.
        return End::Exit(*code as u8);
    }
    if error.downcast_ref() == Some(&Trap::Interrupt) {
        return End::TimedOut;
    }
    End::Trapped {
        error,
        out_of_memory: store.data().memory.was_refused(),
    }
}

/// One line about a trap.
fn reason(error: &wasmtime::Error) -> String {
    let cause = error.root_cause().to_string();
    let line = cause.lines().next().unwrap_or_default();
    line.strip_prefix("wasm trap: ").unwrap_or(line).to_owned()
}
