//! Ending at a signal: SIGINT (Ctrl-C) and SIGTERM.
//!
//! The system gives the first process of a container no action for these, so without this
//! they would do nothing there. The first signal asks a run to stop, and ends anything else
//! at once; the second ends the process at once, whatever it does. Nothing can be lost by
//! that: a commit is whole or not made.
//!
//! A limit on the length of files (`ulimit -f`) would end the process, too. As long as somebody
//! listens, the system only refuses the write, and that is an error of one commit.

use anyhow::{Context, Result};
use std::future;
use std::io;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use tokio::runtime::{self, Runtime};
use tokio::sync::watch;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Interrupt,
    Terminate,
}

impl Signal {
    pub fn name(self) -> &'static str {
        match self {
            Signal::Interrupt => "SIGINT",
            Signal::Terminate => "SIGTERM",
        }
    }

    /// As shells tell it of a process that a signal has ended.
    pub fn exit_code(self) -> u8 {
        match self {
            Signal::Interrupt => 128 + 2,
            Signal::Terminate => 128 + 15,
        }
    }
}

/// The signals that this process gets.
pub struct Signals {
    first: watch::Receiver<Option<Signal>>,
    /// Whether the first one asks to stop, and does not end the process.
    asks: Arc<AtomicBool>,
}

/// The first signal asks to stop, as long as this lives.
pub struct Asked<'a> {
    signals: &'a Signals,
}

impl Signals {
    /// Listens from now on.
    ///
    /// # Errors
    ///
    /// If the system lets no thread be started or no signal be listened to.
    pub fn listen() -> Result<Self> {
        let (sender, first) = watch::channel(None);
        let asks = Arc::new(AtomicBool::new(false));
        let (runtime, mut sources) = Sources::open().context("signals cannot be listened to")?;
        let asked = asks.clone();
        let listen = async move {
            let signal = sources.next().await;
            if !asked.load(Ordering::SeqCst) {
                process::exit(signal.exit_code().into());
            }
            sender.send_replace(Some(signal));
            let signal = sources.next().await;
            process::exit(signal.exit_code().into());
        };
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || runtime.block_on(listen))
            .context("no thread for signals could be started")?;
        Ok(Self { first, asks })
    }

    /// From now on the first signal asks to stop.
    pub fn ask(&self) -> Asked<'_> {
        self.asks.store(true, Ordering::SeqCst);
        Asked { signals: self }
    }
}

impl Asked<'_> {
    /// Waits for the first signal.
    pub async fn to_stop(&self) -> Signal {
        let mut first = self.signals.first.clone();
        let signal = first.wait_for(Option::is_some).await;
        match signal.ok().and_then(|signal| *signal) {
            Some(signal) => signal,
            // The thread that listens never ends before the process.
            None => future::pending().await,
        }
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.signals.asks.store(false, Ordering::SeqCst);
    }
}

/// On Linux, but for that on MIPS, and on all systems of BSD, macOS among them.
#[cfg(unix)]
const SIGXFSZ: i32 = 25;

/// Where signals come from.
#[cfg(unix)]
struct Sources {
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: Option<tokio::signal::unix::Signal>,
    _file_too_long: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Sources {
    fn open() -> io::Result<(Runtime, Self)> {
        use tokio::signal::unix::{SignalKind, signal};
        let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
        let entered = runtime.enter();
        let ignored = ignored();
        let open = |kind: SignalKind| {
            let is_ignored = ignored >> (kind.as_raw_value() - 1) & 1 == 1;
            (!is_ignored).then(|| signal(kind)).transpose()
        };
        let sources = Self {
            interrupt: open(SignalKind::interrupt())?,
            terminate: open(SignalKind::terminate())?,
            _file_too_long: open(SignalKind::from_raw(SIGXFSZ))?,
        };
        drop(entered);
        Ok((runtime, sources))
    }

    async fn next(&mut self) -> Signal {
        async fn received(source: &mut Option<tokio::signal::unix::Signal>) {
            let received = match source {
                Some(source) => source.recv().await,
                None => None,
            };
            if received.is_none() {
                future::pending().await
            }
        }
        tokio::select! {
            () = received(&mut self.interrupt) => Signal::Interrupt,
            () = received(&mut self.terminate) => Signal::Terminate,
        }
    }
}

/// The signals that this process was started to ignore, as `nohup` and shells do it for
/// processes in the background: a bit for each, the lowest for signal 1.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(not(unix))]
struct Sources;

#[cfg(not(unix))]
impl Sources {
    fn open() -> io::Result<(Runtime, Self)> {
        let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
        Ok((runtime, Self))
    }

    async fn next(&mut self) -> Signal {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Signal::Interrupt,
            Err(_) => future::pending().await,
        }
    }
}
