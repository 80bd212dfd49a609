//! One run of a guest, from start to exit code.
//!
//! However it ends, the volumes are closed before this returns, so that no
//! session is left in them; except if a disk or a pipe holds the guest in the
//! host when its time is over, for then the command must end all the same. The
//! next to open the volume clears what is left.

use crate::args::RunArgs;
use crate::background;
use crate::complain;
use crate::component::{self, Ability, Loader};
use crate::guest::{Guest, Part};
use crate::signals::{Asked, Signal, Signals};
use crate::{log, storage};
use anyhow::{Context, Result};
use std::time::Duration;
use tokio::runtime;
use tokio::task::JoinHandle;
use tokio::time;
use wasmtime::{Engine, Store, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

const TIMED_OUT: u8 = 124;
const TRAPPED: u8 = 134;

/// How long the host waits, when time is over, for calls that it is in.
const GRACE: Duration = Duration::from_secs(2);

/// The same after a signal, for each of three things: with the closing of the volumes, all
/// has to be over within a second.
const GRACE_AFTER_SIGNAL: Duration = Duration::from_millis(200);

/// How a guest ended.
enum End {
    Exit(u8),
    TimedOut,
    Stopped(Signal),
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
pub fn run(args: &RunArgs, signals: &Signals) -> Result<u8> {
    if args.verbose {
        log::show();
    }
    let name = component::name_of(&args.component)?;
    let loader = Loader::new(&args.compile_cache, args.trust_compiled, args.verbose)?;
    let ability = loader.load(&args.component)?;
    let background = background::beside(args)?;
    let background = background.map(|path| loader.load(&path)).transpose()?;
    let model = args.model.open()?;
    let volumes = storage::open(args, name)?;
    let session = |ability: Ability, part| {
        let guest = Guest::new(args, part, name, volumes.ctx(), model.clone())?;
        anyhow::Ok(Session { ability, guest })
    };
    let main = session(ability, Part::Main)?;
    let background = background.map(|ability| session(ability, Part::Background));
    let background = background.transpose()?;

    // Two threads: one for the guest, one that looks at the clock while the
    // guest computes; one more for each further guest.
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(2 + usize::from(background.is_some()))
        .enable_all()
        .build()
        .context("no threads could be started")?;
    let asked = signals.ask();
    let end = runtime.block_on(run_within(args.timeout, &asked, main, background, name));
    // Nobody waits for an answer any more.
    model.end();
    // What the host is writing for a guest that was stopped goes on to its end.
    runtime.shutdown_timeout(match end {
        Ok(End::Stopped(_)) => GRACE_AFTER_SIGNAL,
        _ => {
            drop(asked);
            GRACE
        }
    });
    // Here, so that closing them is waited for, however long it takes.
    drop(volumes);

    let end = end.with_context(|| format!("{name} could not be started"))?;
    Ok(told(end, name, args.verbose))
}

/// One guest that has not started yet.
struct Session {
    ability: Ability,
    guest: Guest,
}

/// Says how a guest ended, unless it is as it should be, and returns the exit code.
fn told(end: End, name: &str, verbose: bool) -> u8 {
    match end {
        End::Exit(code) => code,
        End::TimedOut => {
            complain(format_args!("{name} was stopped: its time is over"));
            TIMED_OUT
        }
        End::Stopped(signal) => {
            complain(format_args!("{name} was stopped by {}", signal.name()));
            signal.exit_code()
        }
        End::Trapped {
            error,
            out_of_memory,
        } => {
            complain(format_args!("{name} crashed: {}", reason(&error)));
            if out_of_memory {
                complain("it asked for more memory than --max-memory allows");
            }
            if let (true, Some(backtrace)) = (verbose, error.downcast_ref::<WasmBacktrace>()) {
                complain(backtrace);
            }
            TRAPPED
        }
    }
}

/// Runs an ability, and what runs beside it for as long as it does.
async fn run_within(
    limit: Option<Duration>,
    asked: &Asked<'_>,
    main: Session,
    background: Option<Session>,
    name: &str,
) -> Result<End> {
    let limit = limit.unwrap_or(Duration::MAX);
    let engine = main.ability.engine.clone();
    tokio::spawn(interrupt_after(limit, engine.clone()));
    let background = background.map(|session| tokio::spawn(run_beside(session, name.to_owned())));

    // A guest that waits is stopped by the first of the two, one that computes
    // by the interrupt, and one that is stuck in the host is left there.
    let mut run = tokio::spawn(time::timeout(limit, call(main)));
    let end = tokio::select! {
        ended = time::timeout(limit.saturating_add(GRACE), &mut run) => match ended {
            Ok(run) => run.context("the host failed")?.unwrap_or(Ok(End::TimedOut)),
            Err(_) => Ok(End::TimedOut),
        },
        signal = asked.to_stop() => {
            stop(run, &engine, GRACE_AFTER_SIGNAL).await;
            Ok(End::Stopped(signal))
        }
    };
    if let Some(background) = background {
        let grace = match end {
            Ok(End::Stopped(_)) => GRACE_AFTER_SIGNAL,
            _ => GRACE,
        };
        stop(background, &engine, grace).await;
    }
    end
}

/// Stops a guest, and waits for the call that it is in.
async fn stop<T>(guest: JoinHandle<T>, engine: &Engine, grace: Duration) {
    // The first stops one that waits, the second one that computes.
    guest.abort();
    engine.increment_epoch();
    let _ = time::timeout(grace, guest).await;
}

/// Runs what belongs beside an ability until it is stopped. That it ends, however
/// it does, is no reason to end the ability.
async fn run_beside(session: Session, name: String) {
    let name = format!("the background of {name}");
    match call(session).await {
        // It was computing when it was stopped.
        Ok(End::TimedOut) => {}
        Ok(End::Exit(code)) if code != 0 => complain(format_args!("{name} ended with {code}")),
        Ok(end) => {
            told(end, &name, false);
        }
        Err(error) => complain(format_args!("{name} could not be started: {error:#}")),
    }
}

async fn interrupt_after(limit: Duration, engine: Engine) {
    time::sleep(limit).await;
    engine.increment_epoch();
}

async fn call(Session { ability, guest }: Session) -> Result<End> {
    let mut store = Store::new(&ability.engine, guest);
    store.limiter(|guest| &mut guest.memory);
    store.set_epoch_deadline(1);
    let command = match ability.command.instantiate_async(&mut store).await {
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
