//! The thread that starts all daemons.
//!
//! Every daemon is started through `setpriv --pdeathsig KILL`: the kernel kills it when
//! the *thread* that started it ends. This thread lives as long as the cluster, so a
//! cluster may be used from any thread, and handed to another.
//!
//! Must never start a daemon that would outlive the program.

use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::io;
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::thread;

type Order = (Command, Sender<io::Result<Child>>);

pub struct Nursery {
    orders: Sender<Order>,
}

impl Nursery {
    pub fn open() -> Result<Self> {
        let (orders, received) = channel::<Order>();
        thread::Builder::new()
            .name("nursery".to_owned())
            .spawn(move || {
                for (mut command, reply) in received {
                    let _ = reply.send(command.spawn());
                }
            })
            .context("cannot start a thread")?;
        Ok(Self { orders })
    }

    pub fn spawn(&self, command: Command) -> Result<Child> {
        let (reply, child) = channel();
        let shown = format!("{command:?}");
        self.orders
            .send((command, reply))
            .ok()
            .context("the thread that starts daemons has ended")?;
        let started = child
            .recv()
            .context("the thread that starts daemons has ended")?;
        started.with_context(|| format!("cannot start {shown}"))
    }
}

/// A program that the kernel kills when the thread that starts it ends. Knows nothing of
/// another cluster, whatever the environment says.
pub fn mortal(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL"])
        .arg(program)
        .env_remove("CEPH_ARGS")
        .env_remove("CEPH_CONF")
        .env_remove("CEPH_KEYRING");
    command
}
