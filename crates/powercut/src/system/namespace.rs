//! A private namespace for mounts and processes: when its first process ends,
//! however it ends, the kernel kills all others in it and takes all mounts away.

use anyhow::{Context, Result, bail};
use std::env;
use std::io::Read;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Set for the process inside.
const INSIDE: &str = "ABILITY_STORAGE_PRIVATE_NAMESPACE";

/// Where this process is.
pub enum Place {
    /// In a namespace of its own. The flag becomes true when a person or the
    /// process outside wants an end.
    Inside(Arc<AtomicBool>),
    /// Outside; a copy of this process has run inside and ended like this.
    Outside(ExitCode),
}

/// Runs this program again, with the same arguments, in a private namespace; in
/// there, returns at once.
pub fn enter() -> Result<Place> {
    if env::var_os(INSIDE).is_some() {
        return Ok(Place::Inside(wish_to_stop()?));
    }
    let mut command = command_inside(env::current_exe()?)?;
    command.args(env::args_os().skip(1));
    // A lifeline: the process inside ends itself when this one is gone.
    let mut child = command
        .stdin(Stdio::piped())
        .spawn()
        .context("cannot start `unshare`, which is part of util-linux")?;
    let lifeline = Arc::new(Mutex::new(child.stdin.take()));
    ctrlc::set_handler(move || drop(lifeline.lock().map(|mut pipe| pipe.take())))
        .context("cannot prepare for Ctrl-C")?;
    Ok(Place::Outside(exit_code(&mut child)?))
}

/// A command that runs `program` in a private namespace, for tests that start
/// themselves again.
pub fn command_inside(program: impl AsRef<std::ffi::OsStr>) -> Result<Command> {
    if !rustix::process::geteuid().is_root() {
        bail!("only root may mount file systems");
    }
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--propagation", "private"])
        .args(["--pid", "--fork", "--kill-child", "--mount-proc"])
        .arg("--")
        .arg(program)
        .env(INSIDE, "1");
    Ok(command)
}

/// Whether this process was started by [`command_inside`].
pub fn is_inside() -> bool {
    env::var_os(INSIDE).is_some()
}

fn wish_to_stop() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let by_signal = stop.clone();
    ctrlc::set_handler(move || by_signal.store(true, Ordering::Relaxed))
        .context("cannot prepare for Ctrl-C")?;
    let by_end_of_lifeline = stop.clone();
    thread::spawn(move || {
        let _ = std::io::stdin().read(&mut [0]);
        by_end_of_lifeline.store(true, Ordering::Relaxed);
    });
    Ok(stop)
}

fn exit_code(child: &mut Child) -> Result<ExitCode> {
    let status = child.wait().context("cannot wait for `unshare`")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
